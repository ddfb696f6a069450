#include "crosspatch/rtp/rtcp.hpp"

namespace crosspatch::rtp {
namespace {

using Octets = std::span<const std::byte>;

constexpr std::size_t kPacketHeader = 4;
constexpr std::size_t kSenderInfo = 24;  // SSRC, NTP and RTP time, two counts
constexpr std::size_t kBlock = 24;
constexpr std::uint8_t kCnameItem = 1;

core::Unexpected<ParseError> refuse(ParseError error) { return core::Unexpected{error}; }

// One packet of a datagram, whose header has been checked.
struct Packet {
    std::uint8_t type;
    std::size_t count;  // the five low bits: blocks, chunks, sources or a subtype
    Octets content;     // after the packet's header, without its padding; whole words
    std::size_t size;   // all of it
};

// Requires: at least one octet. The size moves on by four or more, so a datagram has an end.
core::Result<Packet, ParseError> first_packet(Octets rest) {
    if (rest.size() < kPacketHeader) return refuse(ParseError::Length);
    const std::uint8_t first = load8(rest);
    if (first >> 6 != 2) return refuse(ParseError::Version);
    // No packet that says anything is shorter than its header and one source. RFC 3550 allows an empty BYE or
    // source description, calls it useless, and nobody sends one but who looks for endless loops.
    const std::size_t words = load16(rest, 2);
    const std::size_t size = (words + 1) * 4;
    if (words == 0 || size > rest.size()) return refuse(ParseError::Length);

    Octets content = rest.subspan(kPacketHeader, size - kPacketHeader);
    if (first & 0x20) {
        // RFC 3550 section 6.4.1: padding stands in the last packet only, in whole words.
        const std::size_t padding = load8(content, content.size() - 1);
        if (size != rest.size() || padding == 0 || padding % 4 != 0 || padding > content.size())
            return refuse(ParseError::Padding);
        content = content.first(content.size() - padding);
    }
    return Packet{load8(rest, 1), first & 0x1Fu, content, size};
}

// The octets of the SDES item in front, 0 if it runs past the end. Requires: it is not the terminator.
std::size_t item_size(Octets items) {
    if (items.size() < 2) return 0;
    const std::size_t size = 2u + load8(items, 1);
    return size <= items.size() ? size : 0;
}

// The octets of the SDES chunk in front, 0 if it is broken. Requires: `chunks` is whole words.
std::size_t chunk_size(Octets chunks) {
    if (chunks.size() < 4) return 0;
    Octets items = chunks.subspan(4);
    while (!items.empty() && load8(items) != 0) {
        const std::size_t size = item_size(items);
        if (size == 0) return 0;
        items = items.subspan(size);
    }
    if (items.empty()) return 0;                        // a chunk ends in at least one zero octet
    return chunks.size() - (items.size() - 1) / 4 * 4;  // and then at the next whole word
}

std::optional<Octets> cname_in(Octets chunk) {
    for (Octets items = chunk.subspan(4); load8(items) != 0; items = items.subspan(item_size(items)))
        if (load8(items) == kCnameItem) return items.subspan(2, load8(items, 1));
    return std::nullopt;
}

std::optional<ParseError> check_chunks(Octets chunks, std::size_t count) {
    for (; count > 0; --count) {
        if (chunks.size() < 4) return ParseError::Count;
        const std::size_t size = chunk_size(chunks);
        if (size == 0) return ParseError::Text;
        chunks = chunks.subspan(size);
    }
    return std::nullopt;
}

std::optional<ParseError> check_bye(Octets content, std::size_t count) {
    if (content.size() < count * 4) return ParseError::Count;
    const Octets reason = content.subspan(count * 4);
    if (!reason.empty() && load8(reason) > reason.size() - 1) return ParseError::Text;
    return std::nullopt;
}

// RFC 3611 section 3. Every block type defined has content, so an empty one is no block.
std::optional<ParseError> check_extended(Octets content) {
    if (content.size() < 4) return ParseError::TooShort;
    Octets blocks = content.subspan(4);
    while (!blocks.empty()) {
        const std::size_t words = load16(blocks, 2);
        if (words == 0 || blocks.size() / 4 - 1 < words) return ParseError::Blocks;
        blocks = blocks.subspan((words + 1) * 4);
    }
    return std::nullopt;
}

std::optional<ParseError> check_report(Octets content, std::size_t fixed, std::size_t count) {
    if (content.size() < fixed) return ParseError::TooShort;
    if (content.size() - fixed < count * kBlock) return ParseError::Count;
    return std::nullopt;
}

std::optional<ParseError> check_content(const Packet& packet) {
    const auto shorter_than = [&](std::size_t size) -> std::optional<ParseError> {
        if (packet.content.size() < size) return ParseError::TooShort;
        return std::nullopt;
    };
    switch (static_cast<RtcpType>(packet.type)) {
        case RtcpType::SenderReport:
            return check_report(packet.content, kSenderInfo, packet.count);
        case RtcpType::ReceiverReport:
            return check_report(packet.content, 4, packet.count);
        case RtcpType::SourceDescription:
            return check_chunks(packet.content, packet.count);
        case RtcpType::Bye:
            return check_bye(packet.content, packet.count);
        case RtcpType::App:
            return shorter_than(8);  // SSRC and name
        case RtcpType::TransportFeedback:
        case RtcpType::PayloadFeedback:
            return shorter_than(8);  // RFC 4585 section 6.1: two SSRCs
        case RtcpType::ExtendedReport:
            return check_extended(packet.content);
    }
    return std::nullopt;
}

SenderReport sender_report(Octets content) {
    return {
        load32(content), {load64(content, 4)}, load32(content, 12), load32(content, 16), load32(content, 20)};
}

Bye bye(const Packet& packet) {
    const Octets reason = packet.content.subspan(packet.count * 4);
    return {SsrcList{packet.content.first(packet.count * 4)},
            reason.empty() ? Octets{} : reason.subspan(1, load8(reason))};
}

App app(const Packet& packet) {
    const Octets name = packet.content.subspan(4, 4);
    return {static_cast<std::uint8_t>(packet.count), load32(packet.content),
            std::string_view{reinterpret_cast<const char*>(name.data()), name.size()},
            packet.content.subspan(8)};
}

}  // namespace

bool SsrcList::contains(std::uint32_t ssrc) const {
    for (std::size_t index = 0; index < size(); ++index)
        if ((*this)[index] == ssrc) return true;
    return false;
}

core::Result<RtcpReader, ParseError> RtcpReader::read(std::span<const std::byte> datagram) {
    if (datagram.size() < 8) return refuse(ParseError::TooShort);
    if (datagram.size() > kMaxPacket) return refuse(ParseError::TooLong);
    for (Octets rest = datagram; !rest.empty();) {
        const auto packet = first_packet(rest);
        if (!packet) return refuse(packet.error());
        if (const auto error = check_content(*packet)) return refuse(*error);
        rest = rest.subspan(packet->size);
    }
    return RtcpReader{datagram};
}

std::optional<RtcpItem> RtcpReader::next() {
    while (count_ > 0 || !rest_.empty()) {
        if (count_ == 0) {
            if (auto item = open_packet()) return item;
            continue;
        }
        --count_;
        if (!chunks_) return next_block();
        if (auto cname = next_cname()) return cname;
    }
    return std::nullopt;
}

std::optional<RtcpItem> RtcpReader::open_packet() {
    const auto packet = first_packet(rest_);
    if (!packet) return std::nullopt;
    rest_ = rest_.subspan(packet->size);
    const Octets content = packet->content;
    switch (static_cast<RtcpType>(packet->type)) {
        case RtcpType::SenderReport:
        case RtcpType::ReceiverReport: {
            const bool sender = packet->type == static_cast<std::uint8_t>(RtcpType::SenderReport);
            reporter_ = load32(content);
            chunks_ = false;
            count_ = packet->count;
            pending_ = content.subspan(sender ? kSenderInfo : 4);
            if (sender) return sender_report(content);
            return ReceiverReport{reporter_};
        }
        case RtcpType::SourceDescription:
            chunks_ = true;
            count_ = packet->count;
            pending_ = content;
            return std::nullopt;
        case RtcpType::Bye:
            return bye(*packet);
        case RtcpType::App:
            return app(*packet);
        default:
            return std::nullopt;
    }
}

RtcpItem RtcpReader::next_block() {
    const Octets block = pending_.first(kBlock);
    pending_ = pending_.subspan(kBlock);
    const std::uint32_t lost = load32(block, 4);
    // Shifted up and down again, so that the top bit of the 24 becomes the sign.
    return ReportBlock{load32(block),
                       static_cast<std::uint8_t>(lost >> 24),
                       static_cast<std::int32_t>(lost << 8) >> 8,
                       load32(block, 8),
                       load32(block, 12),
                       load32(block, 16),
                       load32(block, 20),
                       reporter_};
}

std::optional<RtcpItem> RtcpReader::next_cname() {
    const Octets chunk = pending_.first(chunk_size(pending_));
    pending_ = pending_.subspan(chunk.size());
    const auto text = cname_in(chunk);
    if (!text) return std::nullopt;
    return Cname{load32(chunk), *text};
}

}  // namespace crosspatch::rtp
