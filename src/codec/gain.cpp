#include "crosspatch/codec/gain.hpp"

#include <algorithm>
#include <cmath>

namespace crosspatch::codec {

Gain::Gain(double decibels) : factor_{static_cast<float>(std::pow(10.0, decibels / 20.0))} {}

void Gain::apply(std::span<std::int16_t> samples) const noexcept {
    if (unity()) return;
    for (std::int16_t& sample : samples) {
        const float louder = std::clamp(static_cast<float>(sample) * factor_, -32768.0F, 32767.0F);
        sample = static_cast<std::int16_t>(louder + (louder < 0 ? -0.5F : 0.5F));
    }
}

double level_dbov(std::span<const std::int16_t> samples) noexcept {
    std::int64_t energy = 0;
    for (const std::int32_t sample : samples) energy += sample * sample;
    if (energy == 0) return kSilence_dbov;
    const double mean = static_cast<double>(energy) / static_cast<double>(samples.size());
    return std::max(kSilence_dbov, 10.0 * std::log10(mean / (32768.0 * 32768.0)));
}

}  // namespace crosspatch::codec
