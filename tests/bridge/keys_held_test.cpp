// Keys beside the sound whose packets are lost, and that are held while their channel moves or their radio gets another key.
#include <doctest/doctest.h>

#include "crosspatch/bridge/exchange.hpp"
#include "tests/bridge/keys.hpp"

namespace crosspatch::bridge {
namespace {

using namespace tests;
using Kind = Report::Kind;
using rtp::ed137::Extension;
using rtp::ed137::Ptt;
constexpr auto kGuard = Town::kGuard, kPost = Town::kPost, kOfficer = Town::kOfficer, kCar = Town::kCar;

TEST_CASE(
    "what was said under an event whose first packet was lost is heard when the next one comes, and no "
    "more") {
    Keys town;
    CHECK(town.talk(kGuard, 2) == 0);
    const auto began = static_cast<std::uint32_t>(160 * town.said[kGuard]++);  // the packet that never comes
    CHECK(town.talk(kGuard, 3) == 0);
    CHECK(town.hears(kPost) == 0);
    town.event(began);
    CHECK(town.hears(kPost) == 3);
    CHECK(town.talk(kGuard, 5) == 5);
    CHECK(town.hears(kPost) == 5);
    CHECK(town.dropped(kGuard, media::Drop::NoFloor) == 2);
    town.event(began, true);
    CHECK(town.last(Kind::Released).numbers.packets_received == 8);
    CHECK(town.last(Kind::Released).numbers.packets_lost == 0);
}

TEST_CASE("of the sound before an event that comes late the last 100 ms are kept") {
    Keys town;
    town.talk(kGuard, 20);
    town.event(0);
    CHECK(town.hears(kPost) == 5);
    CHECK(town.dropped(kGuard, media::Drop::NoFloor) == 15);
}

TEST_CASE("what was kept for a key that is refused, or for one before a pause, is heard by nobody") {
    Keys town;
    town.talk(kGuard, 3);
    SUBCASE("refused") { town.talk(kPost, 1); }
    SUBCASE("a pause") { town.wait(1s); }
    SUBCASE("switched off and on again") {
        for (const auto standing : {Exchange::Standing::Disabled, Exchange::Standing::Enabled})
            town.exchange.set_standing(kGuard, standing, town.stage.now);
    }
    town.forget();
    town.event(0);
    town.flush();
    CHECK(town.hears(kCar) == 0);
    town.wait(1s);
    town.event(0, true);
    town.grown = 0;
    town.event(90'000);
    CHECK(town.count(Kind::Granted, kGuard) >= 1);
    CHECK(town.hears(kCar) == 0);
}

TEST_CASE("keys move with their channels to another worker, and go on there") {
    Keys town;
    town.set_open(false);
    town.move(0, 1, {Town::kTac});
    town.sent();
    town.wait(1s);
    CHECK(town.sent().size() == 5);
}

TEST_CASE("an event key that is held goes through a reload and to another worker, and is let go there") {
    Keys town;
    town.set_open(false);
    town.event(1'000);
    town.talk(kGuard, 5);
    town.install();
    town.move(0, 1, {Town::kOps});
    const auto move_event = [&](bool end) {
        const auto octets =
            rtp::write_telephone_event({10, end, 10, static_cast<std::uint16_t>(160 * ++town.grown)});
        media::Packet packet = town.next(kGuard, media::Packet::Kind::Event);
        packet.timestamp = 1'000;
        packet.payload = octets;
        town.other.beside(town.radios[kGuard]->endpoint, packet, town.stage.now);
    };
    for (int n = 0; n < 20; ++n) {
        CHECK(town.packet(kGuard));
        move_event(false);
        town.step();
    }
    CHECK(town.count(Kind::Released) == 0);
    CHECK(town.count(Kind::Granted, kGuard) == 1);
    move_event(true);
    CHECK(town.last(Kind::Released).cause == floor::Cause::TalkerReleased);
    CHECK_FALSE(town.packet(kGuard));
}

TEST_CASE("an event key whose end is lost on the way to another worker is up half a second later") {
    Keys town;
    town.set_open(false);
    town.plan.channels[Town::kOps].floor.lease = 5s;
    town.install();
    town.event(1'000);
    town.talk(kGuard, 1);
    town.move(0, 1, {Town::kOps});
    town.wait(520ms);
    CHECK(town.count(Kind::Released, kGuard) == 1);
}

TEST_CASE("a voice switch's key that is held goes through a reload and to another worker with its session") {
    Keys town;
    town.set_open(false);
    CHECK(town.radio({.ptt = Ptt::Normal}));
    town.install();
    town.move(0, 1, {Town::kTac});
    const auto radio = [&](const Extension& says) {
        const rtp::ed137::Octets octets = rtp::ed137::write(says);
        media::Packet packet = town.next(kOfficer, media::Packet::Kind::Sound);
        packet.extension_profile = rtp::ed137::kProfile;
        packet.extension = octets.view();
        media::Talkspurt* talkspurt =
            town.other.pass(town.radios[kOfficer]->endpoint, packet, town.stage.now);
        if (talkspurt) talkspurt->carry(packet, town.stage.now);
        town.step();
        return talkspurt != nullptr;
    };
    town.sent();
    for (int n = 0; n < 20; ++n) CHECK(radio({.ptt = Ptt::Normal}));
    for (const auto& packet : town.sent()) CHECK(packet.extension.ptt == Ptt::Normal);
    CHECK(town.count(Kind::Granted, kOfficer) == 1);
    CHECK_FALSE(radio({}));
    CHECK(town.last(Kind::Released).cause == floor::Cause::TalkerReleased);
}

TEST_CASE("keys that are held go on through a new sending key of their radios") {
    Keys town;
    town.set_open(false);
    town.event(1'000);
    CHECK(town.packet(kGuard));
    CHECK(town.radio({.ptt = Ptt::Normal}));
    for (const std::uint32_t who : {kGuard, kOfficer}) town.exchange.rejoin(who, town.stage.now);
    for (int n = 0; n < 10; ++n) {
        CHECK(town.packet(kGuard));
        CHECK(town.radio({.ptt = Ptt::Normal}));
        town.event(1'000);
        town.step();
    }
    CHECK(town.count(Kind::Granted) == 2);
    CHECK(town.count(Kind::Released) == 0);
}

}  // namespace
}  // namespace crosspatch::bridge
