#include <doctest/doctest.h>

#include "tests/floor/scene.hpp"

using namespace crosspatch::floor;
using namespace crosspatch::floor::tests;

TEST_CASE("a stuck PTT is warned at 25 s, revoked at 30 s, silent at 33 s, and stays so") {
    Scene scene{2};
    scene.talk("a1");
    scene.wait(32990ms);
    CHECK(scene.is_heard("a1"));
    scene.wait(10ms);
    CHECK_FALSE(scene.is_heard("a1"));
    scene.wait(60s);
    CHECK_FALSE(scene.is_heard("a1"));
    CHECK(scene.timed_tape() ==
          "0 a1 granted, 25000 a1 warned for 5000, 30000 a1 revoked 2 for 3000, 33000 a1 ends (2)");
    CHECK(scene.floors() == "A:- B:-");
}

TEST_CASE("after the limit others are let in at once, the stuck one is not") {
    Scene scene{1};
    scene.talk("a1");
    scene.wait(33s);
    scene.tape();
    scene.talk("a2");
    CHECK(scene.tape() == "a2 granted");
}

TEST_CASE("after a talk limit the talker is denied with 4 until the cool-down is over") {
    Scene scene{1};
    scene.talk("a1", kExplicit);
    scene.press("a1", kExplicit);
    scene.wait(30500ms);
    scene.release("a1");
    scene.tape();
    scene.press("a1", kExplicit);
    scene.wait(2990ms);
    scene.press("a1", kExplicit);
    CHECK(scene.tape() == "a1 denied 4, a1 denied 4");
    scene.wait(10ms);
    scene.press("a1", kExplicit);
    CHECK(scene.tape() == "a1 granted");
}

TEST_CASE("the cool-down of a normal talk limit holds up no emergency of the same radio") {
    Scene scene{1};
    scene.talk("a1");
    scene.wait(34s);
    scene.fall_silent("a1");
    scene.tape();
    CHECK(scene.press("a1", kEmergency) == Answer::Granted);
    scene.talk("a1", kEmergency);
    scene.wait(33s);
    scene.release("a1");
    CHECK(scene.press("a1", kEmergency) == Answer::Denied);  // but an emergency's own limit does
}

TEST_CASE("a request during the grace is denied with 4, an emergency begins anew") {
    Scene scene{1};
    scene.press("a1", kExplicit);
    scene.talk("a1", kExplicit);
    scene.wait(31s);
    scene.tape();
    scene.press("a1", kExplicit);
    CHECK(scene.tape() == "a1 denied 4");
    scene.press("a1", {.level = Class::Emergency, .signal = Signal::Explicit});
    CHECK(scene.tape() == "a1 ends (2), a1 granted");
}

TEST_CASE("a press that is denied during the grace has a number of its own, which is not its talkspurt's") {
    Scene scene{1};
    scene.press("a1", kExplicit);
    scene.talk("a1", kExplicit);
    scene.wait(31s);
    std::uint64_t denied = 0;
    std::uint64_t ended = 0;
    scene.call([&](Arbiter& arbiter, Decisions& out) {
        const Participant who = *arbiter.holder(0);
        arbiter.request({.participant = who, .own = {.channel = 0}, .signal = Signal::Explicit}, scene.now,
                        out);
        REQUIRE(out[0].kind == Decision::Kind::Denied);
        denied = out[0].talkspurt;
        out.clear();
        arbiter.release(who, scene.now, out);
        REQUIRE(out[0].kind == Decision::Kind::Released);
        ended = out[0].talkspurt;
    });
    CHECK(denied != 0);
    CHECK(denied != ended);
}

TEST_CASE("Revoke is told again each 200 ms until the grace ends, to explicit radios only") {
    Scene scene{1};
    scene.press("a1", kExplicit);
    scene.talk("a1", kExplicit);
    scene.wait(30s);
    scene.tape();
    scene.wait(1s);
    CHECK(scene.tape() ==
          "a1 revoked again, a1 revoked again, a1 revoked again, a1 revoked again, a1 revoked again");
    scene.release("a1");
    CHECK(scene.tape() == "a1 ends (2)");
}

TEST_CASE("a talker that goes silent in its grace frees the floor when its lease ends") {
    Scene scene{1};
    scene.talk("a1");
    scene.wait(30s);
    scene.fall_silent("a1");
    scene.tape();
    scene.wait(610ms);
    CHECK(scene.tape() == "a1 ends (2)");
}

TEST_CASE("the talk time of an explicit radio begins with its first packet") {
    Scene scene{1};
    scene.press("a1", kExplicit);
    scene.wait(400ms);
    scene.talk("a1", kExplicit);
    scene.tape();
    scene.wait(24990ms);
    CHECK(scene.tape().empty());
    scene.wait(10ms);
    CHECK(scene.tape() == "a1 warned for 5000");
}

TEST_CASE("a rule's shorter talk limit counts, a longer one does not") {
    Scene scene{1};
    scene.talk("a1", {.max_talk = 4s});
    scene.wait(8s);
    CHECK(scene.timed_tape() ==
          "0 a1 granted, 2000 a1 warned for 2000, 4000 a1 revoked 2 for 3000, 7000 a1 ends (2)");
    scene.talk("a2", {.max_talk = 60s});
    scene.wait(30s);
    CHECK(scene.arbiter.state(0, scene.now) == ChannelState::Revoking);
}

TEST_CASE("a grace of nothing cuts off at the limit; a warning of nothing is not given") {
    Settings settings;
    settings.grace = 0ms;
    settings.warn = 0ms;
    Scene scene{1, settings};
    scene.talk("a1");
    scene.wait(31s);
    CHECK(scene.timed_tape() == "0 a1 granted, 30000 a1 revoked 2, 30000 a1 ends (2)");
}

TEST_CASE("after a pause of the process everything that is due comes in the order of its deadlines") {
    Scene scene{2};
    scene.talk("a1");
    scene.wait(24s);
    scene.press("a2", kExplicit);
    scene.tape();
    scene.freeze(10s);
    CHECK(scene.arbiter.media(Scene::radio("a1"), scene.now, false) ==
          Verdict::Pass);  // sockets first, then timers
    scene.run_timers();
    CHECK(scene.tape() == "a1 warned, a1 revoked 2, a1 ends (2), a2 granted");
    CHECK(scene.floors() == "A:a2 B:a2");
}

TEST_CASE("a pause does not take the floor from a talker whose packets wait in the socket") {
    Scene scene{1};
    scene.talk("a1");
    scene.wait(2s);
    scene.freeze(10s);
    CHECK(scene.arbiter.media(Scene::radio("a1"), scene.now, false) == Verdict::Pass);
    scene.run_timers();
    CHECK(scene.floors() == "A:a1");
    scene.freeze(10s);
    scene.run_timers();  // nothing came meanwhile: dead
    CHECK(scene.floors() == "A:-");
}

TEST_CASE("after a pause a queued press has its full two seconds to begin") {
    Scene scene{1};
    scene.talk("a1");
    scene.press("a2", kExplicit);
    scene.fall_silent("a1");
    scene.freeze(10s);
    scene.run_timers();
    CHECK(scene.floors() == "A:a2");
    scene.wait(1990ms);
    CHECK(scene.floors() == "A:a2");
    scene.wait(20ms);
    CHECK(scene.floors() == "A:-");
}
