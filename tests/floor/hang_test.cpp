#include <doctest/doctest.h>

#include "tests/floor/scene.hpp"

using namespace crosspatch::floor;
using namespace crosspatch::floor::tests;

namespace {
// a1 has just talked over bridge 1 (A, B) and let go. C reaches B over bridge 2.
Scene after_a_call() {
    Scene scene{3};
    scene.talk("a1", {.to = "B", .bridge = 1});
    scene.wait(1s);
    scene.release("a1");
    scene.tape();
    return scene;
}
}  // namespace

TEST_CASE(
    "after a release the floor is kept for an answer: another bridge's talker joins when the hang is over") {
    Scene scene = after_a_call();
    scene.talk("c1", {.to = "B", .bridge = 2});
    CHECK(scene.tape() == "c1 granted, c1 skips B");
    CHECK(scene.arbiter.state(Scene::channel('B'), scene.now) == ChannelState::Hang);
    scene.wait(1990ms);
    CHECK(scene.tape().empty());
    scene.wait(10ms);
    CHECK(scene.tape() == "c1 joins B");
}

TEST_CASE("the answer from the same bridge is granted at once, and so is a word from the channel itself") {
    Scene scene = after_a_call();
    scene.talk("b1", {.to = "A", .bridge = 1});
    CHECK(scene.tape() == "b1 granted");
    scene.release("b1");
    scene.talk("a2", {.to = "B", .bridge = 1});
    CHECK(scene.floors() == "A:a2 B:a2 C:-");
}

TEST_CASE("a channel that heard the question may answer over whichever bridge") {
    Scene scene = after_a_call();
    scene.talk("b1", {.to = "A", .bridge = 7});
    CHECK(scene.floors() == "A:b1 B:b1 C:-");
}

TEST_CASE("a hang holds up no emergency, no higher class and no higher priority") {
    for (const Say say : {Say{.level = Class::Emergency, .priority = 0},
                          Say{.level = Class::ImminentPeril, .priority = 0}, Say{.priority = 4}}) {
        Scene scene = after_a_call();
        Say press = say;
        press.to = "B";
        press.bridge = 2;
        scene.talk("c1", press);
        CHECK(scene.tape() == "c1 granted");
    }
    Scene scene = after_a_call();
    scene.talk("c1", {.priority = 3, .to = "B", .bridge = 2});
    CHECK(scene.tape() == "c1 granted, c1 skips B");
}

TEST_CASE("a hang of nothing keeps nothing") {
    Settings settings;
    settings.hang = 0ms;
    Scene scene{3, settings};
    scene.talk("a1", {.to = "B", .bridge = 1});
    scene.release("a1");
    scene.talk("c1", {.to = "B", .bridge = 2});
    CHECK(scene.floors() == "A:- B:c1 C:c1");
}

TEST_CASE("a grant under which nothing was said leaves no hang") {
    Scene scene{3};
    scene.press("a1", {.signal = Signal::Explicit, .to = "B", .bridge = 1});
    scene.release("a1");
    scene.talk("c1", {.to = "B", .bridge = 2});
    CHECK(scene.floors() == "A:- B:c1 C:c1");
}

TEST_CASE("a talker that was cut off leaves no hang") {
    Scene scene{3};
    scene.talk("a1", {.to = "B", .bridge = 1});
    scene.call([&](Arbiter& a, Decisions& out) {
        a.revoke(Scene::radio("a1"), Cause::RevokeOther, scene.now, out);
    });
    scene.talk("c1", {.to = "B", .bridge = 2});
    CHECK(scene.floors() == "A:- B:c1 C:c1");
}

TEST_CASE("time that is left: of the talk, of the grace, of the hang") {
    Scene scene{1};
    const auto left = [&] { return scene.arbiter.remaining(0, scene.now); };
    CHECK(left() == 0ms);
    scene.talk("a1");
    CHECK(left() == 30s);
    scene.wait(10s);
    CHECK(left() == 20s);
    scene.wait(21s);
    CHECK(scene.arbiter.state(0, scene.now) == ChannelState::Revoking);
    CHECK(left() == 2s);
    scene.release("a1");
    CHECK(scene.arbiter.state(0, scene.now) == ChannelState::Hang);
    CHECK(left() == 2s);
    scene.wait(2s);
    CHECK(scene.arbiter.state(0, scene.now) == ChannelState::Idle);
}
