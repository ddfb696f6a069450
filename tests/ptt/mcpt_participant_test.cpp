#include "crosspatch/ptt/mcpt_participant.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <map>
#include <string>

#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::ptt;
using namespace std::chrono_literals;
using rtp::FloorMessage;
using rtp::FloorType;
using State = McptParticipant::State;
using Step = McptParticipant::Step;

namespace {

constexpr std::uint32_t kServer = 0x11223344;
constexpr std::uint32_t kUs = 0xAABBCCDD;
constexpr std::uint32_t kOther = 0x99;

// A handset, its key, and what a server may say to it; each verb gives what came of it as text.
class Handset {
public:
    explicit Handset(McptParticipant::Settings settings = {}) : terminal{with_ssrc(std::move(settings))} {}

    std::string press(floor::Claim claim = {}) { return told(terminal.press(claim, now)); }
    std::string let_go() { return told(terminal.let_go(now)); }
    std::string granted(std::uint16_t seconds = 30) {
        return hear({.type = FloorType::Granted, .duration = seconds, .ssrc = kUs});
    }
    std::string deny() {
        return hear({.type = FloorType::Deny, .reject_cause = rtp::RejectCause{7, "full"}});
    }
    std::string revoke() {
        return hear({.type = FloorType::Revoke, .reject_cause = rtp::RejectCause{4, "gone"}});
    }
    std::string taken() {
        return hear({.type = FloorType::Taken,
                     .granted_party = "bob",
                     .message_sequence_number = ++sequence,
                     .ssrc = kOther});
    }
    std::string idle() { return hear({.type = FloorType::Idle, .message_sequence_number = ++sequence}); }
    std::string position(std::uint8_t number) {
        return hear({.type = FloorType::QueuePositionInfo, .queue_info = rtp::QueueInfo{number, 0}});
    }
    std::string ack(FloorType of) {
        return hear({.type = FloorType::Ack, .message_type = static_cast<std::uint8_t>(of)});
    }
    std::string media() { return told(terminal.on_media(now)); }
    std::string hear(FloorMessage message, std::optional<std::uint64_t> order = std::nullopt) {
        if (message.sender == 0) message.sender = kServer;
        return told(terminal.on_message(message, now, order));
    }
    // Lets time pass with all timers; what each does is told with the milliseconds at which it does.
    std::string wait(std::chrono::milliseconds time) {
        std::string text;
        const auto begin = now, end = now + time;
        while (terminal.next_deadline().value_or(core::Time::max()) <= end) {
            now = *terminal.next_deadline();
            const auto step = told(terminal.on_time(now));
            text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", (now - begin) / 1ms, step);
        }
        now = end;
        return text;
    }

    // Brings a new handset to a state.
    void bring_to(State state) {
        if (state == State::NoPermission) return;
        press();
        if (state == State::HasPermission) granted();
        if (state == State::Queued) position(2);
        if (state == State::PendingRelease) let_go();
        REQUIRE(terminal.state() == state);
    }

    McptParticipant terminal;
    core::Time now{core::Time{} + 1h};
    std::uint16_t sequence{};

private:
    static McptParticipant::Settings with_ssrc(McptParticipant::Settings settings) {
        settings.ssrc = kUs;
        return settings;
    }
    // State, messages, events.
    std::string told(const Step& step) const {
        std::string text{name_of(terminal.state())};
        for (const auto& message : step.send) {
            CHECK(message.sender == kUs);
            text += fmt::format(" > {}", name_of(message.type));
        }
        for (const auto& event : step.events) text += fmt::format(" ! {}", name_of(event.kind));
        if (step.refused) text += " refused";
        return text;
    }
};

struct Row {
    State from;
    const char* event;
    const char* outcome;
};

const std::map<std::string, std::function<std::string(Handset&)>> kEvents{
    {"press", [](Handset& h) { return h.press(); }},
    {"let go", [](Handset& h) { return h.let_go(); }},
    {"granted", [](Handset& h) { return h.granted(); }},
    {"deny", [](Handset& h) { return h.deny(); }},
    {"revoke", [](Handset& h) { return h.revoke(); }},
    {"taken", [](Handset& h) { return h.taken(); }},
    {"idle", [](Handset& h) { return h.idle(); }},
    {"position", [](Handset& h) { return h.position(1); }},
    {"not queued", [](Handset& h) { return h.position(rtp::QueueInfo::kNotQueued); }},
    {"media", [](Handset& h) { return h.media(); }},
    {"ack", [](Handset& h) { return h.ack(FloorType::Release); }},
};

// The sheet's section 7, and what the header says that we do beyond it.
constexpr Row kTable[] = {
    {State::NoPermission, "press", "pending Request > Floor Request"},
    {State::NoPermission, "let go", "no permission"},
    {State::NoPermission, "granted", "no permission > Floor Release"},
    {State::NoPermission, "deny", "no permission"},
    {State::NoPermission, "revoke", "no permission > Floor Release"},
    {State::NoPermission, "taken", "no permission ! taken"},
    {State::NoPermission, "idle", "no permission ! idle"},
    {State::NoPermission, "position", "no permission > Floor Release"},
    {State::NoPermission, "not queued", "no permission"},
    {State::NoPermission, "media", "no permission"},
    {State::NoPermission, "ack", "no permission"},
    {State::PendingRequest, "press", "pending Request"},
    {State::PendingRequest, "let go", "pending Release > Floor Release ! released"},
    {State::PendingRequest, "granted", "has permission ! granted"},
    {State::PendingRequest, "deny", "no permission ! denied"},
    {State::PendingRequest, "revoke", "pending Request"},
    {State::PendingRequest, "taken", "pending Request ! taken"},  // with queueing; without: below
    {State::PendingRequest, "idle", "pending Request ! idle"},
    {State::PendingRequest, "position", "queued ! queued"},
    {State::PendingRequest, "not queued", "pending Request"},
    {State::PendingRequest, "media", "pending Request"},
    {State::PendingRequest, "ack", "pending Request"},
    {State::HasPermission, "press", "has permission"},
    {State::HasPermission, "let go", "pending Release > Floor Release ! released"},
    {State::HasPermission, "granted", "has permission"},
    {State::HasPermission, "deny", "pending Release > Floor Release ! denied"},
    {State::HasPermission, "revoke", "pending Release > Floor Release ! revoked"},
    {State::HasPermission, "taken", "pending Release > Floor Release ! taken ! lost"},
    {State::HasPermission, "idle", "pending Release > Floor Release ! idle ! lost"},
    {State::HasPermission, "position", "pending Release > Floor Release ! lost"},
    {State::HasPermission, "not queued", "pending Release > Floor Release ! lost"},
    {State::HasPermission, "media", "has permission"},
    {State::HasPermission, "ack", "has permission"},
    {State::PendingRelease, "press", "pending Release"},
    {State::PendingRelease, "let go", "pending Release"},
    {State::PendingRelease, "granted", "pending Release"},
    {State::PendingRelease, "deny", "pending Release"},
    {State::PendingRelease, "revoke", "pending Release"},
    {State::PendingRelease, "taken", "no permission ! taken"},
    {State::PendingRelease, "idle", "no permission ! idle"},
    {State::PendingRelease, "position", "pending Release"},
    {State::PendingRelease, "not queued", "pending Release"},
    {State::PendingRelease, "media", "no permission"},
    {State::PendingRelease, "ack", "pending Release"},  // no Ack was asked for
    {State::Queued, "press", "queued"},
    {State::Queued, "let go", "pending Release > Floor Release ! released"},
    {State::Queued, "granted", "has permission ! granted"},
    {State::Queued, "deny", "no permission ! denied"},
    {State::Queued, "revoke", "pending Release > Floor Release ! revoked"},
    {State::Queued, "taken", "queued ! taken"},
    {State::Queued, "idle", "no permission ! idle ! lost"},
    {State::Queued, "position", "queued ! queued"},
    {State::Queued, "not queued", "no permission ! lost"},
    {State::Queued, "media", "queued"},
    {State::Queued, "ack", "queued"},
};

}  // namespace

TEST_CASE("each state answers each event as the table says") {
    static_assert(std::size(kTable) == 5 * 11);
    for (const Row& row : kTable) {
        CAPTURE(name_of(row.from));
        CAPTURE(row.event);
        Handset handset;
        handset.bring_to(row.from);
        CHECK(kEvents.at(row.event)(handset) == row.outcome);
        CHECK(handset.terminal.may_talk() == (handset.terminal.state() == State::HasPermission));
        // Every state but that of rest has a timer that ends it.
        CHECK((handset.terminal.next_deadline() || handset.terminal.state() == State::NoPermission));
    }
}

TEST_CASE("a Request is sent three times and then given up, below six seconds") {
    Handset handset;
    handset.press();
    CHECK(handset.wait(10s) ==
          "1000: pending Request > Floor Request, 2000: pending Request > Floor Request, 3000: no permission "
          "! no answer");
}

TEST_CASE("a Release is sent three times and then taken as done") {
    Handset handset;
    handset.bring_to(State::PendingRelease);
    CHECK(
        handset.wait(10s) ==
        "1000: pending Release > Floor Release, 2000: pending Release > Floor Release, 3000: no permission");
}

TEST_CASE("who is queued and hears nothing asks for the position three times, then leaves the queue") {
    Handset handset;
    handset.bring_to(State::Queued);
    CHECK(handset.wait(20s) ==
          "10000: queued > Floor Queue Position Request, 11000: queued > Floor Queue Position Request, "
          "12000: queued > Floor Queue Position Request, 13000: pending Release > Floor Release ! lost, "
          "14000: pending Release > Floor Release, 15000: pending Release > Floor Release, 16000: no "
          "permission");
}

TEST_CASE("an answer to the question for the position begins the wait anew") {
    Handset handset;
    handset.bring_to(State::Queued);
    handset.wait(10'500ms);
    CHECK(handset.position(1) == "queued ! queued");
    CHECK(handset.wait(9s) == "");
    CHECK(handset.terminal.ask_position(handset.now).send.size() == 1);
    CHECK(handset.wait(1s) == "1000: queued > Floor Queue Position Request");
    CHECK(handset.position(rtp::QueueInfo::kNotDisclosed) == "queued ! queued");
}

TEST_CASE("a floor that nobody revokes ends with its Duration and some overtime") {
    Handset handset;
    handset.press();
    handset.granted(5);
    CHECK(handset.wait(7999ms) == "");
    CHECK(handset.wait(1ms) == "1: pending Release > Floor Release ! lost");
    Handset told_again;
    told_again.press();
    told_again.granted(5);
    told_again.wait(4s);
    told_again.granted(5);
    CHECK(told_again.wait(7999ms) == "");
}

TEST_CASE("a Granted without a Duration does not last for ever") {
    Handset handset;
    handset.press();
    handset.hear({.type = FloorType::Granted});
    CHECK(handset.wait(62'999ms) == "");
    CHECK(handset.wait(1ms) == "1: pending Release > Floor Release ! lost");
}

TEST_CASE("a talker who is not heard any more has ended") {
    Handset handset;
    handset.taken();
    handset.wait(3s);
    handset.media();
    CHECK(handset.wait(3999ms) == "");
    CHECK(handset.wait(1ms) == "1: no permission ! idle");
    CHECK_FALSE(handset.terminal.next_deadline());
}

TEST_CASE("without a queue Taken answers a Request, but not an emergency's") {
    Handset handset{{.queueing = false}};
    handset.press();
    CHECK(handset.taken() == "no permission ! taken ! denied");
    Handset emergency{{.queueing = false}};
    emergency.press({floor::Class::Emergency, 0});
    CHECK(emergency.taken() == "pending Request ! taken");
}

TEST_CASE("a place in the queue can be kept without the key, and is then offered for two seconds") {
    const McptParticipant::Settings settings{.stay_queued = true};
    Handset handset{settings};
    handset.bring_to(State::Queued);
    CHECK(handset.let_go() == "queued");
    CHECK(handset.granted() == "queued ! offered");
    CHECK(handset.granted() == "queued");
    handset.wait(1999ms);
    CHECK(handset.press() == "has permission ! granted");
    Handset late{settings};
    late.bring_to(State::Queued);
    late.let_go();
    late.granted();
    CHECK(late.wait(2s) == "2000: pending Release > Floor Release ! lost");  // T132
    Handset passed_over{settings};
    passed_over.bring_to(State::Queued);
    passed_over.let_go();
    passed_over.granted();
    CHECK(passed_over.taken() == "pending Release > Floor Release ! taken ! lost");
    Handset cancelled{settings};
    cancelled.bring_to(State::Queued);
    cancelled.let_go();
    cancelled.terminal.cancel(cancelled.now);
    CHECK(cancelled.terminal.state() == State::PendingRelease);
}

TEST_CASE("a key that is pressed while a Release is pending asks right after it") {
    Handset handset;
    handset.bring_to(State::PendingRelease);
    handset.press();
    CHECK(handset.idle() == "pending Request > Floor Request ! idle");
    Handset undecided;
    undecided.bring_to(State::PendingRelease);
    undecided.press();
    undecided.let_go();
    CHECK(undecided.idle() == "no permission ! idle");
}

TEST_CASE("an emergency is asked for at once in every state") {
    const floor::Claim emergency{floor::Class::Emergency, 0};
    for (const auto state : {State::PendingRequest, State::Queued}) {
        Handset handset;
        handset.bring_to(state);
        CHECK(handset.press(emergency) == "pending Request > Floor Request");
        CHECK(handset.press(emergency) == "pending Request");
        CHECK(handset.press({}) == "pending Request");
    }
    Handset talker;
    talker.bring_to(State::HasPermission);
    CHECK(talker.press(emergency) == "has permission > Floor Request");
    CHECK(talker.granted() == "has permission");  // of the claim before
    CHECK(talker.wait(1s) == "1000: has permission > Floor Request");
    CHECK(talker.hear({.type = FloorType::Granted, .duration = 30, .indicator = 0x1000}) == "has permission");
    CHECK(talker.wait(5s) == "");
    Handset unheard;
    unheard.bring_to(State::HasPermission);
    unheard.press(emergency);
    CHECK(unheard.wait(10s) ==
          "1000: has permission > Floor Request, 2000: has permission > Floor Request, "
          "3000: has permission");
}

TEST_CASE("after a Revoke the key that is still down does not ask again") {
    Handset handset;
    handset.bring_to(State::HasPermission);
    handset.revoke();
    CHECK(handset.idle() == "no permission ! idle");
    CHECK(handset.wait(10s) == "");
}

TEST_CASE("what asks for an Ack gets one, also when it comes twice") {
    Handset handset;
    handset.press();
    const FloorMessage granted{.type = FloorType::Granted, .ack_wanted = true, .duration = 5, .ssrc = kUs};
    CHECK(handset.hear(granted) == "has permission > Floor Ack ! granted");
    CHECK(handset.hear(granted) == "has permission > Floor Ack");
    auto step = handset.terminal.on_message({.type = FloorType::Idle, .ack_wanted = true, .sender = kServer},
                                            handset.now);
    const FloorMessage& ack = *step.send.begin();
    CHECK(ack.source == rtp::FloorSource::Participant);
    CHECK(ack.message_type == static_cast<std::uint8_t>(FloorType::Idle));
    CHECK(handset.hear({.type = FloorType::Ack, .ack_wanted = false, .message_type = 10}) ==
          "pending Release");
}

TEST_CASE("an Ack of the Release ends it, if one was asked for") {
    Handset handset{{.ack_release = true}};
    handset.bring_to(State::PendingRelease);
    CHECK(handset.ack(FloorType::Request) == "pending Release");
    CHECK(handset.ack(FloorType::Release) == "no permission");
}

TEST_CASE("messages of others, of participants, and old ones change nothing") {
    Handset handset;
    handset.bring_to(State::PendingRequest);
    handset.idle();
    CHECK(handset.hear({.type = FloorType::Granted, .sender = kOther}) == "pending Request refused");
    CHECK(handset.hear({.type = FloorType::Granted, .sender = kUs}) == "pending Request refused");
    CHECK(handset.hear({.type = FloorType::Granted, .ssrc = kOther}) == "pending Request refused");
    for (const auto type : {FloorType::Request, FloorType::Release, FloorType::QueuePositionRequest})
        CHECK(handset.hear({.type = type}) == "pending Request refused");
    handset.granted();
    CHECK(handset.hear(
              {.type = FloorType::Taken, .message_sequence_number = handset.sequence, .ssrc = kOther}) ==
          "has permission refused");
    CHECK(handset.hear({.type = FloorType::Taken, .message_sequence_number = 2, .ssrc = kUs}) ==
          "has permission");
}

TEST_CASE("by the SRTCP index an overtaken message is known") {
    Handset handset;
    handset.press();
    CHECK(handset.hear({.type = FloorType::Granted}, 8) == "has permission ! granted");
    CHECK(handset.hear({.type = FloorType::Deny}, 7) == "has permission refused");
    CHECK(handset.hear({.type = FloorType::Idle}, 7) == "has permission refused");
    CHECK(handset.hear({.type = FloorType::Revoke}, 8) == "pending Release > Floor Release ! revoked");
}

TEST_CASE("Message Sequence Numbers wrap, and a server that begins anew is believed after ten seconds") {
    Handset handset;
    const auto idle = [](std::uint16_t number) {
        return FloorMessage{.type = FloorType::Idle, .message_sequence_number = number};
    };
    CHECK(handset.hear(idle(65535)) == "no permission ! idle");
    CHECK(handset.hear(idle(0)) == "no permission ! idle");
    CHECK(handset.hear(idle(65535)) == "no permission refused");
    handset.now += 10s;
    CHECK(handset.hear(idle(60000)) == "no permission ! idle");
}

TEST_CASE("the claim is in the Request: class in the indicator, priority in its field") {
    Handset handset{{.user_id = "sip:alice@gw.example"}};
    const auto step = handset.terminal.press({floor::Class::Emergency, 5}, handset.now);
    const FloorMessage& request = *step.send.begin();
    CHECK(request.indicator == rtp::floor_indicator::kEmergency);
    CHECK(request.priority == 5);
    CHECK(request.user_id == "sip:alice@gw.example");
}

TEST_CASE("a press, its grant and its end take no memory") {
    McptParticipant terminal{{.ssrc = kUs, .user_id = "sip:alice@gw.example;and-some-more-than-fits"}};
    const core::Time now{core::Time{} + 1h};
    const auto before = tests::allocations();
    terminal.press({}, now);
    terminal.on_message({.type = FloorType::Granted, .sender = kServer}, now);
    terminal.let_go(now);
    terminal.on_time(now + 1s);
    CHECK(tests::allocations() == before);
}

TEST_CASE("a talker beside us, and his end, take nothing from us; without the Dual Floor bit they do") {
    const auto dual =
        static_cast<std::uint16_t>(rtp::floor_indicator::kNormal | rtp::floor_indicator::kDualFloor);
    Handset handset;
    handset.bring_to(State::HasPermission);
    handset.hear({.type = FloorType::Taken,
                  .granted_party = "chief",
                  .message_sequence_number = 1,
                  .indicator = dual,
                  .ssrc = kOther});
    CHECK(handset.terminal.state() == State::HasPermission);
    handset.hear({.type = FloorType::Idle, .message_sequence_number = 2, .indicator = dual});
    CHECK(handset.terminal.state() == State::HasPermission);
    handset.hear({.type = FloorType::Idle, .message_sequence_number = 3});
    CHECK(handset.terminal.state() == State::PendingRelease);
}
