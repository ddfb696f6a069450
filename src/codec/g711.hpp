#pragma once
#include <array>
#include <bit>
#include <cstdint>

// ITU-T G.711 by table. Requantised values are the same for every 8 (u-law, after its bias) or 16 (A-law)
// neighbours, so the encoder's tables need no more than 4 and 2 kB.
namespace crosspatch::codec::g711 {

constexpr int kBias = 132;
constexpr int kClip = 32635;

// The number of the chord (0 to 7) and the step in it, for a magnitude that starts at `lowest` in chord 0's
// upper half.
constexpr std::uint8_t ulaw_code(int biased) {
    const int chord = std::bit_width(static_cast<unsigned>(biased) >> 7U) - 1;
    return static_cast<std::uint8_t>(chord << 4 | ((biased >> (chord + 3)) & 0x0F));
}

constexpr std::uint8_t alaw_code(int magnitude) {
    if (magnitude < 256) return static_cast<std::uint8_t>(magnitude >> 4);
    const int chord = std::bit_width(static_cast<unsigned>(magnitude) >> 8U);
    return static_cast<std::uint8_t>(chord << 4 | ((magnitude >> (chord + 3)) & 0x0F));
}

constexpr auto kUlawCodes = [] {
    std::array<std::uint8_t, 4096> codes{};
    for (std::size_t i = kBias / 8; i < codes.size(); ++i) codes[i] = ulaw_code(static_cast<int>(i) * 8 + 4);
    return codes;
}();

constexpr auto kAlawCodes = [] {
    std::array<std::uint8_t, 2048> codes{};
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = alaw_code(static_cast<int>(i) * 16);
    return codes;
}();

constexpr auto kUlawSamples = [] {
    std::array<std::int16_t, 256> samples{};
    for (int octet = 0; octet < 256; ++octet) {
        const int code = ~octet & 0x7F;  // all bits travel inverted
        const int magnitude = ((((code & 0x0F) << 3) + kBias) << (code >> 4)) - kBias;
        samples[static_cast<std::size_t>(octet)] =
            static_cast<std::int16_t>((octet & 0x80) != 0 ? magnitude : -magnitude);
    }
    return samples;
}();

constexpr auto kAlawSamples = [] {
    std::array<std::int16_t, 256> samples{};
    for (int octet = 0; octet < 256; ++octet) {
        const int code = (octet ^ 0x55) & 0x7F;  // every other bit travels inverted
        const int chord = code >> 4;
        const int step = ((code & 0x0F) << 4) + 8;
        const int magnitude = chord == 0 ? step : (step + 0x100) << (chord - 1);
        samples[static_cast<std::size_t>(octet)] =
            static_cast<std::int16_t>((octet & 0x80) != 0 ? magnitude : -magnitude);
    }
    return samples;
}();

inline std::uint8_t to_ulaw(std::int16_t sample) {
    const int sign = sample < 0 ? 0x7F : 0xFF;
    int magnitude = sample < 0 ? -sample : sample;
    if (magnitude > kClip) magnitude = kClip;
    return static_cast<std::uint8_t>(kUlawCodes[static_cast<std::size_t>(magnitude + kBias) >> 3] ^ sign);
}

inline std::uint8_t to_alaw(std::int16_t sample) {
    const int sign = sample < 0 ? 0x55 : 0xD5;
    const int magnitude = sample < 0 ? -sample - 1 : sample;  // -1 is as near to zero as 0 is
    return static_cast<std::uint8_t>(kAlawCodes[static_cast<std::size_t>(magnitude) >> 4] ^ sign);
}

inline std::int16_t from_ulaw(std::uint8_t octet) { return kUlawSamples[octet]; }
inline std::int16_t from_alaw(std::uint8_t octet) { return kAlawSamples[octet]; }

}  // namespace crosspatch::codec::g711
