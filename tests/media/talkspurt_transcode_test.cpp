// Listeners with another codec: decoded once, encoded once for each kind of listener.
#include <doctest/doctest.h>

#include "crosspatch/codec/rates.hpp"
#include "crosspatch/media/talkspurt.hpp"
#include "tests/media/radios.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::media {
namespace {

using namespace tests;

// Does the voice come out? The level of each 20 ms follows that of what went in.
bool same_rhythm(const Samples& sent, const Samples& heard, std::uint32_t rate) {
    const auto a = envelope(sent, rate / 50);
    const auto b = envelope(heard, rate / 50);
    double ab = 0, aa = 0, bb = 0, ma = 0, mb = 0;
    const std::size_t count = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < count; ++i) ma += a[i] / double(count), mb += b[i] / double(count);
    for (std::size_t i = 0; i < count; ++i) {
        ab += (a[i] - ma) * (b[i] - mb);
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
    }
    return ab / std::sqrt(aa * bb + 1e-9) > 0.9;
}

TEST_CASE("a voice crosses between Opus and G.711 in both directions") {
    codec::Format from = codec::opus();
    codec::Format to = codec::pcmu();
    SUBCASE("Opus to PCMU") {}
    SUBCASE("PCMU to Opus") { std::swap(from, to); }
    Stage stage;
    stage.stock(codec::opus(), 1);
    stage.stock(codec::pcmu(), 1);
    Radio guard{1, from}, officer{2, to};
    const Speech speech{from, 2s};
    stage.press(guard, speech, {&officer});
    CHECK(stage.talkspurt.encoders() == 1);
    CHECK(stage.talkspurt.decoders() == 1);
    stage.say(speech, 0, speech.size());
    const auto heard = officer.hear();
    REQUIRE(heard.size() == speech.size());  // each packet left with the one that made it possible
    CHECK(continuous(heard, to.ticks(20ms)));
    CHECK(heard[0].marker);
    CHECK(markers(heard) == 1);
    CHECK(same_rhythm(voice(8000, 2s), played(heard, to, 8000), 8000));
    stage.finish();
    CHECK(officer.hear().empty());
    CHECK(stage.talkspurt.numbers().frames_encoded == speech.size());
    CHECK(stage.free_encoders(to) == 1);
    CHECK(stage.free_decoders(from) == 1);
}

TEST_CASE("fifty listeners share one encoder, and each packet is encoded once") {
    Stage stage;
    stage.stock(codec::pcmu(), 3);
    stage.stock(codec::opus(), 1);
    Radio guard{1, codec::opus()};
    std::vector<std::unique_ptr<Radio>> crowd;
    std::vector<Radio*> listeners;
    for (std::uint32_t i = 2; i < 52; ++i)
        listeners.push_back(crowd.emplace_back(std::make_unique<Radio>(i, codec::pcmu())).get());
    const Speech speech{codec::opus(), 400ms};
    stage.press(guard, speech, listeners);
    CHECK(stage.talkspurt.encoders() == 1);
    CHECK(stage.free_encoders(codec::pcmu()) == 2);
    stage.say(speech, 0, speech.size());
    const auto reference = crowd[0]->hear();
    REQUIRE(reference.size() == 20);
    for (std::size_t i = 1; i < crowd.size(); ++i) {
        const auto heard = crowd[i]->hear();
        REQUIRE(heard.size() == 20);
        CHECK(heard[19].payload == reference[19].payload);
        CHECK(continuous(heard, 160));
    }
    stage.finish();
    CHECK(stage.talkspurt.numbers().frames_encoded == 20);
    CHECK(stage.free_encoders(codec::pcmu()) == 3);
}

TEST_CASE("there are as many encoders as kinds of listeners: codec, settings, packet time and gain") {
    Stage stage;
    for (const auto& format : {codec::opus(), codec::pcmu(), codec::pcma(), codec::g722()})
        stage.stock(format, 4);
    Radio guard{1, codec::opus()}, same{2, codec::opus()}, a{3, codec::pcmu()}, b{4, codec::pcmu()},
        longer{5, codec::pcmu(), 40ms}, pcma{6, codec::pcma()}, g722{7, codec::g722()},
        quiet{8, codec::opus()};
    const Speech speech{codec::opus(), 400ms};
    stage.press(guard, speech, {&same, &a, &b, &longer, &pcma, &g722});
    stage.talkspurt.add(quiet.endpoint, 2, -6);
    stage.talkspurt.arrange(stage.now);
    CHECK(stage.talkspurt.encoders() == 5);
    CHECK(stage.talkspurt.decoders() <= 2);  // G.711 works at 8 kHz, G.722 and Opus at 16 kHz
    stage.say(speech, 0, speech.size());
    CHECK(longer.hear().size() == 10);
    CHECK(pcma.hear().size() == 20);
    CHECK(g722.hear().size() == 20);
    CHECK(quiet.hear().size() == 20);
    CHECK(same.hear().size() == 20);
    stage.finish();
    CHECK(stage.talkspurt.numbers().frames_encoded == 20 * 4 + 10);
    CHECK(stage.talkspurt.encoders() == 0);
    CHECK(stage.talkspurt.decoders() == 0);
    for (const auto& format : {codec::opus(), codec::pcmu(), codec::pcma(), codec::g722()})
        CHECK(stage.free_encoders(format) == 4);
    CHECK(stage.free_decoders(codec::opus()) == 4);
}

TEST_CASE("packets of 10, 20, 40 and 60 ms become the listener's 20 ms") {
    std::chrono::milliseconds length{};
    SUBCASE("10 ms") { length = 10ms; }
    SUBCASE("20 ms") { length = 20ms; }
    SUBCASE("40 ms") { length = 40ms; }
    SUBCASE("60 ms") { length = 60ms; }
    for (const auto& from : {codec::opus(), codec::pcma()}) {
        CAPTURE(from.name());
        Stage stage;
        stage.stock(codec::pcmu(), 2);
        stage.stock(from, 2);
        Radio guard{1, from}, officer{2, codec::pcmu()};
        const Speech speech{from, 1200ms, length};
        stage.press(guard, speech, {&officer});
        stage.say(speech, 0, speech.size(), length);
        const auto heard = officer.hear();
        CHECK(heard.size() == 60);
        CHECK(continuous(heard, 160));
        CHECK(
            std::all_of(heard.begin(), heard.end(), [](const Heard& h) { return h.payload.size() == 160; }));
        stage.finish();
    }
}

TEST_CASE("170-octet G.711 packets, as ffmpeg fills them, reach a 20 ms listener as packets of 160 octets") {
    Stage stage;
    stage.stock(codec::pcmu(), 2);
    Radio ffmpeg{1, codec::pcmu()}, officer{2, codec::pcmu()};
    const Speech whole{codec::pcmu(), 2s};
    Octets stream;
    for (std::size_t n = 0; n < whole.size(); ++n)
        stream.insert(stream.end(), whole.payload(n).begin(), whole.payload(n).end());
    const auto packet = [&](std::size_t n) {
        return Packet{.sequence = 500 + n,
                      .timestamp = static_cast<std::uint32_t>(n * 170),
                      .duration = 170,
                      .payload = std::span{stream}.subspan(n * 170, 170)};
    };
    stage.talkspurt.reserve(4);
    stage.talkspurt.start(ffmpeg.endpoint, packet(0), stage.now);
    stage.talkspurt.add(officer.endpoint, 1, 0);
    stage.talkspurt.arrange(stage.now);
    for (std::size_t n = 0; n < 94; ++n) {
        stage.carry(packet(n));
        stage.now += 21250us;
    }
    auto heard = officer.hear();
    CHECK(heard.size() == 94 * 170 / 160);
    stage.finish();
    for (Heard& last : officer.hear()) heard.push_back(std::move(last));
    CHECK(heard.size() == 94 * 170 / 160 + 1);  // what was left, filled up
    CHECK(continuous(heard, 160));
    CHECK(std::all_of(heard.begin(), heard.end(), [](const Heard& h) { return h.payload.size() == 160; }));
    std::vector<Heard> sent(94 * 170 / 160);
    for (std::size_t n = 0; n < sent.size(); ++n) {
        const auto part = std::span{stream}.subspan(n * 160, 160);
        sent[n].payload.assign(part.begin(), part.end());
    }
    heard.pop_back();
    CHECK(played(heard, codec::pcmu(), 8000) ==
          played(sent, codec::pcmu(), 8000));  // G.711 to G.711 loses nothing
}

TEST_CASE("a longer packet in mid-talkspurt moves a relayed listener to an encoder") {
    Stage stage;
    stage.stock(codec::pcmu(), 1);
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
    const Speech speech{codec::pcmu(), 200ms}, longer{codec::pcmu(), 400ms, 40ms};
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 3);
    CHECK(stage.talkspurt.encoders() == 0);
    for (std::size_t n = 3; n < 6; ++n) {
        Packet packet = longer.packet(n);
        packet.sequence = speech.packet(n).sequence;
        packet.timestamp = speech.packet(3).timestamp + static_cast<std::uint32_t>(n - 3) * 320;
        stage.carry(packet);
        stage.now += 40ms;
    }
    CHECK(stage.talkspurt.encoders() == 1);
    const auto heard = officer.hear();
    CHECK(heard.size() == 3 + 2 * 3);
    CHECK(continuous(heard, 160));
    stage.finish();
}

TEST_CASE("over talkspurts a transcoded listener's numbers go on, with a marker at each start") {
    Stage stage;
    stage.stock(codec::pcmu(), 1);
    stage.stock(codec::opus(), 1);
    Radio guard{1, codec::opus()}, officer{2, codec::pcmu()};
    const Speech speech{codec::opus(), 200ms};
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 10);
    stage.finish();
    const auto first = officer.hear();
    stage.now += 3s;
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 10);
    stage.finish();
    const auto second = officer.hear();
    REQUIRE(first.size() == 10);
    REQUIRE(second.size() == 10);
    CHECK(second[0].marker);
    CHECK(static_cast<std::uint16_t>(second[0].sequence - first[9].sequence) == 1);
    CHECK(second[0].timestamp - first[0].timestamp == 3200 * 8);
    CHECK(continuous(second, 160));
}

TEST_CASE("late entry into an open group and into the first one of a talkspurt both start clean") {
    Stage stage;
    stage.stock(codec::pcmu(), 1);
    stage.stock(codec::opus(), 1);
    Radio guard{1, codec::opus()}, same{2, codec::opus()}, first{3, codec::pcmu()}, second{4, codec::pcmu()};
    const Speech speech{codec::opus(), 600ms};
    stage.press(guard, speech, {&same});
    stage.say(speech, 0, 10);
    stage.talkspurt.add(first.endpoint, 2, 0);
    stage.talkspurt.arrange(stage.now);
    stage.say(speech, 10, 20);
    stage.talkspurt.add(second.endpoint, 2, 0);
    stage.talkspurt.arrange(stage.now);
    stage.say(speech, 20, 30);
    const auto a = first.hear();
    const auto b = second.hear();
    CHECK(a.size() == 20);
    CHECK(continuous(a, 160));
    CHECK(b.size() == 10);
    CHECK(continuous(b, 160));
    REQUIRE(!b.empty());
    CHECK(b[0].marker);
    CHECK(b[0].payload == a[10].payload);
    CHECK(b[0].timestamp - 4 * 5'000 == 400 * 8);  // where its own clock stood when it joined
    stage.talkspurt.remove_channel(2);
    CHECK(stage.talkspurt.encoders() == 0);
    CHECK(stage.talkspurt.decoders() == 0);
    CHECK(stage.free_encoders(codec::pcmu()) == 1);
    stage.finish();
    CHECK(stage.talkspurt.numbers().frames_encoded == 20);
}

TEST_CASE("gain changes what is heard by so many decibels") {
    Stage stage;
    stage.stock(codec::pcmu(), 2);
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()}, soft{3, codec::pcmu()};
    const Speech speech{codec::pcmu(), 1s};
    stage.press(guard, speech, {&officer});
    stage.talkspurt.add(soft.endpoint, 2, -12);
    stage.talkspurt.arrange(stage.now);
    CHECK(stage.talkspurt.encoders() == 1);
    stage.say(speech, 0, speech.size());
    const auto level = [](const Samples& samples) {
        double sum = 0;
        for (const double s : samples) sum += s * s;
        return 10 * std::log10(sum);
    };
    const double plain = level(played(officer.hear(), codec::pcmu(), 8000));
    const double softer = level(played(soft.hear(), codec::pcmu(), 8000));
    CHECK(plain - softer == doctest::Approx(12).epsilon(0.02));
    stage.finish();
}

TEST_CASE("without a free encoder the listener stays silent, is counted once, and the others are served") {
    Stage stage;
    stage.stock(codec::opus(), 1);
    Radio guard{1, codec::opus()}, same{2, codec::opus()}, officer{3, codec::pcmu()}, late{4, codec::opus()};
    const Speech speech{codec::opus(), 200ms};
    stage.press(guard, speech, {&same, &officer});
    stage.say(speech, 0, 5);
    stage.talkspurt.add(late.endpoint, 1, 0);
    stage.talkspurt.arrange(stage.now);
    CHECK(stage.talkspurt.numbers().listeners_without_codec == 1);
    CHECK(officer.endpoint.source.counters().dropped.read(Drop::NoCodec) == 1);
    CHECK(officer.hear().empty());
    CHECK(same.hear().size() == 5);
    CHECK(stage.talkspurt.decoders() == 0);
    stage.finish();
    CHECK(stage.free_decoders(codec::opus()) == 1);
}

TEST_CASE("transcoding takes no memory from the heap, and finish() gives everything back") {
    codec::Format from = codec::opus();
    SUBCASE("from Opus") {}
    SUBCASE("from PCMU") { from = codec::pcmu(); }
    SUBCASE("from GSM") { from = codec::gsm(); }
    Stage stage;
    for (const auto& format : every_format()) stage.stock(format, 3);
    media::CodecPool::Needs needs;
    for (const auto& to : every_format())
        if (const auto rates = codec::working_rates(from, to); rates.resampled())
            needs.resampler(rates.decode, rates.encode);
    stage.codecs.stock(stage.maker.make(needs));
    Radio guard{1, from};
    std::vector<std::unique_ptr<Radio>> crowd;
    for (const auto& format : every_format())
        crowd.push_back(
            std::make_unique<Radio>(static_cast<std::uint32_t>(2 + crowd.size()), format,
                                    // 20 ms of L16 at 48 kHz are more than a packet holds
                                    format == codec::l16(48000) ? 10ms : std::max(20ms, format.frame())));
    const Speech speech{from, 2s};
    stage.talkspurt.reserve(64);
    const auto before = allocations();
    stage.talkspurt.start(guard.endpoint, speech.packet(0), stage.now);
    for (auto& radio : crowd) stage.talkspurt.add(radio->endpoint, 1, 0);
    stage.talkspurt.arrange(stage.now);
    for (std::size_t n = 0; n + 1 < speech.size(); ++n) {
        if (n % 13 == 5) continue;                                                  // lost
        stage.carry(speech.packet(n % 13 == 8 ? n + 1 : n % 13 == 9 ? n - 1 : n));  // overtaken
        stage.now += 20ms;
        stage.talkspurt.advance(stage.now);
    }
    stage.finish();
    CHECK(allocations() == before);
    CHECK(stage.packets.free() == 32);
    CHECK(stage.talkspurt.numbers().listeners_without_codec == 0);
    for (const auto& format : every_format()) {
        CAPTURE(format.name());
        CHECK(stage.free_encoders(format) == 3);
        CHECK(stage.free_decoders(format) == 3);
    }
    for (auto& radio : crowd) CHECK_FALSE(radio->hear().empty());
}

// G.711 that its sender does not fill in whole packets of the listener's: 170 octets each.
struct OddTalker : Stage {
    OddTalker() {
        stock(codec::pcmu(), 2);
        for (std::size_t n = 0; n < whole.size(); ++n)
            stream.insert(stream.end(), whole.payload(n).begin(), whole.payload(n).end());
        talkspurt.reserve(4);
        talkspurt.start(guard.endpoint, packet(0), now);
        talkspurt.add(officer.endpoint, 1, 0);
        talkspurt.arrange(now);
    }
    Packet packet(std::size_t n) {
        return {.sequence = 500 + n,
                .timestamp = static_cast<std::uint32_t>(n * 170),
                .duration = 170,
                .payload = std::span{stream}.subspan(n * 170, 170)};
    }
    void say(std::size_t from, std::size_t to) {
        for (std::size_t n = from; n < to; ++n) {
            carry(packet(n));
            now += 21250us;
            advance();
        }
    }
    void advance() {
        talkspurt.advance(now);
        outbox.flush();
    }
    Speech whole{codec::pcmu(), 2s};
    Octets stream;
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
};

TEST_CASE(
    "what does not fill a packet leaves soon after the talker has stopped, not with the end of his lease") {
    OddTalker stage;
    stage.say(0, 3);  // 510 samples: 3 packets and 30
    CHECK(stage.officer.hear().size() == 3);
    REQUIRE(stage.talkspurt.deadline());
    CHECK(*stage.talkspurt.deadline() - stage.now <= 100ms);
    stage.now = *stage.talkspurt.deadline() - 1ms;
    stage.advance();
    CHECK(stage.officer.hear().empty());
    stage.now += 1ms;
    stage.advance();
    const auto last = stage.officer.hear();
    REQUIRE(last.size() == 1);
    CHECK(last[0].payload.size() == 160);
    CHECK(std::equal(last[0].payload.begin() + 40, last[0].payload.end(),
                     Octets(120, std::byte{0xFF}).begin()));
    CHECK_FALSE(stage.talkspurt.deadline());
    stage.finish();
    CHECK(stage.officer.hear().empty());
}

TEST_CASE("once the talker's jitter is known, what he leaves over waits no longer than that asks for") {
    OddTalker stage;
    stage.say(0, 40);
    REQUIRE(stage.talkspurt.deadline());
    CHECK(*stage.talkspurt.deadline() - stage.now <= 60ms);
    stage.finish();
}

TEST_CASE(
    "a talker who goes on after all is not later than before: the silence sent in his place counts as "
    "heard") {
    OddTalker stage;
    stage.say(0, 3);
    stage.now += 200ms;  // late, by his network
    stage.advance();
    for (std::size_t n = 3; n < 94; ++n) stage.carry(stage.packet(n));
    stage.finish();
    const auto heard = stage.officer.hear();
    CHECK(heard.size() == 94 * 170 / 160 + 1);  // as many as without the pause
    CHECK(continuous(heard, 160));
    CHECK(markers(heard) == 1);
    // Packet 4 begins where the stream's sample 640 is: nothing has moved.
    CHECK(std::equal(heard[4].payload.begin(), heard[4].payload.end(), stage.stream.begin() + 640));
}

TEST_CASE("what comes behind a gap that was given up does not wait for the lease either") {
    OddTalker stage;
    const auto part = [&](std::uint64_t number, std::uint32_t from, std::uint32_t size) {
        return Packet{.sequence = 500 + number,
                      .timestamp = from,
                      .duration = size,
                      .payload = std::span{stage.stream}.subspan(from, size)};
    };
    stage.carry(part(0, 0, 160));
    CHECK_FALSE(stage.talkspurt.deadline());
    stage.carry(part(2, 320, 170));  // number 1 is lost, and then he stops
    for (int i = 0; i < 10 && stage.talkspurt.deadline(); ++i) {
        stage.now = *stage.talkspurt.deadline();
        stage.advance();
    }
    CHECK(stage.officer.hear().size() == 4);  // the last has 10 samples of his
    stage.finish();
    CHECK(stage.officer.hear().empty());
}

TEST_CASE("a pause of the talker's clock in mid-packet is as long for the listener") {
    OddTalker stage;
    stage.say(0, 3);
    for (std::size_t n = 3; n < 6; ++n) {
        Packet later = stage.packet(n);
        later.timestamp += 800;  // 100 ms
        stage.carry(later);
    }
    stage.finish();
    const auto heard = stage.officer.hear();
    REQUIRE(heard.size() == 3 + 1 + 4);
    CHECK(heard[4].marker);
    CHECK(heard[4].timestamp - heard[0].timestamp == 510 + 800);
}

TEST_CASE("whole packets ask for no deadline") {
    Stage stage;
    stage.stock(codec::pcmu(), 1);
    stage.stock(codec::opus(), 1);
    Radio guard{1, codec::opus()}, officer{2, codec::pcmu()};
    const Speech speech{codec::opus(), 200ms};
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 5);
    CHECK_FALSE(stage.talkspurt.deadline());
    stage.finish();
}

TEST_CASE(
    "when the last listener with another codec has left, nothing waits and nothing is made up for nobody") {
    Stage stage;
    stage.stock(codec::pcmu(), 1);
    stage.stock(codec::opus(), 1);
    Radio guard{1, codec::opus()}, same{2, codec::opus()}, officer{3, codec::pcmu()};
    const Speech speech{codec::opus(), 400ms};
    stage.press(guard, speech, {&same, &officer});
    stage.say(speech, 0, 5);
    stage.carry(speech.packet(7));  // 5 and 6 are missing: 7 waits
    CHECK(stage.packets.free() == 31);
    stage.talkspurt.remove(officer.endpoint);
    CHECK(stage.packets.free() == 32);
    CHECK_FALSE(stage.talkspurt.deadline());
    stage.say(speech, 8, 12);
    stage.finish();
    CHECK(stage.talkspurt.numbers().frames_concealed + stage.talkspurt.numbers().frames_recovered == 0);
    CHECK(stage.talkspurt.numbers().packets_lost == 2);
    CHECK(same.hear().size() == 10);
}

}  // namespace
}  // namespace crosspatch::media
