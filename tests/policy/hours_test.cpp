#include "crosspatch/policy/hours.hpp"

#include <doctest/doctest.h>

#include <random>

#include "tests/policy/clock.hpp"
#include "tests/policy/desk.hpp"
#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::policy;
using namespace std::chrono_literals;
using tests::utc;

namespace {

Hours hours(std::string_view text) {
    Zones zones{tests::kToday};
    auto parsed = Hours::parse(text, zones);
    REQUIRE_MESSAGE(parsed.has_value(), (parsed ? "" : parsed.error().context));
    return *parsed;
}

std::string refusal(std::string_view text) {
    Zones zones{tests::kToday};
    const auto parsed = Hours::parse(text, zones);
    return parsed ? "accepted" : parsed.error().context;
}

// `2026-03-08T11:00:00Z` of the next change, or `never`.
std::string next(const Hours& of, core::WallTime time) {
    const auto change = of.next_change(time);
    return change ? core::rfc3339(*change, 0) : "never";
}

}  // namespace

TEST_CASE("hours begin with their first minute and end before their last") {
    const Hours office = hours("Mon-Fri 06:00-22:00 UTC");
    CHECK_FALSE(office.contains(utc(2026, 7, 1, 5, 59, 59) + 999999999ns));
    CHECK(office.contains(utc(2026, 7, 1, 6)));
    CHECK(office.contains(utc(2026, 7, 1, 21, 59, 59)));
    CHECK_FALSE(office.contains(utc(2026, 7, 1, 22)));
    CHECK(office.contains(utc(2026, 7, 3, 12)));        // Friday
    CHECK_FALSE(office.contains(utc(2026, 7, 4, 12)));  // Saturday
    CHECK_FALSE(office.contains(utc(2026, 7, 5, 12)));
    CHECK(next(office, utc(2026, 7, 1, 12)) == "2026-07-01T22:00:00Z");
    CHECK(next(office, utc(2026, 7, 3, 22)) == "2026-07-06T06:00:00Z");  // over the weekend
}

TEST_CASE("days are single, lists and ranges, and a range may go over the weekend") {
    const auto days_of = [](std::string_view text) {
        const Hours parsed = hours(text);
        std::string days;
        for (unsigned day = 0; day < 7; ++day) {  // 2026-06-29 is a Monday
            days += parsed.contains(utc(2026, 6, 29, 12) + std::chrono::days{day}) ? 'x' : '.';
        }
        return days;
    };
    CHECK(days_of("Wed 00:00-24:00 UTC") == "..x....");
    CHECK(days_of("Mon,Wed,Fri 00:00-24:00 UTC") == "x.x.x..");
    CHECK(days_of("Fri-Mon 00:00-24:00 UTC") == "x...xxx");
    CHECK(days_of("Sun,Tue-Wed 00:00-24:00 UTC") == ".xx...x");
    CHECK(days_of("Tue-Tue 00:00-24:00 UTC") == ".x.....");
    CHECK(days_of("Mon-Sun 00:00-24:00 UTC") == "xxxxxxx");
}

TEST_CASE("a night belongs to the day on which it begins") {
    const Hours night = hours("Fri 22:00-06:00 UTC");
    CHECK_FALSE(night.contains(utc(2026, 7, 3, 3)));  // Friday's small hours are Thursday's night
    CHECK(night.contains(utc(2026, 7, 3, 22)));
    CHECK(night.contains(utc(2026, 7, 4, 5, 59)));
    CHECK_FALSE(night.contains(utc(2026, 7, 4, 6)));
    CHECK_FALSE(night.contains(utc(2026, 7, 4, 22)));
    CHECK(next(night, utc(2026, 7, 3, 23)) == "2026-07-04T06:00:00Z");
    const Hours sunday = hours("Sun 22:00-06:00 UTC");  // over the end of the week
    CHECK(sunday.contains(utc(2026, 7, 5, 23)));
    CHECK(sunday.contains(utc(2026, 7, 6, 5)));
    CHECK(next(sunday, utc(2026, 7, 5, 23)) == "2026-07-06T06:00:00Z");
}

TEST_CASE("nights of every day join where they touch, and the whole week never changes") {
    const Hours always = hours("Mon-Sun 00:00-24:00 America/Chicago");
    CHECK(always.contains(utc(2026, 3, 8, 8)));
    CHECK(next(always, utc(2026, 7, 1)) == "never");
    const Hours also = hours("Mon-Sun 12:00-11:59 Europe/Berlin");  // a minute off each day
    CHECK_FALSE(also.contains(utc(2026, 7, 1, 9, 59)));
    CHECK(next(also, utc(2026, 7, 1, 10)) == "2026-07-02T09:59:00Z");
}

TEST_CASE("Chicago: what the clock skips does not happen, and what it repeats counts twice") {
    // 8 March 2026, 02:00 CST becomes 03:00 CDT at 08:00 UTC; 1 November, 02:00 CDT becomes 01:00 CST at
    // 07:00 UTC.
    const Hours skipped = hours("Sun 02:00-03:00 America/Chicago");
    CHECK(next(skipped, utc(2026, 3, 7)) == "2026-03-15T07:00:00Z");  // not on the 8th at all
    const Hours half = hours("Sun 02:30-04:00 America/Chicago");
    CHECK_FALSE(half.contains(utc(2026, 3, 8, 7, 59)));
    CHECK(half.contains(utc(2026, 3, 8, 8)));  // the clock jumps into it
    CHECK(next(half, utc(2026, 3, 8, 7)) == "2026-03-08T08:00:00Z");
    CHECK(next(half, utc(2026, 3, 8, 8)) == "2026-03-08T09:00:00Z");
    const Hours twice = hours("Sun 01:00-01:30 America/Chicago");
    CHECK(next(twice, utc(2026, 11, 1, 5)) == "2026-11-01T06:00:00Z");
    CHECK(next(twice, utc(2026, 11, 1, 6)) == "2026-11-01T06:30:00Z");
    CHECK(next(twice, utc(2026, 11, 1, 6, 30)) == "2026-11-01T07:00:00Z");  // the second 01:00
    CHECK(next(twice, utc(2026, 11, 1, 7)) == "2026-11-01T07:30:00Z");
}

TEST_CASE("Berlin: the same office hours are an hour earlier in UTC in summer") {
    const Hours office = hours("Mon-Fri 08:00-17:00 Europe/Berlin");
    CHECK(next(office, utc(2026, 3, 27, 12)) == "2026-03-27T16:00:00Z");  // Friday before the change: UTC+1
    CHECK(next(office, utc(2026, 3, 28)) == "2026-03-30T06:00:00Z");      // Monday after it: UTC+2
    CHECK(next(office, utc(2026, 10, 24)) == "2026-10-26T07:00:00Z");
    const Hours night = hours("Sat 22:00-06:00 Europe/Berlin");  // the night of the change has seven hours
    CHECK(next(night, utc(2026, 3, 28, 12)) == "2026-03-28T21:00:00Z");
    CHECK(next(night, utc(2026, 3, 28, 21)) == "2026-03-29T04:00:00Z");
}

TEST_CASE("Lord Howe: summer time is half an hour, in the southern summer") {
    // UTC+10:30, in summer UTC+11; 5 April 2026, 02:00 becomes 01:30 at 15:00 UTC on the 4th.
    const Hours dawn = hours("Mon-Sun 01:30-02:00 Australia/Lord_Howe");
    CHECK(next(dawn, utc(2026, 4, 4, 14)) == "2026-04-04T14:30:00Z");
    CHECK(next(dawn, utc(2026, 4, 4, 14, 30)) == "2026-04-04T15:30:00Z");  // it happens twice, without a gap
    // 4 October 2026, 02:00 becomes 02:30 at 15:30 UTC on the 3rd.
    const Hours gap = hours("Mon-Sun 02:00-02:30 Australia/Lord_Howe");
    CHECK(next(gap, utc(2026, 10, 3, 12)) == "2026-10-04T15:00:00Z");
    CHECK(hours("Mon-Sun 06:00-07:00 Australia/Lord_Howe").contains(utc(2026, 7, 1, 19, 30)));
    CHECK(hours("Mon-Sun 06:00-07:00 Australia/Lord_Howe").contains(utc(2026, 1, 1, 19)));
}

TEST_CASE("each wrong part of hours is named, with what would be right") {
    CHECK(refusal("") == "'' is not hours; write it as 'Mon-Fri 06:00-22:00 America/Chicago'");
    CHECK(refusal("Mon-Fri") == "'Mon-Fri' is not hours; write it as 'Mon-Fri 06:00-22:00 America/Chicago'");
    CHECK(refusal("Mon-Fri 06:00-22:00") ==
          "'Mon-Fri 06:00-22:00' names no time zone; write it as 'Mon-Fri 06:00-22:00 America/Chicago'");
    CHECK(refusal("Monday 06:00-22:00 UTC") == "'Monday' is not a day; did you mean 'Mon'?");
    CHECK(refusal("mon-fri 06:00-22:00 UTC") == "'mon' is not a day; did you mean 'Mon'?");
    CHECK(refusal("Mo-Fr 06:00-22:00 UTC") == "'Mo' is not a day; the days are Mon Tue Wed Thu Fri Sat Sun");
    CHECK(refusal("Mon, 06:00-22:00 UTC") == "'' is not a day; the days are Mon Tue Wed Thu Fri Sat Sun");
    CHECK(refusal("Mon-Wed-Fri 06:00-22:00 UTC") == "'Wed-Fri' is not a day; did you mean 'Wed'?");
    CHECK(refusal("Mon 6:00-22:00 UTC") == "'6:00' is not a time of day; write it as '06:00'");
    CHECK(refusal("Mon 06:00 UTC") == "'06:00' is not a span of the day; write it as '06:00-22:00'");
    CHECK(refusal("Mon 06:60-22:00 UTC") == "'06:60' is not a time of day: a day goes from 00:00 to 23:59");
    CHECK(refusal("Mon 24:00-22:00 UTC") == "'24:00' is not a time of day: a day goes from 00:00 to 23:59");
    CHECK(refusal("Mon 06:00-24:01 UTC") == "'24:01' is not a time of day: a day goes from 00:00 to 24:00");
    CHECK(refusal("Mon 06:00-99:99 UTC") == "'99:99' is not a time of day: a day goes from 00:00 to 24:00");
    CHECK(refusal("Mon 06:00-06:00 UTC") ==
          "'06:00-06:00' is no time at all; the whole day is '00:00-24:00'");
    CHECK(refusal(std::string(200, 'M')) ==
          "too long for hours; write it as 'Mon-Fri 06:00-22:00 America/Chicago'");
    CHECK(refusal("Mon\n 06:00-07:00 UTC").find('\n') == std::string::npos);
}

TEST_CASE("a time zone is a place of the IANA database, and a near miss is put right") {
    CHECK(refusal("Mon 06:00-07:00 America/Chigaco") ==
          "'America/Chigaco' is not a time zone; did you mean 'America/Chicago'?");
    CHECK(refusal("Mon 06:00-07:00 Chicago") ==
          "'Chicago' is not a time zone; did you mean 'America/Chicago'?");
    CHECK(refusal("Mon 06:00-07:00 Lord_Howe") ==
          "'Lord_Howe' is not a time zone; did you mean 'Australia/Lord_Howe'?");
    for (const std::string abbreviation :
         {"CST", "EST", "MST7MDT", "GMT+5", "GMT+05:17", "Etc/Unknown", "SystemV/EST5", "/", " UTC", "UTC ",
          "utc", "America/", "america/chicago", "Europe/Berlin/"}) {
        CAPTURE(abbreviation);
        CHECK(refusal("Mon 06:00-07:00 " + abbreviation).find("is not a time zone; ") != std::string::npos);
    }
    using namespace std::string_literals;
    CHECK(refusal("Mon 06:00-07:00 UTC\0/Zone"s) ==
          "'UTC\\u0000/Zone' is not a time zone; write it as a place, such as 'America/Chicago'");
    for (const std::string zone :
         {"UTC", "Etc/UTC", "Etc/GMT+6", "America/Argentina/Ushuaia", "Asia/Kathmandu", "US/Central"}) {
        CAPTURE(zone);
        CHECK(refusal("Mon 06:00-07:00 " + zone) == "accepted");
    }
}

TEST_CASE("a configuration full of unknown zones is refused in short order: suggestions are rationed") {
    Zones zones{tests::kToday};
    int with_suggestion = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto found = zones.find("America/Chicagoo");
        REQUIRE_FALSE(found.has_value());
        if (found.error().context.find("did you mean") != std::string::npos) ++with_suggestion;
    }
    CHECK(with_suggestion == 50);
}

TEST_CASE("hours agree with a calendar at every quarter of an hour over two years, in zones of every kind") {
    struct Case {
        std::string zone;
        const char* days;
        unsigned day_bits;
        int begin, end;  // minutes
        const char* span;
    };
    for (const Case& c : {Case{"America/Chicago", "Mon-Fri", 0x1F, 360, 1320, "06:00-22:00"},
                          Case{"America/Chicago", "Sat,Sun", 0x60, 75, 165, "01:15-02:45"},
                          Case{"Europe/Berlin", "Sun-Mon", 0x41, 1290, 150, "21:30-02:30"},
                          Case{"Australia/Lord_Howe", "Sat-Sun", 0x60, 105, 135, "01:45-02:15"},
                          Case{"Asia/Kathmandu", "Wed", 0x04, 0, 1440, "00:00-24:00"},
                          Case{"Africa/Casablanca", "Sun", 0x40, 120, 180, "02:00-03:00"}}) {
        CAPTURE(c.zone);
        const Hours parsed = hours(std::string{c.days} + " " + c.span + " " + c.zone);
        tests::WallClock clock{c.zone};
        std::size_t wrong = 0;
        bool before = parsed.contains(utc(2025, 12, 31, 23, 45));
        auto announced = parsed.next_change(utc(2025, 12, 31, 23, 45));
        for (auto time = utc(2026, 1, 1); time < utc(2028, 1, 1); time += 15min) {
            const auto shown = clock.read(time);
            const auto on = [&](int day) { return (c.day_bits >> static_cast<unsigned>(day) & 1U) != 0; };
            const int yesterday = (shown.day + 6) % 7;
            const bool inside =
                c.begin < c.end
                    ? on(shown.day) && shown.minute >= c.begin && shown.minute < c.end
                    : (on(shown.day) && shown.minute >= c.begin) || (on(yesterday) && shown.minute < c.end);
            if (parsed.contains(time) != inside) ++wrong;
            // next_change() names exactly the quarters at which the answer changes: all cases keep to
            // quarters.
            if ((inside != before) != (announced == time)) ++wrong;
            if (announced <= time) announced = parsed.next_change(time);
            before = inside;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("what is covered is covered at every minute, and what is not has a minute that shows it") {
    std::mt19937 random{20260701};
    Zones zones{tests::kToday};
    const auto any = [&] {
        static constexpr const char* kDays[] = {"Mon",     "Tue-Thu", "Fri-Mon",
                                                "Mon-Sun", "Sat,Sun", "Wed,Fri-Sat"};
        static constexpr const char* kSpans[] = {"00:00-24:00", "06:00-22:00", "22:00-06:00", "07:30-09:15",
                                                 "23:00-00:30"};
        return std::string{kDays[random() % 6]} + " " + kSpans[random() % 5] + " Europe/Berlin";
    };
    int covered = 0;
    for (int round = 0; round < 300; ++round) {
        const Hours wide = *Hours::parse(any(), zones);
        const Hours narrow = *Hours::parse(any(), zones);
        bool holds = true;
        for (auto time = utc(2026, 7, 6); time < utc(2026, 7, 13); time += 15min) {
            if (narrow.contains(time) && !wide.contains(time)) holds = false;
        }
        CHECK(wide.covers(narrow) == holds);
        covered += holds;
    }
    CHECK(covered > 20);
    CHECK(hours("Mon 06:00-07:00 UTC").covers(hours("Mon 06:00-07:00 UTC")));
    CHECK_FALSE(hours("Mon 06:00-07:00 UTC").covers(hours("Mon 06:00-07:00 Europe/Berlin")));
}

TEST_CASE(
    "long before and long after its table a zone keeps its offset, and no time of the clock is out of "
    "range") {
    const Hours office = hours("Mon-Fri 06:00-22:00 America/Chicago");
    for (const auto time : {core::WallTime::min(), utc(1970, 1, 1), utc(2200, 6, 1)}) {
        const bool inside = office.contains(time);
        const auto change = office.next_change(time);
        REQUIRE(change);
        CHECK(office.contains(*change) != inside);
    }
    CHECK_FALSE(office.next_change(core::WallTime::max()));
    CHECK(office.contains(utc(2045, 7, 3, 12)));  // still in the table: CDT, 07:00 on a Monday
    CHECK(office.contains(utc(2045, 7, 3, 11)));  // 06:00
    CHECK_FALSE(office.contains(utc(2045, 7, 3, 10, 59)));
}

TEST_CASE("asking for hours takes no memory") {
    const Hours office = hours("Mon-Fri 06:00-22:00 America/Chicago");
    const auto before = tests::allocations();
    bool inside = office.contains(utc(2026, 7, 1, 12));
    const auto change = office.next_change(utc(2026, 7, 1, 12));
    CHECK(tests::allocations() == before);
    CHECK(inside);
    CHECK(change);
}
