#include "crosspatch/rtp/rtcp_schedule.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace crosspatch;
using namespace crosspatch::rtp;
using namespace std::chrono_literals;

namespace {

constexpr core::Time kStart{1h};

double seconds(core::Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

TEST_CASE("the first report comes after half the interval, spread and compensated") {
    CHECK(seconds(RtcpSchedule{kStart, 0}.due() - kStart) == doctest::Approx(2.5 * 0.5 / 1.21828));
    CHECK(seconds(RtcpSchedule{kStart, 0x80000000}.due() - kStart) == doctest::Approx(2.5 / 1.21828));
    CHECK(seconds(RtcpSchedule{kStart, 0xFFFFFFFF}.due() - kStart) == doctest::Approx(2.5 * 1.5 / 1.21828));
}

TEST_CASE("later reports are due from the last one, and never more than five seconds apart") {
    RtcpSchedule schedule{kStart, 0};
    schedule.sent(kStart + 10s, 0);
    CHECK(seconds(schedule.due() - kStart - 10s) == doctest::Approx(2.5 / 1.21828));
    schedule.sent(kStart + 12s, 0x80000000);
    CHECK(seconds(schedule.due() - kStart - 12s) == doctest::Approx(5 / 1.21828));
    schedule.sent(kStart + 16s, 0xFFFFFFFF);
    CHECK(schedule.due() == kStart + 21s);
    CHECK_FALSE(schedule.is_due(kStart + 21s - 1ns));
    CHECK(schedule.is_due(kStart + 21s));
}

TEST_CASE("a thousand reports keep their distance and do not fall into step") {
    std::mt19937 random{4};
    core::Time now = kStart;
    RtcpSchedule schedule{now, static_cast<std::uint32_t>(random())};
    double shortest = 100, longest = 0;
    for (int report = 0; report < 1000; ++report) {
        now = schedule.due();
        schedule.sent(now, static_cast<std::uint32_t>(random()));
        shortest = std::min(shortest, seconds(schedule.due() - now));
        longest = std::max(longest, seconds(schedule.due() - now));
    }
    CHECK(shortest > 2.05);
    CHECK(shortest < 2.2);
    CHECK(longest <= 5);
    CHECK(longest > 4.9);
    CHECK(seconds(now - kStart) / 1000 == doctest::Approx(3.94).epsilon(0.03));
}
