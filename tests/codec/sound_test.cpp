#include <doctest/doctest.h>

#include "crosspatch/codec/gain.hpp"
#include "crosspatch/codec/resampler.hpp"
#include "crosspatch/codec/tone.hpp"
#include "tests/codec/voice.hpp"

using namespace std::chrono_literals;
using namespace crosspatch::codec;
using namespace crosspatch::tests;

namespace {

Samples resample(Resampler& resampler, const Samples& in, std::size_t frame) {
    Samples out;
    Samples part(resampler.output_samples(frame));
    for (std::size_t at = 0; at + frame <= in.size(); at += frame) {
        const std::size_t count = resampler.process(std::span{in}.subspan(at, frame), part);
        out.insert(out.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return out;
}

}  // namespace

TEST_CASE("a resampled voice is the same voice, as late as stated, and every millisecond comes out whole") {
    struct Pair {
        std::uint32_t in;
        std::uint32_t out;
        double delay_ms;
    };
    for (const Pair& pair : {Pair{8000, 16000, 4}, Pair{16000, 8000, 4}, Pair{8000, 48000, 4},
                             Pair{48000, 8000, 4}, Pair{16000, 48000, 2}, Pair{48000, 16000, 2}}) {
        const std::uint32_t in = pair.in;
        const std::uint32_t out = pair.out;
        CAPTURE(in);
        CAPTURE(out);
        Resampler resampler{in, out};
        CHECK(static_cast<double>(resampler.delay_samples()) * 1000.0 / out ==
              doctest::Approx(pair.delay_ms));
        const auto heard = resample(resampler, voice(in, 1s), in / 50);
        CHECK(heard.size() == out);
        const auto found = match(voice(out, 1s), heard, out / 50);
        CHECK(found.correlation > 0.995);
        CHECK(found.delay == resampler.delay_samples());
        CHECK(level_dbov(heard) == doctest::Approx(level_dbov(voice(out, 1s))).epsilon(0.02));
    }
}

TEST_CASE("a resampler that is started again has forgotten what it heard") {
    Resampler used{48000, 8000};
    Resampler fresh{48000, 8000};
    resample(used, noise(9600, -10.0, 5), 960);
    used.start();
    const auto speech = voice(48000, 200ms);
    CHECK(resample(used, speech, 960) == resample(fresh, speech, 960));
}

TEST_CASE("odd blocks neither lose nor invent samples") {
    Resampler resampler{48000, 16000};
    std::size_t total = 0;
    Samples part(1000);
    for (int i = 0; i < 300; ++i) {
        const Samples block(static_cast<std::size_t>(1 + i % 97), 100);
        const auto count = resampler.process(block, part);
        CHECK(count <= resampler.output_samples(block.size()));
        total += block.size();
        total -= 3 * count;
    }
    CHECK(total < 3);
}

TEST_CASE("what is above the lower rate's band is gone, not folded into speech") {
    Resampler resampler{48000, 8000};
    auto heard = resample(resampler, sine(6000.0, -12.0, 1s, 48000), 960);
    heard.erase(heard.begin(), heard.begin() + 800);
    CHECK(level_dbov(heard) < -60.0);
}

TEST_CASE("gain changes the level by its decibels and saturates") {
    auto tone = sine(1000.0, -20.0, 100ms, 8000);
    Gain{-6.0}.apply(tone);
    CHECK(level_dbov(tone) == doctest::Approx(-26.0).epsilon(0.001));
    Gain{12.0}.apply(tone);
    CHECK(level_dbov(tone) == doctest::Approx(-14.0).epsilon(0.001));
    Samples loud{20000, -20000, 1, -1, 32767, -32768};
    Gain{6.0}.apply(loud);
    CHECK(loud == Samples{32767, -32768, 2, -2, 32767, -32768});
    Samples same{1, -2, 32767, -32768};
    Gain{0.0}.apply(same);
    CHECK(same == Samples{1, -2, 32767, -32768});
    CHECK(Gain{}.unity());
    CHECK_FALSE(Gain{-0.5}.unity());
}

TEST_CASE("levels are those of RFC 6464: a full square is 0, silence -127") {
    CHECK(level_dbov(Samples(160, -32768)) == doctest::Approx(0.0));
    CHECK(level_dbov(sine(1000.0, -3.01, 1s, 8000)) == doctest::Approx(-3.01).epsilon(0.001));
    CHECK(level_dbov(Samples(160, 0)) == -127.0);
    CHECK(level_dbov({}) == -127.0);
    CHECK(level_dbov(Samples(160, 1)) == doctest::Approx(-90.3).epsilon(0.001));
}

TEST_CASE("the deny tone is three bursts of 425 Hz with soft edges") {
    for (const std::uint32_t rate : {8000U, 16000U, 48000U}) {
        const auto tone = render(kDenyTone, rate);
        CHECK(tone.size() == rate);  // 200 ms five times
        const auto part = [&](std::size_t index) {
            return std::span{tone}.subspan(index * rate / 5, rate / 5);
        };
        for (const std::size_t burst : {0, 2, 4})
            CHECK(level_dbov(part(burst)) == doctest::Approx(-18.0).epsilon(0.02));
        for (const std::size_t pause : {1, 3}) CHECK(level_dbov(part(pause)) == kSilence_dbov);
        int crossings = 0;
        for (std::size_t i = 1; i < rate / 5; ++i) crossings += tone[i - 1] < 0 && tone[i] >= 0 ? 1 : 0;
        CHECK(crossings == doctest::Approx(85).epsilon(0.02));
        CHECK(std::abs(tone[0]) == 0);
        CHECK(std::abs(tone[rate / 5 - 1]) < 50);
    }
    CHECK(render(Tone{.on = 100ms, .off = 0ms, .bursts = 2}, 8000).size() == 1600);
    CHECK(render(Tone{.bursts = 0}, 8000).empty());
}
