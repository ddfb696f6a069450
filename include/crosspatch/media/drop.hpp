#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crosspatch/core/counter.hpp"

namespace crosspatch::media {

// Why a datagram went no further. Each has its counter on each endpoint; nothing is dropped without one.
enum class Drop : std::uint8_t {
    TooLong,            // above 1,200 octets
    NotRtp,             // neither RTP nor RTCP by its first octets
    BadHeader,          // version, CSRC, extension or padding does not fit
    ForeignSource,      // not from the endpoint's address
    UnknownSource,      // shared port: no endpoint has this address or SSRC
    Authentication,     // the SRTP tag does not verify
    Replay,             // seen before
    TooOld,             // behind the replay window
    Unencrypted,        // SRTCP without encryption
    TooManySsrcs,       // 256 SSRCs under one key: rotate the key
    RocMismatch,        // a packet of before the first wrap
    BelowRestartLimit,  // may have been accepted before the restart
    PayloadType,        // not the endpoint's
    SsrcFlapping,       // a second new SSRC within a second
    OwnSsrc,            // our own packet came back: a loop
    BadRtcp,            // compound that does not parse
    FloorMessage,       // broken, not for us to hear, overtaken, or one too many
    KeyFlood,           // a key that goes up and down more often than five times a second
    BadPayload,         // the codec cannot make sense of it
    Disabled,           // the endpoint is switched off
    ListenOnly,         // the endpoint's or the leg's direction
    NoFloor,            // somebody else has the floor, or the press was refused
    Stale,              // waited for too long in the system's queue
    Late,               // its place in the talkspurt has passed
    Duplicate,          // already waiting in the order window
    Reserved,           // send side: the packet index may not be used (yet)
    NoCodec,            // send side: no encoder was free
    InboxFull,          // shared port: the worker that it is for does not keep up
    Count
};

inline constexpr std::size_t kDrops = static_cast<std::size_t>(Drop::Count);

// The cause's name in `crosspatch_packets_dropped_total{cause="…"}`.
std::string_view name_of(Drop cause);

class DropCounters {
public:
    void operator()(Drop cause) { ++counters_[static_cast<std::size_t>(cause)]; }
    void operator()(Drop cause, std::uint64_t count) { counters_[static_cast<std::size_t>(cause)] += count; }
    std::uint64_t read(Drop cause) const { return counters_[static_cast<std::size_t>(cause)].read(); }

private:
    std::array<core::Counter, kDrops> counters_;
};

}  // namespace crosspatch::media
