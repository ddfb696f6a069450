#pragma once
#include <chrono>
#include <cstdint>

#include "crosspatch/core/time.hpp"
#include "crosspatch/media/voice_detector.hpp"

namespace crosspatch::media {

// Finds a carrier that nobody speaks on: an open squelch, a key under a seat.
//
// Shape    a detector for one talker, who is decoded for it.
// Time     `now` is the packet's arrival.
// Thread   made by control, then its worker's only; no allocation.
// Source   `floor.dead_carrier` of a channel; src/ptt/README.md.
class CarrierWatch {
public:
    CarrierWatch(const codec::Format& format, std::chrono::milliseconds most)
        : format_{format}, detector_{format}, most_{most} {}
    bool serves(const codec::Format& format, std::chrono::milliseconds most) const {
        return format_ == format && most_ == most;
    }

    // A packet of this talkspurt: true when nobody has spoken for too long, counted from the talkspurt's begin.
    bool is_dead(const Packet& packet, std::uint64_t talkspurt, Scratch& scratch, core::Time now) {
        if (talkspurt != talkspurt_) {
            talkspurt_ = talkspurt;
            spoken_at_ = now;
            detector_.restart();
        }
        const auto said = detector_.hear(packet, scratch);
        if (said != codec::Vox::Decision::Silent) spoken_at_ = now;
        return now >= spoken_at_ + most_;
    }

private:
    codec::Format format_;
    VoiceDetector detector_;
    std::chrono::milliseconds most_;
    std::uint64_t talkspurt_{};
    core::Time spoken_at_{};
};

}  // namespace crosspatch::media
