#pragma once
extern "C" {
#include <spandsp.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/codec/voice.hpp"

// What radios signal with beside speech, and receivers for it that know nothing of ours.
namespace crosspatch::tests {

inline constexpr std::string_view kDigits = "0123456789ABCD*#";

// DTMF at 8 kHz. `level_dbm0` of each of the two tones; `twist` raises the column's.
inline Samples dtmf(std::string_view digits, int level_dbm0 = -10, int twist_db = 0, int on_ms = 50,
                    int off_ms = 50) {
    dtmf_tx_state_t* sender = dtmf_tx_init(nullptr);
    dtmf_tx_set_level(sender, level_dbm0, twist_db);
    dtmf_tx_set_timing(sender, on_ms, off_ms);
    dtmf_tx_put(sender, digits.data(), static_cast<int>(digits.size()));
    Samples sent(digits.size() * static_cast<std::size_t>(on_ms + off_ms) * 8 + 800);
    sent.resize(static_cast<std::size_t>(dtmf_tx(sender, sent.data(), static_cast<int>(sent.size()))));
    dtmf_tx_free(sender);
    return sent;
}

// What spandsp reads, at 8 kHz.
inline std::string digits_read(std::span<const std::int16_t> heard) {
    dtmf_rx_state_t* receiver = dtmf_rx_init(nullptr, nullptr, nullptr);
    dtmf_rx(receiver, heard.data(), static_cast<int>(heard.size()));
    std::string digits(128, '\0');
    digits.resize(dtmf_rx_get(receiver, digits.data(), 128));
    dtmf_rx_free(receiver);
    return digits;
}

inline Samples tone(double hertz, double level_dbov, double ms, std::uint32_t rate = 8000) {
    Samples samples(static_cast<std::size_t>(ms * rate / 1000));
    const double peak = 32768.0 * std::numbers::sqrt2 * std::pow(10.0, level_dbov / 20.0);
    for (std::size_t i = 0; i < samples.size(); ++i)
        samples[i] = static_cast<std::int16_t>(
            peak * std::sin(2.0 * std::numbers::pi * hertz * static_cast<double>(i) / rate));
    return samples;
}

inline void append(Samples& to, const Samples& more) { to.insert(to.end(), more.begin(), more.end()); }

inline void mix(Samples& into, const Samples& more, std::size_t from = 0) {
    for (std::size_t i = 0; i < more.size() && from + i < into.size(); ++i)
        into[from + i] = static_cast<std::int16_t>(std::clamp(into[from + i] + more[i], -32768, 32767));
}

// Selective calling: ten digits, the tone that stands for a repeated one, the length of each.
struct SelcallSet {
    const char* name;
    std::array<double, 10> digits;
    double repeat;
    double length_ms;
};
inline constexpr std::array kSelcallSets{
    SelcallSet{"ZVEI1", {2400, 1060, 1160, 1270, 1400, 1530, 1670, 1830, 2000, 2200}, 2600, 70},
    SelcallSet{"ZVEI2", {2400, 1060, 1160, 1270, 1400, 1530, 1670, 1830, 2000, 2200}, 970, 70},
    SelcallSet{"ZVEI3", {2200, 970, 1060, 1160, 1270, 1400, 1530, 1670, 1830, 2000}, 2400, 70},
    SelcallSet{"CCIR", {1981, 1124, 1197, 1275, 1358, 1446, 1540, 1640, 1747, 1860}, 2110, 100},
    SelcallSet{"EEA", {1981, 1124, 1197, 1275, 1358, 1446, 1540, 1640, 1747, 1860}, 2110, 40},
    SelcallSet{"EIA", {600, 741, 882, 1023, 1164, 1305, 1446, 1587, 1728, 1869}, 459, 33},
};

inline Samples selcall(const SelcallSet& set, std::string_view digits, double level_dbov) {
    Samples sent;
    char before = 0;
    for (const char digit : digits) {
        const bool repeated = digit == before;
        append(sent, tone(repeated ? set.repeat : set.digits[static_cast<std::size_t>(digit - '0')],
                          level_dbov, set.length_ms));
        before = repeated ? char{0} : digit;
    }
    return sent;
}

// A receiver that is keener than any on the market: a tone that has half of the energy of 12 ms is one of the set's.
// Gives the tones that came after one another; a pause is left out.
inline std::string selcall_read(const SelcallSet& set, std::span<const std::int16_t> heard) {
    std::string read;
    const std::size_t block = 96;
    char before = 0;
    for (std::size_t at = 0; at + block <= heard.size(); at += 24) {
        double energy = 1e-9;
        for (const double sample : heard.subspan(at, block)) energy += sample * sample;
        if (energy < 96 * 30.0 * 30.0) continue;
        for (std::size_t i = 0; i < 11; ++i) {
            const double hertz = i < 10 ? set.digits[i] : set.repeat;
            std::complex<double> sum{};
            for (std::size_t n = 0; n < block; ++n)
                sum += double(heard[at + n]) *
                       std::polar(1.0, -2 * std::numbers::pi * hertz * static_cast<double>(n) / 8000);
            if (2.0 * std::norm(sum) / (static_cast<double>(block) * energy) < 0.8) continue;
            const char digit = i < 10 ? static_cast<char>('0' + i) : 'R';
            if (digit != before) read += digit;
            before = digit;
        }
    }
    return read;
}

// A burst of 1200 baud: 1200 Hz is a one, 1800 Hz a zero, the phase goes on (MDC1200, FleetSync, MPT 1327).
inline Samples data_burst(const std::vector<bool>& bits, double level_dbov, std::uint32_t rate = 8000) {
    Samples sent(bits.size() * rate / 1200);
    const double peak = 32768.0 * std::numbers::sqrt2 * std::pow(10.0, level_dbov / 20.0);
    double phase = 0;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        const bool one = bits[i * 1200 / rate];
        phase += 2.0 * std::numbers::pi * (one ? 1200.0 : 1800.0) / rate;
        sent[i] = static_cast<std::int16_t>(peak * std::sin(phase));
    }
    return sent;
}

// MDC1200: 56 bits of preamble, a synchronisation word of 40, 112 coded bits.
inline std::vector<bool> mdc_frame(std::uint32_t seed) {
    std::vector<bool> bits;
    for (int i = 0; i < 56; ++i) bits.push_back(i % 2 == 0);
    for (int i = 39; i >= 0; --i) bits.push_back((0x07092A446FULL >> i & 1U) != 0);
    std::mt19937 random{seed};
    for (int i = 0; i < 112; ++i) bits.push_back((random() & 1U) != 0);
    return bits;
}

// The most bits in a row that a receiver gets right that is given their exact times, within `late` samples: what is
// decided by chance comes to some ten of 208.
inline std::size_t bits_in_a_row(const std::vector<bool>& bits, std::span<const std::int16_t> heard,
                                 std::size_t late, std::uint32_t rate = 8000) {
    std::size_t best = 0;
    for (std::size_t shift = 0; shift <= late; ++shift) {
        std::size_t row = 0;
        for (std::size_t b = 0; b < bits.size(); ++b) {
            const std::size_t begin = b * rate / 1200 + shift;
            const std::size_t end = (b + 1) * rate / 1200 + shift;
            if (end > heard.size()) break;
            std::complex<double> one{};
            std::complex<double> zero{};
            double energy = 0;
            for (std::size_t n = begin; n < end; ++n) {
                const double turn = 2 * std::numbers::pi * static_cast<double>(n) / rate;
                one += double(heard[n]) * std::polar(1.0, -1200 * turn);
                zero += double(heard[n]) * std::polar(1.0, -1800 * turn);
                energy += double(heard[n]) * heard[n];
            }
            const bool silent = energy < 7 * 30.0 * 30.0;
            row = !silent && (std::norm(one) > std::norm(zero)) == bits[b] ? row + 1 : 0;
            best = std::max(best, row);
        }
    }
    return best;
}

}  // namespace crosspatch::tests
