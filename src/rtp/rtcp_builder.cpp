#include "crosspatch/rtp/rtcp_builder.hpp"

#include <algorithm>

namespace crosspatch::rtp {
namespace {

constexpr std::size_t kPacketHeader = 4;
constexpr std::size_t kBlock = 24;
constexpr std::size_t kSenderInfo = 24;
constexpr std::int32_t kMostLost = 0x7FFFFF;

constexpr std::size_t whole_words(std::size_t octets) { return (octets + 3) / 4 * 4; }

void store_text(std::span<std::byte> to, std::size_t at, std::string_view text) {
    store8(to, at, static_cast<std::uint8_t>(text.size()));
    std::ranges::copy(std::as_bytes(std::span{text}), to.begin() + static_cast<std::ptrdiff_t>(at + 1));
}

void store_block(std::span<std::byte> to, const ReportBlock& block) {
    const auto lost =
        static_cast<std::uint32_t>(std::clamp(block.cumulative_lost, -kMostLost - 1, kMostLost));
    store32(to, 0, block.ssrc);
    store32(to, 4, std::uint32_t{block.fraction_lost} << 24 | (lost & 0xFFFFFF));
    store32(to, 8, block.highest_sequence);
    store32(to, 12, block.jitter);
    store32(to, 16, block.last_sender_report);
    store32(to, 20, block.delay_since_report);
}

void store_blocks(std::span<std::byte> to, std::span<const ReportBlock> blocks) {
    for (const ReportBlock& block : blocks) {
        store_block(to, block);
        to = to.subspan(kBlock);
    }
}

}  // namespace

// Makes room for a packet, writes its header and gives back its content, all zero; empty if it does not fit.
std::span<std::byte> RtcpBuilder::open(RtcpType type, std::size_t count, std::size_t size) {
    if (out_.size() - size_ < kPacketHeader + size) return {};
    const auto packet = out_.subspan(size_, kPacketHeader + size);
    std::ranges::fill(packet, std::byte{0});
    store8(packet, 0, static_cast<std::uint8_t>(0x80 | count));
    store8(packet, 1, static_cast<std::uint8_t>(type));
    store16(packet, 2, static_cast<std::uint16_t>(size / 4));
    const bool report = type == RtcpType::SenderReport || type == RtcpType::ReceiverReport;
    if (size_ == 0) report_first_ = report;
    size_ += packet.size();
    return packet.subspan(kPacketHeader);
}

bool RtcpBuilder::sender_report(const SenderReport& report, std::span<const ReportBlock> blocks) {
    if (blocks.size() > kMaxBlocks) return false;
    const auto content = open(RtcpType::SenderReport, blocks.size(), kSenderInfo + blocks.size() * kBlock);
    if (content.empty()) return false;
    store32(content, 0, report.ssrc);
    store64(content, 4, report.ntp.value);
    store32(content, 12, report.rtp_time);
    store32(content, 16, report.packets);
    store32(content, 20, report.octets);
    store_blocks(content.subspan(kSenderInfo), blocks);
    return true;
}

bool RtcpBuilder::receiver_report(std::uint32_t ssrc, std::span<const ReportBlock> blocks) {
    if (blocks.size() > kMaxBlocks) return false;
    const auto content = open(RtcpType::ReceiverReport, blocks.size(), 4 + blocks.size() * kBlock);
    if (content.empty()) return false;
    store32(content, 0, ssrc);
    store_blocks(content.subspan(4), blocks);
    return true;
}

bool RtcpBuilder::sdes_cname(std::uint32_t ssrc, std::string_view cname) {
    if (cname.size() > kMaxText) return false;
    // SSRC, item type and length, the text, and at least one zero octet that ends the chunk.
    const auto content = open(RtcpType::SourceDescription, 1, 4 + whole_words(2 + cname.size() + 1));
    if (content.empty()) return false;
    store32(content, 0, ssrc);
    store8(content, 4, 1);  // CNAME
    store_text(content, 5, cname);
    cname_ = true;
    return true;
}

bool RtcpBuilder::bye(std::span<const std::uint32_t> ssrcs, std::string_view reason) {
    if (ssrcs.empty() || ssrcs.size() > kMaxBlocks || reason.size() > kMaxText) return false;
    const std::size_t text = reason.empty() ? 0 : whole_words(1 + reason.size());
    const auto content = open(RtcpType::Bye, ssrcs.size(), ssrcs.size() * 4 + text);
    if (content.empty()) return false;
    for (std::size_t index = 0; index < ssrcs.size(); ++index) store32(content, index * 4, ssrcs[index]);
    if (text > 0) store_text(content, ssrcs.size() * 4, reason);
    return true;
}

bool RtcpBuilder::app(const App& packet) {
    constexpr std::size_t kMostData = (0xFFFF - 2) * 4;  // what the length field can say
    if (packet.subtype > 31 || packet.name.size() != 4) return false;
    if (packet.data.size() % 4 != 0 || packet.data.size() > kMostData) return false;
    const auto content = open(RtcpType::App, packet.subtype, 8 + packet.data.size());
    if (content.empty()) return false;
    store32(content, 0, packet.ssrc);
    std::ranges::copy(std::as_bytes(std::span{packet.name}), content.begin() + 4);
    std::ranges::copy(packet.data, content.begin() + 8);
    return true;
}

std::span<const std::byte> RtcpBuilder::octets() const {
    if (form_ == Form::Compound && !(report_first_ && cname_)) return {};
    return out_.first(size_);
}

}  // namespace crosspatch::rtp
