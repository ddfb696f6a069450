#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace crosspatch::media {

// One authenticated packet, as the talk path carries it. Payload and extension live in the worker's receive batch.
struct Packet {
    // What is beside the sound shares its sequence numbers. KeepAlive: R2S of ED-137, without payload.
    enum class Kind : std::uint8_t { Sound, Event, KeepAlive };

    Kind kind{Kind::Sound};
    std::uint64_t sequence{};   // extended: the SRTP packet index, 48 bits
    std::uint32_t timestamp{};  // the talker's RTP clock
    std::uint32_t ssrc{};
    std::uint32_t duration{};  // ticks of the talker's RTP clock
    bool marker{};
    bool dtx{};         // 1 or 2 octets of Opus: the talker is silent
    bool new_stream{};  // the first packet under this SSRC
    bool stale{};       // waited so long in the system's queue that playing it would only add delay
    std::uint16_t extension_profile{};  // of the header; 0: none
    std::span<const std::byte> extension;
    std::span<const std::byte> payload;
    std::chrono::nanoseconds received{};  // kernel receive stamp, CLOCK_REALTIME
};

}  // namespace crosspatch::media
