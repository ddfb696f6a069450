#include "crosspatch/app/held_clock.hpp"

#include <doctest/doctest.h>

namespace crosspatch::app {
namespace {

using namespace std::chrono_literals;

constexpr core::WallTime kMorning{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} + 8h};
constexpr core::Time kNow{100h};

TEST_CASE("the day goes on while the wall clock is set back, and an agreement that has ended stays ended") {
    const HeldClock clock{{}, kMorning, kNow};
    CHECK(clock.day(kMorning, kNow) == "2026-11-22");
    CHECK(clock.day(kMorning - 240h, kNow) == "2026-11-22");
    CHECK(clock.day(kMorning - 240h, kNow + 16h - 1ns) == "2026-11-22");
    CHECK(clock.day(kMorning - 240h, kNow + 16h) == "2026-11-23");
    CHECK(clock.day(kMorning + 48h, kNow) == "2026-11-24");
}

TEST_CASE("a start with a clock that is behind the log goes by the log") {
    const HeldClock clock{kMorning, kMorning - 48h, kNow};
    CHECK(clock.time(kMorning - 48h, kNow) == kMorning);
    CHECK(clock.time(kMorning - 47h, kNow + 1h) == kMorning + 1h);
    CHECK(clock.time(kMorning + 5h, kNow + 1h) == kMorning + 5h);
}

}  // namespace
}  // namespace crosspatch::app
