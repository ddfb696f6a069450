#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tools/crosspatch-radio/playout.hpp"

using namespace crosspatch;
using namespace std::chrono_literals;
using radio::PlayOut;

namespace {
constexpr std::size_t kFrame = 160;  // 20 ms at 8 kHz

// A radio that hears 20 ms packets of L16, each of one loudness, and writes down what it plays when.
struct Ear {
    explicit Ear(std::chrono::milliseconds delay)
        : play{codec::l16(8000), delay,
               [this](core::Time at, std::span<const std::int16_t> samples) { note(at, samples); }} {}

    // Packet `number` of a talkspurt that began with packet 0; each is as loud as its number.
    void arrive(int number, std::chrono::milliseconds now, bool marker = false,
                std::chrono::milliseconds shift = 0ms) {
        std::vector<std::byte> payload(2 * kFrame);
        const auto loudness = static_cast<std::uint16_t>(1000 + 100 * number);
        for (std::size_t sample = 0; sample < kFrame; ++sample) {
            payload[2 * sample] = static_cast<std::byte>(loudness >> 8);
            payload[2 * sample + 1] = static_cast<std::byte>(loudness & 0xFF);
        }
        const auto ticks = static_cast<std::uint32_t>(number * 160 + shift.count() * 8);
        play.push(static_cast<std::uint16_t>(65530 + number), 4'294'967'000U + ticks, marker, payload,
                  start + now);
    }

    // What was played until `now`: `60:0` is packet 0 at 60 ms, `x` a frame made up.
    std::string played(std::chrono::milliseconds now) {
        tape.clear();
        play.play(start + now);
        return tape;
    }

    void note(core::Time at, std::span<const std::int16_t> samples) {
        // The first samples after a frame that was made up are blended with it; the last one is pure.
        const int loudness = samples.back();
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at - start).count();
        tape += (tape.empty() ? "" : " ") + std::to_string(ms) + ":";
        tape += play.counters().played > last ? std::to_string((loudness - 1000) / 100) : "x";
        last = play.counters().played;
    }

    core::Time start{1h};
    std::string tape;
    std::uint64_t last{};
    PlayOut play;
};
}  // namespace

TEST_CASE("packets keep the distance of their timestamps, however they arrive, across both wraps") {
    Ear ear{60ms};
    ear.arrive(0, 0ms, true);
    ear.arrive(1, 45ms);
    ear.arrive(2, 46ms);
    CHECK(ear.played(59ms) == "");
    CHECK(ear.play.next() == ear.start + 60ms);
    CHECK(ear.played(100ms) == "60:0 80:1 100:2");
    for (int number = 3; number < 12; ++number) ear.arrive(number, 20ms * number);
    CHECK(ear.played(160ms) == "120:3 140:4 160:5");
    CHECK(ear.played(280ms) == "180:6 200:7 220:8 240:9 260:10 280:11");
    CHECK(ear.play.counters().talkspurts == 1);
    CHECK(ear.play.counters().samples == 12 * kFrame);
    CHECK(ear.play.counters().longest_gap == 0ms);
}

TEST_CASE("what was overtaken is played first, also at the beginning of a talkspurt") {
    Ear ear{60ms};
    ear.arrive(1, 0ms);
    ear.arrive(0, 5ms, true);
    ear.arrive(3, 10ms);
    ear.arrive(2, 15ms);
    CHECK(ear.played(200ms).starts_with("40:0 60:1 80:2 100:3"));
    CHECK(ear.play.counters().talkspurts == 1);
    CHECK(ear.play.counters().late == 0);
}

TEST_CASE("a missing packet is made up in its turn, and counted once the next one proves the loss") {
    Ear ear{60ms};
    ear.arrive(0, 0ms, true);
    ear.arrive(2, 40ms);
    CHECK(ear.played(100ms) == "60:0 80:x 100:2");
    CHECK(ear.play.counters().concealed == 1);
    CHECK(ear.play.counters().longest_gap == 20ms);
    ear.arrive(1, 101ms);
    CHECK(ear.play.counters().late == 1);
}

TEST_CASE("a talkspurt that ends is no loss, and the next one waits anew") {
    Ear ear{60ms};
    ear.arrive(0, 0ms, true);
    ear.arrive(1, 20ms);
    CHECK(ear.played(500ms) == "60:0 80:1 100:x 120:x 140:x 160:x 180:x");
    CHECK(ear.play.next() == std::nullopt);
    ear.arrive(2, 1000ms, true, 960ms);
    CHECK(ear.played(1060ms) == "1060:2");
    CHECK(ear.play.counters().concealed == 0);
    CHECK(ear.play.counters().talkspurts == 2);
    REQUIRE(ear.play.counters().heard.size() == 2);
    CHECK(ear.play.counters().heard[0].until == ear.start + 100ms);
    CHECK(ear.play.counters().heard[1].from == ear.start + 1060ms);
}

TEST_CASE("what is passed over in the sequence is no loss, and what is missing beside it is one") {
    Ear ear{60ms};
    const auto sequence = [](int number) { return static_cast<std::uint16_t>(65530 + number); };
    ear.arrive(0, 0ms, true);
    ear.play.pass_over(sequence(1));
    ear.play.pass_over(sequence(1));
    ear.arrive(2, 21ms, false, -20ms);
    ear.play.pass_over(sequence(4));
    ear.arrive(5, 61ms, false, -40ms);
    CHECK(ear.played(129ms) == "60:0 80:2 100:x 120:5");
    CHECK(ear.play.counters().concealed == 1);
    CHECK(ear.play.counters().talkspurts == 1);
    CHECK(ear.play.counters().longest_gap == 20ms);
}

TEST_CASE("hours of packets without sound leave the next talkspurt as it is") {
    Ear ear{60ms};
    ear.arrive(0, 0ms, true);
    (void)ear.played(500ms);
    for (int number = 1; number < 100'000; ++number)
        ear.play.pass_over(static_cast<std::uint16_t>(65530 + number));
    ear.arrive(100'000, 1000ms, true);
    ear.arrive(100'001, 1020ms);
    (void)ear.played(1090ms);
    CHECK(ear.play.counters().played == 3);
    CHECK(ear.play.counters().late + ear.play.counters().concealed == 0);
    CHECK(ear.play.counters().talkspurts == 2);
}

TEST_CASE("a talkspurt right behind another one begins where that one ends") {
    Ear ear{60ms};
    ear.arrive(0, 0ms, true);
    ear.arrive(1, 20ms);
    ear.arrive(2, 21ms, true);
    CHECK(ear.played(100ms) == "60:0 80:1 100:2");
    CHECK(ear.play.counters().talkspurts == 2);
}

TEST_CASE("after a longer gap the path's delay may be another, and nothing old is played") {
    Ear ear{60ms};
    ear.arrive(0, 0ms, true);
    (void)ear.played(400ms);
    ear.arrive(30, 700ms);  // 600 ms after packet 0 by its timestamp: 100 ms late
    ear.arrive(3, 701ms);
    CHECK(ear.played(760ms) == "760:30");
    CHECK(ear.play.counters().late == 1);
    CHECK(ear.play.counters().longest_gap == 680ms);
}

TEST_CASE("duplicates, another SSRC and what comes too early take no room") {
    Ear ear{60ms};
    ear.arrive(0, 0ms, true);
    ear.arrive(0, 1ms, true);
    CHECK(ear.play.counters().duplicates == 1);
    ear.play.restart();
    CHECK(ear.play.next() == std::nullopt);
    for (int number = 0; number < 1100; ++number) ear.arrive(number, 2ms, number == 0);
    CHECK(ear.play.counters().overflow == 76);
}

TEST_CASE("a payload that the codec does not understand is made up and counted") {
    Ear ear{60ms};
    ear.arrive(0, 0ms, true);
    const std::vector<std::byte> odd(1);
    ear.play.push(65531, 4'294'967'160U, false, odd, ear.start + 20ms);
    ear.arrive(2, 40ms);
    CHECK(ear.played(100ms) == "60:0 80:x 100:2");
    CHECK(ear.play.counters().undecodable == 1);
}
