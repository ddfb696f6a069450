#include "crosspatch/codec/tone_stripper.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "crosspatch/codec/gain.hpp"
#include "crosspatch/codec/rates.hpp"
#include "crosspatch/codec/resampler.hpp"
#include "tests/codec/signalling.hpp"
#include "tests/codec/voice.hpp"
#include "tests/support/allocations.hpp"

using namespace std::chrono_literals;
using namespace crosspatch::codec;
using namespace crosspatch::tests;

namespace {

constexpr std::array<std::uint32_t, 5> kRates{8000, 12000, 16000, 24000, 48000};

Samples silence(std::size_t ms, std::uint32_t rate = 8000) { return Samples(ms * rate / 1000); }

Samples at_rate(const Samples& samples, std::uint32_t from, std::uint32_t to) {
    if (from == to) return samples;
    Resampler resampler{from, to};
    Samples out(resampler.output_samples(samples.size()) + 64);
    out.resize(resampler.process(samples, out));
    return out;
}

// Stripped in frames of 20 ms, as the talk path does it.
Samples stripped(Samples samples, std::uint32_t rate = 8000) {
    const auto stripper = std::make_unique<ToneStripper>();
    stripper->start(rate);
    const std::size_t frame = rate / 50;
    for (std::size_t at = 0; at < samples.size(); at += frame)
        stripper->process(std::span{samples}.subspan(at, std::min(frame, samples.size() - at)));
    return samples;
}

double level_db(std::span<const std::int16_t> samples) { return level_dbov(samples); }

}  // namespace

TEST_CASE("a receiver reads all sixteen digits before the stripper and none behind it, at every rate") {
    for (const std::uint32_t rate : kRates) {
        CAPTURE(rate);
        const Samples sent = at_rate(dtmf(kDigits), 8000, rate);
        REQUIRE(digits_read(at_rate(sent, rate, 8000)) == kDigits);
        CHECK(digits_read(at_rate(stripped(sent, rate), rate, 8000)) == "");
    }
}

TEST_CASE(
    "no digit is read at any level, twist or length that a receiver reads, wherever in a frame it begins") {
    int read_before = 0;
    int sent = 0;
    for (const int level : {-30, -24, -17, -10, -3})
        for (const int twist : {-3, 0, 3, 7})
            for (const int length : {40, 70, 120})
                for (const int offset : {0, 3, 7, 13}) {
                    if (level + std::abs(twist) > 0) continue;
                    CAPTURE(level);
                    CAPTURE(twist);
                    CAPTURE(length);
                    CAPTURE(offset);
                    Samples line = silence(static_cast<std::size_t>(offset));
                    append(line, dtmf(kDigits, level, twist, length, 60));
                    read_before += static_cast<int>(digits_read(line).size());
                    sent += 16;
                    CHECK(digits_read(stripped(line)) == "");
                }
    CHECK(read_before > sent * 2 / 3);  // or this would prove nothing
}

TEST_CASE("no digit is read in noise in which a receiver still reads some, nor in the middle of speech") {
    std::size_t in_noise = 0;
    for (const double snr : {8.0, 10.0, 14.0, 20.0, 30.0}) {
        Samples line = dtmf(kDigits, -12, 0, 80, 60);
        mix(line, noise(line.size(), -12.0 - 6.2 + 3 - snr, static_cast<std::uint32_t>(snr)));
        in_noise += digits_read(line).size();
        CAPTURE(snr);
        CHECK(digits_read(stripped(line)) == "");
    }
    CHECK(in_noise > 32);

    Samples speech = voice(8000, 4s);
    for (std::size_t i = 0; i < kDigits.size(); ++i) {  // in place of speech, as a keypad in a radio does it
        const Samples one = dtmf(kDigits.substr(i, 1), -10, 0, 60, 0);
        std::copy(one.begin(), one.begin() + 480,
                  speech.begin() + static_cast<std::ptrdiff_t>(i * 2000 + 37));
    }
    REQUIRE(digits_read(speech).size() >= 15);
    CHECK(digits_read(stripped(speech)) == "");
}

TEST_CASE("no digit is read that came through a codec") {
    for (const Format& format : {pcmu(), opus(), g722(), gsm()}) {
        CAPTURE(format.name());
        const std::uint32_t rate = own_rates(format).front();
        const auto encoder = make_encoder(format);
        const auto decoder = make_decoder(format);
        encoder->start(rate, format);
        decoder->start(rate);
        const Samples sent = at_rate(dtmf(kDigits, -10, 0, 80, 80), 8000, rate);
        const Samples heard = decode_all(*decoder, encode_all(*encoder, sent, rate / 50));
        REQUIRE(digits_read(at_rate(heard, rate, 8000)).size() >= 14);
        CHECK(digits_read(at_rate(stripped(heard, rate), rate, 8000)) == "");
    }
}

TEST_CASE("at most 12 ms of a digit leak") {
    for (int offset = 0; offset < 20; ++offset) {
        Samples line = silence(100 + static_cast<std::size_t>(offset));
        const std::size_t begin = line.size();
        append(line, dtmf("5", -10, 0, 200, 0));
        append(line, silence(100));
        const Samples heard = stripped(line);
        std::size_t last = 0;
        for (std::size_t i = 0; i < begin + 200 * 8; ++i)
            if (std::abs(heard[i]) > 30) last = i;
        CAPTURE(offset);
        CHECK(last + 1 - std::min(last + 1, begin + 15 * 8) <= 12 * 8);
    }
}

TEST_CASE("every CTCSS tone is 30 dB down, and speech from 350 Hz on is as it was within 1 dB") {
    constexpr std::array kCtcss{67.0,  69.3,  71.9,  74.4,  77.0,  79.7,  82.5,  85.4,  88.5,  91.5,  94.8,
                                97.4,  100.0, 103.5, 107.2, 110.9, 114.8, 118.8, 123.0, 127.3, 131.8, 136.5,
                                141.3, 146.2, 150.0, 151.4, 156.7, 159.8, 162.2, 165.5, 167.9, 171.3, 173.8,
                                177.3, 179.9, 183.5, 186.2, 189.9, 192.8, 196.6, 199.5, 203.5, 206.5, 210.7,
                                218.1, 225.7, 229.1, 233.6, 241.8, 250.3, 254.1};
    for (const std::uint32_t rate : kRates) {
        CAPTURE(rate);
        const auto settled = [&](const Samples& all) { return std::span{all}.subspan(rate / 2); };
        for (const double hertz : kCtcss) {
            CAPTURE(hertz);
            const Samples sent = tone(hertz, -12, 1000, rate);
            CHECK(level_db(settled(stripped(sent, rate))) <= level_db(settled(sent)) - 30);
        }
        for (const double hertz : {350.0, 400.0, 500.0, 650.0, 1000.0, 2000.0, 3300.0}) {
            // Beside another, or it would be a signalling tone.
            CAPTURE(hertz);
            Samples sent = tone(hertz, -20, 1000, rate);
            mix(sent, tone(hertz * 1.07, -20, 1000, rate));
            mix(sent, tone(hertz * 1.16, -20, 1000, rate));
            const double change = level_db(settled(stripped(sent, rate))) - level_db(settled(sent));
            CHECK(std::abs(change) <= 1.0);
        }
    }
}

TEST_CASE("CTCSS under speech is gone from it") {
    Samples line = voice(8000, 3s);
    mix(line, tone(123.0, -18, 3000));
    const Samples heard = stripped(line);
    std::complex<double> sum{};
    for (std::size_t n = 4000; n < heard.size(); ++n)
        sum +=
            double(heard[n]) * std::polar(1.0, -2 * std::numbers::pi * 123.0 * static_cast<double>(n) / 8000);
    const double peak = 2 * std::abs(sum) / static_cast<double>(heard.size() - 4000);
    CHECK(20 * std::log10(peak / 32768.0) <= -18 + 3 - 30);
}

TEST_CASE("no selective call is read: ZVEI 1 to 3, CCIR, EEA and EIA, loud and soft") {
    for (const SelcallSet& set : kSelcallSets)
        for (const double level : {-33.0, -18.0, -6.0})
            for (const char* call : {"12345", "67890", "11223", "00000"}) {
                CAPTURE(set.name);
                CAPTURE(level);
                CAPTURE(call);
                Samples line = silence(53);
                append(line, selcall(set, call, level));
                append(line, silence(60));
                const std::string before = selcall_read(set, line);
                REQUIRE(before.size() >= 5);
                // Of the first tone some may be left, and of one that no set but EIA has so low.
                CHECK(selcall_read(set, stripped(line)).size() <= 1);
            }
}

TEST_CASE("of a burst of 1200 baud data no more than its preamble is read") {
    for (const double level : {-30.0, -18.0, -6.0})
        for (std::uint32_t seed = 1; seed <= 8; ++seed) {
            CAPTURE(level);
            CAPTURE(seed);
            const auto bits = mdc_frame(seed);
            Samples line = data_burst(bits, level);
            append(line, silence(60));
            REQUIRE(bits_in_a_row(bits, line, 0) == bits.size());
            const Samples heard = stripped(line);
            // 15 ms of delay are 120 samples; the filters delay this band by less than 2 ms.
            CHECK(bits_in_a_row(bits, std::span{heard}.subspan(120), 16) <= 40);
            CHECK(level_db(std::span{heard}.subspan(120 + 320)) < -60);  // silent from 40 ms on
        }
}

TEST_CASE("a burst of data in noise and through a codec is cut off as well") {
    const auto bits = mdc_frame(9);
    for (const Format& format : {pcmu(), opus()}) {
        const std::uint32_t rate = own_rates(format).front();
        const auto encoder = make_encoder(format);
        const auto decoder = make_decoder(format);
        encoder->start(rate, format);
        decoder->start(rate);
        Samples line = silence(100);
        append(line, data_burst(bits, -15));
        append(line, silence(100));
        mix(line, noise(line.size(), -40, 4));
        const Samples heard = decode_all(*decoder, encode_all(*encoder, line, rate / 50));
        REQUIRE(bits_in_a_row(bits, std::span{heard}.subspan(750), 200) > 150);
        CAPTURE(format.name());
        const Samples left = stripped(heard);
        CHECK(bits_in_a_row(bits, std::span{left}.subspan(750), 400) <= 45);
    }
}

TEST_CASE("speech comes out whole, 15 ms later") {
    for (const std::uint32_t rate : kRates) {
        CAPTURE(rate);
        const auto stripper = std::make_unique<ToneStripper>();
        stripper->start(rate);
        const Samples sent = voice(rate, 4s);
        Samples heard = sent;
        stripper->process(heard);
        CHECK(stripper->muted_samples() == 0);
        CHECK(stripper->delay_samples() == rate * 15 / 1000);
        // The pitch, 95 to 145 Hz, is filtered away, so the wave is not the same; its rhythm is.
        const auto before = envelope(sent, rate / 100);
        const auto after = envelope(std::span{heard}.subspan(rate * 15 / 1000), rate / 100);
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (std::size_t i = 0; i < after.size(); ++i) {
            ab += before[i] * after[i];
            aa += before[i] * before[i];
            bb += after[i] * after[i];
        }
        CHECK(ab / std::sqrt(aa * bb) > 0.98);
    }
}

TEST_CASE("how samples are cut into frames does not matter, nothing is allocated, and a start forgets all") {
    const auto whole = std::make_unique<ToneStripper>();
    const auto pieces = std::make_unique<ToneStripper>();
    Samples line = voice(16000, 500ms);
    append(line, at_rate(dtmf("159D"), 8000, 16000));
    Samples one = line;
    Samples other = line;
    const auto before = allocations();
    whole->start(8000);
    whole->process(other);  // something else first
    other = line;
    const auto copied = allocations();
    whole->start(16000);
    whole->process(one);
    pieces->start(16000);
    for (std::size_t at = 0, step = 1; at < other.size(); at += step, step = step * 7 % 331 + 1)
        pieces->process(std::span{other}.subspan(at, std::min(step, other.size() - at)));
    CHECK(allocations() - copied == 0);
    CHECK(copied - before <= 1);
    CHECK(one == other);
}

// Muted milliseconds of an hour of what espeak-ng reads aloud, out of this program's own documents.
TEST_CASE("speech is muted by mistake for less than 4 seconds an hour, whoever speaks") {
    if (std::system("espeak-ng --version > /dev/null 2>&1") != 0) {
        MESSAGE("left out: there is no espeak-ng");
        return;
    }
    const bool thorough = std::getenv("CROSSPATCH_LONG") != nullptr;
    const char* what = thorough ? "cat src/*/README.md src/README.md" : "head -c 2500 src/README.md";
    std::uint64_t muted = 0;
    std::uint64_t spoken = 0;
    for (const char* voice : {"en-us", "en-gb", "en-us+f1", "en-us+f3", "en-us+m3", "en-us+croak"}) {
        const std::string command =
            fmt::format("{} | tr -d '`*|#_<>' | espeak-ng -v {} -s 150 --stdout", what, voice);
        const std::unique_ptr<FILE, int (*)(FILE*)> pipe{popen(command.c_str(), "r"), pclose};
        REQUIRE(pipe);
        Samples wave(22050);
        REQUIRE(std::fread(wave.data(), 1, 44, pipe.get()) == 44);  // the header
        Resampler resampler{22050, 8000};
        const auto stripper = std::make_unique<ToneStripper>();
        Samples narrow(resampler.output_samples(wave.size()) + 1);
        for (std::size_t count; (count = std::fread(wave.data(), 2, wave.size(), pipe.get())) > 0;) {
            const std::size_t got = resampler.process(std::span{wave}.first(count), narrow);
            stripper->process(std::span{narrow}.first(got));
            spoken += got;
        }
        muted += stripper->muted_samples();
    }
    REQUIRE(spoken > 8000 * 600);
    const double per_hour = static_cast<double>(muted) / static_cast<double>(spoken) * 3600;
    MESSAGE(fmt::format("{:.0f} s of speech, {:.2f} s muted an hour", static_cast<double>(spoken) / 8000,
                        per_hour));
    CHECK(per_hour < 4.0);
}
