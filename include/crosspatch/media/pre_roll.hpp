#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "crosspatch/core/time.hpp"
#include "crosspatch/media/packet.hpp"
#include "crosspatch/media/packet_pool.hpp"
#include "crosspatch/media/talkspurt.hpp"

namespace crosspatch::media {

// The sound that came just before a press, kept until it is known whether it belongs to it.
//
// Shape    room for `packets` packets of PacketPool::kOctets, and for at most `most` of sound.
// Units    `clock`: ticks of the talker's RTP clock a second.
// Errors   none; whoever keeps a packet is told how many older ones went for it, and counts them.
// Thread   made by control, then its worker's only; no allocation after construction.
// Source   contract.md, Floor: pre-roll.
class PreRoll {
public:
    // What is kept for a key of telephone events: one of their packets may be lost, and they come each 50 ms.
    static constexpr std::chrono::milliseconds kForEvents{100};
    static constexpr std::uint16_t kEventPackets = 10;

    PreRoll(std::uint32_t clock, std::chrono::milliseconds most, std::uint16_t packets);

    // Gives how many packets are given up for it; a header extension is not kept.
    std::size_t keep(const Packet& packet, core::Time now);
    // The oldest packet that is kept, to start a talkspurt with; `packet` itself if none is.
    Packet first(const Packet& packet) const;
    // Carries what is kept, and forgets it.
    void replay(Talkspurt& talkspurt, core::Time now);
    // Forgets what came before `timestamp` of the talker's clock, or longer ago than twice `most`: a stream that paused.
    std::size_t drop_before(std::uint32_t timestamp);
    std::size_t drop_old(core::Time now);
    std::size_t clear();
    std::size_t size() const { return count_; }

private:
    struct Kept {
        Packet packet;
        PacketPool::Slot slot;
        core::Time arrived;
    };
    Kept& kept(std::size_t n) { return kept_[(oldest_ + n) % kept_.size()]; }
    const Kept& kept(std::size_t n) const { return kept_[(oldest_ + n) % kept_.size()]; }
    void drop_oldest();

    std::uint64_t most_ticks_;
    core::Duration most_;
    PacketPool pool_;
    std::vector<Kept> kept_;
    std::size_t oldest_{};
    std::size_t count_{};
};

}  // namespace crosspatch::media
