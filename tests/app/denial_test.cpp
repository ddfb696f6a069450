#include "src/app/denial.hpp"

#include <doctest/doctest.h>

using namespace crosspatch;
using namespace crosspatch::app;
using namespace std::chrono_literals;
using floor::Cause;
using floor::Class;

namespace {

Denial::Party guard(const std::string& name, floor::Claim claim = {Class::Normal, 3}) {
    return {name, name, "guard", "ng-ops", "northgate", claim};
}
Denial::Party officer(floor::Claim claim) {
    return {"chief", "car-7", "officer", "pd-tac", "metro-pd", claim};
}

bridge::Bridge joint(bridge::Preemption rule) {
    bridge::Bridge bridge{.id = "joint"};
    bridge.legs = {{.channel = "ng-ops"}, {.channel = "pd-tac"}};
    bridge.preemption = {std::move(rule)};
    return bridge;
}

}  // namespace

TEST_CASE("who had the floor is named, and that an equal claim takes it from nobody") {
    const Denial denial{.cause = Cause::AnotherTalks, .asked = guard("two"), .holder = guard("one")};
    CHECK(
        explain(denial, {}) ==
        "one had the floor with priority 3; this press claimed priority 3, and only a higher claim takes the "
        "floor; who asks by talking is not queued");
}

TEST_CASE("who asks in words is told why he does not wait either") {
    Denial denial{
        .cause = Cause::AnotherTalks, .asked = guard("two"), .in_words = true, .holder = guard("one")};
    CHECK(explain(denial, {}).ends_with("; the channel has no queue"));
    denial.cause = Cause::QueueFull;
    denial.places = 8;
    CHECK(explain(denial, {}).ends_with("; the queue of 8 was full"));
}

TEST_CASE("between agencies a higher claim needs a rule of a bridge that the channel is on") {
    const Denial denial{
        .cause = Cause::AnotherTalks, .asked = officer({Class::Normal, 5}), .holder = guard("one")};
    const std::string refused =
        "no `preemption` of a bridge lets officer of metro-pd take it from guard of northgate";
    CHECK(explain(denial, {}).find(refused) != std::string::npos);
    CHECK(explain(denial, {joint({.emergency = true})}).find(refused) != std::string::npos);
    CHECK(explain(denial, {joint({.roles = {"supervisor"}})}).find(refused) != std::string::npos);
    CHECK(explain(denial, {joint({.agency = "northgate"})}).find(refused) != std::string::npos);
    CHECK(explain(denial, {joint({.over_roles = {"officer"}})}).find(refused) != std::string::npos);
    CHECK(explain(denial, {joint({.roles = {"officer"}, .over_agency = "northgate"})}).find(refused) ==
          std::string::npos);
    bridge::Bridge elsewhere = joint({});
    elsewhere.legs.pop_back();
    CHECK(explain(denial, {elsewhere}).find(refused) != std::string::npos);
}

TEST_CASE("a bridge whose rule would have let it be taken, and that was closed at the press, is named") {
    Denial denial{.cause = Cause::AnotherTalks, .asked = officer({Class::Normal, 5}), .holder = guard("one")};
    const bridge::Bridge bridge = joint({.roles = {"officer"}});
    denial.open.emplace();
    CHECK(explain(denial, {bridge})
              .find("priority 5, but the bridge joint, which lets it be taken, was not open;") !=
          std::string::npos);
    denial.open->push_back("joint");
    CHECK(explain(denial, {bridge}).find("priority 5, but another one was to have the floor first;") !=
          std::string::npos);
    denial.open.reset();
    CHECK(explain(denial, {bridge}).find("first, or the bridge that lets it be taken was not open") !=
          std::string::npos);
}

TEST_CASE("a claim that an agreement has count for less is explained by that") {
    const Denial denial{
        .cause = Cause::AnotherTalks, .asked = officer({Class::Normal, 5}), .holder = guard("one")};
    bridge::Bridge bridge = joint({.roles = {"officer"}});
    bridge.ceilings = {{"metro-pd", {Class::Normal, 1}}};
    CHECK(explain(denial, {bridge}).find("`agreement.ceilings` of the bridge has what metro-pd claims") !=
          std::string::npos);
}

TEST_CASE("whom jurisdiction leaves out, where a rule would have let him, is told by which of its rules") {
    const Denial denial{
        .cause = Cause::AnotherTalks, .asked = officer({Class::Normal, 5}), .holder = guard("one")};
    bridge::Bridge bridge = joint({});
    auto chiefs = std::make_shared<bridge::JurisdictionRule>();
    chiefs->id = "chiefs";
    chiefs->rights.set(static_cast<std::size_t>(bridge::Right::Preempt));
    chiefs->roles = bridge::RoleSet{}.set(3);
    const auto explained = [&] {
        bridge.jurisdiction = {"joint", "", {"metro-pd", "northgate"}, {chiefs}};
        return explain(denial, {bridge});
    };
    CHECK(explained().find(
              "but on bridge joint officer of metro-pd may not take it: jurisdiction rule 'chiefs' "
              "gives it to supervisor of the agencies on it") != std::string::npos);
    chiefs->allows = false;
    chiefs->roles.set();
    chiefs->reason = "Wait";
    CHECK(explained().find("jurisdiction rule 'chiefs' denies it: Wait") != std::string::npos);
    chiefs->roles.reset(1);
    CHECK(explained().find("another one was to have the floor first") != std::string::npos);
}

TEST_CASE("inside an agency a higher claim is only denied if another one comes first, and that is said") {
    const Denial denial{.cause = Cause::QueueFull,
                        .asked = guard("two", {Class::Normal, 5}),
                        .in_words = true,
                        .holder = guard("one"),
                        .places = 1};
    CHECK(explain(denial, {}).find("another one was to have the floor first") != std::string::npos);
}

TEST_CASE("an emergency that the talker may not claim counts as what he may") {
    const Denial denial{.cause = Cause::AnotherTalks,
                        .asked = officer({Class::Normal, 3}),
                        .claimed = Class::Emergency,
                        .in_words = true,
                        .holder = guard("one", {Class::Emergency, 3})};
    const std::string text = explain(denial, {});
    CHECK(
        text.starts_with("one had the floor with an emergency, priority 3; this press claimed priority 3,"));
    CHECK(
        text.ends_with("it claimed an emergency, which chief on car-7 has no right to: `may` of its talker "
                       "does not say so"));
}

TEST_CASE("who was told to stop hears of no other, and the cool-down says how long it lasts") {
    Denial denial{
        .cause = Cause::AnotherTalks, .asked = guard("one"), .in_words = true, .holder = guard("one")};
    CHECK(explain(denial, {}) == "one had the floor with priority 3; it had been told to stop talking");
    denial.cause = Cause::RetryAfter;
    CHECK(explain(denial, {}).empty());
    denial.wait = 2140ms;
    CHECK(explain(denial, {}) == "the talk limit was reached; the next press is heard in 2.1 s");
}

TEST_CASE("where the cause says it all nothing is added") {
    for (const Cause cause : {Cause::ReceiveOnly, Cause::NoResources, Cause::Disabled, Cause::RecordFailed})
        CHECK(explain({.cause = cause, .asked = guard("two"), .holder = guard("one")}, {}).empty());
    CHECK(explain({.cause = Cause::AnotherTalks, .asked = guard("two")}, {}) ==
          "the floor was free, but another one was to have it first; who asks by talking is not queued");
}
