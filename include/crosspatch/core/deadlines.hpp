#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "crosspatch/core/time.hpp"

namespace crosspatch::core {

inline constexpr Time kNever = Time::max();

// At most one deadline for each of a dense set of owners; gives the earliest.
//
// Shape    a binary heap with the place of each owner in it: set() is O(log n), earliest() and when() O(1).
// Time     equal deadlines come in the order of their owners, so that a run can be repeated.
// Thread   its owner's; only grow() allocates.
class Deadlines {
public:
    struct Entry {
        Time when;
        std::uint32_t owner;
        auto operator<=>(const Entry&) const = default;
    };

    void grow(std::size_t owners);
    void set(std::uint32_t owner, Time when);  // kNever: it has none
    Time when(std::uint32_t owner) const {
        return place_[owner] == kAbsent ? kNever : heap_[place_[owner]].when;
    }
    std::optional<Entry> earliest() const {
        return heap_.empty() ? std::nullopt : std::optional{heap_.front()};
    }
    std::size_t size() const { return heap_.size(); }

private:
    static constexpr std::uint32_t kAbsent = 0xffffffff;
    void put(std::size_t place, Entry entry);
    void rise(std::size_t place, Entry entry);
    void sink(std::size_t place, Entry entry);
    void remove(std::size_t place);

    std::vector<Entry> heap_;
    std::vector<std::uint32_t> place_;  // by owner
};

}  // namespace crosspatch::core
