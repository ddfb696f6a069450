#pragma once
#include <algorithm>
#include <cstdint>

#include "crosspatch/rtp/srtp_error.hpp"

// How far the durable limits run ahead of the packets, so that a restart neither repeats a keystream nor
// takes a packet twice. Pure numbers: the journal keeps them, sender and receiver obey them. srtp.md §11.
namespace crosspatch::rtp {

// The first index that is surely untouched: below it, indices may have been sealed (sending) or accepted
// (receiving) before a restart, and afterwards they count as if they had been. 0: nothing of the kind was
// ever seen.
struct IndexLimits {
    std::uint64_t rtp{};
    std::uint32_t rtcp{};
    bool operator==(const IndexLimits&) const = default;
};

// Limits that ought to be made durable now, off the packet path.
struct LimitWish {
    std::uint32_t ssrc{};
    IndexLimits limits;
};

// A jump below 3,000 keeps RFC 3550 receivers in step (MAX_DROPOUT); 1,500 covers a disk that hangs for 30 s.
inline constexpr std::uint64_t kSendRtpLow = 1500;
inline constexpr std::uint64_t kSendRtpAhead = 2900;
// Until the first packet after a start. A daemon that crashes in a loop while nobody talks must not run away
// from what its listeners heard last: past 32,768 they guess the roll-over counter wrong.
inline constexpr std::uint64_t kSendRtpIdle = 256;
inline constexpr std::uint32_t kSendRtcpLow = 32;
inline constexpr std::uint32_t kSendRtcpAhead = 256;
// What a restart costs a talker: at most 64 packets, 1.28 s at 20 ms. RTCP comes once in 5 s, so its limit
// stays closer: with 64 a radio that only listens would count as gone for five minutes.
inline constexpr std::uint64_t kReceiveRtpLow = 32;
inline constexpr std::uint64_t kReceiveRtpAhead = 64;
inline constexpr std::uint32_t kReceiveRtcpLow = 2;
inline constexpr std::uint32_t kReceiveRtcpAhead = 8;

// `next` is one above the highest index used, `asked` what was asked for last, `talked`: RTP was sent since
// the start. The raised limits never fall below `asked`, and stop where the key does.
constexpr bool send_limits_low(IndexLimits next, IndexLimits asked, bool talked) {
    const auto low = talked ? kSendRtpLow : kSendRtpIdle;
    return (asked.rtp < kRtpIndexEnd && next.rtp + low > asked.rtp) ||
           (asked.rtcp < kRtcpIndexEnd && next.rtcp + kSendRtcpLow > asked.rtcp);
}
constexpr IndexLimits raised_send_limits(IndexLimits next, IndexLimits asked, bool talked) {
    const auto ahead = talked ? kSendRtpAhead : kSendRtpIdle;
    return {std::max(asked.rtp, std::min(next.rtp + ahead, kRtpIndexEnd)),
            std::max(asked.rtcp, std::min(next.rtcp + kSendRtcpAhead, kRtcpIndexEnd))};
}

// The same for receiving; a kind of packet not heard since the start (`next` is 0) asks for nothing.
constexpr bool receive_limits_low(IndexLimits next, IndexLimits asked) {
    return (next.rtp > 0 && asked.rtp < kRtpIndexEnd && next.rtp + kReceiveRtpLow > asked.rtp) ||
           (next.rtcp > 0 && asked.rtcp < kRtcpIndexEnd && next.rtcp + kReceiveRtcpLow > asked.rtcp);
}
constexpr IndexLimits raised_receive_limits(IndexLimits next, IndexLimits asked) {
    return {
        next.rtp == 0 ? asked.rtp : std::max(asked.rtp, std::min(next.rtp + kReceiveRtpAhead, kRtpIndexEnd)),
        next.rtcp == 0 ? asked.rtcp
                       : std::max(asked.rtcp, std::min(next.rtcp + kReceiveRtcpAhead, kRtcpIndexEnd))};
}

}  // namespace crosspatch::rtp
