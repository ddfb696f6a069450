#include "crosspatch/media/band_energies.hpp"

#include <cmath>
#include <numbers>

namespace crosspatch::media {
namespace {

constexpr std::array<float, BandEnergies::kBands> kCentres{350, 600, 950, 1450, 2100, 2900};  // Hz
constexpr float kQuality = 2.5F;

}  // namespace

// The band-pass of R. Bristow-Johnson's cookbook with 0 dB at its centre; its middle coefficient is zero.
BandEnergies::BandEnergies(std::uint32_t rate) : samples_per_frame_{rate / kFramesPerSecond} {
    for (std::size_t i = 0; i < kBands; ++i) {
        const float turn = 2 * std::numbers::pi_v<float> * kCentres[i] / static_cast<float>(rate);
        const float alpha = std::sin(turn) / (2 * kQuality);
        bands_[i] = {.gain = alpha / (1 + alpha),
                     .feed1 = -2 * std::cos(turn) / (1 + alpha),
                     .feed2 = (1 - alpha) / (1 + alpha)};
    }
}

void BandEnergies::hear(std::span<const std::int16_t> samples, std::vector<Frame>& frames) {
    for (const std::int16_t sample : samples) {
        for (Band& band : bands_) {
            const float in = band.gain * sample;
            const float out = in + band.state1;
            band.state1 = band.state2 - band.feed1 * out;
            band.state2 = -in - band.feed2 * out;
            band.energy += out * out;
        }
        if (++heard_ < samples_per_frame_) continue;
        heard_ = 0;
        Frame& frame = frames.emplace_back();
        for (std::size_t i = 0; i < kBands; ++i) {
            frame[i] = 10 * std::log10(1 + bands_[i].energy / static_cast<float>(samples_per_frame_));
            bands_[i].energy = 0;
        }
    }
}

}  // namespace crosspatch::media
