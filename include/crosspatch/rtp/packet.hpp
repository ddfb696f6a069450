#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "crosspatch/core/result.hpp"
#include "crosspatch/rtp/octets.hpp"

namespace crosspatch::rtp {

constexpr std::size_t kMinHeader = 12;    // octets: the fixed header, RFC 3550 section 5.1
constexpr std::size_t kMaxPacket = 1200;  // octets of a datagram, SRTP tag included; longer ones are refused

// Why an RTP or RTCP datagram was refused. One counter each: `counters[index_of(error)]`.
enum class ParseError : std::uint8_t {
    TooShort,     // ends before its fixed part does
    TooLong,      // more than kMaxPacket
    Version,      // not version 2
    Sources,      // the contributing sources run past the end
    Extension,    // the header extension runs past the end
    PayloadType,  // RTP 64-95, which RFC 5761 keeps for RTCP
    Padding,      // no padding, or more of it than there is payload
    Length,       // RTCP: the length field is 0 or points past the end
    Count,        // RTCP: fewer blocks or sources than the count promises
    Text,         // RTCP: an SDES item or a reason for leaving runs past the end
    Blocks,       // RTCP: an extended report's block has no content or runs past the end
};
constexpr std::size_t kParseErrors = static_cast<std::size_t>(ParseError::Blocks) + 1;
constexpr std::size_t index_of(ParseError error) { return static_cast<std::size_t>(error); }

// The word for metrics and records: `bad_padding`.
std::string_view name_of(ParseError error);

// What an RTP packet says before its payload.
//
// Shape    a view: `extension` points into the datagram and lives as long as that does.
// Units    octets, and the payload's clock for `timestamp`.
// Source   RFC 3550 section 5.1, 5.3.1.
struct Header {
    std::size_t size{kMinHeader};  // with contributing sources and extension: the SRTP associated data
    bool padding{};
    bool marker{};
    std::uint8_t payload_type{};
    std::uint16_t sequence{};
    std::uint32_t timestamp{};
    std::uint32_t ssrc{};
    std::uint16_t extension_profile{};     // 0 without an extension
    std::span<const std::byte> extension;  // what follows the extension's own four octets; whole words

    friend bool operator==(const Header& a, const Header& b);
};

// Reads the header of a datagram, encrypted or not: SRTP leaves the header in the clear. Looks at no
// payload; payload_of() checks the padding once the packet is open.
core::Result<Header, ParseError> parse_header(std::span<const std::byte> datagram);

// `decrypted` is what follows the header, in the clear and without the SRTP tag; gives it unpadded.
core::Result<std::span<const std::byte>, ParseError> payload_of(const Header& header,
                                                                std::span<const std::byte> decrypted);

// Writes a header without contributing sources and gives its size; `header.size` is not read. There is an
// extension if there is a profile. Requires: room for written_size(header), an extension of whole words.
std::size_t write_header(std::span<std::byte> out, const Header& header);
constexpr std::size_t written_size(const Header& header) {
    return kMinHeader + (header.extension_profile ? 4 + header.extension.size() : 0);
}

constexpr std::byte kExtensionBit{0x10};  // of a header's first octet: an extension follows

// The fixed header and nothing else: what every listener's packet has.
inline void write_fixed_header(std::span<std::byte, kMinHeader> out, std::uint8_t payload_type, bool marker,
                               std::uint16_t sequence, std::uint32_t timestamp, std::uint32_t ssrc) {
    store16(out, 0, static_cast<std::uint16_t>(0x8000U | (marker ? 0x80U : 0U) | (payload_type & 0x7FU)));
    store16(out, 2, sequence);
    store32(out, 4, timestamp);
    store32(out, 8, ssrc);
}

// Changes what differs from listener to listener in a header that is written already; the payload type stays.
void patch(std::span<std::byte, kMinHeader> header, bool marker, std::uint16_t sequence,
           std::uint32_t timestamp, std::uint32_t ssrc);

// What a datagram on a shared port is, by its first two octets. RFC 7983 section 7, RFC 5761 section 4.
enum class DatagramKind : std::uint8_t { Stun, Dtls, Rtp, Rtcp, Other };
DatagramKind classify(std::span<const std::byte> datagram);

// Who claims to have sent an RTP or RTCP datagram. Nobody has vouched for it: it finds a key, and no more.
std::optional<std::uint32_t> claimed_ssrc(std::span<const std::byte> datagram);

}  // namespace crosspatch::rtp
