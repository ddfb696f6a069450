#include "crosspatch/media/mixer.hpp"

#include <cmath>
#include <numbers>

#include "tests/media/radios.hpp"
#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::tests;

namespace {

constexpr double kLow = 500, kHigh = 1200;  // Hz

// A tone in packets of 20 ms.
std::vector<Octets> tone(const codec::Format& format, std::uint32_t rate, double hertz, std::size_t packets) {
    const auto encoder = codec::make_encoder(format);
    encoder->start(rate, format);
    std::vector<Octets> payloads;
    for (std::size_t n = 0; n < packets; ++n) {
        Samples samples(rate / 50);
        for (std::size_t i = 0; i < samples.size(); ++i)
            samples[i] = static_cast<std::int16_t>(
                8000 *
                std::sin(2 * std::numbers::pi * hertz * static_cast<double>(n * samples.size() + i) / rate));
        Octets payload(codec::kMaxPayload);
        payload.resize(encoder->encode(samples, payload));
        payloads.push_back(std::move(payload));
    }
    return payloads;
}

// How much of the tone is in the samples: 0 to 1.
double share(std::span<const std::int16_t> samples, std::uint32_t rate, double hertz) {
    double real = 0, imaginary = 0, power = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const double angle = 2 * std::numbers::pi * hertz * static_cast<double>(i) / rate;
        real += samples[i] * std::cos(angle);
        imaginary += samples[i] * std::sin(angle);
        power += static_cast<double>(samples[i]) * samples[i];
    }
    return power == 0
               ? 0
               : 2 * (real * real + imaginary * imaginary) / (power * static_cast<double>(samples.size()));
}

struct Talker {
    Talker(const Stage& stage, std::uint32_t index, const codec::Format& in, std::uint32_t rate, double hertz)
        : radio{index, in}, talkspurt{stage.path}, payloads{tone(in, rate, hertz, 200)}, format{in} {
        talkspurt.reserve(8);
    }

    media::Packet packet() const {
        return {.sequence = 100 + said,
                .timestamp = static_cast<std::uint32_t>(said) * format.ticks(20ms),
                .ssrc = 0xABCD,
                .duration = format.ticks(20ms),
                .marker = said == 0,
                .payload = payloads[said]};
    }
    void press(core::Time now) { talkspurt.start(radio.endpoint, packet(), now); }
    void say(core::Time now) {
        talkspurt.carry(packet(), now);
        ++said;
    }

    Radio radio;
    media::Talkspurt talkspurt;
    std::vector<Octets> payloads;
    codec::Format format;
    std::size_t said{};
};

// Two who talk, in G.711 and in Opus, and two who hear both, in G.711 and in L16.
struct Duet {
    explicit Duet() {
        media::CodecPool::Needs needs;
        for (const codec::Format& format : {codec::pcmu(), codec::opus(), codec::l16(16000)}) {
            needs.encoder(format, 4);
            needs.decoder(format, 4);
        }
        needs.resampler(8000, 16000, 2);
        needs.resampler(16000, 8000, 2);
        stage.codecs.stock(stage.maker.make(needs));
        mixer.reserve(8);
    }
    void begin() {
        one.press(stage.now);
        two.press(stage.now);
        mixer.start(stage.now);
        REQUIRE(mixer.admit(one.talkspurt, 0));
        REQUIRE(mixer.admit(two.talkspurt, 0));
        mixer.mixed().add(guard.endpoint, 1, 0);
        mixer.mixed().add(officer.endpoint, 1, 0);
        mixer.mixed().arrange(stage.now);
    }
    void step(bool first = true, bool second = true) {
        if (first) one.say(stage.now);
        if (second) two.say(stage.now);
        stage.now += 20ms;
        mixer.advance(stage.now);
        stage.outbox.flush();
    }

    Stage stage;
    Talker one{stage, 0, codec::pcmu(), 8000, kLow};
    Talker two{stage, 1, codec::opus(), 16000, kHigh};
    Radio guard{2, codec::pcmu()};
    Radio officer{3, codec::l16(16000)};
    media::Mixer mixer{stage.path};
};

}  // namespace

TEST_CASE("who hears both hears their sum, each in his own codec, as one stream without a gap") {
    Duet duet;
    duet.begin();
    for (int i = 0; i < 50; ++i) duet.step();
    const auto guard = duet.guard.hear();
    const auto officer = duet.officer.hear();
    CHECK(guard.size() >= 46);  // 1 s but for what the inputs wait for
    CHECK(continuous(guard, 160));
    CHECK(markers(guard) == 1);
    CHECK(continuous(officer, 320));
    for (const auto& [heard, format, rate] :
         {std::tuple{&guard, codec::pcmu(), 8000U}, std::tuple{&officer, codec::l16(16000), 16000U}}) {
        const Samples samples = played(*heard, format, rate);
        const auto steady = std::span{samples}.last(rate / 2);
        CHECK(share(steady, rate, kLow) > 0.35);
        CHECK(share(steady, rate, kHigh) > 0.35);
    }
}

TEST_CASE("the first word of the second talker is whole") {
    Duet duet;
    duet.begin();
    for (int i = 0; i < 20; ++i) duet.step();
    const Samples heard = played(duet.officer.hear(), codec::l16(16000), 16000);
    // Opus has 6.5 ms of look-ahead and fades in; the first packet is there all the same.
    CHECK(share(std::span{heard}.subspan(160, 320), 16000, kHigh) > 0.2);
}

TEST_CASE("when one ends, what waited of him and the other one are still said") {
    Duet duet;
    duet.begin();
    for (int i = 0; i < 25; ++i) duet.step();
    duet.one.talkspurt.finish();
    duet.mixer.dismiss(duet.one.talkspurt);
    duet.officer.hear();
    for (int i = 0; i < 25; ++i) duet.step(false, true);
    const auto heard = duet.officer.hear();
    CHECK(heard.size() == 25);
    CHECK(continuous(heard, 320));
    const Samples samples = played(heard, codec::l16(16000), 16000);
    CHECK(share(std::span{samples}.first(320), 16000, kLow) > 0.3);
    CHECK(share(std::span{samples}.last(3200), 16000, kLow) < 0.01);
    CHECK(share(std::span{samples}.last(3200), 16000, kHigh) > 0.8);
    duet.two.talkspurt.finish();
    duet.mixer.finish(duet.stage.now);
    duet.stage.outbox.flush();
    CHECK(duet.officer.hear().size() >= 2);  // what was on its way
    CHECK(!duet.mixer.running());
    CHECK(duet.stage.free_decoders(codec::opus()) == 4);
    CHECK(duet.stage.free_encoders(codec::pcmu()) == 4);
}

TEST_CASE("a talker whose clock is faster, or whose packets come in a burst, is not delayed for ever") {
    Duet duet;
    duet.begin();
    for (int i = 0; i < 10; ++i) duet.step();
    for (int i = 0; i < 12; ++i) duet.one.say(duet.stage.now);  // 240 ms at once
    for (int i = 0; i < 10; ++i) duet.step();
    duet.officer.hear();
    duet.one.talkspurt.finish();
    duet.mixer.dismiss(duet.one.talkspurt);
    int left = 0;
    for (int i = 0; i < 20; ++i) {
        duet.step(false, true);
        const Samples samples = played(duet.officer.hear(), codec::l16(16000), 16000);
        if (share(samples, 16000, kLow) > 0.2) ++left;
    }
    CHECK(left <= 7);  // 140 ms
}

TEST_CASE("one who pauses leaves the other as he is, and is heard again whole") {
    Duet duet;
    duet.begin();
    for (int i = 0; i < 15; ++i) duet.step();
    for (int i = 0; i < 15; ++i) duet.step(true, false);
    duet.officer.hear();
    duet.guard.hear();
    for (int i = 0; i < 15; ++i) duet.step();
    CHECK(continuous(duet.officer.hear(), 320));
    const Samples samples = played(duet.guard.hear(), codec::pcmu(), 8000);
    CHECK(share(std::span{samples}.last(1600), 8000, kLow) > 0.3);
    CHECK(share(std::span{samples}.last(1600), 8000, kHigh) > 0.3);
}

TEST_CASE("while both talk nothing is allocated") {
    Duet duet;
    const auto before = allocations();
    duet.begin();
    for (int i = 0; i < 40; ++i) duet.step();
    duet.one.talkspurt.finish();
    duet.mixer.dismiss(duet.one.talkspurt);
    duet.two.talkspurt.finish();
    duet.mixer.finish(duet.stage.now);
    CHECK(allocations() == before);
}

TEST_CASE("a third finds no place until one of the two is gone") {
    Duet duet;
    duet.begin();
    Talker three{duet.stage, 4, codec::pcmu(), 8000, 800};
    three.press(duet.stage.now);
    CHECK(!duet.mixer.admit(three.talkspurt, 0));
    CHECK(!duet.mixer.hears(three.talkspurt));
    duet.mixer.dismiss(duet.two.talkspurt);
    CHECK(duet.mixer.admit(three.talkspurt, 0));
    CHECK(duet.mixer.hears(three.talkspurt));
}

TEST_CASE("a talker who needs a resampler is not heard in the sum when none is left") {
    Duet duet;
    while (duet.stage.codecs.take_resampler(8000, 16000)) continue;
    duet.one.press(duet.stage.now);
    duet.two.press(duet.stage.now);
    duet.mixer.start(duet.stage.now);
    CHECK(!duet.mixer.admit(duet.one.talkspurt, 0));
    CHECK(duet.mixer.admit(duet.two.talkspurt, 0));
    CHECK(duet.one.talkspurt.decoders() == 0);
}
