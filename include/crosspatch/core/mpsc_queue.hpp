#pragma once
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>

#include "crosspatch/core/counter.hpp"

namespace crosspatch::core {

// A bounded queue from any number of threads to exactly one. What one thread put in before it woke another comes out
// before what that one then puts in: the order of causes is kept.
//
// Shape    a ring of `capacity` (rounded up to a power of two) places of a trivially copyable T, each with the number of
//          the turn that it is ready for. Memory is touched when a place is first used.
// Errors   push() on a full queue refuses the item and counts it; nothing waits.
// Thread   push(): anybody; pop(): the consumer; refused(), size(): anybody. No lock, no allocation.
// Source   the bounded queue with a turn a cell (Vyukov).
template <typename T>
class MpscQueue {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    explicit MpscQueue(std::size_t capacity)
        : mask_{std::bit_ceil(capacity) - 1},
          turns_{std::make_unique<std::atomic<std::size_t>[]>(mask_ + 1)},
          items_{std::make_unique_for_overwrite<Room[]>(mask_ + 1)} {
        for (std::size_t i = 0; i <= mask_; ++i) turns_[i].store(i, std::memory_order_relaxed);
    }

    bool push(const T& item) noexcept {
        std::size_t tail = tail_.load(std::memory_order_relaxed);
        for (;;) {
            const std::size_t turn = turns_[tail & mask_].load(std::memory_order_acquire);
            if (turn == tail) {
                if (tail_.compare_exchange_weak(tail, tail + 1, std::memory_order_relaxed)) break;
            } else if (turn < tail) {  // still holds what was put in a round ago
                refused_.fetch_add(1, std::memory_order_relaxed);
                return false;
            } else {
                tail = tail_.load(std::memory_order_relaxed);
            }
        }
        ::new (static_cast<void*>(&items_[tail & mask_])) T(item);
        turns_[tail & mask_].store(tail + 1, std::memory_order_release);
        return true;
    }

    // Nothing, too, while the next one is still being put in; whoever does so wakes the consumer afterwards.
    std::optional<T> pop() noexcept {
        const std::size_t place = head_ & mask_;
        if (turns_[place].load(std::memory_order_acquire) != head_ + 1) return std::nullopt;
        const std::optional<T> item{*std::launder(reinterpret_cast<const T*>(&items_[place]))};
        turns_[place].store(head_ + mask_ + 1, std::memory_order_release);
        ++head_;
        return item;
    }

    std::size_t capacity() const noexcept { return mask_ + 1; }
    std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

private:
    struct Room {
        alignas(T) std::byte octets[sizeof(T)];
    };
    const std::size_t mask_;
    const std::unique_ptr<std::atomic<std::size_t>[]> turns_;
    const std::unique_ptr<Room[]> items_;
    std::atomic<std::uint64_t> refused_{0};
    alignas(64) std::atomic<std::size_t> tail_{0};
    alignas(64) std::size_t head_{0};
};

}  // namespace crosspatch::core
