// What the network does to a talkspurt on its way to listeners with another codec.
#include <doctest/doctest.h>

#include "crosspatch/media/talkspurt.hpp"
#include "tests/media/radios.hpp"

namespace crosspatch::media {
namespace {

using namespace tests;

// A guard in Opus and an officer in G.711, who is sent every 20 ms whatever happens.
struct Crossing : Stage {
    explicit Crossing(unsigned expected_loss = 0)
        : speech{format(expected_loss > 0), 2s, 20ms, expected_loss} {
        stock(codec::pcmu(), 1);
        stock(codec::opus(), 1);
        press(guard, speech, {&officer});
    }
    static codec::Format format(bool fec) {
        auto opus = codec::opus();
        if (fec) opus.fec = codec::Fec::On;
        return opus;
    }
    Radio guard{1, codec::opus()};
    Radio officer{2, codec::pcmu()};
    Speech speech;
};

TEST_CASE("a lost packet is waited for, then replaced, and the officer's stream has no hole") {
    Crossing stage;
    stage.say(stage.speech, 0, 10);
    stage.now += 20ms;  // packet 10 is lost
    stage.carry(stage.speech.packet(11));
    CHECK(stage.officer.hear().size() == 10);
    REQUIRE(stage.talkspurt.deadline());
    stage.now = *stage.talkspurt.deadline();
    stage.talkspurt.advance(stage.now);
    stage.outbox.flush();
    CHECK_FALSE(stage.talkspurt.deadline());
    stage.say(stage.speech, 12, 20);
    stage.finish();
    CHECK(stage.officer.hear().size() == 10);
    const auto& numbers = stage.talkspurt.numbers();
    CHECK(numbers.packets_lost == 1);
    CHECK(numbers.frames_concealed + numbers.frames_recovered == 1);
    CHECK(stage.packets.free() == 32);
}

TEST_CASE("where the talker sends error correction, a single loss is recovered and not guessed") {
    Crossing stage{20};
    for (std::size_t n = 0; n < 60; ++n) {
        if (n % 10 != 7) stage.carry(stage.speech.packet(n));
        stage.now += 20ms;
        stage.talkspurt.advance(stage.now);
        stage.outbox.flush();
    }
    stage.finish();
    const auto heard = stage.officer.hear();
    CHECK(heard.size() == 60);
    CHECK(continuous(heard, 160));
    CHECK(stage.talkspurt.numbers().packets_lost == 6);
    CHECK(stage.talkspurt.numbers().frames_recovered >= 4);  // not every frame carries a copy
    CHECK(stage.talkspurt.numbers().frames_recovered + stage.talkspurt.numbers().frames_concealed == 6);
}

TEST_CASE("packets that overtook each other are put in order before they are decoded") {
    Crossing stage;
    for (const std::size_t n : {0U, 1U, 2U, 4U, 3U, 5U, 7U, 8U, 6U, 9U}) stage.carry(stage.speech.packet(n));
    stage.finish();
    CHECK(stage.officer.hear().size() == 10);
    CHECK(stage.talkspurt.numbers().frames_concealed == 0);
    CHECK(stage.talkspurt.numbers().packets_lost == 0);
    CHECK(stage.packets.free() == 32);
}

TEST_CASE("a packet that comes after its loss was given up is late, and not played twice") {
    Crossing stage;
    stage.say(stage.speech, 0, 5);
    stage.carry(stage.speech.packet(6));
    stage.now += 500ms;
    stage.talkspurt.advance(stage.now);
    stage.carry(stage.speech.packet(5));
    stage.finish();
    CHECK(stage.officer.hear().size() == 7);
    CHECK(stage.talkspurt.numbers().packets_late == 1);
    CHECK(stage.guard.endpoint.source.counters().dropped.read(Drop::Late) == 1);
    CHECK(stage.talkspurt.numbers().packets_lost == 0);  // it came, only too late to be played
}

TEST_CASE("what still waits behind a gap is played when the talkspurt ends") {
    Crossing stage;
    stage.say(stage.speech, 0, 5, 0ms);
    for (const std::size_t n : {6U, 8U, 9U}) stage.carry(stage.speech.packet(n));
    stage.finish();
    CHECK(stage.officer.hear().size() == 10);
    CHECK(stage.talkspurt.numbers().packets_lost == 2);
    CHECK(stage.packets.free() == 32);
}

TEST_CASE("a hole too long to wait behind loses only what was in it") {
    Crossing stage;
    stage.say(stage.speech, 0, 5);
    stage.carry(stage.speech.packet(6));  // 5 is lost, 6 waits
    stage.now += 20ms * 66;
    stage.carry(stage.speech.packet(75));  // beyond the window, within what counts as one stream
    stage.say(stage.speech, 76, 80);
    stage.finish();
    const auto heard = stage.officer.hear();
    CHECK(heard.size() == 5 + 2 + 5);  // 0-4, 5 replaced, 6; then 75-79
    CHECK(heard.back().timestamp - heard.front().timestamp ==
          79 * 160);  // and the clock says how long it was
    CHECK(markers(heard) == 2);
    CHECK(stage.talkspurt.numbers().packets_lost == 1 + 68);
}

TEST_CASE("when no buffer is left the talkspurt goes on with what has come") {
    Crossing stage;
    std::vector<PacketPool::Slot> taken;
    const Octets some(10);
    while (stage.packets.free() > 1) taken.push_back(stage.packets.take(some));
    stage.say(stage.speech, 0, 5);
    stage.carry(stage.speech.packet(6));  // takes the last buffer
    stage.carry(stage.speech.packet(8));  // finds none
    CHECK(stage.officer.hear().size() >= 5 + 3);
    stage.say(stage.speech, 9, 12);
    for (const auto slot : taken) stage.packets.give_back(slot);
    stage.finish();
    CHECK(stage.packets.free() == 32);
}

TEST_CASE("after 200 ms of loss silence follows instead of guesses, and the clock goes on") {
    Crossing stage;
    stage.say(stage.speech, 0, 5);
    stage.now += 20ms * 40;
    stage.carry(stage.speech.packet(45));
    stage.now += 1s;
    stage.talkspurt.advance(stage.now);
    stage.outbox.flush();
    stage.finish();
    const auto heard = stage.officer.hear();
    REQUIRE(heard.size() == 5 + 10 + 1);
    CHECK(heard.back().timestamp - heard.front().timestamp == 45 * 160);
    CHECK(heard.back().marker);
    CHECK(stage.talkspurt.numbers().frames_concealed == 10);
}

TEST_CASE("a pause of the talker (DTX) is a pause for the officer: the clock goes on, a marker follows") {
    Crossing stage;
    stage.say(stage.speech, 0, 5);
    stage.now += 400ms;
    Packet after = stage.speech.packet(5);
    after.timestamp += 20 * 960;
    stage.carry(after);
    const auto heard = stage.officer.hear();
    REQUIRE(heard.size() == 6);
    CHECK(heard[5].timestamp - heard[4].timestamp == 21 * 160);
    CHECK(static_cast<std::uint16_t>(heard[5].sequence - heard[4].sequence) == 1);
    CHECK(heard[5].marker);
    CHECK(stage.talkspurt.numbers().frames_concealed == 0);
    stage.finish();
}

// bad-input.md, 10
TEST_CASE("a jump in sequence, by 2^31 in time, or a new SSRC goes on without a hole and without guesses") {
    Crossing stage;
    stage.say(stage.speech, 0, 5);
    Packet packet = stage.speech.packet(5);
    SUBCASE("sequence") { packet.sequence += 20'000; }
    SUBCASE("time") { packet.timestamp += 0x80000000U - 960; }
    SUBCASE("SSRC") {
        packet.new_stream = true;
        packet.sequence = 7;
        packet.timestamp = 12'345;
    }
    stage.carry(packet);
    stage.now += 20ms;
    packet.new_stream = false;
    ++packet.sequence;
    packet.timestamp += 960;
    stage.carry(packet);
    const auto heard = stage.officer.hear();
    REQUIRE(heard.size() == 7);
    CHECK(continuous(heard, 160));
    stage.finish();
    CHECK(stage.talkspurt.numbers().packets_lost == 0);
    CHECK(stage.talkspurt.numbers().frames_concealed == 0);
}

TEST_CASE("a payload that no decoder can read is replaced, not skipped") {
    Crossing stage;
    stage.say(stage.speech, 0, 5);
    Packet broken = stage.speech.packet(5);
    const Octets nonsense{std::byte{0x7F}, std::byte{0x3F}, std::byte{1}, std::byte{2}};  // code 3, 63 frames
    broken.payload = nonsense;
    stage.carry(broken);
    stage.now += 20ms;
    stage.say(stage.speech, 6, 8);
    CHECK(stage.officer.hear().size() == 8);
    CHECK(stage.talkspurt.numbers().frames_concealed == 1);
    stage.finish();
}

TEST_CASE("a duplicate is carried once") {
    Crossing stage;
    stage.say(stage.speech, 0, 5);
    stage.carry(stage.speech.packet(4));
    stage.carry(stage.speech.packet(6));
    stage.carry(stage.speech.packet(6));
    stage.carry(stage.speech.packet(5));
    CHECK(stage.officer.hear().size() == 7);
    stage.finish();
}

}  // namespace
}  // namespace crosspatch::media
