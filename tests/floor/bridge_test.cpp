#include <doctest/doctest.h>

#include "tests/floor/scene.hpp"

using namespace crosspatch::floor;
using namespace crosspatch::floor::tests;

namespace {
constexpr Say kWait{.signal = Signal::Explicit, .when_busy = WhenBusy::Wait};
}

TEST_CASE("a busy far channel is skipped, and joined as a late entry when its hang is over") {
    Scene scene{3};
    scene.talk("b1", {.to = "", .bridge = 0});
    scene.talk("a1");
    CHECK(scene.tape() == "b1 granted, a1 granted, a1 skips B");
    CHECK(scene.floors() == "A:a1 B:b1 C:a1");
    std::array<ChannelIndex, 4> missing{};
    CHECK(scene.arbiter.missing(Scene::radio("a1"), missing) == 1);
    CHECK(missing[0] == Scene::channel('B'));
    scene.wait(1s);
    scene.release("b1");
    scene.wait(1990ms);
    CHECK(scene.tape() == "b1 ends (released)");
    scene.wait(10ms);
    CHECK(scene.tape() == "a1 joins B");
    CHECK(scene.floors() == "A:a1 B:a1 C:a1");
}

TEST_CASE("a talker that has stopped does not join any more") {
    Scene scene{2};
    scene.talk("b1", {.to = ""});
    scene.talk("a1");
    scene.release("a1");
    scene.release("b1");
    scene.wait(5s);
    CHECK(scene.floors() == "A:- B:-");
}

TEST_CASE("a talker in its grace does not join any more") {
    Scene scene{2};
    scene.talk("a1");
    scene.wait(10s);
    scene.call([&](Arbiter& a, Decisions& out) {
        a.leave(Scene::radio("a1"), Scene::channel('B'), Cause::BridgeClosed, scene.now, out);
    });
    scene.talk("b1", {.to = ""});
    scene.retarget("a1", "B");
    CHECK(scene.tape() == "a1 granted, a1 leaves B, b1 granted, a1 skips B");
    scene.wait(21s);
    scene.release("b1");
    scene.wait(2010ms);
    CHECK(scene.floors() == "A:- B:-");
}

TEST_CASE("on a channel that becomes free the queue and the late entry go by claim, then by who came first") {
    for (const bool late_first : {false, true}) {
        Settings settings;
        settings.hang = 0ms;
        Scene scene{2, settings};
        scene.talk("b1", {.to = ""});
        if (late_first) scene.talk("a1");
        scene.press("b2", {.signal = Signal::Explicit, .to = ""});
        if (!late_first) scene.talk("a1");
        scene.release("b1");
        CHECK(scene.floors() == (late_first ? "A:a1 B:a1" : "A:a1 B:b2"));
    }
}

TEST_CASE("`wait` holds the press until all channels are free, then grants them together") {
    Scene scene{3};
    scene.talk("b1", {.to = "", .bridge = 1});
    scene.press("a1", kWait);
    CHECK(scene.tape() == "b1 granted, a1 queued 1");
    CHECK(scene.floors() == "A:- B:b1 C:-");
    scene.wait(1s);
    scene.release("b1");
    CHECK(scene.tape() == "b1 ends (released), a1 granted");
    CHECK(scene.floors() == "A:a1 B:a1 C:a1");
}

TEST_CASE("`wait` goes on as `skip` after five seconds") {
    Scene scene{3};
    scene.talk("b1", {.to = ""});
    scene.press("a1", kWait);
    scene.wait(4990ms);
    CHECK(scene.tape() == "b1 granted, a1 queued 1");
    scene.wait(10ms);
    CHECK(scene.tape() == "a1 granted, a1 skips B");
}

TEST_CASE("asking again does not begin the five seconds anew") {
    Scene scene{2};
    scene.talk("b1", {.to = ""});
    scene.press("a1", kWait);
    scene.wait(4s);
    scene.press("a1", kWait);
    scene.tape();
    scene.wait(1s);
    CHECK(scene.tape() == "a1 granted, a1 skips B");
}

TEST_CASE("a press that has given up waiting for the far channels does not begin again when it asks again") {
    Scene scene{2};
    scene.talk("b1", {.to = ""});
    scene.press("a1", kWait);
    scene.talk("a2", {.to = ""});
    scene.wait(5s);
    scene.press("a1", kWait);
    scene.tape();
    scene.release("a2");
    CHECK(scene.tape() == "a2 ends (released), a1 granted, a1 skips B");
}

TEST_CASE("`wait` is for explicit radios: others skip") {
    Scene scene{2};
    scene.talk("b1", {.to = ""});
    scene.talk("a1", {.when_busy = WhenBusy::Wait});
    CHECK(scene.tape() == "b1 granted, a1 granted, a1 skips B");
}

TEST_CASE("a press that waits for a far channel lets others talk at home meanwhile") {
    Scene scene{2};
    scene.talk("b1", {.to = ""});
    scene.press("a1", kWait);
    scene.talk("a2", {.to = ""});
    CHECK(scene.floors() == "A:a2 B:b1");
    scene.wait(5s);
    CHECK(scene.arbiter.participant_state(Scene::radio("a1")) == ParticipantState::Queued);
    scene.release("a2");
    CHECK(scene.floors() == "A:a1 B:b1");
}

TEST_CASE("patience that ends while a lower claim talks at home pre-empts it with a grace") {
    Scene scene{2};
    scene.talk("b1", {.level = Class::Emergency, .to = ""});
    Say say = kWait;
    say.priority = 9;
    say.may_preempt = true;
    scene.press("a1", say);
    scene.press("a2", {.signal = Signal::Explicit, .to = ""});
    scene.talk("a2", {.signal = Signal::Explicit, .to = ""});
    scene.tape();
    scene.wait(5s);
    CHECK(scene.tape() == "a2 revoked 4 for 3000");
    scene.release("a2");
    CHECK(scene.tape() == "a2 ends (4), a1 granted, a1 skips B");
}

TEST_CASE("a waiting press whose busy channel leaves the bridge is granted at once") {
    Scene scene{3};
    scene.talk("b1", {.to = ""});
    scene.press("a1", kWait);
    scene.tape();
    scene.retarget("a1", "C");
    CHECK(scene.tape() == "a1 granted");
    CHECK(scene.floors() == "A:a1 B:b1 C:a1");
}

TEST_CASE("a full queue does not keep a press from its own free channel: it goes on as `skip`") {
    Settings settings;
    settings.queue = 0;
    Scene scene{2, settings};
    scene.talk("b1", {.to = ""});
    scene.press("a1", kWait);
    CHECK(scene.tape() == "b1 granted, a1 granted, a1 skips B");
}

TEST_CASE("a bridge that closes in mid-talkspurt takes its channels out, and one that opens brings them in") {
    Scene scene{4};
    scene.talk("a1", {.to = "BC"});
    scene.talk("d1", {.to = ""});
    scene.tape();
    scene.retarget("a1", "CD");
    CHECK(scene.tape() == "a1 leaves B, a1 skips D");
    CHECK(scene.floors() == "A:a1 B:- C:a1 D:d1");
    scene.retarget("a1", "BCD");
    CHECK(scene.tape() == "a1 joins B");
    scene.retarget("a1", "");
    CHECK(scene.tape() == "a1 leaves C, a1 leaves B");
    CHECK(scene.floors() == "A:a1 B:- C:- D:d1");
    scene.retarget("b1", "A");  // who does not talk has nothing to change
    CHECK(scene.tape().empty());
}

TEST_CASE("a channel that leaves is offered to who waits for it") {
    Scene scene{2};
    scene.talk("a1");
    scene.press("b1", {.signal = Signal::Explicit, .to = ""});
    scene.tape();
    scene.retarget("a1", "");
    CHECK(scene.tape() == "a1 leaves B, b1 granted");
}

TEST_CASE("a press that loses its own channel is over") {
    Scene scene{2};
    scene.talk("a1");
    scene.tape();
    scene.call([&](Arbiter& a, Decisions& out) {
        a.leave(Scene::radio("a1"), Scene::channel('A'), Cause::ChannelRemoved, scene.now, out);
    });
    CHECK(scene.tape() == "a1 revoked 255, a1 ends (255)");
    CHECK(scene.floors() == "A:- B:-");
}

TEST_CASE("removing a channel ends who is at home there, and takes it from who is heard there") {
    Scene scene{3};
    scene.talk("b1", {.to = "A"});
    scene.press("a1", {.signal = Signal::Explicit, .to = "B"});
    scene.press("c1", {.signal = Signal::Explicit, .when_busy = WhenBusy::Wait, .to = "A"});
    scene.tape();
    scene.call([&](Arbiter& a, Decisions& out) { a.remove_channel(Scene::channel('A'), scene.now, out); });
    CHECK(scene.tape() == "a1 withdrawn, b1 leaves A, c1 granted");
    scene.call([&](Arbiter& a, Decisions& out) { a.remove_channel(Scene::channel('B'), scene.now, out); });
    CHECK(scene.tape() == "b1 revoked 255, b1 ends (255)");
}

TEST_CASE("removing a participant frees what it held, and its index begins as new") {
    Scene scene{1};
    scene.call([&](Arbiter& a, Decisions& out) {
        a.set_standing(Scene::radio("a1"), Standing::ReceiveOnly, scene.now, out);
        a.remove_participant(Scene::radio("a1"), scene.now, out);
    });
    scene.talk("a1");
    scene.press("a2", kExplicit);
    scene.tape();
    scene.call([&](Arbiter& a, Decisions& out) { a.remove_participant(Scene::radio("a1"), scene.now, out); });
    CHECK(scene.tape() == "a1 revoked 3, a1 ends (3), a2 granted");
}

TEST_CASE(
    "a reload adds channels and radios without touching a running talkspurt, whose limits stay as they "
    "were") {
    Scene scene{2};
    scene.talk("a1");
    scene.wait(5s);
    std::vector<Settings> settings(3);
    settings[0].max_talk = 10s;
    scene.arbiter.configure(Layout{.channels = settings, .participants = 4 * Scene::kRadios});
    scene.arbiter.check();
    scene.wait(19990ms);
    CHECK(scene.tape() == "a1 granted");
    scene.wait(10ms);
    CHECK(scene.tape() == "a1 warned for 5000");
    scene.release("a1");
    scene.call([&](Arbiter& a, Decisions& out) {
        CHECK(a.request({.participant = Scene::radio("c1"), .own = {2}}, scene.now, out) == Answer::Granted);
    });
    scene.talk("a2");
    CHECK(scene.arbiter.remaining(0, scene.now) == 10s);
}

TEST_CASE(
    "a press out of the queue takes from lower claims, and from nobody else, what it may when it is told "
    "to") {
    for (const bool may : {true, false}) {
        Scene scene{3};
        scene.talk("b1", {.priority = 2, .to = ""});
        scene.talk("c1", {.priority = 3, .to = ""});
        scene.talk("a1", {.priority = 3, .to = ""});
        scene.press("a2", kExplicit);
        scene.release("a1");
        scene.tape();
        CHECK(scene.floors() == "A:a2 B:b1 C:c1");
        scene.reach("a2", {.signal = Signal::Explicit, .may_preempt = may});
        CHECK(scene.tape() == (may ? "b1 revoked 4, b1 ends (4), a2 joins B" : ""));
        CHECK(scene.floors() == (may ? "A:a2 B:a2 C:c1" : "A:a2 B:b1 C:c1"));
        scene.arbiter.check();
    }
}

TEST_CASE("who is only heard on a far channel leaves it for a press out of the queue, and talks on") {
    Scene scene{3};
    scene.talk("b1", {.priority = 2, .to = "C"});
    scene.talk("a1", {.to = ""});
    scene.press("a2", {.signal = Signal::Explicit, .to = "C"});
    scene.release("a1");
    scene.tape();
    scene.reach("a2", {.signal = Signal::Explicit, .may_preempt = true, .to = "C"});
    CHECK(scene.tape() == "b1 leaves C, a2 joins C");
    CHECK(scene.floors() == "A:a2 B:b1 C:a2");
}

TEST_CASE("a press that still waits, or is over, reaches for nothing") {
    Scene scene{2};
    scene.talk("b1", {.priority = 2, .to = ""});
    scene.talk("a1", {.to = ""});
    scene.press("a2", kExplicit);
    scene.tape();
    scene.reach("a2", {.signal = Signal::Explicit, .may_preempt = true});
    scene.reach("a3", {.signal = Signal::Explicit, .may_preempt = true});
    CHECK(scene.tape() == "");
    CHECK(scene.floors() == "A:a1 B:b1");
}
