#include "crosspatch/codec/rates.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "src/codec/opus_state.hpp"

namespace crosspatch::codec {
namespace {

constexpr std::array<std::uint32_t, 2> kG722Rates{8000,
                                                  16000};  // at 8000 its lower band is all that is coded
constexpr std::array<std::uint32_t, 3> kFixedRates{8000, 16000, 48000};

std::uint32_t lowest_from(std::span<const std::uint32_t> rates, std::uint32_t least) {
    const auto found = std::ranges::lower_bound(rates, least);
    assert(found != rates.end());
    return *found;
}

}  // namespace

std::span<const std::uint32_t> own_rates(const Format& format) noexcept {
    if (format.kind == Kind::Opus) return kOpusRates;
    if (format.kind == Kind::G722) return kG722Rates;
    const auto only = std::ranges::find(kFixedRates, format.rate);
    assert(only != kFixedRates.end());
    return {only, 1};
}

Rates working_rates(const Format& from, const Format& to) noexcept {
    const std::uint32_t narrow = std::min(from.rate, to.rate);
    const auto decoder = own_rates(from);
    const auto encoder = own_rates(to);
    for (const std::uint32_t rate : decoder)
        if (rate >= narrow && std::ranges::find(encoder, rate) != encoder.end()) return {rate, rate};
    return {lowest_from(decoder, narrow), lowest_from(encoder, narrow)};
}

std::uint32_t decode_rate(const Format& from, const Format& to) noexcept {
    return working_rates(from, to).decode;
}
std::uint32_t encode_rate(const Format& from, const Format& to) noexcept {
    return working_rates(from, to).encode;
}

}  // namespace crosspatch::codec
