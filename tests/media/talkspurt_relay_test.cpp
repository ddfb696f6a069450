// Listeners with the talker's own codec: his packets, under their own numbers.
#include <doctest/doctest.h>

#include "crosspatch/media/talkspurt.hpp"
#include "tests/media/radios.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::media {
namespace {

using namespace tests;

TEST_CASE("a listener with the talker's codec gets his packets octet by octet, and no codec is taken") {
    Stage stage;
    stage.stock(codec::opus(), 2);
    Radio guard{1, codec::opus()}, officer{2, codec::opus()};
    const Speech speech{codec::opus(), 400ms};
    stage.press(guard, speech, {&officer});
    CHECK(stage.talkspurt.encoders() == 0);
    CHECK(stage.talkspurt.decoders() == 0);
    stage.say(speech, 0, speech.size());
    const auto heard = officer.hear();
    REQUIRE(heard.size() == speech.size());
    for (std::size_t n = 0; n < heard.size(); ++n) CHECK(heard[n].payload == speech.payload(n));
    CHECK(continuous(heard, 960));
    CHECK(heard[0].marker);
    CHECK(markers(heard) == 1);
    CHECK(heard[0].ssrc == officer.endpoint.sink.ssrc());
    CHECK(guard.hear().empty());
    stage.finish();
    CHECK(stage.talkspurt.numbers().packets_received == speech.size());
    CHECK(stage.talkspurt.numbers().packets_lost == 0);
    CHECK_FALSE(stage.talkspurt.running());
}

TEST_CASE("a gap in the talker's numbers stays a gap in the listener's, in sequence and in time") {
    Stage stage;
    Radio guard{1, codec::opus()}, officer{2, codec::opus()};
    const Speech speech{codec::opus(), 200ms};
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 3);
    stage.now += 40ms;
    stage.say(speech, 5, 7);
    const auto heard = officer.hear();
    REQUIRE(heard.size() == 5);
    CHECK(heard[3].sequence - heard[2].sequence == 3);
    CHECK(heard[3].timestamp - heard[2].timestamp == 3 * 960);
    CHECK(markers(heard) == 1);
    stage.finish();
    CHECK(stage.talkspurt.numbers().packets_lost == 2);
}

TEST_CASE("a number without sound is no gap to who is relayed to, and is not lost") {
    Stage stage;
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
    const Speech speech{codec::pcmu(), 200ms};
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 3);
    Packet event{.kind = Packet::Kind::Event, .sequence = speech.packet(3).sequence};
    stage.talkspurt.pass_over(event, stage.now);
    for (std::size_t n = 3; n < 6; ++n) {
        Packet packet = speech.packet(n);
        ++packet.sequence;
        stage.carry(packet);
    }
    const auto heard = officer.hear();
    REQUIRE(heard.size() == 6);
    CHECK(continuous(heard, 160));
    stage.finish();
    CHECK(stage.talkspurt.numbers().packets_received == 6);
    CHECK(stage.talkspurt.numbers().packets_lost == 0);
}

TEST_CASE("a number without sound that comes late, or far away, moves nothing") {
    Stage stage;
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
    const Speech speech{codec::pcmu(), 200ms};
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 2);
    stage.now += 20ms;
    stage.say(speech, 3, 5);
    Packet event{.kind = Packet::Kind::Event, .sequence = speech.packet(2).sequence};
    stage.talkspurt.pass_over(event, stage.now);
    event.sequence += 1'000'000;
    stage.talkspurt.pass_over(event, stage.now);
    stage.say(speech, 5, 6);
    const auto heard = officer.hear();
    REQUIRE(heard.size() == 5);
    CHECK(heard[2].sequence - heard[1].sequence == 2);
    CHECK(heard[4].sequence - heard[3].sequence == 1);
    stage.finish();
    CHECK(stage.talkspurt.numbers().packets_lost == 0);
}

TEST_CASE(
    "what comes late around a number without sound, or around one of ours, has the index that was its own") {
    Stage stage;
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
    const Speech speech{codec::pcmu(), 400ms};
    stage.press(guard, speech, {&officer});
    const auto say = [&](std::size_t n, std::uint64_t events_before) {
        Packet packet = speech.packet(n);
        packet.sequence += events_before;
        stage.carry(packet);
    };
    const auto first = speech.packet(0).sequence;
    say(0, 0);
    say(1, 0);
    Packet event{.kind = Packet::Kind::Event, .sequence = first + 3};
    stage.talkspurt.pass_over(event, stage.now);  // it has overtaken 2
    say(3, 1);
    say(2, 0);
    say(4, 1);
    say(6, 1);
    officer.endpoint.send_empty(stage.outbox, 123, stage.now);
    stage.talkspurt.make_way(officer.endpoint);
    say(5, 1);
    say(7, 1);
    auto heard = officer.hear();
    REQUIRE(heard.size() == 9);
    CHECK(officer.endpoint.sink.counters().refused.read() == 0);
    std::sort(heard.begin(), heard.end(),
              [](const Heard& a, const Heard& b) { return a.sequence < b.sequence; });
    for (std::size_t n = 1; n < heard.size(); ++n) CHECK(heard[n].sequence == heard[n - 1].sequence + 1);
    for (const std::size_t n : {0U, 1U, 2U, 3U, 4U, 5U, 6U}) CHECK(heard[n].payload == speech.payload(n));
    CHECK(heard[7].payload.empty());
    stage.finish();
    CHECK(stage.talkspurt.numbers().packets_lost == 0);
}

TEST_CASE("a packet that several numbers without sound have overtaken still has the index that was its own") {
    for (const std::size_t events : {2U, 3U, 6U}) {
        Stage stage;
        Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
        const Speech speech{codec::pcmu(), 400ms};
        stage.press(guard, speech, {&officer});
        stage.carry(speech.packet(0));
        const auto first = speech.packet(0).sequence;
        for (std::size_t n = 0; n < events; ++n)
            stage.talkspurt.pass_over({.kind = Packet::Kind::Event, .sequence = first + 2 + n}, stage.now);
        stage.carry(speech.packet(1));  // the late one
        Packet next = speech.packet(2);
        next.sequence += events;
        stage.carry(next);
        const auto heard = officer.hear();
        REQUIRE(heard.size() == 3);
        for (const std::size_t n : {0U, 1U, 2U}) CHECK(heard[n].payload == speech.payload(n));
        CHECK(heard[2].sequence == static_cast<std::uint16_t>(heard[0].sequence + 2));
        CHECK(officer.endpoint.sink.counters().refused.read() == 0);
        stage.finish();
    }
}

TEST_CASE("what is sent to a listener in between takes a number of its stream, and none is used twice") {
    Stage stage;
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
    const Speech speech{codec::pcmu(), 200ms};
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 2);
    officer.endpoint.send_empty(stage.outbox, 123, stage.now);
    stage.talkspurt.make_way(officer.endpoint);
    stage.say(speech, 2, 4);
    const auto heard = officer.hear();
    REQUIRE(heard.size() == 5);
    for (std::size_t n = 1; n < heard.size(); ++n) CHECK(heard[n].sequence == heard[n - 1].sequence + 1);
    CHECK(heard[2].payload.empty());
    CHECK(officer.endpoint.sink.counters().refused.read() == 0);
    stage.finish();
}

TEST_CASE("packets that overtook each other go on at once, each under the number that is its own") {
    Stage stage;
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
    const Speech speech{codec::pcmu(), 200ms};
    stage.press(guard, speech, {&officer});
    for (const std::size_t n : {0U, 2U, 1U, 3U}) stage.carry(speech.packet(n));
    const auto heard = officer.hear();
    REQUIRE(heard.size() == 4);
    CHECK(heard[1].sequence - heard[0].sequence == 2);
    CHECK(heard[2].sequence - heard[0].sequence == 1);
    CHECK(heard[2].payload == speech.payload(1));
    CHECK(heard[2].timestamp - heard[0].timestamp == 160);
    stage.finish();
    CHECK(stage.talkspurt.numbers().packets_lost == 0);
}

TEST_CASE("over two talkspurts the listener's sequence goes on by one and his clock by the time between") {
    Stage stage;
    Radio guard{1, codec::pcmu()}, other{2, codec::pcmu()}, officer{3, codec::pcmu()};
    Speech speech{codec::pcmu(), 200ms};
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 10);
    stage.finish();
    const auto first = officer.hear();
    stage.now += 5s;
    speech.first_sequence = 3;
    speech.first_timestamp = 17;
    stage.press(other, speech, {&officer});
    stage.say(speech, 0, 10);
    const auto second = officer.hear();
    REQUIRE(first.size() == 10);
    REQUIRE(second.size() == 10);
    CHECK(static_cast<std::uint16_t>(second[0].sequence - first[9].sequence) == 1);
    CHECK(second[0].timestamp - first[0].timestamp == (5000 + 200) * 8);
    CHECK(second[0].marker);
    CHECK(markers(second) == 1);
    CHECK(continuous(second, 160));
    CHECK(second[0].ssrc == first[0].ssrc);
    stage.finish();
}

TEST_CASE("a talkspurt that follows at once never steps back behind what was sent in a burst") {
    Stage stage;
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
    const Speech speech{codec::pcmu(), 400ms};
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 20, 0ms);  // all within one instant
    stage.finish();
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 1);
    const auto heard = officer.hear();
    REQUIRE(heard.size() == 21);
    CHECK(continuous(heard, 160));
    stage.finish();
}

TEST_CASE("who comes late is sent what follows, with a marker and its own numbers") {
    Stage stage;
    Radio guard{1, codec::opus()}, officer{2, codec::opus()}, late{3, codec::opus()};
    const Speech speech{codec::opus(), 400ms};
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 5);
    stage.talkspurt.add(late.endpoint, 2, 0);
    stage.talkspurt.arrange(stage.now);
    stage.say(speech, 5, 10);
    const auto heard = late.hear();
    REQUIRE(heard.size() == 5);
    CHECK(heard[0].payload == speech.payload(5));
    CHECK(heard[0].marker);
    CHECK(continuous(heard, 960));
    CHECK(continuous(officer.hear(), 960));
    stage.finish();
}

TEST_CASE("a packet of before a listener came is not sent to him") {
    Stage stage;
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()}, late{3, codec::pcmu()};
    const Speech speech{codec::pcmu(), 200ms};
    stage.press(guard, speech, {&officer});
    stage.carry(speech.packet(0));
    stage.carry(speech.packet(2));
    stage.talkspurt.add(late.endpoint, 2, 0);
    stage.talkspurt.arrange(stage.now);
    stage.carry(speech.packet(1));
    CHECK(late.hear().empty());
    stage.carry(speech.packet(3));
    CHECK(late.hear().size() == 1);
    CHECK(officer.hear().size() == 4);
    stage.finish();
}

TEST_CASE("a channel that is removed hears nothing more, the others go on") {
    Stage stage;
    Radio guard{1, codec::opus()}, officer{2, codec::opus()}, far{3, codec::opus()};
    const Speech speech{codec::opus(), 200ms};
    stage.press(guard, speech, {&officer});
    stage.talkspurt.add(far.endpoint, 2, 0);
    stage.talkspurt.arrange(stage.now);
    stage.say(speech, 0, 3);
    stage.talkspurt.remove_channel(2);
    stage.say(speech, 3, 6);
    CHECK(far.hear().size() == 3);
    CHECK(officer.hear().size() == 6);
    stage.finish();
}

TEST_CASE("a jump by 2^31 in time, a jump in sequence and a new SSRC are a new start for the listener") {
    Stage stage;
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
    const Speech speech{codec::pcmu(), 200ms};
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 3);
    Packet jumped = speech.packet(3);
    SUBCASE("time, forward") { jumped.timestamp += 0x80000000U; }
    SUBCASE("time, exactly half the circle") { jumped.timestamp = speech.packet(2).timestamp + 0x80000000U; }
    SUBCASE("time, back") { jumped.timestamp -= 8'000 * 10; }
    SUBCASE("sequence") { jumped.sequence += 10'000; }
    SUBCASE("SSRC") {
        jumped.new_stream = true;
        jumped.ssrc = 0x77;
        jumped.sequence = 12;
        jumped.timestamp = 99;
    }
    stage.carry(jumped);
    Packet next = speech.packet(4);
    next.sequence = jumped.sequence + 1;
    next.timestamp = jumped.timestamp + 160;
    stage.now += 20ms;
    stage.carry(next);
    const auto heard = officer.hear();
    REQUIRE(heard.size() == 5);
    CHECK(continuous(heard, 160));
    CHECK(heard[3].marker);
    CHECK(markers(heard) == 2);
    stage.finish();
    CHECK(stage.talkspurt.numbers().packets_lost == 0);
}

TEST_CASE("a packet of before the talkspurt is counted as late") {
    Stage stage;
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
    const Speech speech{codec::pcmu(), 200ms};
    stage.press(guard, speech, {&officer}, 0, 2);
    stage.carry(speech.packet(2));
    stage.carry(speech.packet(1));
    CHECK(officer.hear().size() == 1);
    CHECK(stage.talkspurt.numbers().packets_late == 1);
    stage.finish();
}

TEST_CASE("Opus passes whatever the settings on both sides, and DTX packets pass like others") {
    Stage stage;
    auto narrow = codec::opus();
    narrow.rate = 8000;
    narrow.bitrate = 12'000;
    Radio guard{1, codec::opus()}, officer{2, narrow};
    const Speech speech{codec::opus(), 100ms};
    stage.press(guard, speech, {&officer});
    stage.say(speech, 0, 2);
    const Octets silence{std::byte{0x08}};
    Packet dtx = speech.packet(2);
    dtx.payload = silence;
    dtx.dtx = true;
    stage.carry(dtx);
    const auto heard = officer.hear();
    REQUIRE(heard.size() == 3);
    CHECK(heard[2].payload == silence);
    CHECK(stage.talkspurt.encoders() == 0);
    stage.finish();
}

TEST_CASE("relaying takes no memory from the heap") {
    Stage stage;
    Radio guard{1, codec::opus()}, officer{2, codec::opus()};
    std::vector<std::unique_ptr<Radio>> more;
    const Speech speech{codec::opus(), 2s};
    std::vector<Radio*> listeners{&officer};
    for (std::uint32_t i = 3; i < 20; ++i)
        listeners.push_back(more.emplace_back(std::make_unique<Radio>(i, codec::opus())).get());
    stage.talkspurt.reserve(64);
    const auto before = allocations();
    stage.talkspurt.start(guard.endpoint, speech.packet(0), stage.now);
    for (Radio* listener : listeners) stage.talkspurt.add(listener->endpoint, 1, 0);
    stage.talkspurt.arrange(stage.now);
    for (std::size_t n = 0; n < speech.size(); ++n)
        if (n % 10 != 4) stage.carry(speech.packet(n % 10 == 5 ? n - 1 : n));
    stage.finish();
    CHECK(allocations() == before);
    CHECK(officer.hear().size() > 50);
}

}  // namespace
}  // namespace crosspatch::media
