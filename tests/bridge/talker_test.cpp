#include <doctest/doctest.h>

#include "crosspatch/bridge/exchange.hpp"
#include "tests/bridge/town.hpp"

namespace crosspatch::bridge {
namespace {

using namespace tests;
using Kind = Report::Kind;
constexpr auto kGuard = Town::kGuard, kPost = Town::kPost, kOfficer = Town::kOfficer, kCar = Town::kCar;

TEST_CASE("the deny tone goes to the denied alone, in place of what he would hear, and then he hears again") {
    Town town;
    const Octets beep(160, std::byte{0x33});
    town.plan.endpoints[kOfficer].tones = tones({{TalkerTone::Denied, beep, 5}});
    town.open_town();
    town.talk(kGuard, 5);
    town.forget();
    town.packet(kOfficer);
    CHECK(town.count(Kind::Denied, kOfficer) == 1);
    town.talk(kGuard, 20);
    const auto heard = town.radios[kOfficer]->hear();
    const auto beeps =
        std::count_if(heard.begin(), heard.end(), [&](const Heard& h) { return h.payload == beep; });
    CHECK(beeps == 5);
    CHECK(heard.size() >= 5 + 10);
    CHECK(heard[0].payload == beep);
    CHECK(heard[0].marker);
    for (std::size_t i = 1; i < heard.size(); ++i)
        CHECK(static_cast<std::uint16_t>(heard[i].sequence - heard[i - 1].sequence) == 1);
    for (const std::uint32_t who : {kPost, kCar})
        for (const Heard& one : town.radios[who]->hear()) CHECK(one.payload != beep);
}

TEST_CASE("a talker hears what becomes of his talkspurt, and the newer tone takes the older one's place") {
    Town town;
    const Octets permit(160, std::byte{1}), warning(160, std::byte{2}), revoked(160, std::byte{3}),
        lost(160, std::byte{4});
    town.plan.endpoints[kGuard].tones = tones({{TalkerTone::Granted, permit, 100},
                                               {TalkerTone::Warning, warning, 100},
                                               {TalkerTone::Revoked, revoked, 3},
                                               {TalkerTone::FarSideLost, lost, 100}});
    town.open_town();
    const auto last_heard = [&] {
        const auto heard = town.radios[kGuard]->hear();
        return heard.empty() ? Octets{} : heard.back().payload;
    };
    town.talk(kGuard, 5);
    CHECK(last_heard() == permit);
    town.set_open(false);
    town.talk(kGuard, 5);
    CHECK(last_heard() == lost);
    // The talk limit is 30 s, and he is warned 5 s before it.
    town.talk(kGuard, 1270);
    CHECK(last_heard() == warning);
    town.talk(kGuard, 250);
    CHECK(town.count(Kind::Revoked, kGuard) == 1);
    CHECK(last_heard() == revoked);
    CHECK(town.exchange.counters().tones_left_out.read() == 0);
}

TEST_CASE("who goes on after his floor was taken away is told of once, and once when he has stopped") {
    Town town;
    town.open_town();
    town.talk(kGuard, 1800);  // 36 s: the limit of 30 s and its grace of 3 s
    CHECK(town.count(Kind::Released, kGuard) == 1);
    CHECK(town.count(Kind::Overrun) == 1);
    CHECK(town.last(Kind::Overrun).endpoint == kGuard);
    CHECK(town.last(Kind::Overrun).cause == floor::Cause::TalkLimit);
    CHECK(town.count(Kind::OverrunEnded) == 0);
    town.wait(500ms);
    town.packet(kGuard);  // a new press
    CHECK(town.count(Kind::OverrunEnded, kGuard) == 1);
    town.talk(kGuard, 10);
    CHECK(town.count(Kind::Overrun) == 1);
}

TEST_CASE("a packet that was on its way when the floor went is no overrun") {
    Town town;
    town.open_town();
    town.talk(kGuard, 1660);  // 33.2 s
    REQUIRE(town.count(Kind::Released, kGuard) == 1);
    town.wait(1s);
    town.talk(kGuard, 5);
    CHECK(town.count(Kind::Overrun) == 0);
}

TEST_CASE("a half-duplex radio gets its tone once it has stopped sending") {
    Town town;
    town.plan.endpoints[kOfficer].tones = tones({{TalkerTone::Denied, Octets(160, std::byte{0x33}), 1}});
    town.plan.endpoints[kOfficer].half_duplex = true;
    town.open_town();
    town.talk(kGuard, 5);
    town.forget();
    town.packet(kOfficer);
    town.wait(180ms);
    CHECK(town.hears(kOfficer) == 0);
    town.wait(60ms);
    CHECK(town.hears(kOfficer) == 1);
}

}  // namespace
}  // namespace crosspatch::bridge
