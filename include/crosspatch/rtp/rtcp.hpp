#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <variant>

#include "crosspatch/core/result.hpp"
#include "crosspatch/rtp/ntp.hpp"
#include "crosspatch/rtp/octets.hpp"
#include "crosspatch/rtp/packet.hpp"

// RTCP as views over a datagram. RFC 3550 section 6, reduced size by RFC 5506, extended reports by RFC 3611.
// Texts are the sender's raw octets, any value, not always UTF-8: core::escape() what a person will see.
namespace crosspatch::rtp {

enum class RtcpType : std::uint8_t {
    SenderReport = 200,
    ReceiverReport = 201,
    SourceDescription = 202,
    Bye = 203,
    App = 204,
    TransportFeedback = 205,
    PayloadFeedback = 206,
    ExtendedReport = 207
};

struct SenderReport {
    std::uint32_t ssrc{};
    NtpTime ntp;
    std::uint32_t rtp_time{};
    std::uint32_t packets{};
    std::uint32_t octets{};  // payload only
};

struct ReceiverReport {
    std::uint32_t ssrc{};
};

// What a receiver says about one stream it hears.
struct ReportBlock {
    std::uint32_t ssrc{};            // the stream
    std::uint8_t fraction_lost{};    // 1/256, since the last report
    std::int32_t cumulative_lost{};  // 24 bits, negative when duplicates came; cut to that range when written
    std::uint32_t highest_sequence{};    // cycles in the upper 16 bits
    std::uint32_t jitter{};              // in the stream's clock
    std::uint32_t last_sender_report{};  // NtpTime::middle(), 0 if none came
    std::uint32_t delay_since_report{};  // 1/65536 s
    std::uint32_t reporter{};            // who says so; taken from the report around it, not written
    friend bool operator==(const ReportBlock&, const ReportBlock&) = default;
};

struct Cname {
    std::uint32_t ssrc{};
    std::span<const std::byte> text;
};

// The sources that leave, read straight from the datagram.
class SsrcList {
public:
    SsrcList() = default;
    explicit SsrcList(std::span<const std::byte> words) : words_{words} {}
    std::size_t size() const { return words_.size() / 4; }
    std::uint32_t operator[](std::size_t index) const { return load32(words_, index * 4); }
    bool contains(std::uint32_t ssrc) const;

private:
    std::span<const std::byte> words_;
};

struct Bye {
    SsrcList ssrcs;
    std::span<const std::byte> reason;
};

struct App {
    std::uint8_t subtype{};  // 0 to 31
    std::uint32_t ssrc{};
    std::string_view name;  // four octets, any value
    std::span<const std::byte> data;
};

using RtcpItem = std::variant<SenderReport, ReceiverReport, ReportBlock, Cname, Bye, App>;

// A datagram of RTCP packets, read item by item.
//
// Shape    a cursor; the items are views into the datagram and live as long as that does.
// Errors   the whole datagram is checked by read(), so next() never stops half way. Compound and reduced
//          size are taken alike: who needs a report or a CNAME sees whether one came. Unknown types, feedback
//          and extended reports are stepped over, so nothing in them is acted upon.
// Thread   any; no allocation; at most one step an octet.
class RtcpReader {
public:
    static core::Result<RtcpReader, ParseError> read(std::span<const std::byte> datagram);

    // Each report is followed by its blocks; each chunk of a source description gives its CNAME.
    std::optional<RtcpItem> next();

private:
    explicit RtcpReader(std::span<const std::byte> datagram) : rest_{datagram} {}
    std::optional<RtcpItem> open_packet();
    RtcpItem next_block();
    std::optional<RtcpItem> next_cname();

    std::span<const std::byte> rest_;     // packets not opened yet
    std::span<const std::byte> pending_;  // blocks or chunks of the open packet
    std::size_t count_{};                 // how many of them
    bool chunks_{};                       // they are SDES chunks
    std::uint32_t reporter_{};
};

// Calls `visitor` with each item that it has an overload for. An error means that it was never called.
template <typename Visitor>
core::Result<void, ParseError> parse_compound(std::span<const std::byte> datagram, Visitor&& visitor) {
    auto reader = RtcpReader::read(datagram);
    if (!reader) return core::Unexpected{reader.error()};
    while (const auto item = reader->next()) {
        std::visit(
            [&](const auto& view) {
                if constexpr (std::is_invocable_v<Visitor&, decltype(view)>) visitor(view);
            },
            *item);
    }
    return {};
}

// Lambdas side by side as one visitor: `Overload{[](const Bye&) {…}, [](const App&) {…}}`.
template <typename... Functions>
struct Overload : Functions... {
    using Functions::operator()...;
};
template <typename... Functions>
Overload(Functions...) -> Overload<Functions...>;

}  // namespace crosspatch::rtp
