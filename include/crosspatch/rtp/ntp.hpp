#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

#include "crosspatch/core/time.hpp"

namespace crosspatch::rtp {

// A moment as sender reports write it.
//
// Units    seconds since 1900 in the upper 32 bits, 1/2^32 s in the lower ones; wraps in February 2036.
// Errors   0 means "no clock"; it has no wall time. All other values are good.
// Source   RFC 3550 section 4; RFC 5905 section 6 for the era after 2036.
struct NtpTime {
    std::uint64_t value{};

    static NtpTime from(core::WallTime time);
    // Values with the top bit clear are read as 2036 to 2104, the others as 1968 to 2036.
    std::optional<core::WallTime> wall_time() const;
    constexpr std::uint32_t middle() const { return static_cast<std::uint32_t>(value >> 16); }  // 1/65536 s
    friend constexpr bool operator==(NtpTime, NtpTime) = default;
};

// Durations in 1/65536 s, as reports carry them; what does not fit is cut to the ends of the range.
std::uint32_t to_short_duration(core::Duration duration);
std::chrono::nanoseconds from_short_duration(std::uint32_t units);

// The round trip that a report block tells its reader: `now` - LSR - DLSR, RFC 3550 section 6.4.1. Nothing
// while the reporter has had no sender report, or when the sum is impossible, as after a clock step.
std::optional<std::chrono::nanoseconds> round_trip(std::uint32_t last_sender_report,
                                                   std::uint32_t delay_since, NtpTime now);

}  // namespace crosspatch::rtp
