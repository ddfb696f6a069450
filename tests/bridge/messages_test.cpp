#include <doctest/doctest.h>

#include "crosspatch/bridge/exchange.hpp"
#include "tests/bridge/handsets.hpp"

namespace crosspatch::bridge {
namespace {

using namespace tests;
using Kind = Report::Kind;
using rtp::FloorMessage;
using rtp::FloorType;
constexpr auto kGuard = Town::kGuard, kPost = Town::kPost, kOfficer = Town::kOfficer, kCar = Town::kCar;
constexpr auto kOps = Town::kOps, kTac = Town::kTac;

using Types = std::vector<FloorType>;

TEST_CASE(
    "who asks is granted, everybody else is told who talks, also across the bridge, and then that nobody "
    "does") {
    Handsets town;
    town.ask(kGuard);
    const auto granted = town.told(kGuard);
    REQUIRE(granted.size() == 1);
    CHECK(granted[0].type == FloorType::Granted);
    CHECK(granted[0].duration == 30);
    for (const std::uint32_t who : {kPost, kOfficer, kCar}) {
        const auto told = town.told(who);
        REQUIRE(told.size() == 1);
        CHECK(told[0].type == FloorType::Taken);
        CHECK(town.identity == "sip:guard@gw");
    }
    CHECK(town.talk(kGuard, 10) == 10);
    CHECK(town.hears(kOfficer) == 10);
    for (const std::uint32_t who : {kGuard, kPost, kOfficer, kCar}) town.told(who);
    town.send(kGuard, {.type = FloorType::Release});
    CHECK(town.types(kGuard) == Types{FloorType::Idle});
    CHECK(town.types(kCar) == Types{FloorType::Idle});
    CHECK(town.count(Kind::Released, kGuard) == 1);
    CHECK(town.last(Kind::Released).cause == floor::Cause::TalkerReleased);
}

TEST_CASE("who talks without having asked is told so, and not heard") {
    Handsets town;
    CHECK(town.talk(kGuard, 5) == 0);
    const auto told = town.told(kGuard);
    REQUIRE(told.size() >= 1);
    CHECK(told[0].type == FloorType::Revoke);
    CHECK(told[0].reject_cause->number == 3);
    CHECK(town.hears(kPost) == 0);
}

TEST_CASE("who comes second waits, is told his place, and gets the floor when it is free") {
    Handsets town{false};
    town.ask(kGuard);
    town.talk(kGuard, 3);
    town.told(kPost);
    town.ask(kPost);
    const auto told = town.told(kPost);
    REQUIRE(told.size() == 1);
    CHECK(told[0].type == FloorType::QueuePositionInfo);
    CHECK(told[0].queue_info->position == 1);
    CHECK(town.last(Kind::Queue).channel == kOps);
    CHECK(town.last(Kind::Queue).listed_count == 1);
    CHECK(town.last(Kind::Queue).listed[0] == kPost);
    town.send(kPost, {.type = FloorType::QueuePositionRequest});
    CHECK(town.types(kPost) == Types{FloorType::QueuePositionInfo});
    town.send(kGuard, {.type = FloorType::Release});
    CHECK(town.types(kPost) == Types{FloorType::Granted});
    CHECK(town.last(Kind::Queue).listed_count == 0);
    CHECK(town.talk(kPost, 3) == 3);
}

TEST_CASE("a request that is withdrawn leaves the queue") {
    Handsets town{false};
    town.ask(kGuard);
    town.talk(kGuard, 3);
    town.ask(kPost);
    town.send(kPost, {.type = FloorType::Release});
    CHECK(town.count(Kind::Withdrawn, kPost) == 1);
    CHECK(town.last(Kind::Queue).listed_count == 0);
}

TEST_CASE("a Granted is told again until it is acknowledged or used") {
    Handsets town;
    town.ask(kGuard);
    CHECK(town.types(kGuard) == Types{FloorType::Granted});
    town.wait(180ms);
    CHECK(town.types(kGuard).empty());
    town.wait(40ms);
    CHECK(town.types(kGuard) == Types{FloorType::Granted});
    Handsets answered;
    answered.ask(kGuard);
    answered.send(kGuard, {.type = FloorType::Ack,
                           .source = rtp::FloorSource::Participant,
                           .message_type = static_cast<std::uint8_t>(FloorType::Granted)});
    answered.told(kGuard);
    answered.wait(180ms);
    CHECK(answered.types(kGuard).empty());
}

TEST_CASE("an emergency without the right to it counts as normal, and that is reported") {
    Handsets town{false};
    town.ask(kGuard, rtp::floor_indicator::kEmergency, 200);
    CHECK(town.last(Kind::Requested).cut_down);
    CHECK(town.last(Kind::Requested).claimed == floor::Class::Emergency);
    CHECK_FALSE(town.last(Kind::Granted).emergency);
    CHECK(town.last(Kind::Granted).priority == 3);
    town.ask(kOfficer, rtp::floor_indicator::kEmergency);
    CHECK(town.last(Kind::Granted).emergency);
    CHECK_FALSE(town.last(Kind::Requested).cut_down);
}

TEST_CASE("an emergency takes the floor at once from who talks on its own channel") {
    Handsets town{false};
    town.ask(kCar);
    CHECK(town.talk(kCar, 5) == 5);
    town.told(kCar);
    town.ask(kOfficer, rtp::floor_indicator::kEmergency);
    CHECK(town.count(Kind::Granted, kOfficer) == 1);
    const auto told = town.told(kCar);
    REQUIRE(!told.empty());
    CHECK(told[0].type == FloorType::Revoke);
    CHECK(told[0].reject_cause->number == 4);
    CHECK(town.talk(kCar, 2) == 0);
    CHECK(town.talk(kOfficer, 2) == 2);
}

TEST_CASE("what is not the radio's to say changes nothing and is counted") {
    Handsets town;
    town.ask(kGuard);
    town.talk(kGuard, 2);
    const auto before = town.dropped(kPost, media::Drop::FloorMessage);
    town.send(kPost, {.type = FloorType::Release, .sender = 0x1000 + kPost});  // our own SSRC
    town.send(kPost, {.type = FloorType::Idle, .message_sequence_number = std::uint16_t{1}});
    town.send(kPost, {.type = FloorType::Revoke, .reject_cause = rtp::RejectCause{.number = 4}});
    CHECK(town.dropped(kPost, media::Drop::FloorMessage) == before + 3);
    town.send(kPost, {.type = FloorType::Release});  // of who does not talk
    CHECK(town.talk(kGuard, 2) == 2);
}

TEST_CASE("a handset that begins anew under another SSRC is listened to, another device beside it is not") {
    Handsets town;
    town.ask(kGuard);
    town.talk(kGuard, 5);
    town.send(kGuard, {.type = FloorType::Release, .sender = 0xBEEF});
    CHECK(town.count(Kind::Released, kGuard) == 0);
    town.send(kGuard, {.type = FloorType::Release});
    town.wait(3s);
    town.send(kGuard, {.type = FloorType::Request, .sender = 0xBEEF});
    CHECK(town.count(Kind::Granted, kGuard) == 2);
}

TEST_CASE("while the log cannot be written only emergencies are granted, and who waits is told") {
    Handsets town{false};
    town.ask(kGuard);
    town.talk(kGuard, 3);
    town.ask(kPost);
    town.told(kPost);
    town.exchange.refuse_floors(true, town.stage.now);
    CHECK(town.count(Kind::Withdrawn, kPost) == 1);
    town.ask(kCar);
    CHECK(town.last(Kind::Denied).cause == floor::Cause::RecordFailed);
    town.ask(kOfficer, rtp::floor_indicator::kEmergency);
    CHECK(town.count(Kind::Granted, kOfficer) == 1);
}

TEST_CASE("nobody is granted the floor while the daemon stops") {
    Handsets town{false};
    town.ask(kGuard);
    town.talk(kGuard, 3);
    town.ask(kPost);
    town.exchange.shut_down(town.stage.now);
    CHECK(town.count(Kind::Granted) == 1);
    CHECK(town.count(Kind::Withdrawn, kPost) == 1);
}

TEST_CASE("who waits is heard where bridges lead when it is his turn, not where they led when he asked") {
    for (const bool opens : {true, false}) {
        Handsets town{!opens};
        town.ask(kGuard);
        town.talk(kGuard, 3);
        town.ask(kPost);
        town.set_open(opens);
        town.send(kGuard, {.type = FloorType::Release});
        town.forget();
        CHECK(town.talk(kPost, 5) == 5);
        CHECK(town.hears(kOfficer) == (opens ? 5 : 0));
        town.ask(kOfficer);
        CHECK(town.count(Kind::Granted, kOfficer) == (opens ? 0 : 1));
    }
}

TEST_CASE("who talks and raises an emergency is heard where only emergencies may be") {
    Handsets town{
        Town::Rules{.tac_outbound = "[{id: o, action: allow, when: {agency: northgate, emergency: true}}]"}};
    town.ask(kOfficer);
    CHECK(town.talk(kOfficer, 5) == 5);
    CHECK(town.hears(kGuard) == 0);
    town.ask(kOfficer, rtp::floor_indicator::kEmergency);
    CHECK(town.last(Kind::Raised).emergency);
    CHECK(town.talk(kOfficer, 5) == 5);
    CHECK(town.hears(kGuard) == 5);
}

TEST_CASE("who hears a talker is told again who talks when he raises an emergency") {
    Handsets town;
    town.ask(kOfficer);
    town.talk(kOfficer, 5);
    town.told(kGuard);
    town.ask(kOfficer, rtp::floor_indicator::kEmergency);
    for (const std::uint32_t who : {kCar, kGuard}) {  // on his channel and beyond the bridge
        const auto heard = town.told(who);
        const auto taken = std::find_if(heard.begin(), heard.end(), [](const FloorMessage& message) {
            return message.type == FloorType::Taken && message.has(rtp::floor_indicator::kEmergency);
        });
        CHECK(taken != heard.end());
    }
}

TEST_CASE("a request that is told again raises nothing: nobody else hears of it") {
    Handsets town;
    town.ask(kOfficer);
    town.talk(kOfficer, 50);  // the first Taken is told three times
    town.told(kCar);
    town.told(kOfficer);
    town.forget();
    town.ask(kOfficer);
    CHECK(town.types(kOfficer) == std::vector{FloorType::Granted});
    CHECK(town.told(kCar).empty());
    CHECK(town.count(Kind::Raised) == 0);
}

TEST_CASE("a radio that is switched off is told nothing, whatever it sends") {
    Handsets town;
    town.ask(kGuard);
    town.talk(kGuard, 2);
    town.exchange.set_standing(kCar, Exchange::Standing::Revoked, town.stage.now);
    town.flush();
    town.told(kCar);
    town.exchange.heard(town.radios[kCar]->endpoint, town.stage.now);
    town.talk(kGuard, 20);
    CHECK(town.types(kCar).empty());
}

TEST_CASE("who may not hear the talker for his suite is not told who he is") {
    Handsets town{Town::Rules{
        .tac_inbound = "[{id: i, action: allow, when: {agency: northgate, suite: AEAD_AES_256_GCM}}]"}};
    town.plan.endpoints[kCar].suite = policy::Suite::None;
    town.plan.channels[kTac].suites.insert(policy::Suite::None);
    town.install();
    town.ask(kGuard);
    town.told(kOfficer);
    CHECK(town.identity == "sip:guard@gw");
    REQUIRE(town.told(kCar).size() == 1);
    CHECK(town.identity.empty());
}

TEST_CASE("a broadcast call may be asked for by who has the right, and nobody else asks meanwhile") {
    Handsets town{false};
    town.ask(kGuard, rtp::floor_indicator::kBroadcast);
    CHECK(town.last(Kind::Requested).cut_down);
    town.send(kGuard, {.type = FloorType::Release});
    town.plan.endpoints[kPost].may_broadcast = true;
    town.install();
    town.wait(500ms);
    town.told(kGuard);
    town.ask(kPost, rtp::floor_indicator::kBroadcast);
    CHECK_FALSE(town.last(Kind::Requested).cut_down);
    const auto told = town.told(kGuard);
    REQUIRE(told.size() == 1);
    CHECK(told[0].permission_to_request == false);
    town.ask(kGuard);
    CHECK(town.last(Kind::Denied).cause == floor::Cause::ReceiveOnly);
}

TEST_CASE("requests that come twenty times a second are reported five times, and repeats of one press once") {
    Handsets town{false};
    town.ask(kGuard);
    for (int i = 0; i < 15; ++i) town.ask(kGuard);
    CHECK(town.count(Kind::Requested, kGuard) == 1);
    for (int i = 0; i < 15; ++i) {
        town.send(kGuard, {.type = FloorType::Release});
        town.ask(kGuard);
    }
    CHECK(town.count(Kind::Requested, kGuard) <= 6);
}

TEST_CASE("nothing but a request of another SSRC makes who waits leave the queue") {
    Handsets town{false};
    town.ask(kGuard);
    town.talk(kGuard, 3);
    town.ask(kPost);
    for (int i = 0; i < 150; ++i) town.talk(kGuard, 1);  // 3 s
    town.send(kPost, {.type = FloorType::Release, .sender = 0xBEEF});
    town.send(kPost, {.type = FloorType::Request, .sender = 0x1000 + kPost});
    town.send(kPost,
              {.type = FloorType::Idle, .sender = 0xBEEF, .message_sequence_number = std::uint16_t{1}});
    CHECK(town.count(Kind::Withdrawn, kPost) == 0);
    town.send(kPost, {.type = FloorType::Request, .sender = 0xBEEF});
    CHECK(town.count(Kind::Withdrawn, kPost) == 1);
    CHECK(town.count(Kind::Queued, kPost) == 2);
}

TEST_CASE("a listen-only handset that asks is denied as receive only") {
    Handsets town;
    town.plan.endpoints[kPost].talks = false;
    town.install();
    town.told(kPost);
    town.ask(kPost);
    const auto told = town.told(kPost);
    REQUIRE(told.size() == 1);
    CHECK(told[0].type == FloorType::Deny);
    CHECK(told[0].reject_cause->number == 5);
}

TEST_CASE("who comes late, or is switched on again, is told who talks") {
    Handsets town;
    town.ask(kGuard);
    town.talk(kGuard, 2);
    town.told(kCar);
    town.exchange.set_standing(kCar, Exchange::Standing::Disabled, town.stage.now);
    town.ask(kCar);  // no answer to who is switched off
    CHECK(town.types(kCar).empty());
    town.exchange.set_standing(kCar, Exchange::Standing::Enabled, town.stage.now);
    town.flush();
    CHECK(town.types(kCar) == Types{FloorType::Taken});
}

}  // namespace
}  // namespace crosspatch::bridge
