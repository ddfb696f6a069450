#include <doctest/doctest.h>

#include "crosspatch/bridge/exchange.hpp"
#include "tests/bridge/handsets.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::bridge {
namespace {

using namespace tests;
using Kind = Report::Kind;
using rtp::FloorMessage;
using rtp::FloorType;
constexpr auto kGuard = Town::kGuard, kPost = Town::kPost, kOfficer = Town::kOfficer, kCar = Town::kCar;
constexpr auto kOps = Town::kOps, kTac = Town::kTac;

// The guard and the officer talk, each on his own channel, though the bridge is open now; the post waits for the guard.
struct Waiting : Handsets {
    explicit Waiting(floor::WhenBusy when_busy = floor::WhenBusy::Skip) : Handsets{false} {
        plan.bridges[0].when_busy = when_busy;
        plan.endpoints[kGuard].priority = plan.endpoints[kPost].priority = 5;
        plan.endpoints[kPost].may_emergency = true;
    }
    void over(const char* role) { plan.bridges[0].preemption = {{.over_roles = {desk.names.intern(role)}}}; }
    void begin(std::uint16_t asks = rtp::floor_indicator::kNormal) {
        install();
        ask(kGuard, asks);
        ask(kOfficer);
        talk_all({kGuard, kOfficer});
        set_open(true);
        ask(kPost, asks);
        REQUIRE(count(Kind::Queued, kPost) == 1);
        REQUIRE(count(Kind::Granted, kOfficer) == 1);
        forget();
    }
    void talk_all(std::vector<std::uint32_t> talkers) {
        for (int i = 0; i < 3; ++i) {
            for (const std::uint32_t who : talkers) CHECK(packet(who));
            step();
        }
    }
    void release(std::uint32_t who) { send(who, {.type = FloorType::Release}); }
};

}  // namespace

TEST_CASE(
    "a press out of the queue takes a far channel from whom the bridge's rules let it, like a direct one") {
    for (const char* role : {"officer", "dispatcher"}) {
        Waiting town;
        town.over(role);
        const bool takes = std::string_view{role} == "officer";
        town.begin();
        town.release(kGuard);
        CHECK(town.count(Kind::Granted, kPost) == 1);
        CHECK(town.count(Kind::Revoked, kOfficer) == takes);
        CHECK(town.count(Kind::Joined, kPost, kTac) == takes);
        CHECK(town.count(Kind::Skipped, kPost, kTac) == !takes);
        CHECK(town.talk(kPost, 5) == 5);
        CHECK(town.hears(kCar) == (takes ? 5 : 0));
        CHECK(town.packet(kOfficer) == !takes);
    }
}

TEST_CASE("whom a press out of the queue may take a channel from is asked of who holds it then") {
    Waiting town;
    town.over("officer");
    town.plan.endpoints[kCar].role = town.desk.names.intern("dispatcher");
    town.plan.endpoints[kCar].priority = 4;
    town.begin();
    town.ask(kCar);  // takes it from the officer, with a grace
    town.release(kOfficer);
    town.talk_all({kGuard, kCar});
    town.release(kGuard);
    CHECK(town.count(Kind::Granted, kPost) == 1);
    CHECK(town.count(Kind::Revoked, kCar) == 0);
    CHECK(town.count(Kind::Skipped, kPost, kTac) == 1);
    CHECK(town.packet(kCar));
}

TEST_CASE(
    "a press out of the queue takes nothing from an equal or higher claim, nor beyond what was agreed") {
    Waiting town;
    town.over("officer");
    bool takes = false;
    SUBCASE("an equal claim") { town.plan.endpoints[kOfficer].priority = 5; }
    SUBCASE("a ceiling at what the officer has") {
        town.plan.bridges[0].ceilings = {{town.desk.names.intern("northgate"), {floor::Class::Normal, 3}}};
    }
    SUBCASE("a ceiling above it") {
        town.plan.bridges[0].ceilings = {{town.desk.names.intern("northgate"), {floor::Class::Normal, 4}}};
        takes = true;
    }
    town.begin();
    town.release(kGuard);
    CHECK(town.count(Kind::Granted, kPost) == 1);
    CHECK(town.count(Kind::Joined, kPost, kTac) == takes);
    CHECK(town.packet(kOfficer) == !takes);
}

TEST_CASE(
    "an emergency that had to wait for another one takes the far channel when its turn comes, never from a "
    "third") {
    for (const bool third : {false, true}) {
        Waiting town{floor::WhenBusy::Wait};
        town.plan.bridges[0].preemption = {{.emergency = true}};
        town.plan.endpoints[kGuard].may_emergency = true;
        town.begin(rtp::floor_indicator::kEmergency);
        if (third) town.ask(kOfficer, rtp::floor_indicator::kEmergency);
        town.release(kGuard);
        CHECK(town.count(Kind::Granted, kPost) == !third);
        CHECK(town.count(Kind::Revoked, kOfficer) == !third);
        CHECK(town.packet(kOfficer) == third);
        town.step();
        if (!third) CHECK(town.talk(kPost, 5) == 5);
        CHECK(town.hears(kCar) == (third ? 1 : 5));
    }
}

TEST_CASE("a press that leaves `wait` behind after five seconds skips whom it may not take from") {
    Waiting town{floor::WhenBusy::Wait};
    town.over("dispatcher");
    town.begin();
    town.release(kGuard);
    CHECK(town.talk(kOfficer, 200) == 200);
    CHECK(town.count(Kind::Granted, kPost) == 0);
    CHECK(town.talk(kOfficer, 60) == 60);
    CHECK(town.count(Kind::Granted, kPost) == 1);
    CHECK(town.count(Kind::Skipped, kPost, kTac) == 1);
    CHECK(town.count(Kind::Revoked, kOfficer) == 0);
}

TEST_CASE("what comes out of the queue and pre-empts takes no memory from the heap") {
    Waiting town;
    town.over("officer");
    town.begin();
    const auto before = allocations();
    town.exchange.left(town.radios[kGuard]->endpoint, town.stage.now);
    CHECK(allocations() == before);
    CHECK(town.count(Kind::Joined, kPost, kTac) == 1);
}

}  // namespace crosspatch::bridge
