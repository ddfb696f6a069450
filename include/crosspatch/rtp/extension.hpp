#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "crosspatch/rtp/packet.hpp"

namespace crosspatch::rtp {

constexpr std::uint16_t kOneByteElements = 0xBEDE;
constexpr std::uint16_t kTwoByteElements = 0x1000;  // the low four bits belong to the application

// Walks the elements of a header extension.
//
// Shape    a cursor over the header's own octets; nothing is copied, and it takes at most one step an octet.
// Errors   none: an element that runs past the end, an unknown profile and the reserved id 15 end the walk,
//          and what came before stays good. The packet is kept, since the extension only helps.
// Thread   any; no allocation.
// Source   RFC 8285 section 4.2 (one-byte), 4.3 (two-byte).
class ExtensionElements {
public:
    struct Element {
        std::uint8_t id;
        std::span<const std::byte> data;
    };
    explicit ExtensionElements(const Header& header);

    std::optional<Element> next();

private:
    std::nullopt_t stop();

    std::span<const std::byte> rest_;
    bool two_byte_{};
};

// How loud a packet's sender says it is. RFC 6464 section 3.
struct AudioLevel {
    bool voice;               // the sender's own guess; Chromium sets it on silence too, so go by the level
    std::uint8_t minus_dbov;  // 0 is the loudest, 127 digital silence
};
// `id` is the number that signalling gave to urn:ietf:params:rtp-hdrext:ssrc-audio-level.
std::optional<AudioLevel> audio_level(const Header& header, std::uint8_t id);

// An extension's octets that carry a level, for kOneByteElements. Requires: `id` 1 to 14, a level up to 127.
std::array<std::byte, 4> audio_level_element(std::uint8_t id, AudioLevel level);

}  // namespace crosspatch::rtp
