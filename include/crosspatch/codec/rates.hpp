#pragma once
#include <cstdint>
#include <span>

#include "crosspatch/codec/format.hpp"

// Which rates a talker's decoder and a listener's encoder work at.
//
// The narrower of the two formats decides (architecture.md, "Work at the narrow rate"): the lowest rate that
// both codecs can do themselves and that loses nothing the narrower carries. Only if there is none do the two
// rates differ, and a Resampler stands between them.
namespace crosspatch::codec {

struct Rates {
    std::uint32_t decode;
    std::uint32_t encode;
    bool resampled() const { return decode != encode; }
    bool operator==(const Rates&) const = default;
};

Rates working_rates(const Format& from, const Format& to) noexcept;
std::uint32_t decode_rate(const Format& from, const Format& to) noexcept;
std::uint32_t encode_rate(const Format& from, const Format& to) noexcept;

// Rates that the codec takes without help, rising: what Decoder::rates() and Encoder::rates() give.
std::span<const std::uint32_t> own_rates(const Format& format) noexcept;

}  // namespace crosspatch::codec
