#include "crosspatch/bridge/admission.hpp"

#include <doctest/doctest.h>

#include "tests/bridge/handsets.hpp"

namespace crosspatch::bridge {
namespace {

using namespace tests;
using Kind = Report::Kind;
constexpr auto kGuard = Town::kGuard, kPost = Town::kPost, kOfficer = Town::kOfficer, kCar = Town::kCar;
constexpr auto kNormal = floor::Class::Normal;

TEST_CASE("as much is admitted as fits, an emergency and who would be alone always") {
    Admission admission;
    admission.set_capacity(1'000);
    CHECK(admission.admits(5'000, kNormal));
    admission.began(600);
    CHECK(admission.admits(400, kNormal));
    CHECK_FALSE(admission.admits(401, kNormal));
    CHECK(admission.admits(401, floor::Class::Emergency));
    admission.began(400);
    admission.ended(600);
    CHECK(admission.admits(600, kNormal));
    CHECK(admission.running() == 400);
}

TEST_CASE("what is measured counts beside what is estimated: a busy worker takes nobody more") {
    Admission admission;
    admission.set_capacity(800'000);
    admission.began(1'000);
    CHECK(admission.measured(0.79) == 0);
    CHECK(admission.admits(1'000, kNormal));
    CHECK(admission.measured(0.81) == 0);
    CHECK_FALSE(admission.admits(1'000, kNormal));
    CHECK(admission.measured(0.5) == 0);
    CHECK(admission.admits(1'000, kNormal));
}

TEST_CASE("with all of the CPU allowed nobody is refused or cut off") {
    Admission admission;
    admission.set_capacity(1'000'000);
    admission.began(900'000);
    for (int i = 0; i < 5; ++i) CHECK(admission.measured(1.0) == 0);
    CHECK(admission.admits(900'000, kNormal));
}

TEST_CASE("a worker that is saturated twice in a row gives up a quarter, and again while it stays so") {
    Admission admission;
    admission.set_capacity(800'000);
    admission.began(400);
    CHECK(admission.measured(0.99) == 0);
    CHECK(admission.measured(0.5) == 0);
    CHECK(admission.measured(0.99) == 0);
    CHECK(admission.measured(0.99) == 101);
    CHECK(admission.measured(1.0) == 101);
    CHECK(admission.measured(0.9) == 0);
}

TEST_CASE(
    "what telling handsets of a floor takes counts for half a second to a second, whether anybody talks or "
    "not") {
    Admission admission;
    admission.set_capacity(1'000);
    admission.began(100);
    for (int n = 0; n < 10; ++n) admission.told(60'000);
    CHECK(admission.telling() == 600);
    CHECK(admission.admits(300, kNormal));
    CHECK_FALSE(admission.admits(301, kNormal));
    admission.measured(0.0001);
    CHECK_FALSE(admission.admits(301, kNormal));
    admission.measured(0.0001);
    CHECK(admission.telling() == 0);
    CHECK(admission.admits(301, kNormal));
    admission.ended(100);
    admission.told(1'000'000);
    CHECK(admission.admits(5'000, kNormal));  // alone
    admission.told(1'000);
    CHECK_FALSE(admission.admits(0, kNormal));  // alone with all these messages
    CHECK(admission.admits(0, floor::Class::Emergency));
}

// Not bridged; each radio's talk costs so much of a second.
struct Loaded : Town {
    explicit Loaded(std::uint32_t load) {
        for (auto& channel : plan.channels) channel.listening = load;
        open_town(false);
    }
    void measure(double busy) { exchange.measured(busy, 0.8, stage.now); }
    // Priority of his channel's talkers.
    void set_priority(std::uint32_t who, std::uint8_t priority) {
        plan.endpoints[who].priority = priority;
        install();
        forget();
    }
};

TEST_CASE("a press that would be too much is refused with cause 6, and who talks is not touched") {
    Loaded town{500'000};
    town.measure(0.1);
    CHECK(town.talk(kGuard, 3) == 3);
    CHECK(town.talk(kOfficer, 3) == 0);
    CHECK(town.last(Kind::Denied).cause == floor::Cause::NoResources);
    CHECK(floor::number(town.last(Kind::Denied).cause) == 6);
    CHECK(town.talk(kGuard, 3) == 3);
    town.wait(600ms);
    CHECK(town.exchange.counters().load.read() == 0);
    CHECK(town.talk(kOfficer, 3) == 3);
    CHECK(town.exchange.counters().load.read() == 500'000);
}

TEST_CASE("presses that nobody talks under are refused when telling of them takes all that there is") {
    Handsets town{false};
    for (auto& channel : town.plan.channels) channel.telling = 100'000'000;  // a tenth of a second
    town.install();
    town.forget();
    town.exchange.measured(0.1, 0.8, town.stage.now);
    town.exchange.measured(0.1, 0.8, town.stage.now);
    for (int n = 0; n < 5; ++n) {  // each is told of twice at once: taken, and free again
        town.ask(kGuard);
        town.send(kGuard, {.type = rtp::FloorType::Release});
    }
    CHECK(town.count(Kind::Granted) == 5);
    town.ask(kOfficer);
    CHECK(town.count(Kind::Granted) == 5);
    CHECK(town.last(Kind::Denied).cause == floor::Cause::NoResources);
    for (int n = 0; n < 2; ++n) town.exchange.measured(0.1, 0.8, town.stage.now);
    town.ask(kOfficer);
    CHECK(town.count(Kind::Granted) == 6);
}

TEST_CASE("a worker that cannot keep up cuts off the lowest priority first, and leaves the last one alone") {
    Loaded town{1'000};
    town.set_priority(kOfficer, 7);
    CHECK(town.talk(kGuard, 3) == 3);
    CHECK(town.talk(kOfficer, 3) == 3);
    town.packet(kGuard);
    town.measure(1.0);
    CHECK(town.count(Kind::Revoked) == 0);
    town.measure(1.0);
    CHECK(town.count(Kind::Revoked, kGuard) == 1);
    CHECK(town.last(Kind::Revoked).cause == floor::Cause::RevokeNoResources);
    CHECK(town.talk(kOfficer, 3) == 3);
    town.measure(1.0);
    CHECK(town.count(Kind::Revoked) == 1);
    CHECK(town.exchange.counters().shed.read() == 1);
}

TEST_CASE("what a talkspurt costs goes with it to another worker") {
    Loaded town{1'000};
    CHECK(town.talk(kGuard, 3) == 3);
    town.move(0, 1, {Town::kOps});
    CHECK(town.exchange.counters().load.read() == 0);
    CHECK(town.other.counters().load.read() == 1'000);
    town.wait(600ms);
    CHECK(town.other.counters().load.read() == 0);
}

TEST_CASE("each kind of group is encoded once, whoever hears it, and what is relayed is not encoded") {
    Town town;
    town.plan.loads = {.encoding = {10'000, 30'000}, .decoding = {500}};
    town.plan.channels[Town::kOps].groups = {0b01};
    town.plan.channels[Town::kTac].groups = {0b11};
    town.plan.channels[Town::kOps].listening = 7;
    town.plan.channels[Town::kTac].listening = 9;
    town.open_town();
    CHECK(town.talk(kGuard, 3) == 3);
    CHECK(town.exchange.counters().load.read() == 10'000 + 30'000 + 500 + 7 + 9);
    town.set_open(false);
    CHECK(town.exchange.counters().load.read() == 10'000 + 500 + 7);
}

}  // namespace
}  // namespace crosspatch::bridge
