#include <doctest/doctest.h>

#include <algorithm>

#include "crosspatch/codec/gain.hpp"
#include "crosspatch/codec/tone.hpp"
#include "src/codec/concealer.hpp"
#include "tests/codec/voice.hpp"

using namespace std::chrono_literals;
using namespace crosspatch::codec;
using namespace crosspatch::tests;

namespace {

// One second of a vowel on one pitch: what follows can be foretold.
Samples vowel(std::uint32_t rate) {
    Samples samples(rate);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        double sum = 0;
        for (int k = 1; k <= 12; ++k)
            sum += std::sin(2 * std::numbers::pi * 125.0 * k * static_cast<double>(i) / rate + k * k) / k;
        samples[i] = static_cast<std::int16_t>(6000 * sum);
    }
    return samples;
}

// What a listener gets when every fifth packet is lost, against the same stream without loss.
struct Loss {
    int lost{};
    int recovered{};
    double snr_db{};  // of the frames in the place of lost ones
};

Loss lose_every_fifth(const Format& format, const std::vector<Octets>& packets, bool use_fec) {
    const auto whole = make_decoder(format);
    const auto holed = make_decoder(format);
    const std::size_t frame = format.rate / 50;
    Samples expected(frame);
    Samples got(frame);
    Loss loss;
    double signal = 0;
    double error = 0;
    for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
        CHECK(whole->decode(packets[i], expected) == frame);
        if (i % 5 != 3) {
            CHECK(holed->decode(packets[i], got) == frame);
            continue;
        }
        ++loss.lost;
        if (use_fec && holed->recover(packets[i + 1], frame, got) == frame)
            ++loss.recovered;
        else
            CHECK(holed->conceal(frame, got) == frame);
        for (std::size_t j = 0; j < frame; ++j) {
            signal += double(expected[j]) * expected[j];
            error += double(expected[j] - got[j]) * (expected[j] - got[j]);
        }
    }
    loss.snr_db = 10 * std::log10(signal / error);
    return loss;
}

std::vector<Octets> speak(const Format& format, unsigned loss_percent) {
    const auto encoder = make_encoder(format);
    encoder->set_loss(loss_percent);
    return encode_all(*encoder, voice(format.rate, 6s), format.rate / 50);
}

Format opus_with(Fec fec, std::uint32_t rate = 16000) {
    Format format = opus();
    format.rate = rate;
    format.fec = fec;
    return format;
}

}  // namespace

TEST_CASE("Opus error correction brings a lost frame back far better than concealment guesses it") {
    for (const std::uint32_t rate : {8000U, 16000U, 48000U}) {
        CAPTURE(rate);
        const Format format = opus_with(Fec::On, rate);
        const auto packets = speak(format, 10);
        const Loss with = lose_every_fifth(format, packets, true);
        const Loss without = lose_every_fifth(format, packets, false);
        CHECK(with.lost >= 59);
        CHECK(with.recovered * 10 >= with.lost * 7);
        CHECK(with.snr_db > without.snr_db + 6.0);
    }
}

TEST_CASE("error correction is only reported where the next packet carries it") {
    const Loss off = lose_every_fifth(opus_with(Fec::Off), speak(opus_with(Fec::Off), 20), true);
    CHECK(off.recovered == 0);

    Format music = opus_with(Fec::On, 48000);  // at this bit rate libopus takes CELT, which has none
    music.bitrate = 128000;
    music.fec = Fec::Off;
    const auto packets = speak(music, 0);
    CHECK((std::to_integer<unsigned>(packets[50][0]) & 0x80U) != 0);
    CHECK(lose_every_fifth(music, packets, true).recovered == 0);

    for (const Format& format : every_format()) {
        if (format.kind == Kind::Opus) continue;
        const auto decoder = make_decoder(format);
        std::array<std::int16_t, kMaxSamples> out;
        const Octets next(format.octets(format.frame()), std::byte{0xD5});
        CHECK(decoder->recover(next, format.rate / 50, out) == 0);
    }
}

TEST_CASE("nothing is recovered into too little room, before anything was heard, or from a broken packet") {
    const Format format = opus_with(Fec::On);
    const auto packets = speak(format, 10);
    const auto decoder = make_decoder(format);
    std::array<std::int16_t, 640> out;
    CHECK(decoder->recover(packets[20], 320, out) == 0);
    CHECK(decoder->decode(packets[18], out) == 320);
    CHECK(decoder->recover(packets[20], 320, std::span{out}.first(319)) == 0);
    CHECK(decoder->recover(packets[20], 160, out) == 0);  // shorter than what the packet holds
    CHECK(decoder->recover(packets[20], 333, out) == 0);  // no whole steps of 2.5 ms
    CHECK(decoder->recover({}, 320, out) == 0);
    CHECK(decoder->recover(Octets{std::byte{0x4B}, std::byte{0x3F}}, 320, out) == 0);
    CHECK(decoder->recover(packets[20], 320, out) == 320);
}

TEST_CASE("automatic error correction goes on at 3 % loss and off below 1 %") {
    const auto encoder = make_encoder(opus_with(Fec::Auto));
    const auto after = [&](unsigned percent) {
        encoder->set_loss(percent);
        return encoder->fec();
    };
    CHECK_FALSE(encoder->fec());
    CHECK_FALSE(after(2));
    CHECK(after(3));
    CHECK(after(1));
    CHECK_FALSE(after(0));
    CHECK_FALSE(after(2));
    CHECK(after(100));
    encoder->start(16000, opus_with(Fec::Auto));
    CHECK_FALSE(encoder->fec());

    const auto never = make_encoder(opus_with(Fec::Off));
    never->set_loss(50);
    CHECK_FALSE(never->fec());
    CHECK(make_encoder(opus_with(Fec::On))->fec());
}

TEST_CASE("Opus goes silent after 100 ms of loss and speaks again with the next packet") {
    const auto packets = speak(opus(), 0);
    const auto decoder = make_decoder(opus());
    Samples out(320);
    for (int i = 0; i < 30; ++i) decoder->decode(packets[static_cast<std::size_t>(i)], out);
    CHECK(decoder->conceal(320, out) == 320);
    CHECK(level_dbov(out) > -40.0);
    for (int i = 0; i < 3; ++i) decoder->conceal(320, out);
    const double fourth = level_dbov(out);
    decoder->conceal(320, out);  // the fifth goes down to nothing
    const double first_half = level_dbov(std::span{out}.first(160));
    const double second_half = level_dbov(std::span{out}.last(160));
    CHECK(first_half > fourth - 8.0);
    CHECK(second_half < first_half - 5.0);
    for (int i = 0; i < 200; ++i) {
        CHECK(decoder->conceal(320, out) == 320);
        CHECK(level_dbov(out) == kSilence_dbov);
    }
    decoder->decode(packets[33], out);
    decoder->decode(packets[34], out);
    CHECK(level_dbov(out) > -40.0);
}

TEST_CASE("a gap of any length is filled exactly") {
    for (const Format& format : every_format()) {
        const auto decoder = make_decoder(format);
        std::array<std::int16_t, kMaxSamples> out;
        for (const std::size_t samples : {1, 7, 20, 159, 170, 320, 999, 5760})
            CHECK(decoder->conceal(samples, out) == samples);
        CHECK(decoder->conceal(320, std::span{out}.first(100)) == 100);
        CHECK(decoder->conceal(0, out) == 0);
        CHECK(decoder->conceal(1'000'000, out) == kMaxSamples);
    }
}

TEST_CASE("a vowel goes on through a lost packet, then fades to silence by 60 ms, at every rate") {
    for (const std::uint32_t rate : {8000U, 16000U, 48000U}) {
        CAPTURE(rate);
        const std::size_t frame = rate / 50;
        Samples sound = vowel(rate);
        Concealer concealer{rate};
        concealer.start(rate);
        std::size_t at = 0;
        for (; at < 20 * frame; at += frame) concealer.heard(std::span{sound}.subspan(at, frame));
        Samples gap(frame);
        concealer.conceal(gap);
        CHECK(correlation(gap, std::span{sound}.subspan(at, frame)) > 0.95);
        CHECK(level_dbov(std::span{gap}.first(frame / 2)) ==
              doctest::Approx(level_dbov(std::span{sound}.subspan(at, frame / 2))).epsilon(0.03));
        concealer.conceal(gap);
        CHECK(level_dbov(gap) < level_dbov(sound) - 3.0);
        concealer.conceal(gap);
        CHECK(level_dbov(gap) < level_dbov(sound) - 10.0);
        concealer.conceal(gap);
        CHECK(level_dbov(gap) == kSilence_dbov);
    }
}

TEST_CASE("neither the beginning nor the end of a loss clicks") {
    // A pure tone has a largest step between samples; a click is a larger one.
    const Samples tone = sine(437.0, -12.0, 1s, 8000);
    const auto step = [](std::span<const std::int16_t> samples) {
        int largest = 0;
        for (std::size_t i = 1; i < samples.size(); ++i)
            largest = std::max(largest, std::abs(samples[i] - samples[i - 1]));
        return largest;
    };
    Concealer concealer{8000};
    concealer.start(8000);
    Samples heard = tone;
    for (std::size_t at = 0; at + 160 <= heard.size(); at += 160) {
        const auto frame = std::span{heard}.subspan(at, 160);
        if (at / 160 % 7 == 4)
            concealer.conceal(frame);
        else
            concealer.heard(frame);
    }
    CHECK(heard != tone);
    CHECK(step(heard) < step(tone) * 5 / 4);
}

TEST_CASE("nothing heard, nothing made up") {
    for (const Format& format : every_format()) {
        const auto decoder = make_decoder(format);
        Samples out(format.rate / 50);
        decoder->conceal(out.size(), out);
        CHECK(level_dbov(out) < -80.0);
    }
}
