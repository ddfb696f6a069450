#include "crosspatch/codec/tone.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace crosspatch::codec {
namespace {

std::size_t samples_in(std::chrono::milliseconds length, std::uint32_t rate) {
    return static_cast<std::size_t>(length.count()) * rate / 1000;
}

}  // namespace

std::vector<std::int16_t> sine(double hertz, double level_dbov, std::chrono::milliseconds length,
                               std::uint32_t rate) {
    // A sine's level is 3 dB below its peak's.
    const double peak = std::min(32767.0, 32768.0 * std::numbers::sqrt2 * std::pow(10.0, level_dbov / 20.0));
    const double step = 2.0 * std::numbers::pi * hertz / rate;
    std::vector<std::int16_t> samples(samples_in(length, rate));
    for (std::size_t i = 0; i < samples.size(); ++i)
        samples[i] = static_cast<std::int16_t>(std::lround(peak * std::sin(step * static_cast<double>(i))));
    return samples;
}

std::vector<std::int16_t> render(const Tone& tone, std::uint32_t rate) {
    auto burst = sine(tone.hertz, tone.level_dbov, tone.on, rate);
    const std::size_t edge = std::min<std::size_t>(rate / 200, burst.size() / 2);
    for (std::size_t i = 0; i < edge; ++i) {
        const double rising = static_cast<double>(i) / static_cast<double>(edge);
        for (std::int16_t* sample : {&burst[i], &burst[burst.size() - 1 - i]})
            *sample = static_cast<std::int16_t>(*sample * rising);
    }
    const std::size_t pause = samples_in(tone.off, rate);
    std::vector<std::int16_t> samples;
    samples.reserve(tone.bursts * (burst.size() + pause));
    for (unsigned i = 0; i < tone.bursts; ++i) {
        if (i > 0) samples.insert(samples.end(), pause, 0);
        samples.insert(samples.end(), burst.begin(), burst.end());
    }
    return samples;
}

}  // namespace crosspatch::codec
