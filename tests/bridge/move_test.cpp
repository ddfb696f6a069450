#include <doctest/doctest.h>

#include "tests/bridge/town.hpp"

namespace crosspatch::bridge {
namespace {

using namespace tests;
using Kind = Report::Kind;
constexpr auto kGuard = Town::kGuard, kPost = Town::kPost, kOfficer = Town::kOfficer, kCar = Town::kCar;
constexpr auto kOps = Town::kOps, kTac = Town::kTac;

// Bridged, all on the first worker; the officer's car speaks Opus, so that there is something to transcode.
struct Bridged : Town {
    Bridged() : Town{Rules{}, codec::opus()} { open_town(); }
    void move_all(std::uint8_t to) { move(to == 0 ? 1 : 0, to, {kOps, kTac}); }
};

TEST_CASE("channels change workers a thousand times in mid-talkspurt, and nobody misses a packet") {
    Bridged town;
    constexpr std::size_t kMoves = 1000;
    std::vector<Heard> relayed;
    std::vector<Heard> transcoded;
    const auto listen = [&] {
        for (Heard& one : town.radios[kPost]->hear()) relayed.push_back(std::move(one));
        for (Heard& one : town.radios[kCar]->hear()) transcoded.push_back(std::move(one));
    };
    for (std::size_t i = 0; i < kMoves; ++i) {
        REQUIRE(town.talk(kGuard, 1) == 1);
        town.move_all(i % 2 == 0 ? 1 : 0);
        listen();
    }
    CHECK(relayed.size() == kMoves);
    CHECK(continuous(relayed, 160));
    CHECK(markers(relayed) == kMoves / town.speech[kGuard]->size());  // the talker's own
    CHECK(transcoded.size() == kMoves);
    CHECK(continuous(transcoded, 960));
    CHECK(town.count(Kind::Requested) == 1);
    town.wait(400ms);
    CHECK(town.count(Kind::Released, kGuard) == 1);
    CHECK(town.last(Kind::Released).numbers.packets_received == kMoves);
    CHECK(town.last(Kind::Released).numbers.packets_lost == 0);
    CHECK(town.on_record() == std::vector{kPost, kOfficer, kCar});
}

TEST_CASE(
    "codecs that a talkspurt took on one worker it gives back on the other, and dealing evens that out") {
    Bridged town;
    CHECK(town.talk(kGuard, 3) == 3);
    town.move_all(1);
    CHECK(town.talk(kGuard, 3) == 3);
    town.wait(400ms);
    CHECK(town.stage.free_encoders(codec::opus()) == 3);
    CHECK(town.annex.free_encoders(codec::opus()) == 1);
    CHECK(town.annex.free_decoders(codec::pcmu()) == 1);
    media::CodecPool::Needs needs;
    needs.encoder(codec::opus(), 2);
    needs.decoder(codec::pcmu(), 2);
    media::CodecPool* const pools[] = {&town.stage.codecs, &town.annex.codecs};
    const media::CodecPool::Needs each[] = {needs, needs};
    media::CodecPool::deal(pools, each);
    CHECK(town.stage.free_encoders(codec::opus()) == 2);
    CHECK(town.annex.free_encoders(codec::opus()) == 2);
    CHECK(town.annex.free_decoders(codec::pcmu()) == 2);
}

TEST_CASE(
    "a talker keeps the floor over a move: who comes second is still refused, and waits for the hang time") {
    Bridged town;
    CHECK(town.talk(kGuard, 2) == 2);
    town.move_all(1);
    CHECK_FALSE(town.packet(kOfficer));
    CHECK(town.count(Kind::Denied, kOfficer) == 1);
    CHECK(town.talk(kGuard, 2) == 2);
    town.wait(600ms);
    CHECK(town.count(Kind::Released, kGuard) == 1);
    CHECK(town.talk(kOfficer, 2) == 2);
    CHECK(town.last(Kind::Granted).talkspurt != 0);
}

TEST_CASE("a packet that waits behind a gap moves along, and is played when the late one comes") {
    Bridged town;
    CHECK(town.talk(kGuard, 40) == 40);  // the jitter is known
    town.radios[kCar]->hear();
    const std::size_t late = town.said[kGuard]++;
    CHECK(town.packet(kGuard));
    town.move_all(1);
    const std::size_t next = std::exchange(town.said[kGuard], late);
    CHECK(town.packet(kGuard));
    town.said[kGuard] = next;
    CHECK(town.talk(kGuard, 5) == 5);
    CHECK(town.hears(kCar) == 7);
    town.wait(400ms);
    CHECK(town.last(Kind::Released).numbers.frames_concealed == 0);
}

TEST_CASE("a bridge that closes while the talker is in his grace leaves nothing of him on the far channel") {
    Town town;
    for (auto& channel : town.plan.channels) {
        channel.floor.max_talk = 200ms;
        channel.floor.warn = 0ms;
        channel.floor.grace = 2s;
    }
    town.open_town();
    town.talk(kGuard, 15);
    CHECK(town.count(Kind::Revoked, kGuard) == 1);
    CHECK(town.count(Kind::Released, kGuard) == 0);
    town.set_open(false);
    CHECK(town.count(Kind::Left, kGuard, kTac) == 1);
    town.move(0, 1, {kTac});
    town.wait(200ms);
    CHECK(town.talk(kOfficer, 3) == 3);
    CHECK(town.hears(kCar) >= 3);
}

TEST_CASE("a closed bridge is closed on every worker that has had its channels") {
    Town town;
    town.open_town();
    town.move(0, 1, {kOps, kTac});
    for (bridge::Exchange* exchange : {&town.exchange, &town.other})
        exchange->set_open(0, false, town.stage.now);
    CHECK(town.count(Kind::BridgeClosed) == 1);
    town.move(1, 0, {kTac});
    town.move(1, 0, {kOps});
    town.forget();
    CHECK(town.talk(kGuard, 3) == 3);
    CHECK(town.hears(kPost) == 3);
    CHECK(town.hears(kOfficer) == 0);
}

TEST_CASE("a bridge opens where all of its channels live, and nowhere else") {
    Town town;
    town.install({}, {0, 1});
    town.exchange.set_open(0, true, town.stage.now);
    town.other.set_open(0, true, town.stage.now);
    CHECK(town.count(Kind::BridgeOpened) == 0);
    CHECK(town.talk(kGuard, 3) == 3);
    CHECK(town.talk(kCar, 3) == 3);  // on the other worker, at the same time
    CHECK(town.hears(kOfficer) == 3);
    CHECK(town.hears(kPost) == 3);
    town.move(1, 0, {kTac});
    town.exchange.set_open(0, true, town.stage.now);
    CHECK(town.count(Kind::BridgeOpened) == 1);
    town.wait(600ms);
    town.forget();
    CHECK(town.talk(kGuard, 3) == 3);
    CHECK(town.hears(kOfficer) == 3);
    CHECK(town.on_record().empty());
    town.exchange.set_open(0, false, town.stage.now);
    town.move(0, 1, {kTac});
    CHECK(town.talk(kGuard, 3) == 3);
    CHECK(town.hears(kOfficer) == 0);
    CHECK(town.count(Kind::BridgeClosed) == 1);
    CHECK(town.count(Kind::Left, kGuard, kTac) == 1);
}

TEST_CASE("commands about a radio reach it wherever its channel lives, and are kept over a move") {
    Town town;
    town.install({}, {0, 1});
    const auto switch_off = [&](std::uint32_t who, Exchange::Standing standing) {
        town.exchange.set_standing(who, standing, town.stage.now);
        town.other.set_standing(who, standing, town.stage.now);
    };
    switch_off(kCar, Exchange::Standing::Disabled);
    CHECK(town.count(Kind::Disabled, kCar) == 1);
    CHECK(town.talk(kCar, 2) == 0);
    town.move(1, 0, {kTac});
    CHECK(town.talk(kCar, 2) == 0);
    CHECK(town.talk(kOfficer, 2) == 2);
    CHECK(town.hears(kCar) == 0);
    switch_off(kCar, Exchange::Standing::Enabled);
    CHECK(town.count(Kind::Enabled, kCar) == 1);
    CHECK(town.talk(kOfficer, 2) == 2);
    CHECK(town.hears(kCar) == 2);
}

TEST_CASE("a new topology on two workers: radios that are replaced stay off, what else talks goes on") {
    Town town;
    town.install({}, {0, 1});
    town.exchange.set_standing(kPost, Exchange::Standing::Disabled, town.stage.now);
    CHECK(town.talk(kGuard, 2) == 2);
    CHECK(town.talk(kOfficer, 2) == 2);
    town.install({kPost});
    CHECK(town.talk(kPost, 1) == 0);
    CHECK(town.talk(kGuard, 2) == 2);
    CHECK(town.talk(kOfficer, 2) == 2);
    CHECK(town.count(Kind::Released) == 0);
    CHECK(town.count(Kind::Done) == 2);
}

TEST_CASE("numbers of talkspurts are no two workers' alike") {
    Town town;
    town.install({}, {0, 1});
    CHECK(town.talk(kGuard, 2) == 2);
    const auto first = town.last(Kind::Granted).talkspurt;
    CHECK(town.talk(kOfficer, 2) == 2);
    CHECK(town.last(Kind::Granted).talkspurt != first);
}

}  // namespace
}  // namespace crosspatch::bridge
