#include <doctest/doctest.h>

#include <vector>

#include "crosspatch/floor/arbiter.hpp"

using namespace crosspatch::floor;
using namespace std::chrono_literals;
using crosspatch::core::Time;

namespace {

constexpr Time kStart{1h};

// Two arbiters with room for the same four channels and four radios, one at home on each channel.
struct Pair {
    std::vector<Settings> settings{4};
    Arbiter a{Layout{.channels = settings, .participants = 4, .arbiters = 2, .number = 0}};
    Arbiter b{Layout{.channels = settings, .participants = 4, .arbiters = 2, .number = 1}};
    Decisions out;

    Answer press(Arbiter& at, Participant who, std::vector<Target> far = {},
                 Signal signal = Signal::Explicit) {
        out.clear();
        return at.request({.participant = who, .own = {who}, .far = far, .signal = signal}, kStart, out);
    }
    std::optional<Decision> said(Decision::Kind kind) const {
        for (const Decision& decision : out)
            if (decision.kind == kind) return decision;
        return std::nullopt;
    }
};

}  // namespace

TEST_CASE("a channel that moves takes its talker, its queue and its timers along, and leaves the others") {
    Pair pair;
    const std::vector<Target> far{{.channel = 1, .conversation = 1}};
    CHECK(pair.press(pair.a, 0, far) == Answer::Granted);
    CHECK(pair.press(pair.a, 1) == Answer::Queued);
    CHECK(pair.press(pair.a, 2) == Answer::Granted);
    const ChannelIndex channels[] = {1, 0};
    const Participant people[] = {0, 1};
    pair.b.adopt(pair.a, channels, people);
    pair.a.check();
    pair.b.check();
    CHECK(pair.b.holder(0) == 0);
    CHECK(pair.b.holder(1) == 0);
    CHECK(pair.b.queue_position(1) == 1);
    CHECK(!pair.a.holder(0));
    CHECK(pair.a.participant_state(1) == ParticipantState::Silent);
    CHECK(pair.a.holder(2) == 2);
    CHECK(pair.b.media(0, kStart + 100ms, false) == Verdict::Pass);
    pair.out.clear();
    pair.b.advance(kStart + 200ms, pair.out);
    CHECK(pair.b.holder(0) == 0);
    pair.out.clear();
    pair.b.advance(kStart + 5s, pair.out);  // the lease has run out: the queue's turn
    CHECK(pair.said(Decision::Kind::Granted)->participant == 1);
    pair.out.clear();
    pair.a.advance(kStart + 5s, pair.out);
    CHECK(pair.said(Decision::Kind::Released)->participant == 2);
}

TEST_CASE("arbiters that take over from each other number no two presses alike") {
    Pair pair;
    pair.press(pair.a, 0);
    pair.press(pair.a, 1);
    pair.press(pair.b, 2);
    pair.press(pair.b, 3);
    const auto a = pair.a.talkspurt(1);
    const auto b = pair.b.talkspurt(3);
    CHECK(a != b);
    const ChannelIndex channels[] = {0, 1};
    const Participant people[] = {0, 1};
    pair.b.adopt(pair.a, channels, people);
    pair.out.clear();
    pair.b.revoke(3, Cause::RevokeOther, kStart, pair.out);
    pair.press(pair.b, 3);
    CHECK(pair.b.talkspurt(3) > a);
    CHECK(pair.b.talkspurt(3) > b);
    CHECK(pair.b.talkspurt(3) % 2 == b % 2);
}
