// Radios whose key is beside the sound: telephone events and ED-137.
#include "tests/bridge/keys.hpp"

#include <doctest/doctest.h>

#include "crosspatch/bridge/exchange.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::bridge {
namespace {

using namespace tests;
using Kind = Report::Kind;
using rtp::ed137::Extension;
using rtp::ed137::Ptt;
constexpr auto kGuard = Town::kGuard, kPost = Town::kPost, kOfficer = Town::kOfficer, kCar = Town::kCar;

TEST_CASE("a telephone event is a press while it lasts, and sound without it is none") {
    Keys town;
    CHECK_FALSE(town.packet(kGuard));
    CHECK(town.count(Kind::Requested) == 0);
    town.event(1'000);
    CHECK(town.count(Kind::Granted, kGuard) == 1);
    for (int n = 0; n < 10; ++n) {
        CHECK(town.packet(kGuard));
        if (n % 3 == 2) town.event(1'000);
        town.step();
    }
    CHECK(town.hears(kPost) == 10);
    town.event(1'000, true);
    CHECK(town.count(Kind::Released, kGuard) == 1);
    CHECK(town.last(Kind::Released).cause == floor::Cause::TalkerReleased);
    CHECK(town.last(Kind::Released).numbers.packets_lost == 0);
    CHECK_FALSE(town.packet(kGuard));
    town.event(1'000, true);  // the end is sent three times
    CHECK(town.count(Kind::Released, kGuard) == 1);
    CHECK(town.dropped(kGuard, media::Drop::NoFloor) == 1);
    town.wait(220ms);  // until then the last one might still have been the beginning of a press
    town.exchange.tend(town.radios[kGuard]->endpoint, town.stage.now);
    CHECK(town.dropped(kGuard, media::Drop::NoFloor) == 2);
}

TEST_CASE("who presses again while his last words are still coming has the floor again") {
    Keys town;
    town.event(1'000);
    town.packet(kGuard);
    town.event(1'000, true);
    town.grown = 0;
    town.event(5'000);
    CHECK(town.count(Kind::Granted, kGuard) == 2);
    CHECK(town.packet(kGuard));
}

TEST_CASE("a key that was refused is refused until it goes up, and says nothing in mid-word") {
    Keys town;
    town.talk(kPost, 1);
    town.event(1'000);
    CHECK(town.count(Kind::Denied, kGuard) == 1);
    for (int n = 0; n < 40; ++n) {  // the post has fallen silent meanwhile
        CHECK_FALSE(town.packet(kGuard));
        if (n % 3 == 2) town.event(1'000);
        town.step();
    }
    CHECK(town.count(Kind::Granted, kGuard) == 0);
    town.event(1'000, true);
    town.grown = 0;
    town.event(9'000);
    CHECK(town.packet(kGuard));
}

TEST_CASE("a key without its end is up after half a second, and the floor goes with it") {
    Keys town;
    town.plan.channels[Town::kOps].floor.lease = 5s;
    town.install();
    town.event(1'000);
    town.packet(kGuard);
    town.wait(440ms);
    CHECK(town.count(Kind::Released, kGuard) == 0);
    town.wait(100ms);
    CHECK(town.count(Kind::Released, kGuard) == 1);
}

TEST_CASE("a key that is held without sound keeps the floor, and loses it when nothing comes any more") {
    Keys town;
    for (int n = 0; n < 20; ++n) {
        town.event(1'000);
        town.wait(40ms);
    }
    CHECK(town.count(Kind::Granted, kGuard) == 1);
    CHECK(town.count(Kind::Released) == 0);
    town.wait(240ms);
    CHECK(town.last(Kind::Released).cause == floor::Cause::Timeout);
}

TEST_CASE(
    "a broken event is counted and presses nothing; of another radio, events are no payload of its own") {
    Keys town;
    const Octets three(3);
    media::Packet packet = town.next(kGuard, media::Packet::Kind::Event);
    packet.payload = three;
    town.take(kGuard, packet);
    CHECK(town.count(Kind::Requested) == 0);
    CHECK(town.dropped(kGuard, media::Drop::BadPayload) == 1);
    town.take(kPost, town.next(kPost, media::Packet::Kind::Event));
    CHECK(town.dropped(kPost, media::Drop::PayloadType) == 1);
}

TEST_CASE("keep-alives go out each 200 ms whoever is silent, without sound and with the extension") {
    Keys town;
    town.sent();
    town.wait(2s);
    const auto idle = town.sent();
    CHECK(idle.size() == 10);
    for (const Keys::Sent& one : idle) {
        CHECK(one.type == rtp::ed137::kKeepAlive);
        CHECK(one.extension == Extension{});
    }
    for (std::size_t n = 1; n < idle.size(); ++n) CHECK(idle[n].sequence == idle[n - 1].sequence + 1);
}

TEST_CASE("a voice switch's key is a press, and is given back while it has the floor") {
    Keys town;
    town.sent();
    for (int n = 0; n < 5; ++n) {
        CHECK(town.radio({.ptt = Ptt::Normal, .ptt_id = 5}));
        town.step();
    }
    CHECK(town.count(Kind::Granted, kOfficer) == 1);
    CHECK(town.hears(kGuard) == 5);
    const auto told = town.sent();
    REQUIRE(!told.empty());
    CHECK(told.back().extension == Extension{.ptt = Ptt::Normal, .ptt_id = 5});
    town.radio({}, false);
    CHECK(town.count(Kind::Released, kOfficer) == 1);
    CHECK(town.last(Kind::Released).cause == floor::Cause::TalkerReleased);
    CHECK(town.sent().back().extension == Extension{});
}

TEST_CASE("a voice switch that is refused is told that it is muted, and hears who talks by an open squelch") {
    Keys town;
    town.talk(kGuard, 0);
    town.event(1'000);
    town.packet(kGuard);
    town.step();
    town.sent();
    CHECK_FALSE(town.radio({.ptt = Ptt::Normal}));
    CHECK(town.count(Kind::Denied, kOfficer) == 1);
    town.packet(kGuard);
    town.flush();
    auto told = town.sent();
    REQUIRE(told.size() >= 2);
    CHECK(told.back().type == 0);
    CHECK(told.back().extension == Extension{.squelch_open = true, .muted = true});
    for (std::size_t n = 1; n < told.size(); ++n) CHECK(told[n].sequence == told[n - 1].sequence + 1);
    CHECK(town.radios[kOfficer]->endpoint.sink.counters().refused.read() == 0);
    town.event(1'000, true);
    town.step();
    told = town.sent();
    REQUIRE(!told.empty());
    CHECK(told.front().type == rtp::ed137::kKeepAlive);
    CHECK_FALSE(told.front().extension.squelch_open);
}

TEST_CASE("a key for emergencies pre-empts, one without the right to it counts as normal and is recorded") {
    Keys town;
    town.plan.bridges[0].preemption.push_back({.emergency = true});
    town.install();
    town.event(1'000);
    town.packet(kGuard);
    town.step();
    CHECK(town.radio({.ptt = Ptt::Emergency}));
    CHECK(town.last(Kind::Requested).emergency);
    CHECK_FALSE(town.last(Kind::Requested).cut_down);
    CHECK(town.count(Kind::Left, kGuard, Town::kTac) + town.count(Kind::Revoked, kGuard) > 0);
    town.radio({}, false);
    town.plan.endpoints[kOfficer].may_emergency = false;
    town.install();
    town.radio({.ptt = Ptt::Emergency});
    CHECK_FALSE(town.last(Kind::Requested).emergency);
    CHECK(town.last(Kind::Requested).cut_down);
}

TEST_CASE(
    "jurisdiction that keeps officers from pre-empting leaves them their emergencies, unless it names "
    "those") {
    Keys town;
    auto& bridge = town.plan.bridges[0];
    bridge.preemption.push_back({.emergency = true});
    bool named = false;
    SUBCASE("it bars the rest") {}
    SUBCASE("it bars emergencies") { named = true; }
    bridge.barred = {{town.desk.names.intern("metro-pd"), town.desk.names.intern("officer"), named}};
    town.install();
    town.event(1'000);
    town.packet(kGuard);
    town.step();
    town.radio({.ptt = Ptt::Emergency});
    CHECK(town.last(Kind::Requested).emergency);
    const bool took = town.count(Kind::Left, kGuard, Town::kTac) + town.count(Kind::Revoked, kGuard) > 0;
    CHECK(took == !named);
}

TEST_CASE("a claim without the right to it is recorded in mid-talk, too, once a press, and changes nothing") {
    Keys town;
    town.plan.endpoints[kOfficer].may_emergency = false;
    town.install();
    for (int presses = 1; presses <= 2; ++presses) {
        CHECK(town.radio({.ptt = Ptt::Normal}));
        for (int n = 0; n < 3; ++n) {
            town.radio({.ptt = Ptt::Emergency});
            town.radio({.ptt = Ptt::Normal});
        }
        CHECK(town.count(Kind::Requested, kOfficer) == 2 * presses);
        CHECK(town.last(Kind::Requested).cut_down);
        CHECK(town.last(Kind::Requested).claimed == floor::Class::Emergency);
        CHECK(town.count(Kind::Raised) == 0);
        town.radio({}, false);
    }
}

TEST_CASE("of a press that was refused a claim without the right is recorded, and no new act") {
    Keys town;
    town.plan.endpoints[kOfficer].may_emergency = false;
    town.install();
    town.talk(kCar, 3);
    town.radio({.ptt = Ptt::Normal});
    town.radio({.ptt = Ptt::Emergency});
    town.radio({.ptt = Ptt::Emergency});
    CHECK(town.count(Kind::Requested, kOfficer) == 2);
    CHECK(town.last(Kind::Requested).cut_down);
    CHECK(town.count(Kind::Denied, kOfficer) == 1);
}

TEST_CASE("a key that claims more in mid-talk raises the talkspurt, and those with ED-137 are told") {
    Keys town;
    town.radio({.ptt = Ptt::Normal});
    town.step();
    town.radio({.ptt = Ptt::Emergency});
    CHECK(town.count(Kind::Raised, kOfficer) == 1);
    CHECK(town.count(Kind::Granted, kOfficer) == 1);
    town.radio({.ptt = Ptt::Normal});
    CHECK(town.count(Kind::Released) == 0);
}

TEST_CASE("a ground station's open squelch is a press, and our key is on while others talk") {
    Keys town{ptt::Ed137Role::Vcs};
    CHECK(town.radio({.squelch_open = true}));
    town.step();
    CHECK(town.hears(kGuard) == 1);
    town.radio({}, false);
    CHECK(town.count(Kind::Released, kOfficer) == 1);
    town.wait(200ms);
    town.sent();
    town.event(1'000);
    town.packet(kGuard);
    town.step();
    auto told = town.sent();
    REQUIRE(!told.empty());
    CHECK(told.back().type == 0);
    CHECK(told.back().extension == Extension{.ptt = Ptt::Normal, .ptt_id = 5});
    town.event(1'000, true);
    town.step();
    told = town.sent();
    REQUIRE(!told.empty());
    CHECK(told.front().extension == Extension{});
}

TEST_CASE("a session that falls silent has released its key, and its radio is gone") {
    Keys town;
    town.plan.channels[Town::kTac].floor.lease = 10s;
    town.install();
    town.exchange.heard(town.radios[kOfficer]->endpoint, town.stage.now);
    town.radio({.ptt = Ptt::Normal});
    town.wait(1'960ms);
    CHECK(town.count(Kind::Released) == 0);
    town.wait(60ms);
    CHECK(town.count(Kind::Released, kOfficer) == 1);
    CHECK(town.count(Kind::EndpointDown, kOfficer) == 1);
}

TEST_CASE("an ED-137 radio that is switched off is told of nobody, and its key is none") {
    Keys town;
    town.exchange.set_standing(kOfficer, Exchange::Standing::Disabled, town.stage.now);
    CHECK_FALSE(town.radio({.ptt = Ptt::Normal}));
    town.radio({.ptt = Ptt::Normal}, false);
    CHECK(town.count(Kind::Requested, kOfficer) == 0);
    CHECK(town.dropped(kOfficer, media::Drop::Disabled) == 2);
    town.sent();
    town.event(1'000);
    town.packet(kGuard);
    town.wait(400ms);
    for (const Keys::Sent& one : town.sent()) CHECK_FALSE(one.extension.squelch_open);
}

TEST_CASE("no keep-alive comes between sound, in whichever direction packets go") {
    Keys town;
    town.event(1'000);
    town.packet(kGuard);
    town.radio({.ptt = Ptt::Normal});  // muted: he goes on all the same
    town.step();
    town.sent();
    for (int n = 0; n < 100; ++n) {
        town.packet(kGuard);
        town.radio({.ptt = Ptt::Normal});
        if (n % 3 == 0) town.event(1'000);
        town.step();
    }
    const auto told = town.sent();
    CHECK(told.size() == 100);
    for (const Keys::Sent& one : told) CHECK(one.type == 0);
}

TEST_CASE("a key that was held through a cut is over, and has to go up before it presses again") {
    Keys town;
    town.radio({.ptt = Ptt::Normal});
    town.event(1'000);
    town.exchange.set_standing(kOfficer, Exchange::Standing::Disabled, town.stage.now);
    town.radio({.ptt = Ptt::Normal});
    town.exchange.set_standing(kOfficer, Exchange::Standing::Enabled, town.stage.now);
    town.wait(400ms);
    town.forget();
    for (int n = 0; n < 20; ++n) {
        CHECK_FALSE(town.radio({.ptt = Ptt::Normal}));
        town.step();
    }
    CHECK(town.count(Kind::Requested, kOfficer) == 0);
    town.radio({}, false);
    CHECK(town.radio({.ptt = Ptt::Normal}));
}

TEST_CASE("a key that was refused is not granted after a gap in the network either") {
    Keys town;
    town.event(1'000);
    town.packet(kGuard);
    CHECK_FALSE(town.radio({.ptt = Ptt::Normal}));
    town.event(1'000, true);
    town.wait(1s);
    CHECK_FALSE(town.radio({.ptt = Ptt::Normal}));
    CHECK(town.count(Kind::Granted, kOfficer) == 0);
    CHECK(town.radio({.ptt = Ptt::Emergency}));  // more is a new act
}

TEST_CASE("whose claim was cut down is given back the key that counts") {
    Keys town;
    town.plan.endpoints[kOfficer].may_emergency = false;
    town.install();
    town.radio({.ptt = Ptt::Emergency});
    town.step();
    const auto told = town.sent();
    REQUIRE(!told.empty());
    CHECK(told.back().extension == Extension{.ptt = Ptt::Normal, .ptt_id = 5});
}

TEST_CASE("a key that flutters presses five times a second, is counted, and an emergency gets past that") {
    Keys town;
    for (int n = 0; n < 20; ++n) {
        town.radio({.ptt = Ptt::Normal});
        town.radio({}, false);
    }
    CHECK(town.count(Kind::Requested, kOfficer) == 5);
    CHECK(town.dropped(kOfficer, media::Drop::KeyFlood) == 15);
    CHECK(town.radio({.ptt = Ptt::Emergency}));
}

TEST_CASE("a sender that begins anew presses at once, and what it had pressed before is over") {
    Keys town;
    town.event(900'000);
    town.packet(kGuard);
    town.grown = 0;
    const auto octets = rtp::write_telephone_event({10, false, 10, 160});
    media::Packet packet = town.next(kGuard, media::Packet::Kind::Event);
    packet.timestamp = 5;
    packet.new_stream = true;
    packet.payload = octets;
    town.take(kGuard, packet);
    CHECK(town.count(Kind::Released, kGuard) == 1);
    CHECK(town.count(Kind::Granted, kGuard) == 2);
}

TEST_CASE("a tone keys a half-duplex station's transmitter when its carrier is down, not before") {
    Keys town{ptt::Ed137Role::Vcs};
    town.plan.endpoints[kOfficer].half_duplex = true;
    town.plan.endpoints[kOfficer].tones = tones({{TalkerTone::Denied, Octets(160, std::byte{0x2A}), 5}});
    town.install();
    town.exchange.refuse_floors(true, town.stage.now);
    town.sent();
    CHECK_FALSE(town.radio({.squelch_open = true}));
    CHECK(town.count(Kind::Denied, kOfficer) == 1);
    for (int n = 0; n < 8; ++n) {  // shorter than the lease
        town.radio({.squelch_open = true});
        town.step();
    }
    for (const Keys::Sent& one : town.sent()) CHECK(one.extension.ptt == Ptt::Off);
    town.radio({}, false);
    town.wait(600ms);
    bool keyed = false;
    std::size_t tone = 0;
    for (const Keys::Sent& one : town.sent()) {
        if (one.type != 0) continue;
        ++tone;
        keyed |= one.extension.ptt == Ptt::Normal;
    }
    CHECK(tone == 5);
    CHECK(keyed);
    CHECK(town.sent().empty());
}

TEST_CASE("an event key whose floor ran out presses again with the next sound") {
    Keys town;  // its lease is 200 ms, an event without packets is up after 500
    town.event(1'000);
    town.packet(kGuard);
    town.wait(300ms);
    CHECK(town.last(Kind::Released).cause == floor::Cause::Timeout);
    CHECK(town.packet(kGuard));
    CHECK(town.count(Kind::Granted, kGuard) == 2);
}

TEST_CASE("an event key that is held through a long cut is not pressed anew when the radio is back") {
    Keys town;
    town.event(1'000);
    town.exchange.set_standing(kGuard, Exchange::Standing::Disabled, town.stage.now);
    for (int n = 0; n < 40; ++n) {
        town.event(1'000);
        town.step();
    }
    town.exchange.set_standing(kGuard, Exchange::Standing::Enabled, town.stage.now);
    town.forget();
    for (int n = 0; n < 20; ++n) {
        town.event(1'000);
        CHECK_FALSE(town.packet(kGuard));
        town.step();
    }
    CHECK(town.count(Kind::Requested, kGuard) == 0);
}

TEST_CASE("a claim without the right is no new act of a press that was refused") {
    Keys town;
    town.plan.endpoints[kOfficer].may_emergency = false;
    town.install();
    town.event(1'000);
    town.packet(kGuard);
    CHECK_FALSE(town.radio({.ptt = Ptt::Normal}));
    town.event(1'000, true);
    town.wait(400ms);
    CHECK_FALSE(town.radio({.ptt = Ptt::Emergency}));
    CHECK(town.count(Kind::Requested, kOfficer) == 2);  // the claim is recorded
    CHECK(town.count(Kind::Granted, kOfficer) == 0);
}

TEST_CASE("a voice switch that comes back under another SSRC with its key down has pressed it anew") {
    Keys town;
    CHECK(town.radio({.ptt = Ptt::Normal}));
    town.exchange.left(town.radios[kOfficer]->endpoint, town.stage.now);
    CHECK_FALSE(town.radio({.ptt = Ptt::Normal}));
    town.said[kOfficer] = 0;
    town.ssrc = 2;
    CHECK(town.radio({.ptt = Ptt::Normal}));
    CHECK(town.count(Kind::Granted, kOfficer) == 2);
}

TEST_CASE("pressing, talking and keep-alives take no memory from the heap") {
    Keys town;
    const auto round = [&] {
        town.radio({.ptt = Ptt::Normal});
        town.radio({.ptt = Ptt::Normal}, false);
        town.radio({}, false);
        town.event(1'000);
        town.exchange.advance(town.stage.now += 200ms);
        town.event(1'000, true);
        town.flush();
    };
    round();
    const auto before = allocations();
    round();
    CHECK(allocations() == before);
}

}  // namespace
}  // namespace crosspatch::bridge
