#include "crosspatch/core/time.hpp"

#include <doctest/doctest.h>

using namespace crosspatch::core;
using namespace std::chrono_literals;

namespace {

WallTime at(std::chrono::year_month_day day, std::chrono::nanoseconds since_midnight) {
    return WallTime{std::chrono::sys_days{day}} + since_midnight;
}

}  // namespace

TEST_CASE("wall-clock time is written in UTC with as many digits as asked for") {
    using namespace std::chrono;
    const auto time = at(2026y / 11 / 22, 16h + 2min + 40s + 123'456'789ns);
    CHECK(rfc3339(time) == "2026-11-22T16:02:40.123456789Z");
    CHECK(rfc3339(time, 3) == "2026-11-22T16:02:40.123Z");
    CHECK(rfc3339(time, 1) == "2026-11-22T16:02:40.1Z");
    CHECK(rfc3339(time, 0) == "2026-11-22T16:02:40Z");
}

TEST_CASE("leap days, year ends and times before 1970 are written right") {
    using namespace std::chrono;
    CHECK(rfc3339(at(2028y / 2 / 29, 23h + 59min + 59s + 999'999'999ns), 9) ==
          "2028-02-29T23:59:59.999999999Z");
    CHECK(rfc3339(WallTime{}, 0) == "1970-01-01T00:00:00Z");
    CHECK(rfc3339(WallTime{} - 1ns, 9) == "1969-12-31T23:59:59.999999999Z");
}

TEST_CASE("fractions are cut, never rounded up into the next second") {
    using namespace std::chrono;
    CHECK(rfc3339(at(2026y / 1 / 1, 999'999'999ns), 3) == "2026-01-01T00:00:00.999Z");
}

TEST_CASE("monotonic time does not go back, and the wall clock is past the day this was written") {
    const Time first = monotonic_now();
    CHECK(monotonic_now() >= first);
    CHECK(wall_now() > at(std::chrono::year{2024} / 1 / 1, 0ns));
}
