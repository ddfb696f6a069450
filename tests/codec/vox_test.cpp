#include "crosspatch/codec/vox.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "crosspatch/codec/gain.hpp"
#include "crosspatch/codec/tone.hpp"
#include "tests/codec/voice.hpp"

using namespace std::chrono_literals;
using namespace crosspatch::codec;
using namespace crosspatch::tests;

namespace {

// A receiver's audio: noise all the time, speech where it is laid over it.
class Line {
public:
    Line(std::uint32_t rate, std::chrono::milliseconds length, double noise_dbov)
        : rate_{rate}, samples_{noise(at(length), noise_dbov, 11)} {}

    Line& speech(std::chrono::milliseconds from, std::chrono::milliseconds length, double decibels = 0) {
        auto words = voice(rate_, length);
        Gain{decibels}.apply(words);
        return add(from, words);
    }
    Line& add(std::chrono::milliseconds from, const Samples& sound) {
        for (std::size_t i = 0; i < sound.size() && at(from) + i < samples_.size(); ++i) {
            auto& sample = samples_[at(from) + i];
            sample = static_cast<std::int16_t>(std::clamp(sample + sound[i], -32768, 32767));
        }
        return *this;
    }

    // Every decision that changes something, with its time: `+520 -1840`.
    std::string heard(std::chrono::milliseconds frame = 20ms) const {
        Vox vox;
        std::string tape;
        for (auto now = 0ms; at(now + frame) <= samples_.size(); now += frame) {
            const auto decision = vox.hear(std::span{samples_}.subspan(at(now), at(frame)), rate_);
            const bool change = decision == Vox::Decision::Begins || decision == Vox::Decision::Ends;
            if (change)
                tape += (tape.empty() ? "" : " ") +
                        std::string{decision == Vox::Decision::Begins ? "+" : "-"} +
                        std::to_string((now + frame).count());
            CHECK(vox.speaking() == (decision == Vox::Decision::Begins || decision == Vox::Decision::Speaks));
        }
        return tape;
    }

private:
    std::size_t at(std::chrono::milliseconds time) const {
        return static_cast<std::size_t>(time.count()) * rate_ / 1000;
    }
    std::uint32_t rate_;
    Samples samples_;
};

// `+BEGIN -END` with both within what is asked.
bool one_talkspurt(const std::string& tape, int begin, int begin_late, int end, int end_late) {
    int began{};
    int ended{};
    int used{};
    const bool one = std::sscanf(tape.c_str(), "+%d -%d%n", &began, &ended, &used) == 2 &&
                     static_cast<std::size_t>(used) == tape.size() && began >= begin &&
                     began <= begin + begin_late && ended >= end && ended <= end + end_late;
    if (!one) MESSAGE("heard: ", tape);
    return one;
}

}  // namespace

TEST_CASE("speech opens within 100 ms and closes 300 ms after its end, at any rate and frame") {
    for (const std::uint32_t rate : {8000U, 16000U, 48000U})
        for (const auto frame : {10ms, 20ms}) {
            const auto tape = Line{rate, 4s, -60.0}.speech(1000ms, 1500ms).heard(frame);
            CHECK(one_talkspurt(tape, 1000, 100, 2500 + 200, 200));
        }
}

TEST_CASE("speech is found 12 dB above loud noise, and noise alone never is") {
    CHECK(one_talkspurt(Line{8000, 5s, -35.0}.speech(2000ms, 1500ms).heard(), 2000, 200, 3500 + 100, 300));
    for (const double level : {-20.0, -35.0, -45.0, -60.0, -90.0})
        CHECK(Line{8000, 20s, level}.heard() == "");
}

TEST_CASE("what is softer than the threshold is not speech, however silent it is around it") {
    CHECK(Line{8000, 4s, -90.0}.speech(1000ms, 1500ms, -40.0).heard() == "");
}

TEST_CASE("a pause within a sentence does not close it, the hang bridges it") {
    const auto tape = Line{8000, 5s, -60.0}.speech(1000ms, 800ms).speech(2000ms, 800ms).heard();
    CHECK(one_talkspurt(tape, 1000, 100, 2800 + 200, 200));
    const auto apart = Line{8000, 6s, -60.0}.speech(1000ms, 800ms).speech(3000ms, 800ms).heard();
    CHECK(std::count(apart.begin(), apart.end(), '+') == 2);
}

TEST_CASE("a click opens nothing") {
    Line line{8000, 3s, -60.0};
    line.add(1000ms, Samples(40, 20000));
    CHECK(line.heard() == "");
}

TEST_CASE("mains hum opens nothing") {
    Line line{8000, 5s, -70.0};
    line.add(1000ms, sine(50.0, -38.0, 3000ms, 8000));
    CHECK(line.heard() == "");
}

TEST_CASE("an engine that starts opens it for 3 s at most, and speech over the engine is heard again") {
    Line line{8000, 14s, -65.0};
    line.add(2000ms, noise(12 * 8000, -35.0, 23)).speech(9000ms, 1500ms);
    const auto tape = line.heard();
    int began{}, closed{}, again{}, end{};
    REQUIRE(std::sscanf(tape.c_str(), "+%d -%d +%d -%d", &began, &closed, &again, &end) == 4);
    CHECK(began <= 2100);
    CHECK(closed <= 2000 + 3000 + 600);
    CHECK(again >= 9000);
    CHECK(again <= 9200);
    CHECK(end <= 10500 + 400);
}

TEST_CASE("a long speech with its natural pauses stays open throughout") {
    Line line{8000, 22s, -60.0};
    for (int sentence = 0; sentence < 10; ++sentence)
        line.speech(std::chrono::milliseconds{1000 + sentence * 2000}, 1800ms);
    CHECK(one_talkspurt(line.heard(), 1000, 100, 20800 + 200, 300));
}

TEST_CASE("the same samples always give the same decisions, and start() forgets") {
    const auto line = Line{8000, 4s, -50.0}.speech(1000ms, 1500ms);
    CHECK(line.heard() == line.heard());
    Vox vox;
    const auto speech = voice(8000, 1s);
    vox.hear(noise(160, -70.0, 1), 8000);
    for (std::size_t at = 0; at + 160 <= speech.size(); at += 160)
        vox.hear(std::span{speech}.subspan(at, 160), 8000);
    vox.start();
    CHECK_FALSE(vox.speaking());
    CHECK(vox.hear(std::span{speech}.first(160), 8000) == Vox::Decision::Silent);
}
