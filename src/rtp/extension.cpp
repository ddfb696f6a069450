#include "crosspatch/rtp/extension.hpp"

#include <cassert>

#include "crosspatch/rtp/octets.hpp"

namespace crosspatch::rtp {

ExtensionElements::ExtensionElements(const Header& header) {
    two_byte_ = (header.extension_profile & 0xFFF0) == kTwoByteElements;
    if (two_byte_ || header.extension_profile == kOneByteElements) rest_ = header.extension;
}

std::optional<ExtensionElements::Element> ExtensionElements::next() {
    std::size_t at = 0;
    while (at < rest_.size() && load8(rest_, at) == 0) ++at;  // id 0 is one octet of padding
    const std::size_t left = rest_.size() - at;
    const std::size_t header = two_byte_ ? 2 : 1;
    if (left < header) return stop();

    const std::uint8_t first = load8(rest_, at);
    const auto id = static_cast<std::uint8_t>(two_byte_ ? first : first >> 4);
    // Section 4.2: padding has no length, and 15 is reserved; both say to read no further.
    if (!two_byte_ && (id == 0 || id == 15)) return stop();
    const std::size_t size = two_byte_ ? load8(rest_, at + 1) : (first & 0x0Fu) + 1u;
    if (left - header < size) return stop();

    const Element element{id, rest_.subspan(at + header, size)};
    rest_ = rest_.subspan(at + header + size);
    return element;
}

std::nullopt_t ExtensionElements::stop() {
    rest_ = {};
    return std::nullopt;
}

std::optional<AudioLevel> audio_level(const Header& header, std::uint8_t id) {
    ExtensionElements elements{header};
    while (const auto element = elements.next()) {
        if (element->id != id || element->data.size() != 1) continue;
        const std::uint8_t octet = load8(element->data);
        return AudioLevel{(octet & 0x80) != 0, static_cast<std::uint8_t>(octet & 0x7F)};
    }
    return std::nullopt;
}

std::array<std::byte, 4> audio_level_element(std::uint8_t id, AudioLevel level) {
    assert(id >= 1 && id <= 14 && level.minus_dbov <= 127);
    std::array<std::byte, 4> octets{};
    store8(octets, 0, static_cast<std::uint8_t>(id << 4));
    store8(octets, 1, static_cast<std::uint8_t>((level.voice ? 0x80 : 0) | level.minus_dbov));
    return octets;
}

}  // namespace crosspatch::rtp
