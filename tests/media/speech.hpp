#pragma once
#include <cmath>
#include <random>

#include "tests/codec/voice.hpp"

namespace crosspatch::tests {

// Something that nobody says twice: syllables of random length, pitch, formants and loudness, with pauses between words;
// another speaker with another seed. At 8 kHz.
inline Samples speech(unsigned seed, std::chrono::milliseconds length) {
    using std::numbers::pi;
    constexpr double kRate = 8000;
    std::mt19937 random{seed};
    const auto between = [&](double least, double most) {
        return least +
               (most - least) * static_cast<double>(random()) / static_cast<double>(std::mt19937::max());
    };
    Samples samples(static_cast<std::size_t>(static_cast<double>(length.count()) * kRate / 1000));
    const double base = between(90, 220);
    double phase = 0;
    for (std::size_t at = 0; at < samples.size();) {
        const auto count = static_cast<std::size_t>(between(0.06, 0.24) * kRate);
        const bool pause = random() % 7 == 0;
        const bool hiss = random() % 5 == 0;
        const double pitch = base * between(0.8, 1.3), glide = between(-0.2, 0.2), loud = between(0.25, 1.0);
        const std::array formants{between(250, 800), between(900, 2200), between(2300, 3000)};
        for (std::size_t i = 0; i < count && at < samples.size(); ++i, ++at) {
            const double part = static_cast<double>(i) / static_cast<double>(count);
            const double swell = loud * std::min(1.0, 8 * std::min(part, 1 - part));
            const double now = pitch * (1 + glide * part);
            phase += now / kRate;
            double sum = 0;
            for (int k = 1; k * now < 3400.0 && !hiss; ++k) {
                double strength = 0.01;
                for (const double formant : formants) {
                    const double off = (k * now - formant) / 130.0;
                    strength += 1.0 / (1.0 + off * off);
                }
                sum += strength * std::sin(2 * pi * k * phase);
            }
            if (hiss) sum = between(-1.5, 1.5);
            samples[at] =
                pause ? std::int16_t{0}
                      : static_cast<std::int16_t>(std::clamp(4000.0 * swell * sum, -32000.0, 32000.0));
        }
    }
    return samples;
}

}  // namespace crosspatch::tests
