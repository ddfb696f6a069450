#include "crosspatch/media/vox_input.hpp"

#include <algorithm>

namespace crosspatch::media {

VoxInput::VoxInput(const codec::Format& format) : format_{format}, detector_{format} {}

void VoxInput::keep(const Packet& packet, core::Time now) {
    std::uint64_t ticks = packet.duration;
    for (std::size_t i = 0; i < count_; ++i) ticks += kept_[(oldest_ + i) % kPreRoll].packet.duration;
    const std::uint64_t most = std::uint64_t{format_.clock} * kPreRollTime.count() / 1000;
    while (count_ > 0 && (count_ == kPreRoll || ticks > most)) {
        ticks -= kept_[oldest_].packet.duration;
        drop_oldest();
    }
    kept_[(oldest_ + count_++) % kPreRoll] = {packet, pool_.take(packet.payload), now};
}

void VoxInput::clear_old(core::Time now) {
    while (count_ > 0 && now - kept_[oldest_].arrived > 2 * kPreRollTime) drop_oldest();
}

void VoxInput::drop_oldest() {
    pool_.give_back(kept_[oldest_].slot);
    oldest_ = (oldest_ + 1) % kPreRoll;
    --count_;
}

Packet VoxInput::first(const Packet& packet) const {
    if (count_ == 0) return packet;
    Packet oldest = kept_[oldest_].packet;
    oldest.payload = pool_.octets(kept_[oldest_].slot);
    return oldest;
}

void VoxInput::replay(Talkspurt& talkspurt, core::Time now) {
    for (std::size_t i = 0; i < count_; ++i) {
        Kept& kept = kept_[(oldest_ + i) % kPreRoll];
        kept.packet.payload = pool_.octets(kept.slot);
        kept.packet.new_stream = false;
        talkspurt.carry(kept.packet, now);
    }
    clear();
}

void VoxInput::restart() {
    clear();
    detector_.restart();
}

void VoxInput::clear() {
    while (count_ > 0) drop_oldest();
}

}  // namespace crosspatch::media
