// Signalling tones in recordings, for tests that listen: what is written and read here is spandsp's, not ours.
//
//   signals dial DIGITS FILE.wav     the digits in DTMF, 80 ms each, at 48 kHz
//   signals read FILE.wav            one line of JSON: {"digits": "…"}
//   signals tones FILE.wav HZ …      the same with, for each frequency, the first time in ms at which it has a tenth of
//                                    the energy of 40 ms of what is above -50 dBov; null if it never has
#include <fmt/format.h>
#include <sndfile.h>
extern "C" {
#include <spandsp.h>
}

#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/codec/resampler.hpp"

namespace {

using Samples = std::vector<std::int16_t>;
constexpr std::uint32_t kRate = 8000;

Samples at_rate(const Samples& samples, std::uint32_t from, std::uint32_t to) {
    if (from == to) return samples;
    crosspatch::codec::Resampler resampler{from, to};
    Samples out(resampler.output_samples(samples.size()));
    out.resize(resampler.process(samples, out));
    return out;
}

std::optional<Samples> read(const char* path) {
    SF_INFO info{};
    const std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> file{sf_open(path, SFM_READ, &info), &sf_close};
    if (!file || info.channels != 1) {
        fmt::print(stderr, "signals: {}: {}\n", path,
                   file ? "has more than one channel" : sf_strerror(nullptr));
        return std::nullopt;
    }
    Samples samples(static_cast<std::size_t>(info.frames));
    samples.resize(static_cast<std::size_t>(sf_read_short(file.get(), samples.data(), info.frames)));
    return at_rate(samples, static_cast<std::uint32_t>(info.samplerate), kRate);
}

int dial(const std::string& digits, const char* path) {
    dtmf_tx_state_t* sender = dtmf_tx_init(nullptr);
    dtmf_tx_set_level(sender, -10, 0);
    dtmf_tx_set_timing(sender, 80, 80);
    dtmf_tx_put(sender, digits.data(), static_cast<int>(digits.size()));
    Samples narrow(digits.size() * 160 * 8 + kRate / 10);
    narrow.resize(static_cast<std::size_t>(dtmf_tx(sender, narrow.data(), static_cast<int>(narrow.size()))));
    dtmf_tx_free(sender);
    const Samples wide = at_rate(narrow, kRate, 48000);
    SF_INFO info{};
    info.samplerate = 48000;
    info.channels = 1;
    info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
    const std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> file{sf_open(path, SFM_WRITE, &info), &sf_close};
    if (!file) return 1;
    const auto count = static_cast<sf_count_t>(wide.size());
    return sf_write_short(file.get(), wide.data(), count) == count ? 0 : 1;
}

std::string digits_in(const Samples& samples) {
    dtmf_rx_state_t* receiver = dtmf_rx_init(nullptr, nullptr, nullptr);
    dtmf_rx(receiver, samples.data(), static_cast<int>(samples.size()));
    std::string digits(128, '\0');
    digits.resize(dtmf_rx_get(receiver, digits.data(), 128));
    dtmf_rx_free(receiver);
    return digits;
}

std::optional<std::size_t> first_heard(const Samples& samples, double hertz) {
    constexpr std::size_t kWindow = 320;
    const double floor = kWindow * 100.0 * 100.0;
    for (std::size_t at = 0; at + kWindow <= samples.size(); at += 40) {
        double energy = 0;
        std::complex<double> sum{};
        for (std::size_t n = 0; n < kWindow; ++n) {
            const double sample = samples[at + n];
            energy += sample * sample;
            sum += sample * std::polar(1.0, -2 * std::numbers::pi * hertz * static_cast<double>(n) / kRate);
        }
        if (energy > floor && 2 * std::norm(sum) / (kWindow * energy) > 0.1) return at * 1000 / kRate;
    }
    return std::nullopt;
}

int usage() {
    fmt::print(stderr, "signals dial DIGITS FILE | signals read FILE | signals tones FILE HZ ...\n");
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 2 ? argv[1] : "";
    if (what == "dial" && argc == 4) return dial(argv[2], argv[3]);
    if ((what != "read" && what != "tones") || argc < 3) return usage();
    const auto samples = read(argv[2]);
    if (!samples) return 1;
    std::string tones;
    for (int i = 3; i < argc; ++i) {
        const auto found = first_heard(*samples, std::atof(argv[i]));
        tones += fmt::format("{}\"{}\": {}", tones.empty() ? "" : ", ", argv[i],
                             found ? std::to_string(*found) : "null");
    }
    fmt::print("{{\"digits\": \"{}\", \"tones\": {{{}}}}}\n", digits_in(*samples), tones);
    return 0;
}
