#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "crosspatch/rtp/rtcp.hpp"

namespace crosspatch::rtp {

// Writes RTCP packets one after the other into the caller's octets.
//
// Shape    a cursor over `out`, which it does not own; leave room for the SRTCP trailer behind it.
// Units    a report holds at most 31 blocks, a text at most 255 octets.
// Errors   a packet that does not fit or breaks a limit is refused whole with false; what was there stays.
// Thread   any; no allocation.
// Source   RFC 3550 section 6.1 (a compound starts with a report and has a CNAME), RFC 5506 (reduced size).
class RtcpBuilder {
public:
    enum class Form { Compound, Reduced };
    static constexpr std::size_t kMaxBlocks = 31;
    static constexpr std::size_t kMaxText = 255;

    explicit RtcpBuilder(std::span<std::byte> out, Form form = Form::Compound) : out_{out}, form_{form} {}

    bool sender_report(const SenderReport& report, std::span<const ReportBlock> blocks = {});
    bool receiver_report(std::uint32_t ssrc, std::span<const ReportBlock> blocks = {});
    bool sdes_cname(std::uint32_t ssrc, std::string_view cname);
    bool bye(std::span<const std::uint32_t> ssrcs, std::string_view reason = {});
    bool app(const App& packet);  // a name of four octets, data in whole words

    // What was written; nothing as long as a compound lacks its report in front or its CNAME.
    std::span<const std::byte> octets() const;

private:
    std::span<std::byte> open(RtcpType type, std::size_t count, std::size_t size);

    std::span<std::byte> out_;
    std::size_t size_{};
    Form form_;
    bool report_first_{};
    bool cname_{};
};

}  // namespace crosspatch::rtp
