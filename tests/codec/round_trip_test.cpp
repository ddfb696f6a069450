#include <doctest/doctest.h>

#include <numeric>

#include "crosspatch/codec/gain.hpp"
#include "crosspatch/codec/rates.hpp"
#include "tests/codec/voice.hpp"

using namespace std::chrono_literals;
using namespace crosspatch::codec;
using namespace crosspatch::tests;

namespace {

constexpr auto kPtimes = {10ms, 20ms, 40ms, 60ms};

// Both talkers of a bridge: the voice goes through each format in turn, at the rate that the two share.
Samples chain(Samples samples, std::uint32_t rate, std::initializer_list<Format> formats) {
    for (const Format& format : formats) samples = round_trip(format, samples, rate, 20ms);
    return samples;
}

}  // namespace

TEST_CASE("Opus keeps the voice at every rate and packet time, 6.5 ms late") {
    for (const std::uint32_t rate : own_rates(opus()))
        for (const auto ptime : kPtimes) {
            CAPTURE(rate);
            CAPTURE(ptime.count());
            Format format = opus();
            format.rate = rate;
            const auto sent = voice(rate, 2s);
            const auto found = match(sent, round_trip(format, sent, rate, ptime), rate / 50);
            CHECK(found.correlation > 0.94);
            CHECK(found.snr_db > 9.0);
            CHECK(static_cast<double>(found.delay) / rate == doctest::Approx(0.0065).epsilon(0.02));
        }
}

TEST_CASE("an Opus stream may be decoded at any rate, whatever it was encoded at") {
    const auto encoder = make_encoder(opus());
    encoder->start(16000, opus());
    const auto packets = encode_all(*encoder, voice(16000, 2s), 320);
    for (const std::uint32_t rate : own_rates(opus())) {
        CAPTURE(rate);
        const auto decoder = make_decoder(opus());
        decoder->start(rate);
        const auto heard = decode_all(*decoder, packets);
        CHECK(heard.size() == 2 * rate);
        CHECK(match(voice(rate, 2s), heard, rate / 50).correlation > 0.94);
    }
}

TEST_CASE("G.711 and L16 add no delay, L16 no change at all") {
    for (const auto ptime : kPtimes) {
        const auto sent = voice(8000, 2s);
        for (const Format& format : {pcmu(), pcma()}) {
            const auto found = match(sent, round_trip(format, sent, 8000, ptime), 80);
            CHECK(found.delay == 0);
            CHECK(found.snr_db > 36.0);
        }
    }
    for (const std::uint32_t rate : {8000U, 16000U, 48000U}) {
        const auto sent = voice(rate, 1s);
        CHECK(round_trip(l16(rate), sent, rate, 10ms) == sent);
    }
}

TEST_CASE("G.722 keeps the voice 1.4 ms late, and at 8 kHz without delay") {
    for (const auto ptime : kPtimes) {
        const auto wide = voice(16000, 2s);
        const auto found = match(wide, round_trip(g722(), wide, 16000, ptime), 80);
        CHECK(found.delay >= 22);  // 22.5 samples
        CHECK(found.delay <= 23);
        CHECK(found.snr_db > 33.0);
        const auto narrow = voice(8000, 2s);
        const auto low = match(narrow, round_trip(g722(), narrow, 8000, ptime), 80);
        CHECK(low.delay == 0);
        CHECK(low.snr_db > 33.0);
    }
}

TEST_CASE("a wideband G.722 stream can be heard at 8 kHz and the other way round, at the same level") {
    const auto encode_at = [](std::uint32_t rate) {
        const auto encoder = make_encoder(g722());
        encoder->start(rate, g722());
        return encode_all(*encoder, voice(rate, 2s), rate / 50);
    };
    for (const auto& [from, to] : {std::pair{16000U, 8000U}, {8000U, 16000U}}) {
        const auto decoder = make_decoder(g722());
        decoder->start(to);
        const auto heard = decode_all(*decoder, encode_at(from));
        const auto sent = voice(to, 2s);
        CHECK(heard.size() == sent.size());
        CHECK(match(sent, heard, to / 100).correlation > 0.97);  // the delay is no whole number of samples
        CHECK(level_dbov(heard) == doctest::Approx(level_dbov(sent)).epsilon(0.01));
    }
}

TEST_CASE("GSM keeps the voice without delay in 20, 40 and 60 ms packets of 33 octets a frame") {
    for (const auto ptime : {20ms, 40ms, 60ms}) {
        const auto sent = voice(8000, 3s);
        const auto encoder = make_encoder(gsm());
        const auto packets = encode_all(*encoder, sent, 8U * static_cast<std::size_t>(ptime.count()));
        CHECK(packets[0].size() == 33U * static_cast<std::size_t>(ptime.count()) / 20);
        CHECK((packets[0][0] & std::byte{0xF0}) == std::byte{0xD0});
        const auto found = match(sent, decode_all(*make_decoder(gsm()), packets), 160);
        CHECK(found.delay == 0);
        CHECK(found.snr_db > 9.0);
    }
}

TEST_CASE("Codec2 keeps the rhythm and the level of speech, 11 to 58 ms late") {
    for (const Format& format : every_format()) {
        if (format.kind != Kind::Codec2) continue;
        CAPTURE(format.name());
        const auto sent = voice(8000, 4s);
        const auto heard = round_trip(format, sent, 8000, format.frame());
        CHECK(level_dbov(heard) == doctest::Approx(level_dbov(sent)).epsilon(0.15));
        // The wave is not kept, so its energy in steps of 10 ms is compared, less its mean.
        const auto rhythm = [](const Samples& samples) {
            auto steps = envelope(samples, 80);
            const double mean =
                std::accumulate(steps.begin(), steps.end(), 0.0) / static_cast<double>(steps.size());
            Samples deviation;
            for (const double step : steps)
                deviation.push_back(static_cast<std::int16_t>((step - mean) / 8.0));
            return deviation;
        };
        const auto found = match(rhythm(sent), rhythm(heard), 10);
        CHECK(found.correlation > 0.85);
        CHECK(found.delay >= 1);
        CHECK(found.delay <= 6);
    }
}

TEST_CASE("speech survives two generations, as when two agencies each run a gateway") {
    const auto narrow = voice(8000, 2s);
    CHECK(match(narrow, chain(narrow, 8000, {opus(), pcmu()}), 400).correlation > 0.94);
    CHECK(match(narrow, chain(narrow, 8000, {pcmu(), pcma(), pcmu()}), 400).snr_db > 30.0);
    CHECK(match(narrow, chain(narrow, 8000, {opus(), opus()}), 400).correlation > 0.90);
    CHECK(match(narrow, chain(narrow, 8000, {opus(), gsm()}), 400).correlation > 0.88);
    CHECK(match(narrow, chain(narrow, 8000, {g722(), opus(), g722()}), 400).correlation > 0.94);
    const auto wide = voice(16000, 2s);
    CHECK(match(wide, chain(wide, 16000, {opus(), g722(), opus()}), 800).correlation > 0.90);
}

TEST_CASE("what does not fit is refused, not cut") {
    std::array<std::byte, 100> small;
    std::array<std::byte, kMaxPayload> large;
    CHECK(make_encoder(pcmu())->encode(voice(8000, 20ms), small) == 0);
    CHECK(make_encoder(gsm())->encode(voice(8000, 10ms), large) == 0);
    CHECK(make_encoder(codec2(Codec2Mode::Mode1600))->encode(voice(8000, 20ms), large) == 0);
    CHECK(make_encoder(opus())->encode(voice(16000, 30ms), large) == 0);
    CHECK(make_encoder(l16(48000))->encode(voice(48000, 20ms), large) == 0);
    for (const Format& format : every_format()) {
        CHECK(make_encoder(format)->encode({}, large) == 0);
        CHECK(make_encoder(format)->encode(voice(format.rate, format.frame()), {}) == 0);
    }
}

TEST_CASE("the largest Opus packet stays within the room of one packet") {
    Format loud = opus();
    loud.rate = 48000;
    loud.bitrate = 128000;
    loud.fec = Fec::On;
    const auto encoder = make_encoder(loud);
    encoder->set_loss(20);
    const auto hiss = noise(48000, -12.0, 7);
    std::size_t largest = 0;
    for (const auto& packet : encode_all(*encoder, hiss, 2880)) largest = std::max(largest, packet.size());
    CHECK(largest > 500);
    CHECK(largest <= kMaxPayload);
}

TEST_CASE("constant bit rate gives packets of one size, variable does not") {
    const auto sizes = [](bool vbr) {
        Format format = opus();
        format.vbr = vbr;
        const auto encoder = make_encoder(format);
        auto packets = encode_all(*encoder, voice(16000, 2s), 320);
        const auto [least, most] =
            std::ranges::minmax_element(packets, {}, [](const Octets& packet) { return packet.size(); });
        return std::pair{least->size(), most->size()};
    };
    CHECK(sizes(false) == std::pair<std::size_t, std::size_t>{60, 60});
    const auto [least, most] = sizes(true);
    CHECK(least < most);
}
