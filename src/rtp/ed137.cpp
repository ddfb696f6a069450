#include "crosspatch/rtp/ed137.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "crosspatch/rtp/octets.hpp"

namespace crosspatch::rtp::ed137 {
namespace {

enum class Feature : std::uint8_t { End, Quality, Climax };

// 0x0167: PTT type 3, SQU 1, PTT-ID 6, PM 1, PTTS 1, SCT 1, reserved 2, X 1.
constexpr std::uint16_t kSquelch = 0x1000, kMuted = 0x20, kSummed = 0x10, kSimultaneous = 0x08, kMore = 0x01;

Climax climax_of(std::uint8_t value) {
    return {(value & 0x80) != 0, static_cast<std::uint8_t>(value & 0x7F)};
}

// False: a feature runs past the end.
bool read_features(std::span<const std::byte> list, Extension& into) {
    while (!list.empty()) {
        const auto type = static_cast<Feature>(load8(list) >> 4);
        const std::size_t length = load8(list) & 0x0F;
        if (type == Feature::End) return true;  // the rest is padding
        if (list.size() < 1 + length) return false;
        if (type == Feature::Quality && length == 1 && !into.quality)
            into.quality = Quality{static_cast<std::uint8_t>(load8(list, 1) >> 3),
                                   static_cast<std::uint8_t>(load8(list, 1) & 0x07)};
        if (type == Feature::Climax && length == 1 && !into.climax) into.climax = climax_of(load8(list, 1));
        list = list.subspan(1 + length);
    }
    return true;
}

Extension read_current(std::span<const std::byte> octets) {
    const std::uint16_t fixed = load16(octets);
    Extension extension;
    extension.ptt = static_cast<Ptt>(fixed >> 13);
    extension.squelch_open = (fixed & kSquelch) != 0;
    extension.ptt_id = static_cast<std::uint8_t>(fixed >> 6 & 0x3F);
    extension.muted = (fixed & kMuted) != 0;
    extension.summed = (fixed & kSummed) != 0;
    extension.simultaneous = (fixed & kSimultaneous) != 0;
    if ((fixed & kMore) && !read_features(octets.subspan(2), extension)) {
        extension.quality.reset();
        extension.climax.reset();
    }
    return extension;
}

// Each word repeats the fixed part and has one feature of its own: X 1, type 4, length 4, value 13, VF 1.
Extension read_original(std::span<const std::byte> octets) {
    const std::uint32_t first = load32(octets);
    Extension extension;
    extension.ptt = static_cast<Ptt>(first >> 29);
    extension.squelch_open = (first & 0x10000000) != 0;
    extension.ptt_id = static_cast<std::uint8_t>(first >> 24 & 0x0F);
    extension.simultaneous = (first & 0x00800000) != 0;
    for (std::size_t at = 0; at + 4 <= octets.size(); at += 4) {
        const std::uint32_t word = load32(octets, at);
        if (!(word & 0x00400000)) continue;
        const auto type = static_cast<Feature>(word >> 18 & 0x0F);
        if (type == Feature::Quality && !extension.quality)
            extension.quality =
                Quality{static_cast<std::uint8_t>(word >> 6), static_cast<std::uint8_t>(word >> 3 & 0x07)};
        if (type == Feature::Climax && !extension.climax)
            extension.climax = Climax{false, static_cast<std::uint8_t>(word >> 8 & 0x3F)};
    }
    return extension;
}

}  // namespace

std::uint8_t rssi_index(double dbm) {
    if (!(dbm >= -100)) return 0;  // nor is "not a number" a signal
    if (dbm > -70) return 15;
    return static_cast<std::uint8_t>(std::clamp(std::ceil((dbm + 100) * 14 / 30), 1.0, 14.0));
}

std::optional<Extension> read(const Header& header) {
    if (header.extension.size() < 4) return std::nullopt;
    if (header.extension_profile == kProfile) return read_current(header.extension);
    if (header.extension_profile == kOriginal) return read_original(header.extension);
    return std::nullopt;
}

Octets write(const Extension& extension) {
    const auto& [ptt, squelch_open, ptt_id, muted, summed, simultaneous, quality, climax] = extension;
    assert(ptt_id <= kMaxPttId && static_cast<std::uint8_t>(ptt) <= 7);
    Octets octets;
    const unsigned fixed = static_cast<unsigned>(ptt) << 13 | (squelch_open ? kSquelch : 0) |
                           static_cast<unsigned>(ptt_id) << 6 | (muted ? kMuted : 0) |
                           (summed ? kSummed : 0) | (simultaneous ? kSimultaneous : 0) |
                           (quality || climax ? kMore : 0);
    store16(octets.all, 0, static_cast<std::uint16_t>(fixed));
    std::size_t at = 2;
    const auto add = [&](Feature type, unsigned value) {
        store8(octets.all, at, static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4 | 1));
        store8(octets.all, at + 1, static_cast<std::uint8_t>(value));
        at += 2;
    };
    if (quality) {
        assert(quality->index <= 31 && quality->method <= 7);
        add(Feature::Quality, static_cast<unsigned>(quality->index) << 3 | quality->method);
    }
    if (climax) {
        assert(climax->delay <= 127);
        add(Feature::Climax, (climax->absolute ? 0x80u : 0u) | climax->delay);
    }
    octets.size = (at + 3) / 4 * 4;
    return octets;
}

}  // namespace crosspatch::rtp::ed137
