#include <doctest/doctest.h>

#include "crosspatch/bridge/exchange.hpp"
#include "tests/bridge/town.hpp"

namespace crosspatch::bridge {
namespace {

using namespace tests;
using Kind = Report::Kind;
constexpr auto kGuard = Town::kGuard, kOfficer = Town::kOfficer, kCar = Town::kCar;

TEST_CASE("an officer takes the floor from a guard where the bridge allows it, and nobody else does") {
    Town town;
    town.plan.endpoints[kOfficer].priority = 9;
    town.plan.endpoints[kCar].priority = 9;
    town.plan.endpoints[kCar].role = town.desk.names.intern("guard");
    town.plan.bridges[0].preemption = {{.roles = {town.desk.names.intern("officer")}}};
    town.open_town();
    town.talk(kGuard, 5);
    CHECK_FALSE(town.packet(kCar));
    CHECK(town.packet(kOfficer));
    CHECK(town.count(Kind::Revoked, kGuard) == 1);
    CHECK(town.last(Kind::Revoked).other == kOfficer);
    CHECK_FALSE(town.packet(kGuard));
    CHECK(town.talk(kOfficer, 5) == 5);
    CHECK(town.hears(kGuard) == 6);
}

TEST_CASE("a partner's claim counts for no more than was agreed when it would take the floor") {
    Town town;
    town.plan.endpoints[kOfficer].priority = 9;
    auto& bridge = town.plan.bridges[0];
    bridge.preemption = {{.roles = {town.desk.names.intern("officer")}}};
    const policy::NameId police = town.desk.names.intern("metro-pd");
    SUBCASE("at most what the guard has") { bridge.ceilings = {{police, {floor::Class::Normal, 3}}}; }
    SUBCASE("more than that") { bridge.ceilings = {{police, {floor::Class::Normal, 4}}}; }
    SUBCASE("the other one's") {
        bridge.ceilings = {{town.desk.names.intern("northgate"), {floor::Class::Normal, 0}}};
    }
    const bool takes = bridge.ceilings[0].agency != police || bridge.ceilings[0].most.priority > 3;
    town.open_town();
    town.talk(kGuard, 5);
    CHECK(town.packet(kOfficer) == takes);
    CHECK(town.count(Kind::Denied, kOfficer) == !takes);
}

TEST_CASE("a rule of preemption counts only for those whom jurisdiction lets, emergencies apart") {
    Town town;
    town.plan.endpoints[kOfficer].priority = 9;
    town.plan.endpoints[kOfficer].may_emergency = true;
    const policy::NameId police = town.desk.names.intern("metro-pd");
    const policy::NameId officers = town.desk.names.intern("officer");
    auto& bridge = town.plan.bridges[0];
    bridge.preemption = {{.roles = {officers}}};
    bool takes = true;
    SUBCASE("nobody is barred") {}
    SUBCASE("officers of the police are") {
        bridge.barred = {{police, officers, false}};
        takes = false;
    }
    SUBCASE("their emergencies are, of which this rule does not speak") {
        bridge.barred = {{police, officers, true}};
    }
    SUBCASE("their supervisors are") {
        bridge.barred = {{police, town.desk.names.intern("supervisor"), false}};
    }
    SUBCASE("officers of the other agency are") {
        bridge.barred = {{town.desk.names.intern("northgate"), officers, false}};
    }
    SUBCASE("by one of two rules they may") {
        bridge.preemption.push_back({.emergency = true});
        bridge.barred = {{police, officers, true}};
    }
    town.open_town();
    town.talk(kGuard, 5);
    CHECK(town.packet(kOfficer) == takes);
    CHECK(town.count(Kind::Revoked, kGuard) == takes);
    CHECK(town.count(Kind::Denied, kOfficer) == !takes);
}

}  // namespace
}  // namespace crosspatch::bridge
