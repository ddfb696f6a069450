#include "crosspatch/core/deadlines.hpp"

#include <cassert>

namespace crosspatch::core {

void Deadlines::grow(std::size_t owners) {
    assert(owners >= place_.size() && owners < kAbsent);
    place_.resize(owners, kAbsent);
    heap_.reserve(owners);
}

void Deadlines::set(std::uint32_t owner, Time when) {
    assert(owner < place_.size());
    const Entry entry{when, owner};
    if (place_[owner] == kAbsent) {
        if (when == kNever) return;
        heap_.push_back(entry);  // within what grow() reserved
        return rise(heap_.size() - 1, entry);
    }
    const std::size_t place = place_[owner];
    if (when == kNever) return remove(place);
    if (entry < heap_[place]) return rise(place, entry);
    sink(place, entry);
}

void Deadlines::put(std::size_t place, Entry entry) {
    heap_[place] = entry;
    place_[entry.owner] = static_cast<std::uint32_t>(place);
}

void Deadlines::rise(std::size_t place, Entry entry) {
    while (place > 0) {
        const std::size_t parent = (place - 1) / 2;
        if (!(entry < heap_[parent])) break;
        put(place, heap_[parent]);
        place = parent;
    }
    put(place, entry);
}

void Deadlines::sink(std::size_t place, Entry entry) {
    for (;;) {
        std::size_t child = 2 * place + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
        if (!(heap_[child] < entry)) break;
        put(place, heap_[child]);
        place = child;
    }
    put(place, entry);
}

void Deadlines::remove(std::size_t place) {
    place_[heap_[place].owner] = kAbsent;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (place == heap_.size()) return;
    if (place > 0 && last < heap_[(place - 1) / 2]) return rise(place, last);
    sink(place, last);
}

}  // namespace crosspatch::core
