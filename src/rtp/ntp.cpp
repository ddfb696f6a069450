#include "crosspatch/rtp/ntp.hpp"

#include <algorithm>

namespace crosspatch::rtp {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::int64_t k1970 = 2208988800;  // in seconds since 1900
constexpr std::int64_t kEra = std::int64_t{1} << 32;
constexpr std::uint64_t kNanoseconds = 1'000'000'000;

constexpr std::int32_t kClockGrain = 66;           // 1 ms: two clocks read in turn may disagree by so much
constexpr std::int32_t kLongestTrip = 60 * 65536;  // nobody talks over a path of a minute

}  // namespace

NtpTime NtpTime::from(core::WallTime time) {
    const auto whole = std::chrono::floor<seconds>(time);
    const auto rest = static_cast<std::uint64_t>((time - whole).count());
    const auto since_1900 = static_cast<std::uint64_t>(whole.time_since_epoch().count() + k1970);
    return {since_1900 << 32 | (rest << 32) / kNanoseconds};
}

std::optional<core::WallTime> NtpTime::wall_time() const {
    if (value == 0) return std::nullopt;
    auto since_1900 = static_cast<std::int64_t>(value >> 32);
    if (since_1900 < kEra / 2) since_1900 += kEra;
    const std::uint64_t fraction = value & 0xFFFFFFFF;
    const nanoseconds rest{(fraction * kNanoseconds + (std::uint64_t{1} << 31)) >> 32};
    return core::WallTime{seconds{since_1900 - k1970} + rest};
}

std::uint32_t to_short_duration(core::Duration duration) {
    const auto whole = std::chrono::floor<seconds>(duration);
    const auto rest = std::chrono::duration_cast<nanoseconds>(duration - whole).count();
    if (whole.count() < 0) return 0;
    if (whole.count() > 0xFFFF) return 0xFFFFFFFF;
    return static_cast<std::uint32_t>(whole.count() << 16 |
                                      (rest << 16) / static_cast<std::int64_t>(kNanoseconds));
}

nanoseconds from_short_duration(std::uint32_t units) {
    return nanoseconds{(units * kNanoseconds + (std::uint64_t{1} << 15)) >> 16};
}

std::optional<nanoseconds> round_trip(std::uint32_t last_sender_report, std::uint32_t delay_since,
                                      NtpTime now) {
    if (last_sender_report == 0) return std::nullopt;
    const auto units = static_cast<std::int32_t>(now.middle() - last_sender_report - delay_since);
    if (units < -kClockGrain || units > kLongestTrip) return std::nullopt;
    return from_short_duration(static_cast<std::uint32_t>(std::max(units, 0)));
}

}  // namespace crosspatch::rtp
