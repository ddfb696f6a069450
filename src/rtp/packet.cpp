#include "crosspatch/rtp/packet.hpp"

#include <algorithm>
#include <cassert>

#include "crosspatch/rtp/octets.hpp"

namespace crosspatch::rtp {
namespace {

constexpr std::uint8_t kVersion = 0x80;  // 2, in the two top bits
constexpr std::uint8_t kVersionMask = 0xC0;
constexpr std::uint8_t kPadding = 0x20;
constexpr std::uint8_t kExtension = 0x10;
constexpr std::uint8_t kSources = 0x0F;
constexpr std::uint8_t kMarker = 0x80;
constexpr std::uint8_t kPayloadType = 0x7F;

bool is_rtcp_type(std::uint8_t second_octet) { return second_octet >= 192 && second_octet <= 223; }

core::Unexpected<ParseError> refuse(ParseError error) { return core::Unexpected{error}; }

}  // namespace

std::string_view name_of(ParseError error) {
    switch (error) {
        case ParseError::TooShort:
            return "too_short";
        case ParseError::TooLong:
            return "too_long";
        case ParseError::Version:
            return "bad_version";
        case ParseError::Sources:
            return "bad_sources";
        case ParseError::Extension:
            return "bad_extension";
        case ParseError::PayloadType:
            return "bad_payload_type";
        case ParseError::Padding:
            return "bad_padding";
        case ParseError::Length:
            return "bad_length";
        case ParseError::Count:
            return "bad_count";
        case ParseError::Text:
            return "bad_text";
        case ParseError::Blocks:
            return "bad_blocks";
    }
    return "unknown";
}

bool operator==(const Header& a, const Header& b) {
    return a.size == b.size && a.padding == b.padding && a.marker == b.marker &&
           a.payload_type == b.payload_type && a.sequence == b.sequence && a.timestamp == b.timestamp &&
           a.ssrc == b.ssrc && a.extension_profile == b.extension_profile &&
           std::ranges::equal(a.extension, b.extension);
}

core::Result<Header, ParseError> parse_header(std::span<const std::byte> datagram) {
    if (datagram.size() < kMinHeader) return refuse(ParseError::TooShort);
    if (datagram.size() > kMaxPacket) return refuse(ParseError::TooLong);
    const std::uint8_t first = load8(datagram);
    const std::uint8_t second = load8(datagram, 1);
    if ((first & kVersionMask) != kVersion) return refuse(ParseError::Version);

    Header header;
    header.padding = first & kPadding;
    header.marker = second & kMarker;
    header.payload_type = second & kPayloadType;
    // RFC 5761 section 4: with the marker set these cannot be told from RTCP, so nobody may use them.
    if (header.payload_type >= 64 && header.payload_type <= 95) return refuse(ParseError::PayloadType);
    header.sequence = load16(datagram, 2);
    header.timestamp = load32(datagram, 4);
    header.ssrc = load32(datagram, 8);

    header.size = kMinHeader + 4u * (first & kSources);
    if (header.size > datagram.size()) return refuse(ParseError::Sources);
    if (first & kExtension) {
        if (datagram.size() - header.size < 4) return refuse(ParseError::Extension);
        const std::size_t size = 4u * load16(datagram, header.size + 2);
        if (datagram.size() - header.size - 4 < size) return refuse(ParseError::Extension);
        header.extension_profile = load16(datagram, header.size);
        header.extension = datagram.subspan(header.size + 4, size);
        header.size += 4 + size;
    }
    return header;
}

core::Result<std::span<const std::byte>, ParseError> payload_of(const Header& header,
                                                                std::span<const std::byte> decrypted) {
    if (!header.padding) return decrypted;
    if (decrypted.empty()) return refuse(ParseError::Padding);
    const std::size_t padding = load8(decrypted, decrypted.size() - 1);  // counts itself
    if (padding == 0 || padding > decrypted.size()) return refuse(ParseError::Padding);
    return decrypted.first(decrypted.size() - padding);
}

std::size_t write_header(std::span<std::byte> out, const Header& header) {
    const std::size_t size = written_size(header);
    assert(out.size() >= size && header.extension.size() % 4 == 0);
    const bool extended = header.extension_profile != 0;
    store8(
        out, 0,
        static_cast<std::uint8_t>(kVersion | (header.padding ? kPadding : 0) | (extended ? kExtension : 0)));
    store8(out, 1, header.payload_type & kPayloadType);
    patch(out.first<kMinHeader>(), header.marker, header.sequence, header.timestamp, header.ssrc);
    if (extended) {
        store16(out, kMinHeader, header.extension_profile);
        store16(out, kMinHeader + 2, static_cast<std::uint16_t>(header.extension.size() / 4));
        std::ranges::copy(header.extension, out.begin() + kMinHeader + 4);
    }
    return size;
}

void patch(std::span<std::byte, kMinHeader> header, bool marker, std::uint16_t sequence,
           std::uint32_t timestamp, std::uint32_t ssrc) {
    store8(header, 1, static_cast<std::uint8_t>((load8(header, 1) & kPayloadType) | (marker ? kMarker : 0)));
    store16(header, 2, sequence);
    store32(header, 4, timestamp);
    store32(header, 8, ssrc);
}

DatagramKind classify(std::span<const std::byte> datagram) {
    if (datagram.size() < 2) return DatagramKind::Other;
    const std::uint8_t first = load8(datagram);
    if (first <= 3) return DatagramKind::Stun;
    if (first >= 20 && first <= 63) return DatagramKind::Dtls;
    if (first < 128 || first > 191) return DatagramKind::Other;
    return is_rtcp_type(load8(datagram, 1)) ? DatagramKind::Rtcp : DatagramKind::Rtp;
}

std::optional<std::uint32_t> claimed_ssrc(std::span<const std::byte> datagram) {
    const DatagramKind kind = classify(datagram);
    if (kind == DatagramKind::Rtp && datagram.size() >= kMinHeader) return load32(datagram, 8);
    if (kind == DatagramKind::Rtcp && datagram.size() >= 8) return load32(datagram, 4);
    return std::nullopt;
}

}  // namespace crosspatch::rtp
