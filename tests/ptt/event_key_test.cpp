#include "crosspatch/ptt/event_key.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::ptt;
using namespace std::chrono_literals;

namespace {

// Event packets at given times, and what becomes of the key: "+ -".
struct Scene {
    EventKey key{12};
    std::string tape;

    void note(const std::optional<EventKey::Change>& change) {
        if (!change) return;
        if (!tape.empty()) tape += ' ';
        tape += *change == EventKey::Change::Pressed ? '+' : '-';
    }
    void hear(std::uint8_t event, std::uint32_t timestamp, std::chrono::milliseconds at, bool end = false,
              std::uint16_t duration = 160) {
        for (const auto& change : key.on_packet({event, end, 10, duration}, timestamp, core::Time{1h + at}))
            note(change);
    }
    void wait(std::chrono::milliseconds until) { note(key.on_time(core::Time{1h + until})); }
};

}  // namespace

TEST_CASE("without a number every event is the key, and a change of events is a new press") {
    EventKey key{std::nullopt};
    CHECK(key.on_packet({3, false, 10, 160}, 1000, core::Time{1h})[0] == EventKey::Change::Pressed);
    const auto changes = key.on_packet({7, false, 10, 160}, 2000, core::Time{1h + 20ms});
    CHECK(changes[0] == EventKey::Change::Released);
    CHECK(changes[1] == EventKey::Change::Pressed);
    CHECK(key.pressed());
}

TEST_CASE("the key goes down with the first packet and up with the first end") {
    Scene scene;
    scene.hear(12, 1000, 0ms);
    CHECK(scene.key.pressed());
    for (int ms = 20; ms < 100; ms += 20) scene.hear(12, 1000, std::chrono::milliseconds{ms});
    CHECK(scene.tape == "+");
    for (int repeat = 0; repeat < 3; ++repeat) scene.hear(12, 1000, 100ms, true);
    CHECK(scene.tape == "+ -");
    CHECK_FALSE(scene.key.pressed());
    CHECK_FALSE(scene.key.next_deadline());
}

TEST_CASE("other events press nothing, and end the key") {
    Scene scene;
    scene.hear(5, 1000, 0ms);
    scene.hear(5, 1000, 20ms, true);
    CHECK(scene.tape == "");
    scene.hear(12, 2000, 100ms);
    scene.hear(5, 3000, 200ms);
    CHECK(scene.tape == "+ -");
    scene.hear(12, 4000, 300ms);
    CHECK(scene.tape == "+ - +");
}

TEST_CASE("a lost end is made up for: by time, or by the next press") {
    Scene scene;
    scene.hear(12, 1000, 0ms);
    CHECK(scene.key.next_deadline() == core::Time{1h + 500ms});
    scene.wait(499ms);
    CHECK(scene.tape == "+");
    scene.wait(500ms);
    CHECK(scene.tape == "+ -");
    scene.hear(12, 9000, 1000ms);
    scene.hear(12, 13000, 1400ms);
    CHECK(scene.tape == "+ - + - +");
}

TEST_CASE("late and repeated packets of a key that is up change nothing") {
    Scene scene;
    scene.hear(12, 1000, 0ms, true);  // only the end has come: it was pressed all the same
    CHECK(scene.tape == "+ -");
    scene.hear(12, 1000, 10ms);
    scene.hear(12, 1000, 20ms, true);
    scene.hear(12, 200, 30ms);
    CHECK(scene.tape == "+ -");
}

// bad-input.md, 15
TEST_CASE("a key that is said to be down for ever is up after five seconds without growing") {
    Scene scene;
    for (int ms = 0; ms <= 60'000; ms += 20)
        scene.hear(12, 1000, std::chrono::milliseconds{ms}, false, 65535);
    CHECK(scene.tape == "+ -");
}

TEST_CASE("a key takes no memory") {
    Scene scene;
    const auto before = tests::allocations();
    for (std::uint32_t packet = 0; packet < 1000; ++packet) {
        static_cast<void>(scene.key.on_packet({12, packet % 4 == 3, 10, 160}, packet / 4 * 800,
                                              core::Time{1h + packet * 20ms}));
        static_cast<void>(scene.key.on_time(core::Time{1h + packet * 20ms}));
    }
    CHECK(tests::allocations() == before);
}
