#include "crosspatch/media/echo.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "tests/media/speech.hpp"

namespace crosspatch::media {
namespace {

using namespace std::chrono_literals;
using Frames = std::vector<BandEnergies::Frame>;
using tests::Samples;
constexpr std::size_t kPiece = kEchoLead + kEchoFrames;

Frames energies(const Samples& samples) {
    BandEnergies bands{8000};
    Frames frames;
    bands.hear(samples, frames);
    return frames;
}

// What a way outside does to sound.
using Way = std::function<Samples(const Samples&)>;
Way codec_way(const codec::Format& format, std::chrono::milliseconds ptime = 20ms) {
    return [=](const Samples& samples) { return tests::round_trip(format, samples, 8000, ptime); };
}
Samples louder(Samples samples, double gain) {
    for (auto& sample : samples)
        sample = static_cast<std::int16_t>(std::clamp(sample * gain, -32768.0, 32767.0));
    return samples;
}
Samples levelled(Samples samples) {  // an automatic gain control
    double gain = 0.2;
    for (auto& sample : samples) {
        gain = std::clamp(gain * (std::abs(sample * gain) > 8000 ? 0.999 : 1.00004), 0.05, 8.0);
        sample = static_cast<std::int16_t>(std::clamp(sample * gain, -32768.0, 32767.0));
    }
    return samples;
}
Samples lossy(Samples samples, unsigned percent) {
    std::mt19937 random{5};
    for (std::size_t at = 0; at + 160 <= samples.size(); at += 160)
        if (random() % 100 < percent)
            std::fill_n(samples.begin() + static_cast<std::ptrdiff_t>(at), 160, std::int16_t{0});
    return samples;
}
std::vector<std::pair<const char*, Way>> ways() {
    codec::Format narrow = codec::opus();
    narrow.rate = 8000;
    narrow.bitrate = 8000;
    return {{"G.711", codec_way(codec::pcmu())},
            {"GSM", codec_way(codec::gsm())},
            {"Opus at 8 kbit/s", codec_way(narrow)},
            {"half as loud", [](const Samples& s) { return louder(s, 0.5); }},
            {"overdriven", [](const Samples& s) { return louder(s, 3); }},
            {"gain control and GSM", [](const Samples& s) { return codec_way(codec::gsm())(levelled(s)); }},
            {"3 % lost", [](const Samples& s) { return lossy(codec_way(codec::pcmu())(s), 3); }}};
}

// The piece of `said` that begins `skipped` frames in, and what was heard from `lag` before its beginning on.
std::optional<Echo> compare(const Frames& heard, const Frames& said, std::size_t skipped, std::int64_t lag) {
    return find_echo(heard, std::span{said}.subspan(skipped, kPiece),
                     static_cast<std::int64_t>(skipped) + lag);
}

TEST_CASE("what comes back is found at its lag, whatever codec, gain or loss it has been through") {
    for (const auto& [name, way] : ways()) {
        int found = 0, all = 0;
        for (unsigned seed = 1; seed <= 20; ++seed) {
            const Samples original = tests::speech(seed, 4s);
            const Frames heard = energies(codec_way(codec::pcmu())(original));
            const Frames said = energies(way(original));
            for (const std::int64_t lag : {6, 30, 121, 298})
                for (const std::size_t skipped : {0, 20, 60}) {
                    ++all;
                    const auto echo = compare(heard, said, skipped, lag);
                    if (!echo) continue;
                    ++found;
                    CHECK(std::abs(echo->lag.count() - 10 * lag) <= 40);  // an encoder's own delay
                }
        }
        MESSAGE(std::string{name}, ": ", found, " of ", all);
        CHECK(found >= all * 45 / 100);
    }
}

TEST_CASE("what Codec2 makes of a voice is found more often than not") {
    int found = 0;
    for (unsigned seed = 1; seed <= 20; ++seed) {
        const Samples original = tests::speech(seed, 4s);
        const Frames heard = energies(original);
        const Frames said = energies(codec_way(codec::codec2(codec::Codec2Mode::Mode3200))(original));
        // Each talkspurt is looked at several times.
        bool any = false;
        for (const std::size_t skipped : {0, 20, 40, 60, 80}) any = any || compare(heard, said, skipped, 50);
        found += any ? 1 : 0;
    }
    MESSAGE("Codec2: ", found, " of 20");
    CHECK(found >= 10);
}

TEST_CASE("two people who say something else are no loop, whatever they talk through") {
    int mistaken = 0, all = 0;
    std::vector<Frames> plain, coded;
    const auto through = ways();
    for (unsigned seed = 100; seed < 160; ++seed) {
        const Samples said = tests::speech(seed, 4s);
        plain.push_back(energies(said));
        coded.push_back(energies(through[seed % through.size()].second(said)));
    }
    for (std::size_t a = 0; a < plain.size(); ++a)
        for (std::size_t b = 0; b < plain.size(); ++b)
            for (const std::size_t skipped : {0, 60, 140}) {
                if (a == b) continue;
                ++all;
                mistaken += compare(plain[a], coded[b], skipped, 100) ? 1 : 0;
            }
    MESSAGE(mistaken, " of ", all);
    CHECK(mistaken == 0);
}

TEST_CASE("noise, silence, a tone and what repeats itself are no evidence") {
    const auto both = [](const Samples& samples) {
        const Frames frames = energies(samples);
        return compare(frames, frames, 0, 100).has_value();
    };
    CHECK_FALSE(both(Samples(32000)));
    CHECK_FALSE(both(tests::noise(32000, -70, 1)));
    Samples tone(32000), siren(32000), beeper(32000);
    double phase = 0;
    for (std::size_t i = 0; i < tone.size(); ++i) {
        const double t = static_cast<double>(i) / 8000;
        tone[i] = static_cast<std::int16_t>(8000 * std::sin(2 * std::numbers::pi * 1000 * t));
        phase += (900 + 600 * std::sin(2 * std::numbers::pi * 3.3 * t)) / 8000;
        siren[i] = static_cast<std::int16_t>(8000 * std::sin(2 * std::numbers::pi * phase));
        beeper[i] = std::fmod(t, 0.9) < 0.45 ? tone[i] : std::int16_t{0};
    }
    CHECK_FALSE(both(tone));
    CHECK_FALSE(both(siren));
    CHECK_FALSE(both(beeper));
    // The same noise twice is the same sound; another noise is not.
    const Frames noise = energies(tests::noise(32000, -30, 1));
    CHECK_FALSE(compare(noise, energies(tests::noise(32000, -30, 2)), 0, 100).has_value());
}

TEST_CASE("an echo of less than 50 ms or more than 3 s is not looked for") {
    const Frames said = energies(tests::speech(1, 6s));
    CHECK_FALSE(compare(said, said, 0, 3));
    CHECK(compare(said, said, 0, 5));
    CHECK(compare(said, said, 0, 300));
    CHECK_FALSE(compare(said, said, 0, 310));
    CHECK_FALSE(compare({}, said, 0, 100));
}

TEST_CASE("a word that has ended is found in what comes back of it") {
    int found = 0;
    for (unsigned seed = 1; seed <= 20; ++seed) {
        Samples word = tests::speech(seed, 1s);
        const Frames heard = energies(word);
        word.resize(word.size() + 16000);
        found += compare(heard, energies(word), 0, 100) ? 1 : 0;
    }
    MESSAGE(found, " of 20");
    CHECK(found >= 14);
}

}  // namespace
}  // namespace crosspatch::media
