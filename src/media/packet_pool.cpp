#include "crosspatch/media/packet_pool.hpp"

#include <algorithm>
#include <cassert>

namespace crosspatch::media {

PacketPool::PacketPool(Slot count)
    : memory_{std::make_unique_for_overwrite<std::byte[]>(std::size_t{count} * kOctets)}, sizes_(count) {
    assert(count < kNone);
    free_.reserve(count);
    for (Slot slot = count; slot > 0; --slot) free_.push_back(static_cast<Slot>(slot - 1));
}

PacketPool::Slot PacketPool::take(std::span<const std::byte> octets) {
    if (free_.empty() || octets.size() > kOctets) return kNone;
    const Slot slot = free_.back();
    free_.pop_back();
    std::copy(octets.begin(), octets.end(), memory_.get() + slot * kOctets);
    sizes_[slot] = static_cast<std::uint16_t>(octets.size());
    return slot;
}

std::span<const std::byte> PacketPool::octets(Slot slot) const {
    return {memory_.get() + slot * kOctets, sizes_[slot]};
}

void PacketPool::give_back(Slot slot) {
    assert(free_.size() < free_.capacity());
    free_.push_back(slot);
}

}  // namespace crosspatch::media
