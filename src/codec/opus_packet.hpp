#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace crosspatch::codec {

// What an Opus packet says about itself without being decoded.
//
// Shape    a value; parse() checks all of the packet's framing: lengths, frame counts, no more than 120 ms.
// Errors   nothing from parse(): RFC 6716 §3.4 calls the packet malformed.
// Source   RFC 6716 §3 (TOC and framing), §4.2.3 and §4.2.4 (the flags before the SILK frames).
struct OpusPacket {
    std::uint32_t samples_48k;  // of the whole packet: its duration in RTP clock ticks
    bool celt;                  // CELT only: no error correction inside, and none can be decoded after it
    bool has_fec;               // carries a coarse copy (LBRR) of the packet before it

    static std::optional<OpusPacket> parse(std::span<const std::byte> payload) noexcept;
};

}  // namespace crosspatch::codec
