#include <doctest/doctest.h>

#include "tests/floor/scene.hpp"

using namespace crosspatch::floor;
using namespace crosspatch::floor::tests;

namespace {
Say claim(Class level, int priority) {
    return {.level = level, .priority = priority, .signal = Signal::Explicit};
}
Say priority(int value) { return claim(Class::Normal, value); }
}  // namespace

TEST_CASE("explicit presses wait: class first, then priority, then who came first") {
    Scene scene{1};
    scene.talk("a1", kEmergency);
    scene.press("a2", priority(3));
    scene.press("a3", priority(5));
    scene.press("a4", priority(3));
    scene.press("a5", claim(Class::ImminentPeril, 0));
    scene.press("a6", priority(5));
    CHECK(scene.tape() == "a1 granted, a2 queued 1, a3 queued 1, a4 queued 3, a5 queued 1, a6 queued 3");
    std::array<Waiting, 8> line;
    REQUIRE(scene.arbiter.queue(0, line) == 5);
    std::string order;
    for (int i = 0; i < 5; ++i) {
        order += Scene::name(line[static_cast<std::size_t>(i)].participant) + ' ';
        CHECK(line[static_cast<std::size_t>(i)].position == i + 1);
    }
    CHECK(order == "a5 a3 a6 a2 a4 ");
    CHECK(scene.arbiter.queue_position(Scene::radio("a2")) == 4);
    CHECK(scene.arbiter.queue_position(Scene::radio("a1")) == 0);
}

TEST_CASE("a floor that becomes free goes to the head of the queue at once, hang or no hang") {
    Scene scene{1};
    scene.talk("a1");
    scene.press("a2", kExplicit);
    scene.press("a3", kExplicit);
    scene.announced();
    scene.release("a1");
    CHECK(scene.tape() == "a1 granted, a2 queued 1, a3 queued 2, a1 ends (released), a2 granted");
    CHECK(scene.announced() == "A taken by a2");  // no Idle in between
}

TEST_CASE("a grant out of the queue that nobody uses is told again and goes on to the next after 2 s") {
    Scene scene{1};
    scene.talk("a1");
    scene.press("a2", kExplicit);
    scene.press("a3", kExplicit);
    scene.release("a1");
    scene.tape();
    scene.wait(1990ms);
    CHECK(scene.tape() == "a2 granted again, a2 granted again, a2 granted again");
    scene.wait(10ms);
    CHECK(scene.tape() == "a2 ends (granted out of the queue and not used), a3 granted");
    scene.talk("a3", kExplicit);
    scene.wait(5s);
    CHECK(scene.floors() == "A:a3");
    scene.fall_silent("a3");
    scene.wait(610ms);  // once it has talked, the lease counts
    CHECK(scene.floors() == "A:-");
}

TEST_CASE("a full queue denies with 7, a queue of nothing with 1") {
    Settings settings;
    settings.queue = 2;
    Scene scene{1, settings};
    scene.talk("a1");
    for (const auto who : {"a2", "a3", "a4"}) scene.press(who, kExplicit);
    CHECK(scene.tape() == "a1 granted, a2 queued 1, a3 queued 2, a4 denied 7");
    settings.queue = 0;
    Scene none{1, settings};
    none.talk("a1");
    none.press("a2", kExplicit);
    CHECK(none.tape() == "a1 granted, a2 denied 1");
}

TEST_CASE("a full queue lets its last go for a higher class, not for a higher priority") {
    Settings settings;
    settings.queue = 2;
    Scene scene{1, settings};
    scene.talk("a1", kEmergency);
    scene.press("a2", priority(9));
    scene.press("a3", priority(1));
    scene.press("a4", priority(200));
    scene.press("a5", claim(Class::Emergency, 0));
    CHECK(scene.tape() == "a1 granted, a2 queued 1, a3 queued 2, a4 denied 7, a3 denied 7, a5 queued 1");
}

TEST_CASE("a second request of who waits tells its place and does not lose it") {
    Scene scene{1};
    scene.talk("a1");
    scene.press("a2", kExplicit);
    scene.press("a3", kExplicit);
    scene.press("a2", kExplicit);
    CHECK(scene.tape() == "a1 granted, a2 queued 1, a3 queued 2, a2 queued 1");
    scene.press("a3", priority(9));  // a higher claim moves it forward
    CHECK(scene.tape() == "a3 queued 1");
}

TEST_CASE("who lets go while waiting is out of the queue") {
    Scene scene{1};
    scene.talk("a1");
    scene.press("a2", kExplicit);
    scene.press("a3", kExplicit);
    scene.release("a2");
    scene.release("a1");
    CHECK(scene.tape() ==
          "a1 granted, a2 queued 1, a3 queued 2, a2 withdrawn, a1 ends (released), a3 granted");
}

TEST_CASE("what a waiting radio sends is dropped") {
    Scene scene{1};
    scene.talk("a1");
    scene.press("a2", kExplicit);
    scene.talk("a2", kExplicit);
    CHECK_FALSE(scene.is_heard("a2"));
}

TEST_CASE("after 30 s a waiting press goes ahead of higher priorities, never ahead of a higher class") {
    Scene scene{1};
    scene.talk("a1", {.level = Class::Emergency});
    scene.press("a2", priority(1));
    scene.wait(15s);
    scene.press("a3", priority(9));
    scene.press("a4", claim(Class::ImminentPeril, 0));
    CHECK(scene.arbiter.queue_position(Scene::radio("a2")) == 3);
    scene.wait(15s);
    CHECK(scene.arbiter.queue_position(Scene::radio("a2")) == 2);
    CHECK(scene.arbiter.queue_position(Scene::radio("a4")) == 1);
}

TEST_CASE("a radio that is disabled while it waits is denied, and the queue moves up") {
    Scene scene{1};
    scene.talk("a1");
    scene.press("a2", kExplicit);
    scene.press("a3", kExplicit);
    scene.tape();
    scene.call([&](Arbiter& a, Decisions& out) {
        a.set_standing(Scene::radio("a2"), Standing::Disabled, scene.now, out);
    });
    CHECK(scene.tape() == "a2 denied 255");
    CHECK(scene.arbiter.queue_position(Scene::radio("a3")) == 1);
}
