#include "crosspatch/rtp/telephone_event.hpp"

#include <doctest/doctest.h>

#include "tests/rtp/datagrams.hpp"
#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::rtp;
using namespace crosspatch::tests;
using namespace std::chrono_literals;

namespace {

// Hears event packets at given times and keeps the presses and releases as text: "+5 -5".
struct Keypad {
    TelephoneEvents events;
    std::string tape;

    void note(const std::optional<TelephoneEvents::Change>& change) {
        if (!change) return;
        if (!tape.empty()) tape += ' ';
        tape += change->kind == TelephoneEvents::Change::Kind::Pressed ? '+' : '-';
        tape += std::to_string(change->event);
    }
    void hear(std::uint8_t event, std::uint32_t timestamp, std::chrono::milliseconds at, bool end = false,
              std::uint16_t duration = 160) {
        for (const auto& change :
             events.on_packet({event, end, 10, duration}, timestamp, core::Time{1h + at}))
            note(change);
    }
    void wait(std::chrono::milliseconds until) { note(events.on_time(core::Time{1h + until})); }
};

}  // namespace

TEST_CASE("the published example reads and is written back") {
    const Octets payload = hex("05 8a 0320");
    const auto event = parse_telephone_event(payload);
    REQUIRE(event);
    CHECK(*event == TelephoneEvent{5, true, 10, 800});
    const auto written = write_telephone_event(*event);
    CHECK(Octets{written.begin(), written.end()} == payload);
}

TEST_CASE("every event survives being written and read; the reserved bit does not") {
    for (int event = 0; event < 256; ++event) {
        for (const bool end : {false, true}) {
            const TelephoneEvent original{static_cast<std::uint8_t>(event), end,
                                          static_cast<std::uint8_t>(event % 64),
                                          static_cast<std::uint16_t>(event * 257)};
            CHECK(*parse_telephone_event(write_telephone_event(original)) == original);
        }
    }
    CHECK(*parse_telephone_event(hex("05 4a 0320")) == TelephoneEvent{5, false, 10, 800});
}

TEST_CASE("less than four octets is no event, more than four is one") {
    for (const char* text : {"", "05", "058a", "058a03"}) {
        const auto event = parse_telephone_event(hex(text));
        REQUIRE_FALSE(event);
        CHECK(event.error() == ParseError::TooShort);
    }
    CHECK(*parse_telephone_event(hex("058a0320 00000000")) == TelephoneEvent{5, true, 10, 800});
}

TEST_CASE("one press and one release, however often the packets repeat") {
    Keypad keypad;
    for (int ms = 0; ms < 100; ms += 20) keypad.hear(5, 1000, std::chrono::milliseconds{ms});
    CHECK(keypad.tape == "+5");
    for (int repeat = 0; repeat < 3; ++repeat) keypad.hear(5, 1000, 100ms, true);
    CHECK(keypad.tape == "+5 -5");
    CHECK_FALSE(keypad.events.deadline());
}

TEST_CASE("the same key pressed again is a new press") {
    Keypad keypad;
    keypad.hear(5, 1000, 0ms);
    keypad.hear(5, 1000, 20ms, true);
    keypad.hear(5, 4000, 400ms);
    CHECK(keypad.tape == "+5 -5 +5");
}

TEST_CASE("a late packet of a key that is up presses nothing") {
    Keypad keypad;
    keypad.hear(5, 1000, 0ms);
    keypad.hear(5, 1000, 20ms, true);
    keypad.hear(5, 1000, 25ms);
    keypad.hear(6, 4000, 400ms);
    keypad.hear(5, 1000, 410ms);
    CHECK(keypad.tape == "+5 -5 +6");
}

TEST_CASE("when every end is lost the next press releases the key before it") {
    Keypad keypad;
    keypad.hear(5, 1000, 0ms);
    keypad.hear(6, 4000, 400ms);
    CHECK(keypad.tape == "+5 -5 +6");
}

TEST_CASE("when only the end arrives the key was pressed all the same") {
    Keypad keypad;
    keypad.hear(5, 1000, 0ms);
    keypad.hear(6, 4000, 400ms, true);
    CHECK(keypad.tape == "+5 -5 +6 -6");
}

TEST_CASE("an event that falls silent is over after half a second") {
    Keypad keypad;
    keypad.hear(5, 1000, 0ms);
    keypad.hear(5, 1000, 100ms);
    CHECK(keypad.events.deadline() == core::Time{1h + 600ms});
    keypad.wait(599ms);
    CHECK(keypad.tape == "+5");
    keypad.wait(600ms);
    CHECK(keypad.tape == "+5 -5");
}

// bad-input.md, 15
TEST_CASE("an event without end and of the longest duration is over after five seconds, and stays over") {
    Keypad keypad;
    for (int ms = 0; ms <= 60000; ms += 20) keypad.hear(5, 1000, std::chrono::milliseconds{ms}, false, 65535);
    CHECK(keypad.tape == "+5 -5");
    CHECK_FALSE(keypad.events.deadline());
}

TEST_CASE("a key that is held half a minute is pressed for half a minute") {
    Keypad keypad;
    for (std::uint32_t ticks = 0; ticks < 240'000; ticks += 400) {
        const std::uint32_t segment = ticks / 0xFFFF * 0xFFFF;
        keypad.hear(5, 1000 + segment, std::chrono::milliseconds{ticks / 8}, false,
                    static_cast<std::uint16_t>(ticks - segment));
        CHECK(keypad.tape == "+5");
    }
    keypad.wait(30'500ms);
    CHECK(keypad.tape == "+5 -5");
}

TEST_CASE(
    "a key that grows after its packets were lost for long is pressed again, a late packet presses nothing") {
    Keypad keypad;
    keypad.hear(5, 1000, 0ms, false, 160);
    keypad.hear(5, 1000, 100ms, false, 960);
    keypad.hear(5, 1000, 700ms, false, 800);
    CHECK(keypad.tape == "+5 -5");
    keypad.hear(5, 1000, 720ms, false, 5920);
    CHECK(keypad.tape == "+5 -5 +5");
    keypad.hear(5, 1000, 740ms, true, 6000);
    keypad.hear(5, 1000, 760ms, false, 6080);
    CHECK(keypad.tape == "+5 -5 +5 -5");
}

TEST_CASE("a key held past the longest duration goes on under the next timestamp without a new press") {
    Keypad keypad;
    keypad.hear(5, 1000, 0ms);
    keypad.hear(5, 1000, 400ms, false, 0xFFFF);
    keypad.hear(5, 1000 + 0xFFFF, 420ms);
    keypad.hear(5, 1000 + 0xFFFF, 440ms, true);
    CHECK(keypad.tape == "+5 -5");
}

TEST_CASE("a sender that begins its timestamps anew after a silence is heard") {
    Keypad keypad;
    keypad.hear(5, 900000, 0ms);
    keypad.hear(5, 900000, 20ms, true);
    keypad.hear(6, 1000, 6000ms);
    keypad.hear(6, 1000, 6020ms, true);
    keypad.hear(6, 1000, 30s);
    CHECK(keypad.tape == "+5 -5 +6 -6 +6");
}

TEST_CASE("hearing events takes no memory") {
    TelephoneEvents events;
    const auto payload = hex("058a0320");
    const auto before = allocations();
    for (std::uint32_t packet = 0; packet < 1000; ++packet)
        static_cast<void>(
            events.on_packet(*parse_telephone_event(payload), packet / 4 * 800, core::Time{packet * 20ms}));
    CHECK(allocations() == before);
}
