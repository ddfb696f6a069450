#include "crosspatch/rtp/ntp.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace crosspatch;
using namespace crosspatch::rtp;
using namespace std::chrono_literals;

namespace {

core::WallTime unix_time(std::int64_t seconds, std::int64_t nanoseconds = 0) {
    return core::WallTime{std::chrono::seconds{seconds} + std::chrono::nanoseconds{nanoseconds}};
}

}  // namespace

TEST_CASE("seconds count from 1900 and the fraction is of 2^32") {
    CHECK(NtpTime::from(unix_time(0)).value == (2208988800ull << 32));
    CHECK(NtpTime::from(unix_time(0, 500000000)).value == (2208988800ull << 32 | 0x80000000));
    CHECK(NtpTime::from(unix_time(-1, 250000000)).value == (2208988799ull << 32 | 0x40000000));
    CHECK(NtpTime{0xE8D4A51080000000}.wall_time() == unix_time(0xE8D4A510 - 2208988800ll, 500000000));
    CHECK(NtpTime{0xE8D4A51080000000}.middle() == 0xA5108000);
}

// bad-input.md, 40
TEST_CASE("0 is no time, and the wrap of 2036 is crossed without a jump") {
    CHECK_FALSE(NtpTime{0}.wall_time());
    const auto last = unix_time(2085978495);  // 2036-02-07 06:28:15
    CHECK(NtpTime::from(last).value == (0xFFFFFFFFull << 32));
    CHECK(NtpTime::from(last + 1s + 500ms).value == 0x80000000);
    CHECK(NtpTime::from(last + 1s + 1ms).wall_time() == last + 1s + 1ms);
    CHECK(round_trip(NtpTime::from(last).middle(), 0, NtpTime::from(last + 2s)) == 2s);
}

TEST_CASE("a wall time comes back to the nanosecond") {
    std::mt19937_64 random{2};
    for (int round = 0; round < 20000; ++round) {
        const auto time = unix_time(static_cast<std::int64_t>(random() % 4000000000),
                                    static_cast<std::int64_t>(random() % 1000000000));
        CHECK(NtpTime::from(time).wall_time() == time);
    }
    CHECK(NtpTime::from(unix_time(1, 999999999)).wall_time() == unix_time(1, 999999999));
}

TEST_CASE("short durations keep to 16 bits of seconds and of fraction") {
    CHECK(to_short_duration(1s) == 0x10000);
    CHECK(to_short_duration(1500ms) == 0x18000);
    CHECK(to_short_duration(0s) == 0);
    CHECK(to_short_duration(-1ns) == 0);
    CHECK(to_short_duration(-5s) == 0);
    CHECK(to_short_duration(65535s) == 0xFFFF0000);
    CHECK(to_short_duration(65536s) == 0xFFFFFFFF);
    CHECK(to_short_duration(core::Duration::max()) == 0xFFFFFFFF);
    CHECK(from_short_duration(0x18000) == 1500ms);
    CHECK(from_short_duration(0xFFFFFFFF) < 65536s);
}

TEST_CASE("the round trip is what is left of now after the report's age on the far side") {
    const auto sent = unix_time(1700000000, 123456789);
    const std::uint32_t last = NtpTime::from(sent).middle();
    const auto trip = round_trip(last, to_short_duration(3s), NtpTime::from(sent + 3s + 40ms));
    REQUIRE(trip);
    CHECK(*trip > 39ms);
    CHECK(*trip < 41ms);
}

TEST_CASE("no round trip comes from a reporter without a sender report or from an impossible sum") {
    const auto now = unix_time(1700000000);
    const std::uint32_t last = NtpTime::from(now).middle();
    CHECK_FALSE(round_trip(0, 0, NtpTime::from(now)));
    CHECK(round_trip(last, 0, NtpTime::from(now)) == 0ns);
    CHECK(round_trip(last, 30, NtpTime::from(now)) == 0ns);  // half a millisecond of rounding
    CHECK_FALSE(round_trip(last, to_short_duration(1s), NtpTime::from(now)));  // older than it can be
    CHECK_FALSE(round_trip(last, 0, NtpTime::from(now + 3600s)));  // an hour on the way, or a clock step
    CHECK_FALSE(round_trip(last, 0xFFFFFFFF, NtpTime::from(now + 3600s)));
}
