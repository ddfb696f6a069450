#include "src/codec/opus_packet.hpp"

#include <opus.h>

#include <algorithm>
#include <array>
#include <climits>

namespace crosspatch::codec {
namespace {

// RFC 6716 §4.2.3: each channel's SILK header opens with one VAD flag per 20 ms (one for 10 ms), then its
// LBRR flag. All are equally likely bits, which the range coder leaves readable at the top of the first
// octet.
bool lbrr_flag(unsigned char first, std::uint32_t frame_48k, bool stereo) {
    const unsigned vad_flags = std::max(1U, frame_48k / 960U);
    const bool mid = ((first >> (7U - vad_flags)) & 1U) != 0;
    const bool side = stereo && ((first >> (6U - 2U * vad_flags)) & 1U) != 0;
    return mid || side;
}

}  // namespace

std::optional<OpusPacket> OpusPacket::parse(std::span<const std::byte> payload) noexcept {
    if (payload.empty() || payload.size() > INT_MAX) return std::nullopt;
    const auto* octets = reinterpret_cast<const unsigned char*>(payload.data());
    std::array<const unsigned char*, 48> frames{};  // 48 of 2.5 ms are 120 ms
    std::array<opus_int16, 48> sizes{};
    unsigned char toc{};
    const int count = opus_packet_parse(octets, static_cast<opus_int32>(payload.size()), &toc, frames.data(),
                                        sizes.data(), nullptr);
    if (count <= 0) return std::nullopt;
    const auto frame = static_cast<std::uint32_t>(opus_packet_get_samples_per_frame(octets, 48000));
    OpusPacket packet{};
    packet.samples_48k = frame * static_cast<std::uint32_t>(count);
    if (packet.samples_48k > 5760) return std::nullopt;
    packet.celt = (toc & 0x80U) != 0;
    packet.has_fec = !packet.celt && sizes[0] > 0 && lbrr_flag(*frames[0], frame, (toc & 0x04U) != 0);
    return packet;
}

}  // namespace crosspatch::codec
