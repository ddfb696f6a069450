#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace crosspatch::rtp {

// Why a packet was not opened, or not sealed; one counter each.
enum class SrtpError : std::uint8_t {
    // A packet from outside; nothing about its stream has changed.
    Authentication,     // wrong tag: damaged, forged, wrong key, plaintext, MKI
    Replay,             // this index was accepted before
    TooOld,             // 128 or more behind the newest
    TooShort,           // no room for header and tag
    TooLong,            // above kMaxSrtpPacket
    UnencryptedRtcp,    // E = 0
    TooManySsrcs,       // authentic, but a 257th source under one key: rotate the key
    RocMismatch,        // authentic under another roll-over counter than ours, or older than the stream
    BelowRestartLimit,  // may have been accepted before the last restart
    OutOfStep,          // without a suite: far from its stream, and no second packet has said the same
    // Our own packet; nothing was written.
    IndexReused,  // sealed before, or too far behind to know
    NotReserved,  // at or above the durable reservation
    KeyExpired,   // 2^48 SRTP or 2^31 SRTCP packets (RFC 3711 §9.2)
    UnknownSsrc,  // not the stream that begin() named
    NoRoom,       // the buffer cannot take the tag, or the sizes contradict each other
};
inline constexpr std::size_t kSrtpErrors = 15;

// The cause as metrics name it: `authentication`, `replay`, `roc_mismatch` …
std::string_view name(SrtpError error);

// Units: octets. No packet of ours is above 1,200; this leaves room for what others send over any real path.
inline constexpr std::size_t kMaxSrtpPacket = 2048;
// RFC 3711 §9.2: packets under one key.
inline constexpr std::uint64_t kRtpIndexEnd = std::uint64_t{1} << 48;
inline constexpr std::uint32_t kRtcpIndexEnd = std::uint32_t{1} << 31;

}  // namespace crosspatch::rtp
