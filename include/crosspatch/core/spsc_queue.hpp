#pragma once
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "crosspatch/core/counter.hpp"

namespace crosspatch::core {

// A bounded queue from exactly one thread to exactly one other.
//
// Shape    a ring of `capacity` (rounded up to a power of two) default-constructible items, made once.
// Errors   push() on a full queue refuses the item and counts it; nothing waits.
// Thread   push(): the producer; pop(): the consumer; refused(), size(): anybody. No lock, no allocation.
template <typename T>
class SpscQueue {
public:
    explicit SpscQueue(std::size_t capacity)
        : mask_{std::bit_ceil(capacity) - 1}, items_{std::make_unique<T[]>(mask_ + 1)} {}

    bool push(T item) noexcept {
        const auto tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_.load(std::memory_order_acquire) > mask_) {
            ++refused_;
            return false;
        }
        items_[tail & mask_] = std::move(item);
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

    std::optional<T> pop() noexcept {
        const auto head = head_.load(std::memory_order_relaxed);
        if (head == tail_.load(std::memory_order_acquire)) return std::nullopt;
        std::optional<T> item{std::move(items_[head & mask_])};
        head_.store(head + 1, std::memory_order_release);
        return item;
    }

    std::size_t size() const noexcept {
        const auto head = head_.load(std::memory_order_acquire);
        return tail_.load(std::memory_order_acquire) - head;
    }
    std::size_t capacity() const noexcept { return mask_ + 1; }
    std::uint64_t refused() const noexcept { return refused_.read(); }

private:
    const std::size_t mask_;
    const std::unique_ptr<T[]> items_;
    Counter refused_;
    alignas(64) std::atomic<std::size_t> head_{0};
    alignas(64) std::atomic<std::size_t> tail_{0};
};

}  // namespace crosspatch::core
