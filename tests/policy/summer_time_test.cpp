// The nights on which clocks are changed, in three zones: when exactly a rule with hours is open.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/policy/desk.hpp"

using namespace crosspatch;
using namespace crosspatch::policy;
using namespace std::chrono_literals;
using tests::Desk;
using tests::utc;

namespace {

struct Row {
    std::string hours;  // without the zone
    std::string open;   // `8 07:00-8 09:00`, days and times in UTC; empty: not at all
};
struct Night {
    std::string zone, what;
    core::WallTime from;  // three days are looked at
    std::vector<Row> rows;
};

const std::vector<Night> kNights{
    {"America/Chicago",
     "8 March 2026, 02:00 CST becomes 03:00 CDT at 08:00 UTC",
     utc(2026, 3, 7),
     {{"Sun 02:00-03:00", ""},                   // the hour that is skipped
      {"Sun 02:30-04:00", "8 08:00-8 09:00"},    // the clock jumps into it
      {"Sat 23:00-02:30", "8 05:00-8 08:00"},    // and out of it
      {"Sun 01:00-04:00", "8 07:00-8 09:00"},    // over it
      {"Sat 22:00-06:00", "8 04:00-8 11:00"},    // a night of seven hours
      {"Sat 20:00-24:00", "8 02:00-8 06:00"},    // to the end of the day
      {"Sun 00:00-24:00", "8 06:00-9 05:00"}}},  // a day of 23 hours
    {"America/Chicago",
     "1 November 2026, 02:00 CDT becomes 01:00 CST at 07:00 UTC",
     utc(2026, 10, 31),
     {{"Sun 01:00-01:30", "1 06:00-1 06:30, 1 07:00-1 07:30"},  // in the hour that is repeated
      {"Sun 01:30-02:00", "1 06:30-1 07:00, 1 07:30-1 08:00"},
      {"Sun 01:00-02:00", "1 06:00-1 08:00"},                   // all of it, twice without a gap
      {"Sat 23:00-01:30", "1 04:00-1 06:30, 1 07:00-1 07:30"},  // ends in it, both times
      {"Sat 22:00-06:00", "1 03:00-1 12:00"},
      {"Sat 20:00-24:00", "1 01:00-1 05:00"},
      {"Sun 00:00-24:00", "1 05:00-2 06:00"}}},
    {"Europe/Berlin",
     "29 March 2026, 02:00 CET becomes 03:00 CEST at 01:00 UTC",
     utc(2026, 3, 28),
     {{"Sun 02:00-03:00", ""},
      {"Sun 02:15-02:45", ""},
      {"Sun 01:00-02:30", "29 00:00-29 01:00"},
      {"Sat 22:00-06:00", "28 21:00-29 04:00"},
      {"Sat 12:00-24:00", "28 11:00-28 23:00"},
      {"Sun 00:00-24:00", "28 23:00-29 22:00"}}},
    {"Europe/Berlin",
     "25 October 2026, 03:00 CEST becomes 02:00 CET at 01:00 UTC",
     utc(2026, 10, 24),
     {{"Sun 02:00-03:00", "25 00:00-25 02:00"},
      {"Sun 02:00-02:30", "25 00:00-25 00:30, 25 01:00-25 01:30"},
      {"Sun 02:30-03:30", "25 00:30-25 01:00, 25 01:30-25 02:30"},
      {"Sat 22:00-06:00", "24 20:00-25 05:00"},
      {"Sat 12:00-24:00", "24 10:00-24 22:00"},
      {"Sun 00:00-24:00", "24 22:00-25 23:00"}}},
    {"Australia/Lord_Howe",
     "5 April 2026, 02:00 becomes 01:30 at 15:00 UTC on the 4th: half an hour",
     utc(2026, 4, 3),
     {{"Sun 01:30-02:00", "4 14:30-4 15:30"},
      {"Sun 01:45-02:15", "4 14:45-4 15:00, 4 15:15-4 15:45"},
      {"Sat 22:00-06:00", "4 11:00-4 19:30"},
      {"Sun 00:00-24:00", "4 13:00-5 13:30"}}},
    {"Australia/Lord_Howe",
     "4 October 2026, 02:00 becomes 02:30 at 15:30 UTC on the 3rd",
     utc(2026, 10, 2),
     {{"Sun 02:00-02:30", ""},
      {"Sun 02:15-03:00", "3 15:30-3 16:00"},
      {"Sat 22:00-06:00", "3 11:30-3 19:00"},
      {"Sun 00:00-24:00", "3 13:30-4 13:00"}}}};

std::string shown(core::WallTime time) {
    const auto text = core::rfc3339(time, 0);  // 2026-03-08T07:00:00Z
    return fmt::format("{} {}", std::stoi(text.substr(8, 2)), text.substr(11, 5));
}

using Decide = Decision (*)(const RuleList&, const Facts&, core::WallTime);

// Minute by minute: when the rule matches. What an answer says of its own end is never too late.
std::string open_times(Decide how, const RuleList& list, const Facts& facts, core::WallTime from) {
    std::string text;
    auto stands_until = core::WallTime::min();
    bool before = false;
    for (auto time = from; time <= from + 72h; time += 1min) {
        const Decision now = how(list, facts, time);
        const bool open = now.allowed && time < from + 72h;
        if (open != before) {
            text += (open ? (text.empty() ? "" : ", ") : "-") + shown(time);
            if (time < from + 72h) CHECK(stands_until <= time);
        }
        stands_until = now.valid_until;
        before = open;
    }
    return text;
}

}  // namespace

TEST_CASE("rules with hours open and shut to the minute on the nights on which clocks are changed") {
    for (const Night& night : kNights) {
        CAPTURE(night.what);
        for (const Row& row : night.rows) {
            CAPTURE(row.hours);
            Desk desk;
            RuleList list = desk.read(
                fmt::format("- {{id: r, action: allow, when: {{hours: '{} {}'}}}}", row.hours, night.zone));
            REQUIRE(desk.problems.empty());
            list.tables = std::make_shared<const DecisionTables>(list.rules);
            CHECK(open_times(decide_by_scan, list, desk.guard_to_police(), night.from) == row.open);
            CHECK(open_times(decide, list, desk.guard_to_police(), night.from) == row.open);
        }
    }
}
