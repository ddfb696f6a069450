// How much of one recording is in another: `correlate SAID.wav HEARD.wav` prints one line of JSON.
//
//   waveform  the best correlation of the samples themselves, 0 to 1: codecs that keep the waveform (G.711,
//   G.722, L16,
//             Opus); lag_ms says how much later HEARD has it
//   envelope  the same of the loudness in steps of 5 ms: codecs that only sound alike (GSM, Codec 2)
//
// Both are looked for over every lag at which all of SAID lies within HEARD. Silence correlates with nothing:
// 0.
#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstdint>
#include <memory>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crosspatch/codec/resampler.hpp"

namespace {
using Samples = std::vector<double>;
using Spectrum = std::vector<std::complex<double>>;
constexpr std::uint32_t kRate = 8000;  // what every codec here carries
constexpr std::size_t kEnvelopeStep = kRate / 200;

std::optional<Samples> read(const char* path) {
    SF_INFO info{};
    const std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> file{sf_open(path, SFM_READ, &info), &sf_close};
    if (!file || info.channels != 1) {
        fmt::print(stderr, "correlate: {}: {}\n", path,
                   file ? "has more than one channel" : sf_strerror(nullptr));
        return std::nullopt;
    }
    std::vector<std::int16_t> samples(static_cast<std::size_t>(info.frames));
    samples.resize(static_cast<std::size_t>(sf_read_short(file.get(), samples.data(), info.frames)));
    if (static_cast<std::uint32_t>(info.samplerate) != kRate) {
        crosspatch::codec::Resampler resampler{static_cast<std::uint32_t>(info.samplerate), kRate};
        std::vector<std::int16_t> resampled(resampler.output_samples(samples.size()));
        resampled.resize(resampler.process(samples, resampled));
        samples = std::move(resampled);
    }
    return Samples{samples.begin(), samples.end()};
}

// In place, size a power of two; without scaling.
void transform(Spectrum& values, double sign) {
    const std::size_t size = values.size();
    for (std::size_t index = 1, reversed = 0; index < size; ++index) {
        std::size_t bit = size >> 1;
        for (; reversed & bit; bit >>= 1) reversed ^= bit;
        reversed ^= bit;
        if (index < reversed) std::swap(values[index], values[reversed]);
    }
    for (std::size_t length = 2; length <= size; length *= 2) {
        const auto step = std::polar(1.0, sign * 2 * std::numbers::pi / static_cast<double>(length));
        for (std::size_t start = 0; start < size; start += length) {
            std::complex<double> factor{1};
            for (std::size_t index = start; index < start + length / 2; ++index, factor *= step) {
                const auto odd = values[index + length / 2] * factor;
                values[index + length / 2] = values[index] - odd;
                values[index] += odd;
            }
        }
    }
}

// sum over i of said[i] * heard[i + lag], for every lag.
Samples products(const Samples& said, const Samples& heard) {
    const std::size_t size = std::bit_ceil(said.size() + heard.size());
    Spectrum a(size), b(size);
    std::copy(said.begin(), said.end(), a.begin());
    std::copy(heard.begin(), heard.end(), b.begin());
    transform(a, -1);
    transform(b, -1);
    for (std::size_t index = 0; index < size; ++index) a[index] = std::conj(a[index]) * b[index];
    transform(a, 1);
    Samples result(heard.size() - said.size() + 1);
    for (std::size_t lag = 0; lag < result.size(); ++lag)
        result[lag] = a[lag].real() / static_cast<double>(size);
    return result;
}

struct Match {
    double correlation{};
    double lag{};
};

// The height of a band-limited curve between its samples: windowed sinc.
double between(const Samples& curve, double position) {
    constexpr int kReach = 16;
    const auto nearest = static_cast<std::ptrdiff_t>(std::lround(position));
    double sum = 0;
    for (std::ptrdiff_t index = nearest - kReach; index <= nearest + kReach; ++index) {
        if (index < 0 || index >= std::ssize(curve)) continue;
        const double away = position - static_cast<double>(index);
        const double angle = std::numbers::pi * away;
        const double window = 0.5 + 0.5 * std::cos(angle / (kReach + 1));
        sum += curve[static_cast<std::size_t>(index)] * window * (away == 0 ? 1 : std::sin(angle) / angle);
    }
    return sum;
}

// The other side's clock does not tick with ours: half a sample off, 3 kHz would count for little.
Match refined(const Samples& covariance, double peak, double energies) {
    Match best{0, peak};
    for (int sixteenth = -8; sixteenth <= 8; ++sixteenth) {
        const double lag = peak + sixteenth / 16.0;
        const double correlation = between(covariance, lag) / energies;
        if (correlation > best.correlation) best = {std::min(correlation, 1.0), lag};
    }
    return best;
}

// Both freed of their mean where they lie over each other; `said` over silence counts as nothing.
Match best_match(const Samples& said, const Samples& heard) {
    const auto count = static_cast<double>(said.size());
    double said_sum = 0, said_squares = 0, sum = 0, squares = 0;
    for (const double value : said) said_sum += value, said_squares += value * value;
    const double said_energy = said_squares - said_sum * said_sum / count;
    for (std::size_t index = 0; index < said.size(); ++index)
        sum += heard[index], squares += heard[index] * heard[index];
    Samples covariance = products(said, heard);
    Match best;
    double best_energies = 1;
    for (std::size_t lag = 0; lag < covariance.size(); ++lag) {
        covariance[lag] -= said_sum * sum / count;
        const double energy = squares - sum * sum / count;
        // An average below one step of 16 bits is silence, and dividing by it would find anything in it.
        if (energy > count && said_energy > count) {
            const double energies = std::sqrt(said_energy * energy);
            const double correlation = covariance[lag] / energies;
            if (correlation > best.correlation) {
                best = {correlation, static_cast<double>(lag)};
                best_energies = energies;
            }
        }
        if (lag + said.size() == heard.size()) break;
        sum += heard[lag + said.size()] - heard[lag];
        squares += heard[lag + said.size()] * heard[lag + said.size()] - heard[lag] * heard[lag];
    }
    return best.correlation > 0 ? refined(covariance, best.lag, best_energies) : best;
}

Samples envelope(const Samples& samples) {
    Samples loudness;
    for (std::size_t start = 0; start + 2 * kEnvelopeStep <= samples.size(); start += kEnvelopeStep) {
        double squares = 0;
        for (const double value : std::span{samples}.subspan(start, 2 * kEnvelopeStep))
            squares += value * value;
        loudness.push_back(std::sqrt(squares / (2 * kEnvelopeStep)));
    }
    return loudness;
}

// What is silent at the beginning and end of a file says nothing.
void trim(Samples& samples, std::size_t& cut) {
    const auto loud = [](double value) { return std::abs(value) > 50; };
    const auto first = std::find_if(samples.begin(), samples.end(), loud);
    const auto last = std::find_if(samples.rbegin(), std::make_reverse_iterator(first), loud).base();
    cut = static_cast<std::size_t>(first - samples.begin());
    samples = Samples(first, std::max(first, last));
}
}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: correlate SAID.wav HEARD.wav\n");
        return 2;
    }
    auto said = read(argv[1]);
    auto heard = read(argv[2]);
    if (!said || !heard) return 1;
    std::size_t cut = 0;
    trim(*said, cut);
    if (said->size() < kRate / 10) {
        fmt::print(stderr, "correlate: {}: less than 0.1 s of sound\n", argv[1]);
        return 1;
    }
    // What was said last may be heard only in part; half of it has to fit.
    heard->resize(std::max(heard->size(), said->size()) + said->size() / 2);
    const Match waveform = best_match(*said, *heard);
    const Match loudness = best_match(envelope(*said), envelope(*heard));
    const auto later = [&](double lag, double step) {
        return (lag * step - static_cast<double>(cut)) * 1000.0 / kRate;
    };
    fmt::print(R"({{"waveform":{:.4f},"waveform_lag_ms":{:.3f},"envelope":{:.4f},"envelope_lag_ms":{:.3f}}})"
               "\n",
               waveform.correlation, later(waveform.lag, 1), loudness.correlation,
               later(loudness.lag, static_cast<double>(kEnvelopeStep)));
    return 0;
}
