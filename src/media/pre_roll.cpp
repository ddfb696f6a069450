#include "crosspatch/media/pre_roll.hpp"

namespace crosspatch::media {

PreRoll::PreRoll(std::uint32_t clock, std::chrono::milliseconds most, std::uint16_t packets)
    : most_ticks_{std::uint64_t{clock} * static_cast<std::uint64_t>(most.count()) / 1000},
      most_{most},
      pool_{packets},
      kept_(packets) {}

std::size_t PreRoll::keep(const Packet& packet, core::Time now) {
    std::uint64_t ticks = packet.duration;
    for (std::size_t n = 0; n < count_; ++n) ticks += kept(n).packet.duration;
    std::size_t dropped = 0;
    for (; count_ > 0 && (count_ == kept_.size() || ticks > most_ticks_); ++dropped) {
        ticks -= kept(0).packet.duration;
        drop_oldest();
    }
    Kept& newest = kept(count_++);
    newest = {packet, pool_.take(packet.payload), now};
    newest.packet.extension_profile = 0;
    newest.packet.extension = {};
    return dropped;
}

Packet PreRoll::first(const Packet& packet) const {
    if (count_ == 0) return packet;
    Packet oldest = kept(0).packet;
    oldest.payload = pool_.octets(kept(0).slot);
    return oldest;
}

void PreRoll::replay(Talkspurt& talkspurt, core::Time now) {
    for (std::size_t n = 0; n < count_; ++n) {
        Packet packet = kept(n).packet;
        packet.payload = pool_.octets(kept(n).slot);
        packet.new_stream = false;
        talkspurt.carry(packet, now);
    }
    clear();
}

std::size_t PreRoll::drop_before(std::uint32_t timestamp) {
    std::size_t dropped = 0;
    for (; count_ > 0 && static_cast<std::int32_t>(kept(0).packet.timestamp - timestamp) < 0; ++dropped)
        drop_oldest();
    return dropped;
}

std::size_t PreRoll::drop_old(core::Time now) {
    std::size_t dropped = 0;
    for (; count_ > 0 && now - kept(0).arrived > 2 * most_; ++dropped) drop_oldest();
    return dropped;
}

std::size_t PreRoll::clear() {
    const std::size_t dropped = count_;
    while (count_ > 0) drop_oldest();
    return dropped;
}

void PreRoll::drop_oldest() {
    pool_.give_back(kept(0).slot);
    oldest_ = (oldest_ + 1) % kept_.size();
    --count_;
}

}  // namespace crosspatch::media
