#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <span>
#include <vector>

#include "crosspatch/codec/decoder.hpp"
#include "crosspatch/codec/encoder.hpp"
#include "crosspatch/codec/format.hpp"

// A voice to test codecs with, and what is left of it afterwards.
namespace crosspatch::tests {

using Samples = std::vector<std::int16_t>;
using Octets = std::vector<std::byte>;

// A voiced sound below 3.4 kHz: a pitch of 95 to 145 Hz that glides, three formants that move, syllables that
// swell. It is the same signal at every rate, only sampled at other instants; about -18 dBov.
inline Samples voice(std::uint32_t rate, std::chrono::milliseconds length) {
    using std::numbers::pi;
    Samples samples(static_cast<std::size_t>(length.count()) * rate / 1000);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const double t = static_cast<double>(i) / rate;
        const double cycles = 120.0 * t - 25.0 / (2 * pi * 1.7) * std::cos(2 * pi * 1.7 * t);
        const double pitch = 120.0 + 25.0 * std::sin(2 * pi * 1.7 * t);
        const std::array formants{500.0 + 200.0 * std::sin(2 * pi * 2.3 * t),
                                  1400.0 + 400.0 * std::sin(2 * pi * 1.1 * t), 2500.0};
        double sum = 0;
        for (int k = 1; k * pitch < 3400.0; ++k) {
            double strength = 0.02;
            for (std::size_t f = 0; f < formants.size(); ++f) {
                const double off = (k * pitch - formants[f]) / 120.0;
                strength += 1.0 / ((1.0 + static_cast<double>(f)) * (1.0 + off * off));
            }
            sum += strength * std::sin(2 * pi * k * cycles);
        }
        const double syllable = 0.55 + 0.45 * std::sin(2 * pi * 3.1 * t);
        samples[i] = static_cast<std::int16_t>(std::clamp(5200.0 * syllable * sum, -32000.0, 32000.0));
    }
    return samples;
}

inline Samples noise(std::size_t count, double level_dbov, std::uint32_t seed) {
    std::mt19937 random{seed};
    std::normal_distribution<double> draw{0.0, 32768.0 * std::pow(10.0, level_dbov / 20.0)};
    Samples samples(count);
    for (auto& sample : samples)
        sample = static_cast<std::int16_t>(std::clamp(draw(random), -32768.0, 32767.0));
    return samples;
}

// How much of `sent` is in `heard`, at the delay where that is most.
struct Match {
    std::size_t delay;   // samples
    double correlation;  // 1: the same but for its level
    double snr_db;       // with the level evened out
};

inline double correlation(std::span<const std::int16_t> a, std::span<const std::int16_t> b) {
    double ab = 0;
    double aa = 1e-9;
    double bb = 1e-9;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        ab += double(a[i]) * b[i];
        aa += double(a[i]) * a[i];
        bb += double(b[i]) * b[i];
    }
    return ab / std::sqrt(aa * bb);
}

inline double snr_of(double correlation) {
    return 10.0 * std::log10(correlation * correlation / std::max(1e-12, 1.0 - correlation * correlation));
}

inline Match match(const Samples& sent, const Samples& heard, std::size_t longest_delay) {
    Match best{0, -2.0, 0};
    const std::size_t settle = heard.size() / 10;
    for (std::size_t delay = 0; delay <= longest_delay; ++delay) {
        const std::size_t count = std::min(sent.size(), heard.size() - delay) - settle;
        const double found = correlation(std::span{sent}.subspan(settle, count),
                                         std::span{heard}.subspan(settle + delay, count));
        if (found > best.correlation) best = {delay, found, 0};
    }
    best.snr_db = snr_of(best.correlation);
    return best;
}

// Sum of squares of each stretch of `step` samples: the rhythm of speech, for codecs that keep nothing else
// of the wave.
inline std::vector<double> envelope(std::span<const std::int16_t> samples, std::size_t step) {
    std::vector<double> energies;
    for (std::size_t at = 0; at + step <= samples.size(); at += step) {
        double energy = 0;
        for (const double sample : samples.subspan(at, step)) energy += sample * sample;
        energies.push_back(std::sqrt(energy));
    }
    return energies;
}

inline std::vector<Octets> encode_all(codec::Encoder& encoder, std::span<const std::int16_t> samples,
                                      std::size_t frame) {
    std::vector<Octets> packets;
    std::array<std::byte, codec::kMaxPayload> out;
    for (std::size_t at = 0; at + frame <= samples.size(); at += frame) {
        const std::size_t size = encoder.encode(samples.subspan(at, frame), out);
        packets.emplace_back(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
    }
    return packets;
}

inline Samples decode_all(codec::Decoder& decoder, const std::vector<Octets>& packets) {
    Samples heard;
    std::array<std::int16_t, codec::kMaxSamples> out;
    for (const Octets& packet : packets) {
        const std::size_t count = decoder.decode(packet, out);
        heard.insert(heard.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return heard;
}

// Through `format` and back, at one rate on both sides.
inline Samples round_trip(const codec::Format& format, const Samples& samples, std::uint32_t rate,
                          std::chrono::milliseconds ptime) {
    const auto encoder = codec::make_encoder(format);
    const auto decoder = codec::make_decoder(format);
    encoder->start(rate, format);
    decoder->start(rate);
    return decode_all(*decoder,
                      encode_all(*encoder, samples, static_cast<std::size_t>(ptime.count()) * rate / 1000));
}

inline std::vector<codec::Format> every_format() {
    std::vector<codec::Format> all{codec::opus(), codec::pcmu(),    codec::pcma(),     codec::g722(),
                                   codec::gsm(),  codec::l16(8000), codec::l16(16000), codec::l16(48000)};
    for (const auto mode :
         {codec::Codec2Mode::Mode3200, codec::Codec2Mode::Mode2400, codec::Codec2Mode::Mode1600,
          codec::Codec2Mode::Mode1400, codec::Codec2Mode::Mode1300, codec::Codec2Mode::Mode1200})
        all.push_back(codec::codec2(mode));
    return all;
}

}  // namespace crosspatch::tests
