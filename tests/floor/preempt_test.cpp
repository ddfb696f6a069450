#include <doctest/doctest.h>

#include "tests/floor/scene.hpp"

using namespace crosspatch::floor;
using namespace crosspatch::floor::tests;

namespace {
Say with_right(Class level, int priority, Signal signal = Signal::Media) {
    return {.level = level, .priority = priority, .signal = signal, .may_preempt = true};
}
}  // namespace

TEST_CASE("an emergency cuts the old talker off and is heard at once") {
    Scene scene{2};
    scene.talk("a1");
    scene.wait(1s);
    scene.tape();
    scene.announced();
    scene.talk("b1", kEmergency);
    CHECK(scene.tape() == "a1 revoked 4, a1 ends (4), b1 granted");
    CHECK(scene.announced() == "A taken by b1, B taken by b1");
    CHECK(scene.is_heard("b1"));
    scene.wait(20ms);
    CHECK_FALSE(scene.is_heard("a1"));
    scene.wait(3s);
    CHECK_FALSE(scene.is_heard("a1"));
    CHECK(scene.tape().empty());
}

TEST_CASE("class comes before priority, and an equal claim never pre-empts") {
    struct Case {
        Say talker, newcomer;
        bool takes;
    };
    const Class normal = Class::Normal, peril = Class::ImminentPeril, emergency = Class::Emergency;
    for (const Case& c : {Case{with_right(normal, 3), with_right(normal, 4), true},
                          Case{with_right(normal, 3), with_right(normal, 3), false},
                          Case{with_right(normal, 4), with_right(normal, 3), false},
                          Case{with_right(normal, 255), with_right(peril, 0), true},
                          Case{with_right(peril, 255), with_right(emergency, 0), true},
                          Case{with_right(emergency, 0), with_right(peril, 255), false},
                          Case{with_right(emergency, 7), with_right(emergency, 7), false},
                          Case{with_right(emergency, 7), with_right(emergency, 8), true}}) {
        Scene scene{1};
        scene.talk("a1", c.talker);
        scene.talk("a2", c.newcomer);
        CHECK(scene.floors() == (c.takes ? "A:a2" : "A:a1"));
    }
}

TEST_CASE("without the right to it not even an emergency pre-empts") {
    Scene scene{1};
    scene.talk("a1");
    scene.talk("a2", {.level = Class::Emergency});
    CHECK(scene.tape() == "a1 granted, a2 denied 1");
    scene.press("a3", {.level = Class::Emergency, .signal = Signal::Explicit});
    CHECK(scene.tape() == "a3 queued 1");
}

TEST_CASE("between explicit radios the old talker gets a grace and the new one waits in front") {
    Scene scene{1};
    scene.press("a1", kExplicit);
    scene.talk("a1", kExplicit);
    scene.press("a2", with_right(Class::Normal, 2, Signal::Explicit));
    scene.wait(1s);
    scene.tape();
    scene.press("a3", with_right(Class::Normal, 9, Signal::Explicit));
    CHECK(scene.tape() == "a1 revoked 4 for 3000, a3 queued 1");
    scene.wait(100ms);
    CHECK(scene.is_heard("a1"));
    scene.release("a1");
    CHECK(scene.tape() == "a1 ends (4), a3 granted");
    CHECK(scene.arbiter.queue_position(Scene::radio("a2")) == 1);
}

TEST_CASE("a talker that does not heed the Revoke is cut off when the grace ends") {
    Scene scene{1};
    scene.press("a1", kExplicit);
    scene.talk("a1", kExplicit);
    scene.press("a2", with_right(Class::ImminentPeril, 0, Signal::Explicit));
    scene.tape();
    scene.wait(2990ms);
    CHECK(scene.floors() == "A:a1");
    scene.wait(10ms);
    CHECK(scene.floors() == "A:a2");
    CHECK_FALSE(scene.is_heard("a1"));
}

TEST_CASE("an emergency does not wait for a grace that runs for somebody else") {
    Scene scene{1};
    scene.press("a1", kExplicit);
    scene.talk("a1", kExplicit);
    scene.press("a2", with_right(Class::Normal, 9, Signal::Explicit));
    scene.tape();
    scene.press("a3", with_right(Class::Emergency, 0, Signal::Explicit));
    CHECK(scene.tape() == "a1 revoked 4, a1 ends (4), a3 granted");
    scene.talk("a3", {.level = Class::Emergency, .signal = Signal::Explicit});
    scene.release("a3");
    CHECK(scene.tape() == "a3 ends (released), a2 granted");
}

TEST_CASE("a lower claim does not overtake the one that the grace runs for") {
    Scene scene{1};
    scene.press("a1", kExplicit);
    scene.talk("a1", kExplicit);
    scene.press("a2", with_right(Class::Normal, 9, Signal::Explicit));
    scene.tape();
    scene.talk("a3", with_right(Class::Normal, 8));
    CHECK(scene.tape() == "a3 denied 1");
    scene.press("a4", with_right(Class::Normal, 8, Signal::Explicit));
    CHECK(scene.tape() == "a4 queued 2");
}

TEST_CASE("a pre-emptor is first even where the queue is full or there is none") {
    Settings settings;
    settings.queue = 0;
    Scene scene{1, settings};
    scene.press("a1", kExplicit);
    scene.press("a2", with_right(Class::Normal, 9, Signal::Explicit));
    CHECK(scene.tape() == "a1 granted, a1 revoked 4 for 3000, a2 queued 1");
    scene.press("a3", with_right(Class::Normal, 10, Signal::Explicit));
    CHECK(scene.tape() == "a3 denied 7");  // for one of them

    settings.queue = 2;
    Scene full{1, settings};
    for (const auto who : {"a1", "a2", "a3"}) full.press(who, kExplicit);
    full.press("a4", with_right(Class::Normal, 9, Signal::Explicit));
    CHECK(full.tape() ==
          "a1 granted, a2 queued 1, a3 queued 2, a3 denied 7, a1 revoked 4 for 3000, a4 queued 1");
}

TEST_CASE("who loses a far channel talks on at home, and is heard there again afterwards") {
    Scene scene{3};
    scene.talk("a1");
    scene.tape();
    scene.talk("b1", {.level = Class::Emergency, .may_preempt = true, .to = ""});
    CHECK(scene.tape() == "a1 leaves B, b1 granted");
    CHECK(scene.floors() == "A:a1 B:b1 C:a1");
    scene.wait(1s);
    CHECK(scene.is_heard("a1"));
    scene.release("b1");
    CHECK(scene.tape() == "b1 ends (released), a1 joins B");  // same bridge: no hang holds it up
}

TEST_CASE("a far talker that pre-empts a home channel ends its talkspurt everywhere") {
    Scene scene{3};
    scene.talk("a1");
    scene.tape();
    scene.talk("b1", {.priority = 9, .may_preempt = true, .to = "A"});
    CHECK(scene.tape() == "a1 revoked 4, a1 ends (4), b1 granted");
    CHECK(scene.floors() == "A:b1 B:b1 C:-");
}

TEST_CASE("one press takes over several talkers at once, and only those it has a right to") {
    Scene scene{4};
    for (const auto who : {"a1", "b1", "c1"}) scene.talk(who, {.to = ""});
    scene.tape();
    std::vector<Target> far{{0, true}, {1, true}, {2, false}};
    scene.call([&](Arbiter& a, Decisions& out) {
        a.request(
            {.participant = Scene::radio("d1"), .own = {3, true}, .far = far, .claim = {Class::Emergency, 0}},
            scene.now, out);
    });
    CHECK(scene.tape() == "a1 revoked 4, a1 ends (4), b1 revoked 4, b1 ends (4), d1 granted, d1 skips C");
    CHECK(scene.floors() == "A:d1 B:d1 C:c1 D:d1");
}

TEST_CASE("a talker that raises its claim to an emergency takes the channels that it had to skip") {
    Scene scene{2};
    scene.talk("b1", {.to = ""});
    scene.talk("a1", {.may_preempt = true});
    CHECK(scene.tape() == "b1 granted, a1 granted, a1 skips B");
    scene.press("a1", kEmergency);
    CHECK(scene.tape() == "a1 granted again, b1 revoked 4, b1 ends (4), a1 joins B");
    scene.press("a1");  // a lower claim later in the same talkspurt takes nothing back
    CHECK(scene.arbiter.claim(Scene::radio("a1")).level == Class::Emergency);
}

TEST_CASE("a queued press that becomes an emergency pre-empts") {
    Scene scene{1};
    scene.talk("a1");
    scene.press("a2", kExplicit);
    scene.tape();
    scene.press("a2", with_right(Class::Emergency, 0, Signal::Explicit));
    CHECK(scene.tape() == "a1 revoked 4, a1 ends (4), a2 granted");
}

TEST_CASE("an explicit radio that was cut off is told again while it goes on sending, at most three times") {
    Scene scene{1};
    scene.press("a1", kExplicit);
    scene.talk("a1", kExplicit);
    scene.talk("a2", kEmergency);
    scene.tape();
    scene.wait(3s);
    CHECK(scene.tape() == "a1 revoked again, a1 revoked again, a1 revoked again");
}

TEST_CASE(
    "a channel that a pre-emption sets free goes to the best who waits there, not to who pre-empted next "
    "door") {
    Scene scene{3};
    scene.talk("a1", {.to = "B"});
    scene.press("b1", {.level = Class::Emergency, .priority = 9, .signal = Signal::Explicit, .to = ""});
    scene.tape();
    const std::vector<Target> far{{0, true}, {1, false}};
    scene.call([&](Arbiter& a, Decisions& out) {
        a.request(
            {.participant = Scene::radio("c1"), .own = {2, true}, .far = far, .claim = {Class::Emergency, 1}},
            scene.now, out);
    });
    CHECK(scene.tape() == "a1 revoked 4, a1 ends (4), c1 granted, c1 skips B, b1 granted");
    CHECK(scene.floors() == "A:c1 B:b1 C:c1");
}
