#include <doctest/doctest.h>

#include "crosspatch/bridge/exchange.hpp"
#include "tests/bridge/handsets.hpp"

// Bridges that an emergency opens.
namespace crosspatch::bridge {
namespace {

using namespace tests;
using Kind = Report::Kind;
constexpr auto kGuard = Town::kGuard, kPost = Town::kPost, kOfficer = Town::kOfficer, kCar = Town::kCar;
constexpr auto kOps = Town::kOps;

// The bridge is shut and armed; the officer may claim emergencies, the others may not.
struct Armed : Handsets {
    Armed() : Handsets{false} {
        exchange.arm(0, stage.now);
        forget();
    }
    void call_for_help(std::uint32_t who) { ask(who, rtp::floor_indicator::kEmergency); }
    // How many packets of the next the others hear.
    std::size_t crosses(std::uint32_t from, std::uint32_t to) {
        hears(to);
        talk(from, 5);
        return hears(to);
    }
};

TEST_CASE("an emergency opens an armed bridge in its own step, so that its first packet crosses") {
    Armed town;
    town.call_for_help(kOfficer);
    CHECK(town.allocated == 0);
    CHECK(town.count(Kind::BridgeOpened) == 1);
    CHECK(town.last(Kind::BridgeOpened).emergency);
    CHECK(town.last(Kind::BridgeOpened).endpoint == kOfficer);
    CHECK(town.crosses(kOfficer, kGuard) == 5);
}

TEST_CASE("an ordinary press, and a claim without the right, open nothing") {
    Armed town;
    town.ask(kOfficer);
    CHECK(town.crosses(kOfficer, kGuard) == 0);
    town.call_for_help(kGuard);
    CHECK(town.crosses(kGuard, kOfficer) == 0);
    CHECK(town.count(Kind::BridgeOpened) == 0);
}

TEST_CASE("what is not armed, or was cut since, no emergency opens") {
    Armed town;
    SUBCASE("closed by command") { town.exchange.set_open(0, false, town.stage.now); }
    SUBCASE("gone with a reload, and come back") {
        Switchboard::Change change;
        change.topology = std::make_unique<Topology>(town.plan);
        change.bridges_removed = {0};
        change.talkspurts.resize(2);
        change.duals.resize(2);
        town.former.push_back(town.switchboard.install(change, town.stage.now));
    }
    town.call_for_help(kOfficer);
    CHECK(town.crosses(kOfficer, kGuard) == 0);
    CHECK(town.count(Kind::BridgeOpened) == 0);
}

TEST_CASE("who is in an emergency when the bridge is armed opens it, and who talks ordinarily does not") {
    Handsets town{false};
    SUBCASE("ordinarily") {
        town.ask(kOfficer);
        town.talk(kOfficer, 3);
        town.exchange.arm(0, town.stage.now);
        CHECK(town.count(Kind::BridgeOpened) == 0);
        town.ask(kOfficer, rtp::floor_indicator::kEmergency);  // he raises what he has
    }
    SUBCASE("in an emergency") {
        town.ask(kOfficer, rtp::floor_indicator::kEmergency);
        town.talk(kOfficer, 3);
        town.exchange.arm(0, town.stage.now);
    }
    CHECK(town.count(Kind::BridgeOpened) == 1);
    town.forget();
    town.talk(kOfficer, 5);
    CHECK(town.hears(kGuard) == 5);
}

TEST_CASE("who talks on the other side takes nothing from the emergency by its bridge") {
    Armed town;
    town.ask(kGuard);
    town.talk(kGuard, 5);
    town.call_for_help(kOfficer);
    // No rule lets him pre-empt there: he talks at home, and joins when the guard has ended.
    CHECK(town.count(Kind::BridgeOpened) == 1);
    CHECK(town.count(Kind::Skipped, kOfficer, kOps) == 1);
    CHECK(town.count(Kind::Granted, kOfficer) == 1);
    CHECK(town.count(Kind::Taken, kGuard, Town::kTac) == 0);
    town.hears(kCar);
    town.talk(kOfficer, 5);
    CHECK(town.hears(kCar) == 5);
    town.talk(kGuard, 1);
    town.send(kGuard, {.type = rtp::FloorType::Release});
    town.hears(kPost);
    town.talk(kOfficer, 5);
    CHECK(town.hears(kPost) == 5);
}

TEST_CASE("an emergency does not wait for the bridge that it has opened") {
    Armed town;
    town.plan.bridges[0].when_busy = floor::WhenBusy::Wait;
    town.install();
    town.exchange.arm(0, town.stage.now);
    town.ask(kGuard);
    town.talk(kGuard, 5);
    town.call_for_help(kOfficer);
    CHECK(town.count(Kind::BridgeOpened) == 1);
    CHECK(town.count(Kind::Granted, kOfficer) == 1);
}

TEST_CASE("a cut closes what an emergency has opened before control has heard of it") {
    Armed town;
    town.call_for_help(kOfficer);
    town.exchange.set_open(0, false, town.stage.now);
    CHECK(town.crosses(kOfficer, kGuard) == 0);
    CHECK(town.count(Kind::BridgeClosed) == 1);
}

TEST_CASE("an opening that the reports have no room for is reported later") {
    Armed town;
    Report filler;
    while (town.queue.push(filler)) {
    }
    town.call_for_help(kOfficer);
    while (town.queue.pop()) {
    }
    CHECK(town.crosses(kOfficer, kGuard) == 5);
    CHECK(town.count(Kind::BridgeOpened) == 1);
}

TEST_CASE("channels that are moved apart leave no bridge open between them") {
    Armed town;
    town.call_for_help(kOfficer);
    town.move(0, 1, {Town::kTac});
    CHECK(town.crosses(kOfficer, kGuard) == 0);
}

TEST_CASE("a leg that only listens opens nothing by its own emergencies") {
    Armed town;
    town.plan.bridges[0].legs[1].talks = false;
    town.install();
    town.exchange.arm(0, town.stage.now);
    town.call_for_help(kOfficer);
    CHECK(town.count(Kind::BridgeOpened) == 0);
}

TEST_CASE("an emergency that the agreement counts as less opens nothing") {
    Armed town;
    town.plan.bridges[0].ceilings.push_back(
        {town.desk.names.intern("metro-pd"), {floor::Class::ImminentPeril, 255}});
    town.install();
    town.exchange.arm(0, town.stage.now);
    town.call_for_help(kOfficer);
    CHECK(town.count(Kind::BridgeOpened) == 0);
}

TEST_CASE("a bridge whose channels live on two workers is opened by neither") {
    Handsets town{false};
    town.move(0, 1, {Town::kTac});
    town.exchange.arm(0, town.stage.now);
    town.other.arm(0, town.stage.now);
    town.forget();
    town.ask(kOfficer, rtp::floor_indicator::kEmergency);
    CHECK(town.count(Kind::BridgeOpened) == 0);
}

}  // namespace
}  // namespace crosspatch::bridge
