#include <doctest/doctest.h>

#include "tests/bridge/handsets.hpp"
#include "tests/bridge/town.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::bridge {
namespace {

using namespace tests;
using Kind = Report::Kind;
constexpr auto kGuard = Town::kGuard, kPost = Town::kPost, kOfficer = Town::kOfficer, kCar = Town::kCar;
constexpr auto kOps = Town::kOps, kTac = Town::kTac;

// What the reader of the taps says of whoever talks now.
void tell_echo(Town& town, std::uint32_t who, std::uint32_t original = kGuard) {
    const std::uint64_t talkspurt = town.count(Kind::Granted, who) ? town.last(Kind::Granted).talkspurt : 0;
    const auto before = allocations();
    for (Exchange* exchange : {&town.exchange, &town.other}) {
        const bool told = exchange->tell_echo({.talkspurt = talkspurt,
                                               .endpoint = who,
                                               .original = 1,
                                               .original_endpoint = original,
                                               .channel = kTac,
                                               .echo = {300ms, 0.93F}});
        CHECK(told);
        exchange->heed_echoes(town.stage.now);
    }
    CHECK(allocations() == before);
    town.flush();
}

// There is a way round outside for all of them.
void share(Town& town) {
    for (Topology::Endpoint& one : town.plan.endpoints) one.shared = true;
}

TEST_CASE(
    "where nobody has said that there is a way round, a copy is told of, and nobody is cut off for it") {
    Town town;
    town.open_town();
    for (int i = 0; i < 3; ++i) {
        town.talk(kOfficer, 20);
        tell_echo(town, kOfficer);
        CHECK_FALSE(town.last(Kind::Echo).cut_off);
        CHECK(town.last(Kind::Echo).left == 0s);
        CHECK(town.talk(kOfficer, 20) == 20);
        town.wait(400ms);
    }
}

TEST_CASE(
    "the tap has what is carried: who talks, where it is heard, every packet; and nothing of who is "
    "refused") {
    Town town;
    share(town);
    town.open_town();
    CHECK(town.talk(kGuard, 5) == 5);
    CHECK(town.talk(kPost, 3) == 0);
    town.wait(400ms);
    std::vector<std::uint32_t> channels;
    int sounds = 0, ends = 0;
    std::uint64_t number = 0;
    town.stage.tap.read([&](const media::Tap::Item& item) {
        if (item.kind == media::Tap::Kind::Begins) {
            CHECK(item.endpoint == kGuard);
            number = item.talkspurt;
        }
        CHECK(item.talkspurt == number);
        if (item.kind == media::Tap::Kind::HeardOn) channels.push_back(item.channel);
        sounds += item.kind == media::Tap::Kind::Sound;
        ends += item.kind == media::Tap::Kind::Ends;
    });
    CHECK(number == town.last(Kind::Granted).talkspurt);
    CHECK(channels == std::vector<std::uint32_t>{kOps, kTac});
    CHECK(sounds == 5);
    CHECK(ends == 1);
}

TEST_CASE("a copy is ended at once, and refused until it has been silent for the lease") {
    Town town;
    share(town);
    town.open_town();
    CHECK(town.talk(kOfficer, 20) == 20);
    tell_echo(town, kOfficer);
    const Report& echo = town.last(Kind::Echo);
    CHECK(echo.endpoint == kOfficer);
    CHECK(echo.other == kGuard);
    CHECK(echo.channel == kTac);
    CHECK(echo.lag == 300ms);
    CHECK(echo.similarity == 93);
    CHECK(echo.cut_off);
    CHECK(echo.left == 0ms);
    CHECK(echo.listed_count == 1);
    CHECK(town.last(Kind::Released).cause == floor::Cause::Loop);
    CHECK(town.talk(kOfficer, 20) == 0);
    CHECK(town.count(Kind::Overrun) == 0);
    town.wait(400ms);
    CHECK(town.talk(kOfficer, 5) == 5);
    CHECK(town.count(Kind::Echo) == 1);
}

TEST_CASE(
    "a second copy within half a minute shuts the endpoint off, until it is enabled or its time is over") {
    Town town;
    share(town);
    town.open_town();
    for (int i = 0; i < 2; ++i) {
        town.talk(kOfficer, 20);
        tell_echo(town, kOfficer);
        town.wait(400ms);
    }
    CHECK(town.last(Kind::Echo).left == 30s);
    CHECK(town.talk(kOfficer, 5) == 0);
    CHECK(town.last(Kind::Denied).cause == floor::Cause::LoopFound);
    town.wait(400ms);
    CHECK(town.talk(kCar, 5) == 5);  // nobody else is meant
    town.wait(400ms);
    town.exchange.set_standing(kOfficer, Exchange::Standing::Enabled, town.stage.now);
    CHECK(town.talk(kOfficer, 5) == 5);
    town.wait(400ms);
    for (int i = 0; i < 2; ++i) {
        town.talk(kOfficer, 20);
        tell_echo(town, kOfficer);
        town.wait(400ms);
    }
    CHECK(town.talk(kOfficer, 1) == 0);
    town.wait(30s);
    CHECK(town.talk(kOfficer, 5) == 5);
}

TEST_CASE("an emergency that is signalled is neither ended nor refused, and is not held against its radio") {
    Handsets town;
    share(town);
    town.install();
    for (int i = 0; i < 2; ++i) {
        town.ask(kOfficer, rtp::floor_indicator::kEmergency);
        CHECK(town.talk(kOfficer, 10) == 10);
        tell_echo(town, kOfficer);
        CHECK_FALSE(town.last(Kind::Echo).cut_off);
        CHECK(town.talk(kOfficer, 10) == 10);
        town.send(kOfficer, {.type = rtp::FloorType::Release});
        town.wait(400ms);
    }
    CHECK(town.last(Kind::Echo).left == 0s);
    for (int i = 0; i < 2; ++i) {
        town.ask(kOfficer);
        CHECK(town.talk(kOfficer, 10) == 10);
        tell_echo(town, kOfficer);
        town.wait(1s);
    }
    town.ask(kOfficer);
    CHECK(town.talk(kOfficer, 5) == 0);
    CHECK(town.last(Kind::Denied).cause == floor::Cause::LoopFound);
    town.wait(1s);
    town.ask(kOfficer, rtp::floor_indicator::kEmergency);
    CHECK(town.talk(kOfficer, 5) == 5);
}

TEST_CASE(
    "a verdict on a talkspurt that is over ends no other one, but counts; on a stranger's it is nobody's") {
    Town town;
    share(town);
    town.open_town();
    town.talk(kOfficer, 20);
    const std::uint64_t over = town.last(Kind::Granted).talkspurt;
    town.wait(400ms);
    town.talk(kOfficer, 5);
    CHECK(town.exchange.tell_echo({.talkspurt = over, .endpoint = kOfficer, .original_endpoint = kGuard}));
    CHECK(town.exchange.tell_echo({.talkspurt = over, .endpoint = 99, .original_endpoint = kGuard}));
    town.exchange.heed_echoes(town.stage.now);
    CHECK_FALSE(town.last(Kind::Echo).cut_off);
    CHECK(town.count(Kind::Echo) == 1);
    CHECK(town.talk(kOfficer, 5) == 5);
}

}  // namespace
}  // namespace crosspatch::bridge
