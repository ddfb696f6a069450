#include "tests/floor/scene.hpp"

using namespace crosspatch::floor;
using namespace crosspatch::floor::tests;

namespace {

constexpr Settings kBothHeard{.grace = 1s, .hang = 0ms, .both_heard = true};

}  // namespace

TEST_CASE("who may pre-empt talks beside the holder, who is heard on") {
    Scene scene{1, kBothHeard};
    scene.talk("a1");
    scene.wait(100ms);
    scene.talk("a2", kEmergency);
    scene.wait(100ms);
    CHECK(scene.tape() == "a1 granted, a2 granted");
    CHECK(scene.is_heard("a1"));
    CHECK(scene.is_heard("a2"));
    CHECK(scene.arbiter.holder(0) == Scene::radio("a1"));
    CHECK(scene.arbiter.beside(0) == Scene::radio("a2"));
    CHECK(scene.announced() == "A taken by a1, A beside it a2");
}

TEST_CASE("without the right, or with an equal claim, the floor is taken") {
    Scene scene{1, kBothHeard};
    scene.talk("a1", {.priority = 3});
    CHECK(scene.press("a2", {.priority = 5}) == Answer::Denied);
    CHECK(scene.press("a3", {.priority = 3, .may_preempt = true}) == Answer::Denied);
    CHECK(scene.arbiter.beside(0) == std::nullopt);
}

TEST_CASE("a third is heard only in place of who overrides, and only with a higher claim than both") {
    Scene scene{1, kBothHeard};
    scene.talk("a1");
    scene.talk("a2", {.priority = 5, .may_preempt = true});
    CHECK(scene.press("a3", {.priority = 5, .may_preempt = true}) == Answer::Denied);
    scene.talk("a4", kEmergency);
    scene.wait(50ms);
    CHECK(scene.tape() == "a1 granted, a2 granted, a3 denied 1, a2 revoked 4, a2 ends (4), a4 granted");
    CHECK(scene.is_heard("a1"));
    CHECK(!scene.is_heard("a2"));
    CHECK(scene.is_heard("a4"));
}

TEST_CASE(
    "when the holder ends, who overrode him has the floor alone; when that one ends, the holder goes on") {
    Scene scene{1, kBothHeard};
    SUBCASE("the holder first") {
        scene.talk("a1");
        scene.talk("a2", kEmergency);
        scene.wait(10ms);
        scene.announced();
        scene.release("a1");
        CHECK(scene.announced() == "A taken by a2");
        CHECK(scene.arbiter.holder(0) == Scene::radio("a2"));
        CHECK(scene.press("a3", {}) == Answer::Denied);
        CHECK(scene.press("a4", kExplicit) == Answer::Queued);
        scene.release("a2");
        CHECK(scene.arbiter.holder(0) == Scene::radio("a4"));
    }
    SUBCASE("the other first") {
        scene.talk("a1");
        scene.talk("a2", kEmergency);
        scene.wait(10ms);
        scene.announced();
        scene.release("a2");
        CHECK(scene.announced() == "A nobody beside it");
        scene.wait(100ms);
        CHECK(scene.is_heard("a1"));
        CHECK(scene.floors() == "A:a1");
    }
}

TEST_CASE("each of the two has a lease and a talk limit of its own") {
    Settings settings = kBothHeard;
    settings.max_talk = 3s;
    settings.warn = 0ms;
    settings.grace = 0ms;
    Scene scene{1, settings};
    scene.talk("a1");
    scene.wait(2s);
    scene.talk("a2", kEmergency);
    scene.wait(1100ms);
    CHECK(scene.tape() == "a1 granted, a2 granted, a1 revoked 2, a1 ends (2)");
    CHECK(scene.floors() == "A:a2");
    scene.fall_silent("a2");
    scene.wait(700ms);
    CHECK(scene.floors() == "A:-");
}

TEST_CASE("a press over a bridge is heard beside the holders of far channels, where those let it") {
    Scene scene{3, kBothHeard};
    scene.talk("b1", {.to = ""});
    scene.talk("c1", {.to = ""});
    scene.talk("a1", kEmergency);
    scene.wait(50ms);
    CHECK(scene.floors() == "A:a1 B:b1 C:c1");
    CHECK(scene.arbiter.beside(1) == Scene::radio("a1"));
    CHECK(scene.arbiter.beside(2) == Scene::radio("a1"));
    CHECK(scene.arbiter.holds(Scene::radio("a1"), 2));
    SUBCASE("a bridge that closes takes it out again, and leaves the holder") {
        scene.retarget("a1", "C");
        CHECK(scene.tape() == "b1 granted, c1 granted, a1 granted, a1 leaves B");
        CHECK(scene.arbiter.beside(1) == std::nullopt);
        CHECK(scene.is_heard("b1"));
    }
    SUBCASE("a far holder that ends leaves it the channel") {
        scene.release("b1");
        CHECK(scene.floors() == "A:a1 B:a1 C:c1");
        CHECK(scene.arbiter.beside(1) == std::nullopt);
    }
}

TEST_CASE("a talker whose channels are only joined goes on with all of them") {
    Settings settings[] = {kBothHeard, kBothHeard};
    Scene scene{2, settings[0]};
    scene.talk("a1");  // on A and B
    scene.talk("b1", kEmergency);
    scene.wait(50ms);
    CHECK(scene.is_heard("a1"));
    CHECK(scene.is_heard("b1"));
    CHECK(scene.floors() == "A:a1 B:a1");
    CHECK(scene.arbiter.beside(0) == Scene::radio("b1"));
    CHECK(scene.arbiter.beside(1) == Scene::radio("b1"));
    scene.release("a1");
    CHECK(scene.floors() == "A:b1 B:b1");
}

TEST_CASE("who waits for the second place gets it when it is free, if his claim is above the holder's") {
    Scene scene{1, kBothHeard};
    scene.talk("a1");
    scene.talk("a2", kEmergency);
    Say asks = kEmergency;
    asks.signal = Signal::Explicit;
    CHECK(scene.press("a3", asks) == Answer::Queued);
    scene.release("a2");
    CHECK(scene.arbiter.holder(0) == Scene::radio("a1"));
    CHECK(scene.arbiter.beside(0) == Scene::radio("a3"));
}

TEST_CASE("a channel that is told to pre-empt again keeps the two that talk, and cuts in from then on") {
    Scene scene{1, kBothHeard};
    scene.talk("a1");
    scene.talk("a2", {.priority = 5, .may_preempt = true});
    scene.set({});
    CHECK(scene.is_heard("a1"));
    scene.wait(50ms);
    CHECK(scene.arbiter.beside(0) == Scene::radio("a2"));
    scene.talk("a3", kEmergency);
    scene.wait(50ms);
    CHECK(scene.floors() == "A:a3");
    CHECK(scene.arbiter.beside(0) == std::nullopt);
    CHECK(!scene.is_heard("a1"));
    CHECK(!scene.is_heard("a2"));
}
