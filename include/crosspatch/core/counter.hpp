#pragma once
#include <atomic>
#include <cstdint>

namespace crosspatch::core {

// A number that one thread raises and any thread reads.
//
// Units    whatever its owner counts; wraps after 2^64.
// Thread   one writer; readers see a recent value, and no order against other counters. No locked instruction.
class Counter {
public:
    Counter() = default;
    Counter(const Counter&) = delete;
    Counter& operator=(const Counter&) = delete;

    void operator++() noexcept { *this += 1; }
    void operator+=(std::uint64_t count) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
    // For values that are measured rather than counted: the latest one.
    void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
    std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

}  // namespace crosspatch::core
