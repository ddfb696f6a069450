#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crosspatch/codec/format.hpp"
#include "crosspatch/codec/gain.hpp"
#include "crosspatch/media/codec_pool.hpp"

namespace crosspatch::media {

struct Scratch;

// One of the talkers of a Mixer: his decoded samples wait here until the mixer's clock takes them.
//
// Shape    240 ms of samples, 8 kB. It begins to give when kPrime has come, again after it has run dry; what is above
//          kMost is caught up with, so that its delay cannot grow.
// Units    in: at rate(); out: at kRate.
// Errors   what is left out to catch up is counted.
// Thread   its worker only; no allocation.
class MixInput {
public:
    static constexpr std::uint32_t kRate = 16'000;
    static constexpr std::chrono::milliseconds kPrime{
        60};  // three packets; a burst or a late one goes unheard of
    static constexpr std::chrono::milliseconds kMost{140};

    // Takes a resampler from the pool if the talker needs one; false if none is left.
    bool open(CodecPool& pool, const codec::Format& talker, double gain_db);
    void close(CodecPool& pool);
    bool is_open() const { return rate_ != 0; }
    // What it has taken goes back to another worker's pool in the end.
    void hand_over(CodecPool& from, CodecPool& to) const;

    std::uint32_t rate() const { return rate_; }  // that the talker is decoded at
    double gain_db() const { return gain_db_; }

    void hear(std::span<const std::int16_t> samples, Scratch& scratch);
    // The talker's clock ran on without sound: what came before and what comes now stay as far apart as they were.
    void skip(std::chrono::microseconds silence);
    // Adds the next samples to `sum`; false if it has nothing to say. `last`: no more will come, it gives what it has.
    bool add_to(std::span<std::int32_t> sum, bool last);
    std::size_t waiting() const { return filled_; }
    std::uint64_t left_out() const { return left_out_; }  // samples

private:
    static constexpr std::size_t samples_of(std::chrono::milliseconds time) {
        return static_cast<std::size_t>(time.count()) * (kRate / 1000);
    }
    void put(std::int16_t sample);
    void drop_oldest(std::size_t count);

    std::unique_ptr<CodecPool::Resampler> resampler_;
    codec::Gain gain_{};
    double gain_db_{};
    std::uint32_t rate_{};
    std::array<std::int16_t, kRate / 1000 * 240> ring_{};
    std::size_t first_{};
    std::size_t filled_{};
    bool gives_{};  // primed
    std::uint64_t left_out_{};
};

}  // namespace crosspatch::media
