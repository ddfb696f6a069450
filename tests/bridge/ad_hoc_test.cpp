#include "crosspatch/bridge/ad_hoc.hpp"

#include <doctest/doctest.h>

namespace crosspatch::bridge {
namespace {

using namespace std::chrono_literals;

const std::vector<Channel> kChannels{{.id = "ng-ops", .agency = "northgate"},
                                     {.id = "ng-gate", .agency = "northgate"},
                                     {.id = "pd-tac", .agency = "metro-pd"},
                                     {.id = "fd-1", .agency = "city-fd"}};

Bridge pattern() {
    return {.id = "incident",
            .legs = {{.channel = "ng-ops"}, {.channel = "pd-tac", .gain_db = -6}, {.channel = "fd-1"}},
            .expires = 8h,
            .agreement = "MOU-7",
            .ceilings = {{"city-fd", {floor::Class::Normal, 3}}, {"metro-pd", {}}},
            .standing_consent = {"northgate", "city-fd"},
            .preemption = {{.agency = "metro-pd"}},
            .agencies = {"city-fd", "metro-pd", "northgate"},
            .terms = "of the template"};
}

std::string refusal(const std::vector<std::string>& chosen) {
    const auto made = make_bridge(pattern(), "x", chosen, kChannels);
    return made ? "" : made.error().context;
}

TEST_CASE("a bridge made of a template has what the template says of whoever is on it") {
    const auto made = make_bridge(pattern(), "incident-1", {"pd-tac", "ng-ops"}, kChannels);
    REQUIRE(made);
    CHECK(made->id == "incident-1");
    CHECK(made->made_from == "incident");
    REQUIRE(made->legs.size() == 2);
    CHECK(made->legs[0].channel == "pd-tac");
    CHECK(made->legs[0].gain_db == -6);
    CHECK(made->agencies == std::vector<std::string>{"metro-pd", "northgate"});
    CHECK(made->standing_consent == std::vector<std::string>{"northgate"});
    REQUIRE(made->ceilings.size() == 1);
    CHECK(made->ceilings[0].agency == "metro-pd");
    CHECK(made->expires == 8h);
    CHECK(made->agreement == "MOU-7");
    CHECK(made->preemption.size() == 1);
    CHECK(made->terms.empty());  // other channels, other terms
}

TEST_CASE("only channels that the template offers can be chosen, two or more, each once") {
    CHECK(refusal({"ng-ops", "ng-gate"}) ==
          "template 'incident' does not offer channel 'ng-gate'; it offers ng-ops, pd-tac, fd-1");
    CHECK(refusal({"ng-ops", "a\nb"}).find("'a\\nb'") != std::string::npos);
    CHECK(refusal({"ng-ops"}) == "a bridge joins two or more channels");
    CHECK(refusal({}) == "a bridge joins two or more channels");
    CHECK(refusal({"ng-ops", "ng-ops"}) == "channel 'ng-ops' was chosen twice");
}

TEST_CASE("an id that is free is the template's with a number, and never too long") {
    CHECK(free_id("incident", {}) == "incident-1");
    CHECK(free_id("incident", {{.id = "incident-1"}, {.id = "incident-3"}}) == "incident-2");
    const std::string longest(32, 'x');
    CHECK(free_id(longest, {}) == std::string(30, 'x') + "-1");
}

TEST_CASE("two bridges join the same if they have the same channels, in whatever order") {
    Bridge one{.legs = {{.channel = "a"}, {.channel = "b"}}};
    Bridge other{.legs = {{.channel = "b", .direction = Direction::Talk}, {.channel = "a"}}};
    CHECK(join_the_same(one, other));
    other.legs.push_back({.channel = "c"});
    CHECK_FALSE(join_the_same(one, other));
    one.legs.push_back({.channel = "d"});
    CHECK_FALSE(join_the_same(one, other));
}

}  // namespace
}  // namespace crosspatch::bridge
