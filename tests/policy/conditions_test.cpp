#include "crosspatch/policy/conditions.hpp"

#include <doctest/doctest.h>

#include "tests/policy/desk.hpp"

using namespace crosspatch;
using namespace crosspatch::policy;
using tests::utc;

namespace {

// Sets over the names 1, 2 and 3; 4 stands for all names that nobody wrote.
NameSet set(unsigned bits, bool except) {
    NameSet made;
    made.except = except;
    for (std::uint32_t name = 1; name <= 3; ++name) {
        if ((bits >> name & 1U) != 0) made.ids.push_back(static_cast<NameId>(name));
    }
    return made;
}

std::shared_ptr<const Hours> hours(const char* text) {
    Zones zones{tests::kToday};
    return std::make_shared<const Hours>(*Hours::parse(text, zones));
}

}  // namespace

TEST_CASE("a set of names contains what it lists, or all but what it lists") {
    const NameSet listed = set(0b0110, false);
    CHECK(listed.contains(static_cast<NameId>(1)));
    CHECK_FALSE(listed.contains(static_cast<NameId>(3)));
    CHECK_FALSE(listed.contains(NameId::None));
    const NameSet except = set(0b0110, true);
    CHECK_FALSE(except.contains(static_cast<NameId>(1)));
    CHECK(except.contains(static_cast<NameId>(3)));
    CHECK(except.contains(NameId::None));
    CHECK(NameSet{}.any());
    CHECK(NameSet{}.contains(static_cast<NameId>(99)));
}

TEST_CASE("one set of names covers another exactly if it contains all that the other does") {
    for (unsigned a = 0; a < 16; ++a) {
        for (unsigned b = 0; b < 16; ++b) {
            const NameSet wide = set((a & 7U) << 1, (a & 8U) != 0);
            const NameSet narrow = set((b & 7U) << 1, (b & 8U) != 0);
            bool holds = true;
            for (std::uint32_t name = 0; name <= 4; ++name) {
                const auto id = static_cast<NameId>(name);
                if (narrow.contains(id) && !wide.contains(id)) holds = false;
            }
            CAPTURE(a);
            CAPTURE(b);
            CHECK(wide.covers(narrow) == holds);
        }
    }
}

TEST_CASE("times are inside one of the wanted hours and none of the unwanted") {
    TimeSet times;
    CHECK(times.always());
    CHECK(times.contains(utc(2026, 7, 1)));
    CHECK(times.steady_until(utc(2026, 7, 1)) == core::WallTime::max());
    times.any_of = {hours("Wed 06:00-12:00 UTC"), hours("Wed 18:00-20:00 UTC")};
    times.none_of = {hours("Wed 08:00-09:00 UTC")};
    std::string day;
    for (int hour = 0; hour < 24; ++hour) day += times.contains(utc(2026, 7, 1, hour)) ? 'x' : '.';
    CHECK(day == "......xx.xxx......xx....");
    CHECK(times.steady_until(utc(2026, 7, 1, 6)) == utc(2026, 7, 1, 8));
    CHECK(times.steady_until(utc(2026, 7, 1, 9)) == utc(2026, 7, 1, 12));
}

TEST_CASE("times cover other times only where no moment of the others is left out") {
    const auto office = hours("Mon-Fri 06:00-22:00 UTC");
    const auto noon = hours("Wed 11:00-13:00 UTC");
    const TimeSet always;
    const TimeSet in_office{{office}, {}};
    const TimeSet at_noon{{noon}, {}};
    const TimeSet not_at_noon{{}, {noon}};
    const TimeSet not_in_office{{}, {office}};
    CHECK(always.covers(at_noon));
    CHECK(always.covers(not_at_noon));
    CHECK_FALSE(at_noon.covers(always));
    CHECK(in_office.covers(at_noon));
    CHECK_FALSE(at_noon.covers(in_office));
    CHECK(not_at_noon.covers(not_in_office));
    CHECK_FALSE(not_in_office.covers(not_at_noon));
    CHECK_FALSE(not_in_office.covers(always));
    CHECK_FALSE(in_office.covers(not_at_noon));
    CHECK(TimeSet{{office, noon}, {}}.covers(TimeSet{{noon, noon}, {office}}));
    CHECK_FALSE(TimeSet{{office}, {noon}}.covers(TimeSet{{office}, {}}));
}

TEST_CASE("facts have one bit for each of the six small conditions") {
    Facts facts;
    facts.kind = Kind::Location;
    facts.emergency = true;
    facts.sensitivity = Sensitivity::Clear;
    facts.suite = Suite::Api;
    facts.incident = Incident::Exercise;
    facts.severity = Severity::Unknown;
    CHECK(field::bits_of(facts) == (1U << 3 | 1U << 5 | 1U << 10 | 1U << 15 | 1U << 17 | 1U << 23));
    CHECK(field::bits_of(Facts{}) == (1U << 0 | 1U << 4 | 1U << 8 | 1U << 11 | 1U << 18 | 1U << 24));
    CHECK((field::bits_of(facts) & field::kAny) == field::bits_of(facts));
}
