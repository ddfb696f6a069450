#include <doctest/doctest.h>

#include "tests/floor/scene.hpp"

using namespace crosspatch::floor;
using namespace crosspatch::floor::tests;

TEST_CASE("a press takes its own channel and every channel it is heard on, at once") {
    Scene scene{3};
    scene.talk("a1");
    CHECK(scene.tape() == "a1 granted");
    CHECK(scene.floors() == "A:a1 B:a1 C:a1");
    CHECK(scene.announced() == "A taken by a1, B taken by a1, C taken by a1");
    CHECK(scene.is_heard("a1"));
}

TEST_CASE("a talkspurt that does not cross holds nobody else's floor") {
    Scene scene{2};
    scene.talk("a1", {.to = ""});
    scene.talk("b1", {.to = ""});
    CHECK(scene.floors() == "A:a1 B:b1");
}

TEST_CASE("of two presses on one channel the second is refused and its sound goes nowhere") {
    Scene scene{1};
    scene.talk("a1");
    scene.talk("a2");
    CHECK(scene.tape() == "a1 granted, a2 denied 1");
    CHECK_FALSE(scene.is_heard("a2"));
}

TEST_CASE("a refused press is refused once, and not granted in mid-word when the floor becomes free") {
    Scene scene{1};
    scene.talk("a1");
    scene.talk("a2");
    scene.wait(1s);
    scene.fall_silent("a1");
    scene.wait(5s);
    CHECK(scene.tape() == "a1 granted, a2 denied 1, a1 ends (silence)");
    CHECK(scene.floors() == "A:-");
    scene.fall_silent("a2");
    scene.wait(500ms);
    scene.talk("a2");  // a gap shorter than the lease: still the same press
    CHECK(scene.tape().empty());
    scene.fall_silent("a2");
    scene.wait(610ms);
    scene.talk("a2");
    CHECK(scene.tape() == "a2 granted");
}

TEST_CASE("a refused press of a VOX radio behaves the same") {
    Scene scene{1};
    scene.talk("a1");
    scene.talk("a2", {.signal = Signal::Vox});
    scene.release("a1");
    scene.wait(3s);
    CHECK(scene.tape() == "a1 granted, a2 denied 1, a1 ends (released)");
}

TEST_CASE("a key that goes down again is a press of its own, without a pause of the sound") {
    Scene scene{1};
    scene.talk("a1");
    scene.talk("a2", {.signal = Signal::Key});
    scene.release("a1");
    scene.wait(2s);
    scene.tape();
    CHECK(scene.press("a2", {.signal = Signal::Key}) == Answer::Granted);
    CHECK(scene.tape() == "a2 granted");
}

TEST_CASE("a higher class under a refused press is a press of its own") {
    Scene scene{1};
    scene.talk("a1");
    scene.talk("a2");
    CHECK(scene.press("a2") == Answer::Ignored);
    CHECK(scene.press("a2", kEmergency) == Answer::Granted);
    CHECK(scene.tape() == "a1 granted, a2 denied 1, a1 revoked 4, a1 ends (4), a2 granted");
}

TEST_CASE("a talker that dies frees the floor when its lease ends, not before and at most 20 ms later") {
    Scene scene{2};
    scene.talk("a1");
    scene.wait(2s);
    scene.fall_silent("a1");
    scene.wait(580ms);
    CHECK(scene.floors() == "A:a1 B:a1");
    scene.wait(40ms);
    CHECK(scene.floors() == "A:- B:-");
    CHECK(scene.tape() == "a1 granted, a1 ends (silence)");
}

TEST_CASE(
    "who lets go by sending nothing ends in silence, who has a key or words for it is lost when he does so") {
    for (const auto& [signal, ends] :
         {std::pair{Signal::Media, "silence"}, std::pair{Signal::Vox, "silence"},
          std::pair{Signal::Key, "timeout"}, std::pair{Signal::Explicit, "timeout"}}) {
        Scene scene{1};
        scene.press("a1", {.signal = signal});
        scene.talk("a1", {.signal = signal});
        scene.wait(200ms);
        scene.fall_silent("a1");
        scene.wait(1s);
        CHECK(scene.tape() == std::string{"a1 granted, a1 ends ("} + ends + ")");
    }
}

TEST_CASE("after a DTX packet the lease is one second, after the next ordinary one 600 ms again") {
    Scene scene{1};
    scene.talk("a1");
    scene.wait(1s);
    scene.fall_silent("a1");
    scene.send_dtx("a1");
    scene.wait(990ms);
    CHECK(scene.floors() == "A:a1");
    CHECK(scene.arbiter.media(Scene::radio("a1"), scene.now, false) == Verdict::Pass);
    scene.wait(590ms);
    CHECK(scene.floors() == "A:a1");
    scene.wait(10ms);
    CHECK(scene.floors() == "A:-");
    scene.talk("a1");
    scene.fall_silent("a1");
    scene.send_dtx("a1");
    CHECK(scene.arbiter.media(Scene::radio("a1"), scene.now + 20ms, false) == Verdict::Pass);  // shortens it
    scene.wait(620ms);
    CHECK(scene.floors() == "A:-");
}

TEST_CASE("a release ends the talkspurt at once, and its last packets do not begin another") {
    Scene scene{1};
    scene.talk("a1");
    scene.wait(1s);
    scene.release("a1");
    CHECK(scene.tape() == "a1 granted, a1 ends (released)");
    CHECK(scene.arbiter.media(Scene::radio("a1"), scene.now + 40ms, false) == Verdict::Drop);
    CHECK(scene.floors() == "A:-");
    CHECK(scene.press("a1") == Answer::Granted);  // a key event is a press, whatever the packets say
}

TEST_CASE("a release by somebody without the floor changes nothing") {
    Scene scene{1};
    scene.talk("a1");
    scene.release("a2");
    CHECK(scene.floors() == "A:a1");
    CHECK(scene.tape() == "a1 granted");
}

TEST_CASE("an explicit holder that asks again is told again, and keeps the floor") {
    Scene scene{1};
    CHECK(scene.press("a1", kExplicit) == Answer::Granted);
    CHECK(scene.press("a1", kExplicit) == Answer::Granted);
    CHECK(scene.tape() == "a1 granted, a1 granted again");
}

TEST_CASE("a direct grant that brings no media is free after the lease") {
    Scene scene{1};
    scene.press("a1", kExplicit);
    scene.wait(590ms);
    CHECK(scene.floors() == "A:a1");
    scene.wait(20ms);
    CHECK(scene.floors() == "A:-");
}

TEST_CASE("Granted is told again each 200 ms until media comes or it is acknowledged") {
    Scene scene{1};
    scene.press("a1", kExplicit);
    scene.wait(250ms);
    CHECK(scene.tape() == "a1 granted, a1 granted again");
    scene.talk("a1", kExplicit);
    scene.wait(1s);
    CHECK(scene.tape().empty());
    scene.release("a1");
    scene.press("a1", kExplicit);
    scene.arbiter.acknowledge(Scene::radio("a1"));
    scene.wait(500ms);
    CHECK(scene.tape() == "a1 ends (released), a1 granted");
}

TEST_CASE("Taken and Idle are told again three times") {
    Scene scene{1};
    scene.talk("a1");
    scene.wait(2s);
    CHECK(scene.announced() == "A taken by a1, A still a1, A still a1, A still a1");
    scene.release("a1");
    scene.wait(2s);
    CHECK(scene.announced() == "A idle, A still idle, A still idle, A still idle");
}

TEST_CASE("who may only listen is denied with 5, who is disabled with 255, until told otherwise") {
    Scene scene{1};
    const auto set = [&](Standing standing) {
        scene.call([&](Arbiter& a, Decisions& out) {
            a.set_standing(Scene::radio("a1"), standing, scene.now, out);
        });
    };
    set(Standing::ReceiveOnly);
    scene.press("a1", kExplicit);
    set(Standing::Disabled);
    scene.press("a1", kExplicit);
    CHECK(scene.tape() == "a1 denied 5, a1 denied 255");
    set(Standing::MayTalk);
    CHECK(scene.press("a1", kExplicit) == Answer::Granted);
}

TEST_CASE("a radio that is disabled while it talks is cut off at once") {
    Scene scene{2};
    scene.talk("a1");
    scene.wait(1s);
    scene.call([&](Arbiter& a, Decisions& out) {
        a.set_standing(Scene::radio("a1"), Standing::Disabled, scene.now, out);
    });
    CHECK(scene.tape() == "a1 granted, a1 revoked 3, a1 ends (3)");
    scene.wait(1s);
    CHECK_FALSE(scene.is_heard("a1"));
    CHECK(scene.floors() == "A:- B:-");
}

TEST_CASE("an operator's revoke cuts a talker off without grace, and takes a waiting one out of the queue") {
    Scene scene{1};
    scene.talk("a1");
    scene.press("a2", kExplicit);
    scene.tape();
    const auto revoke = [&](std::string_view who) {
        scene.call([&](Arbiter& a, Decisions& out) {
            a.revoke(Scene::radio(who), Cause::RevokeOther, scene.now, out);
        });
    };
    revoke("a2");
    revoke("a1");
    revoke("a3");
    CHECK(scene.tape() == "a2 withdrawn, a1 revoked 255, a1 ends (255)");
    scene.wait(100ms);
    CHECK_FALSE(scene.is_heard("a1"));
}

TEST_CASE("what the caller denies is refused like a press that the arbiter denies") {
    Scene scene{1};
    const Request request{.participant = Scene::radio("a1"), .own = {0}};
    scene.call([&](Arbiter& a, Decisions& out) {
        CHECK(a.deny(request, Cause::PolicyDenies, scene.now, out) == Answer::Denied);
        CHECK(a.deny(request, Cause::PolicyDenies, scene.now, out) == Answer::Ignored);
    });
    CHECK(scene.tape() == "a1 denied 255");
    CHECK(scene.arbiter.media(Scene::radio("a1"), scene.now + 20ms, false) == Verdict::Drop);
}

TEST_CASE(
    "media without the floor from an explicit radio is told so once, again while it goes on, and drops") {
    Scene scene{1};
    const Participant who = Scene::radio("a1");
    CHECK(scene.arbiter.media(who, scene.now, false) == Verdict::NeedsRequest);
    const auto trespass = [&] {
        scene.call([&](Arbiter& a, Decisions& out) { a.trespass(who, scene.now, out); });
    };
    trespass();
    trespass();
    for (int packet = 0; packet < 50; ++packet) {
        CHECK(scene.arbiter.media(who, scene.now, false) == Verdict::Drop);
        scene.wait(20ms);
    }
    CHECK(scene.tape() == "a1 revoked 3, a1 revoked again, a1 revoked again, a1 revoked again");
    CHECK(scene.press("a1", kExplicit) == Answer::Granted);
}

TEST_CASE("more than five requests a second are ignored, but not the first of a higher class") {
    Scene scene{1};
    scene.talk("a2");
    scene.tape();
    for (int i = 0; i < 1000; ++i) {
        const Answer answer = scene.press("a1", kExplicit);
        CHECK((answer == Answer::Ignored) == (i >= 5));
    }
    CHECK(scene.press("a1", {.level = Class::Emergency, .signal = Signal::Explicit, .may_preempt = true}) ==
          Answer::Granted);
    CHECK(scene.floors() == "A:a1");
}

TEST_CASE("a flood of key events does not let the next packet in in mid-word") {
    Scene scene{1};
    for (int i = 0; i < 5; ++i) {
        CHECK(scene.press("a1") == Answer::Granted);
        scene.release("a1");
    }
    scene.wait(650ms);
    CHECK(scene.press("a1") == Answer::Ignored);
    scene.talk("a1");
    scene.wait(3s);
    CHECK_FALSE(scene.is_heard("a1"));
    scene.fall_silent("a1");
    scene.wait(700ms);
    scene.talk("a1");
    CHECK(scene.is_heard("a1"));
}

TEST_CASE(
    "of fifty radios that press within 20 ms exactly one is granted, eight wait in order, the rest are told "
    "so") {
    Scene scene{4};
    int granted = 0, queued = 0, denied = 0;
    for (int i = 0; i < 16; ++i) {
        for (const char home : {'a', 'b', 'c', 'd'}) {
            const Answer answer =
                scene.press(std::string(1, home) + std::to_string(i + 1), {.signal = Signal::Explicit});
            granted += answer == Answer::Granted;
            queued += answer == Answer::Queued;
            denied += answer == Answer::Denied;
        }
    }
    CHECK(granted == 1);
    CHECK(queued == 4 * 8);  // each channel's own queue
    CHECK(denied == 64 - 33);
}

TEST_CASE("a press beyond the room for stakes is denied with 6 and leaves nothing behind") {
    const std::vector<Settings> settings(3);
    Arbiter arbiter{Layout{.channels = settings, .participants = 3, .stakes = 4}};
    Decisions out;
    const std::vector<Target> far{{1}, {2}};
    const crosspatch::core::Time now{};
    CHECK(arbiter.request({.participant = 0, .own = {0}, .far = far}, now, out) == Answer::Granted);
    CHECK(arbiter.request({.participant = 1, .own = {0}, .far = far}, now, out) == Answer::Denied);
    CHECK(out[out.size() - 1].cause == Cause::NoResources);
    arbiter.check();
    CHECK(arbiter.request({.participant = 2, .own = {1}}, now, out) == Answer::Denied);
    CHECK(out[out.size() - 1].cause == Cause::AnotherTalks);
}

TEST_CASE("doubles and the own channel among the far ones are passed over") {
    const std::vector<Settings> settings(2);
    Arbiter arbiter{Layout{.channels = settings, .participants = 1}};
    Decisions out;
    const std::vector<Target> far{{1}, {0}, {1}};
    CHECK(arbiter.request({.participant = 0, .own = {0}, .far = far}, {}, out) == Answer::Granted);
    std::array<ChannelIndex, 4> held{};
    CHECK(arbiter.held(0, held) == 2);
    CHECK((held[0] == 0 && held[1] == 1));
}
