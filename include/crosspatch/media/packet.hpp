#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace crosspatch::media {

// One authenticated audio packet, as the talk path carries it. The payload lives in the worker's receive batch.
struct Packet {
    std::uint64_t sequence{};   // extended: the SRTP packet index, 48 bits
    std::uint32_t timestamp{};  // the talker's RTP clock
    std::uint32_t ssrc{};
    std::uint32_t duration{};  // ticks of the talker's RTP clock
    bool marker{};
    bool dtx{};         // 1 or 2 octets of Opus: the talker is silent
    bool new_stream{};  // the first packet under this SSRC
    bool stale{};       // waited so long in the system's queue that playing it would only add delay
    std::span<const std::byte> payload;
    std::chrono::nanoseconds received{};  // kernel receive stamp, CLOCK_REALTIME
};

}  // namespace crosspatch::media
