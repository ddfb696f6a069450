#pragma once
#include <chrono>
#include <cstddef>

#include "crosspatch/codec/vox.hpp"
#include "crosspatch/media/packet.hpp"
#include "crosspatch/media/pre_roll.hpp"
#include "crosspatch/media/voice_detector.hpp"

namespace crosspatch::media {

// Hears when somebody starts to speak on an endpoint whose radio always sends, and keeps what came just before.
//
// Shape    a decoder and room for 15 packets of its own, at most 300 ms, so that detection never eats a syllable
//          (contract.md, Floor): a radio that always sends always has them taken.
// Thread   made by control, then its worker's only; no allocation in hear() and replay().
class VoxInput {
public:
    static constexpr std::size_t kPreRoll = 15;
    static constexpr std::chrono::milliseconds kPreRollTime{300};

    explicit VoxInput(const codec::Format& format);

    // Decodes the packet and listens to it.
    codec::Vox::Decision hear(const Packet& packet, Scratch& scratch) {
        return detector_.hear(packet, scratch);
    }
    // Keeps the packet for a press that it may turn out to be part of.
    void keep(const Packet& packet, core::Time now) { pre_roll_.keep(packet, now); }
    // The first packet that is kept, to start a talkspurt with; `packet` itself if none is.
    Packet first(const Packet& packet) const { return pre_roll_.first(packet); }
    // Carries what was kept, and forgets it.
    void replay(Talkspurt& talkspurt, core::Time now) { pre_roll_.replay(talkspurt, now); }
    void clear() { pre_roll_.clear(); }
    // A stream that paused: what came before the pause is not what came just before the voice.
    void clear_old(core::Time now) { pre_roll_.drop_old(now); }
    // Forgets what it has heard, too: the next packet is the first one.
    void restart();
    std::size_t kept() const { return pre_roll_.size(); }
    bool speaking() const { return detector_.speaking(); }

private:
    VoiceDetector detector_;
    PreRoll pre_roll_;
};

}  // namespace crosspatch::media
