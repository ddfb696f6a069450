#include "crosspatch/ptt/mcpt_server.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <string>

#include "crosspatch/floor/cause.hpp"
#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::ptt;
using namespace std::chrono_literals;
using floor::Cause;
using floor::Decision;
using rtp::FloorMessage;
using rtp::FloorType;
using Kind = Decision::Kind;
using Refusal = McptServer::Refusal;
using Scene = McptServer::Scene;

namespace {

constexpr std::uint32_t kGateway = 0x11223344;
constexpr std::uint32_t kRadio = 0xAABBCCDD;
constexpr floor::Participant kUs = 4, kOther = 5;
constexpr core::Time kNow{1h};

McptServer server_for(McptServer::Settings settings = {}) {
    settings.ssrc = kGateway;
    settings.participant = kUs;
    McptServer server{settings};
    server.set_client(kRadio);
    return server;
}

std::string heard(McptServer& server, FloorMessage message, std::optional<std::uint64_t> order = std::nullopt,
                  core::Time now = kNow) {
    if (message.sender == 0) message.sender = kRadio;
    const auto meaning = server.on_message(message, now, order);
    if (!meaning) return std::string{name_of(meaning.error())};
    static constexpr std::array kKinds{"request", "release", "position?", "ack"};
    std::string text = kKinds[static_cast<std::size_t>(meaning->kind)];
    if (meaning->kind != McptServer::Heard::Kind::Request) return text;
    static constexpr std::array kLevels{"normal", "peril", "emergency"};
    text += fmt::format(" {} {}", kLevels[static_cast<std::size_t>(meaning->level)],
                        meaning->priority ? std::to_string(*meaning->priority) : "-");
    return text + (meaning->broadcast ? " broadcast" : "");
}

Scene with_talker(floor::Participant who = kOther, floor::Class level = floor::Class::Normal) {
    return {.talker = McptServer::Talker{who, "sip:bob@gw.example", 0x99, level}};
}

std::optional<FloorMessage> told(McptServer& server, Kind kind, Cause cause = Cause::None,
                                 const Scene& scene = {}) {
    return server.tell({.kind = kind, .cause = cause, .participant = kUs, .left = 30'000ms}, scene);
}

}  // namespace

TEST_CASE("a Request says what it claims, and nothing more is believed") {
    McptServer server = server_for();
    CHECK(heard(server, {.type = FloorType::Request}) == "request normal -");
    CHECK(heard(server, {.type = FloorType::Request, .priority = 255, .indicator = 0x1000}) ==
          "request emergency 255");
    CHECK(heard(server, {.type = FloorType::Request, .indicator = 0x0800}) == "request peril -");
    CHECK(heard(server, {.type = FloorType::Request, .indicator = 0x1C00}) == "request emergency -");
    CHECK(heard(server, {.type = FloorType::Request, .indicator = 0x4000}) == "request normal - broadcast");
    // bad-input.md, 63: an identity of somebody else is a claim like any.
    const auto claimed = server.on_message(
        {.type = FloorType::Request, .sender = kRadio, .user_id = "sip:chief\xe2\x80\xae\xff"}, kNow);
    REQUIRE(claimed);
    CHECK(claimed->user_id == "sip:chief\xe2\x80\xae\xff");
}

// bad-input.md, 64 and 65
TEST_CASE("messages of other devices and of servers are refused") {
    McptServer server = server_for();
    CHECK(heard(server, {.type = FloorType::Request, .sender = 0x1}) == "wrong_ssrc");
    CHECK(heard(server, {.type = FloorType::Request, .sender = kGateway}) == "wrong_ssrc");
    for (const auto type : {FloorType::Granted, FloorType::Taken, FloorType::Deny, FloorType::Idle,
                            FloorType::Revoke, FloorType::QueuePositionInfo})
        CHECK(heard(server, {.type = type}) == "server_message");
    CHECK(heard(server, {.type = FloorType::Release}) == "release");
    CHECK(heard(server, {.type = FloorType::QueuePositionRequest}) == "position?");
}

TEST_CASE("the first message says who the device is, until the caller says otherwise") {
    McptServer server{{.ssrc = kGateway, .participant = kUs}};
    CHECK(heard(server, {.type = FloorType::Granted, .sender = 0x5}) == "server_message");
    CHECK_FALSE(server.client());
    CHECK(heard(server, {.type = FloorType::Request}) == "request normal -");
    CHECK(heard(server, {.type = FloorType::Release, .sender = 0x5}) == "wrong_ssrc");
    server.set_client(0x5);
    CHECK(heard(server, {.type = FloorType::Release, .sender = 0x5}) == "release");
}

// bad-input.md, 66
TEST_CASE("an Ack counts for the last Granted, once, and never for an Ack") {
    McptServer server = server_for();
    const auto ack = [](FloorType of) {
        return FloorMessage{.type = FloorType::Ack,
                            .source = rtp::FloorSource::Participant,
                            .message_type = static_cast<std::uint8_t>(of)};
    };
    CHECK(heard(server, ack(FloorType::Granted)) == "unasked_ack");
    told(server, Kind::Granted);
    CHECK(heard(server, ack(FloorType::Ack)) == "ack_of_ack");
    CHECK(heard(server, ack(FloorType::Idle)) == "unasked_ack");
    CHECK(heard(server, {.type = FloorType::Ack}) == "unasked_ack");
    auto from_server = ack(FloorType::Granted);
    from_server.source = rtp::FloorSource::Controlling;
    CHECK(heard(server, from_server) == "server_message");
    auto with_ack_bit = ack(FloorType::Granted);
    with_ack_bit.message_type = 0x11;
    CHECK(heard(server, with_ack_bit) == "ack");
    CHECK(heard(server, ack(FloorType::Granted)) == "unasked_ack");
    told(server, Kind::RepeatGranted);
    told(server, Kind::Revoked, Cause::PreEmpted);
    CHECK(heard(server, ack(FloorType::Granted)) == "unasked_ack");  // it would end the repeats of the Revoke
}

// bad-input.md, 69
TEST_CASE("by the SRTCP index an overtaken message is refused") {
    McptServer server = server_for();
    CHECK(heard(server, {.type = FloorType::Release}, 10) == "release");
    CHECK(heard(server, {.type = FloorType::Request}, 12) == "request normal -");
    CHECK(heard(server, {.type = FloorType::Release}, 11) == "stale");
    CHECK(heard(server, {.type = FloorType::QueuePositionRequest}, 12) == "position?");  // the same datagram
    CHECK(heard(server, {.type = FloorType::Release, .sender = 0x1}, 99) == "wrong_ssrc");
    CHECK(heard(server, {.type = FloorType::Release}, 13) == "release");  // what was refused moved nothing
    server.set_client(kRadio);
    CHECK(heard(server, {.type = FloorType::Request}, 1) == "request normal -");  // a new key counts anew
}

// bad-input.md, 68
TEST_CASE("of 1,000 messages in a second 20 count, and an emergency on top") {
    McptServer server = server_for();
    int taken = 0;
    for (int i = 0; i < 1000; ++i)
        taken += heard(server, {.type = FloorType::Request}, {}, kNow + i * 1ms) == "request normal -";
    CHECK(taken == McptServer::kPerSecond);
    CHECK(heard(server, {.type = FloorType::Release}, {}, kNow + 999ms) == "too_many");
    CHECK(heard(server, {.type = FloorType::Request, .indicator = 0x1000}, {}, kNow + 999ms) ==
          "request emergency -");
    CHECK(heard(server, {.type = FloorType::Release}, {}, kNow + 2s) == "release");
}

TEST_CASE("Granted says for how long, to whom, and asks for an Ack") {
    McptServer server = server_for({.queueing = true});
    const auto granted = told(server, Kind::Granted, Cause::None, {.claim = {floor::Class::Emergency, 7}});
    REQUIRE(granted);
    CHECK(*granted == FloorMessage{.type = FloorType::Granted,
                                   .ack_wanted = true,
                                   .sender = kGateway,
                                   .priority = 7,
                                   .duration = 30,
                                   .indicator = 0x1400,
                                   .ssrc = kRadio});
    for (const auto& [left, seconds] :
         {std::pair{29'999ms, 30}, {29'400ms, 29}, {100ms, 1}, {100'000'000ms, 65535}})
        CHECK(server.tell({.kind = Kind::RepeatGranted, .participant = kUs, .left = left}, {})->duration ==
              seconds);
    CHECK_FALSE(server.tell({.kind = Kind::Granted, .participant = kUs}, {})->duration);
}

TEST_CASE("each cause of the arbiter has its number and phrase on the wire") {
    McptServer server = server_for();
    for (std::size_t i = 0; i < floor::kCauses; ++i) {
        const auto cause = static_cast<Cause>(i);
        CAPTURE(floor::phrase(cause));
        const bool denies = floor::message(cause) == floor::Message::Deny;
        const bool revokes = floor::message(cause) == floor::Message::Revoke;
        if (denies) {
            const auto deny = told(server, Kind::Denied, cause);
            CHECK(deny->type == FloorType::Deny);
            CHECK(deny->reject_cause == rtp::RejectCause{floor::number(cause), floor::phrase(cause)});
        }
        if (revokes) {
            for (const auto kind : {Kind::Revoked, Kind::RepeatRevoked}) {
                const auto revoke = told(server, kind, cause);
                CHECK(revoke->type == FloorType::Revoke);
                CHECK_FALSE(revoke->ack_wanted);  // its answer is a Release
                CHECK(revoke->reject_cause == rtp::RejectCause{floor::number(cause), floor::phrase(cause)});
            }
        }
    }
    // Disabled is a Deny's word; of a Revoke it is the other reason.
    CHECK(told(server, Kind::Revoked, Cause::Disabled)->reject_cause->number == 255);
}

TEST_CASE("who is queued is told where, and not that the channel is idle") {
    McptServer server = server_for({.queueing = true});
    const auto info = server.tell({.kind = Kind::Queued, .position = 2, .participant = kUs},
                                  {.claim = {floor::Class::Normal, 3}});
    REQUIRE(info);
    CHECK(*info == FloorMessage{.type = FloorType::QueuePositionInfo,
                                .sender = kGateway,
                                .queue_info = rtp::QueueInfo{2, 3},
                                .indicator = 0x8400,
                                .ssrc = kRadio});
    CHECK_FALSE(told(server, Kind::Idle));
    CHECK(server.queue_position(1000, {}).queue_info->position == 253);
    CHECK(server.queue_position(0, {}).queue_info->position == rtp::QueueInfo::kNotQueued);
    const auto left = told(server, Kind::Withdrawn, Cause::TalkerReleased, with_talker());
    CHECK(left->type == FloorType::Taken);
    CHECK(told(server, Kind::Idle)->type == FloorType::Idle);
    told(server, Kind::Queued);
    const auto thrown_out = told(server, Kind::Withdrawn, Cause::ShuttingDown);
    CHECK(thrown_out->type == FloorType::Deny);
    CHECK(thrown_out->reject_cause == rtp::RejectCause{255, floor::phrase(Cause::ShuttingDown)});
}

TEST_CASE("Taken names the talker, to everybody but himself") {
    McptServer server = server_for({.queueing = true, .sequence = 7});
    Decision taken{.kind = Kind::Taken, .participant = kOther};
    CHECK(*server.tell(taken, with_talker()) == FloorMessage{.type = FloorType::Taken,
                                                             .sender = kGateway,
                                                             .granted_party = "sip:bob@gw.example",
                                                             .permission_to_request = true,
                                                             .message_sequence_number = 7,
                                                             .indicator = 0x8400,
                                                             .ssrc = 0x99});
    taken.kind = Kind::RepeatTaken;
    const auto emergency = server.tell(taken, with_talker(kOther, floor::Class::Emergency));
    CHECK(emergency->indicator == 0x1400);
    CHECK(emergency->message_sequence_number == 8);
    taken.participant = kUs;
    CHECK_FALSE(server.tell(taken, with_talker(kUs)));
    CHECK(told(server, Kind::RepeatIdle)->message_sequence_number == 9);
}

TEST_CASE("nobody may ask for the floor of a broadcast call, nor who only listens") {
    McptServer server = server_for();
    Scene broadcast = with_talker();
    broadcast.broadcast = true;
    const auto taken = server.state(broadcast);
    CHECK(taken->permission_to_request == false);
    CHECK(taken->indicator == rtp::floor_indicator::kBroadcast);
    McptServer listener = server_for({.may_request = false});
    CHECK(listener.state(with_talker())->permission_to_request == false);
    CHECK(server.state(with_talker())->permission_to_request == true);
}

TEST_CASE("who joins during a call is told who talks, or that nobody does") {
    McptServer server = server_for();
    CHECK(server.state({})->type == FloorType::Idle);
    CHECK(server.state(with_talker())->type == FloorType::Taken);
    CHECK_FALSE(server.state(with_talker(kUs)));
}

// bad-input.md, 67
TEST_CASE("each Release is answered once, also of who has nothing to release") {
    McptServer server = server_for();
    CHECK_FALSE(server.answer({}));
    CHECK(heard(server, {.type = FloorType::Release}) == "release");
    CHECK(server.answer(with_talker())->type == FloorType::Taken);
    CHECK_FALSE(server.answer({}));
    CHECK(heard(server, {.type = FloorType::Release}) == "release");
    CHECK(told(server, Kind::Idle));  // that was the answer
    CHECK_FALSE(server.answer({}));
}

TEST_CASE("decisions about others, and those without a message, are not told") {
    McptServer server = server_for();
    for (const auto kind : {Kind::Granted, Kind::Denied, Kind::Queued, Kind::Withdrawn, Kind::Revoked,
                            Kind::Released, Kind::RepeatGranted, Kind::RepeatRevoked})
        CHECK_FALSE(server.tell({.kind = kind, .participant = kOther}, with_talker()));
    for (const auto kind : {Kind::Released, Kind::Skipped, Kind::Joined, Kind::Left, Kind::Warned})
        CHECK_FALSE(told(server, kind));
}

TEST_CASE("an Ack names what it is for, without the ack bit") {
    const McptServer server = server_for();
    CHECK(server.acknowledgement({.type = FloorType::Release, .ack_wanted = true}) ==
          FloorMessage{.type = FloorType::Ack,
                       .sender = kGateway,
                       .source = rtp::FloorSource::Controlling,
                       .message_type = 4});
}

TEST_CASE("an identity that is too long is cut between code points, and every message can be written") {
    McptServer server = server_for();
    std::string name;
    while (name.size() < 300) name += "\xc3\xa4";
    Scene scene = with_talker();
    scene.talker->identity = name;
    const auto before = tests::allocations();
    const auto taken = server.state(scene);
    CHECK(taken->granted_party.size() == 254);
    std::array<std::byte, rtp::kMaxPacket> out{};
    CHECK(rtp::write_floor_message(out, *taken) > 0);
    for (std::size_t i = 0; i < floor::kCauses; ++i) {
        CHECK(rtp::write_floor_message(out, *told(server, Kind::Denied, static_cast<Cause>(i))) > 0);
        CHECK(rtp::write_floor_message(out, *told(server, Kind::Revoked, static_cast<Cause>(i))) > 0);
    }
    CHECK(rtp::write_floor_message(out, *told(server, Kind::Granted)) > 0);
    CHECK(tests::allocations() == before);
}

TEST_CASE("who talks beside the holder is told with the Dual Floor bit, and so is his end") {
    McptServer server = server_for();
    const auto beside = [&](Kind kind, floor::Participant who, const Scene& scene) {
        return server.tell({.kind = kind, .participant = who, .left = 30'000ms, .beside = true}, scene);
    };
    CHECK(beside(Kind::Granted, kUs, {})->has(rtp::floor_indicator::kDualFloor));
    const auto taken = beside(Kind::Taken, kOther, with_talker());
    REQUIRE(taken);
    CHECK(taken->has(rtp::floor_indicator::kDualFloor));
    CHECK(taken->granted_party == "sip:bob@gw.example");
    CHECK(beside(Kind::Idle, floor::kNobody, {})->has(rtp::floor_indicator::kDualFloor));
    CHECK(server.state(with_talker(), true)->has(rtp::floor_indicator::kDualFloor));
    // Whoever is alone has no such bit.
    CHECK_FALSE(told(server, Kind::Granted)->has(rtp::floor_indicator::kDualFloor));
    CHECK_FALSE(server.state(with_talker())->has(rtp::floor_indicator::kDualFloor));
    CHECK_FALSE(server.state({})->has(rtp::floor_indicator::kDualFloor));
}
