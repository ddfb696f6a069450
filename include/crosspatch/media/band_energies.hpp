#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace crosspatch::media {

// What is left of a voice after any codec, gain and radio: how its energy moves in a few bands.
//
// Shape    six band-pass filters over the speech band, whatever the rate.
// Units    a frame is 10 ms: the energy in each band, in dB over one quantum.
// Thread   any one. hear() allocates only where `frames` has to grow.
class BandEnergies {
public:
    static constexpr std::size_t kBands = 6;
    static constexpr unsigned kFramesPerSecond = 100;
    using Frame = std::array<float, kBands>;
    // Of what nothing was heard of: softer than any sound.
    static constexpr float kSilence = 0;

    explicit BandEnergies(std::uint32_t rate);

    // What does not fill a frame waits for the next samples.
    void hear(std::span<const std::int16_t> samples, std::vector<Frame>& frames);

private:
    struct Band {  // a biquad in transposed form
        float gain, feed1, feed2;
        float state1{}, state2{};
        float energy{};
    };
    std::array<Band, kBands> bands_;
    std::size_t samples_per_frame_;
    std::size_t heard_{};  // of the frame
};

}  // namespace crosspatch::media
