// Listeners for whom the packets of a longer frame are spaced.
#include <doctest/doctest.h>

#include "crosspatch/media/talkspurt.hpp"
#include "tests/media/radios.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::media {
namespace {

using namespace tests;

// A guard whose frames are longer than the packets of two officers: one has them spaced, the other at once.
struct Frames {
    explicit Frames(std::chrono::milliseconds length, const codec::Format& format = codec::pcma())
        : frame{length}, guard{1, format}, speech{format, 1200ms, length} {
        stage.stock(codec::pcmu(), 3);
        stage.stock(format, 1);
        stage.press(guard, speech, {&spaced, &plain});
    }
    // Lets time go by in steps of a millisecond; each packet that comes is noted with its time.
    void wait(std::chrono::milliseconds time) {
        for (const auto end = stage.now + time; stage.now < end; stage.now += 1ms) look();
    }
    void look() {
        const auto due = stage.talkspurt.deadline();
        if (due && *due <= stage.now) stage.talkspurt.advance(stage.now);
        stage.outbox.flush();
        for (const Heard& packet : spaced.hear()) {
            heard.push_back(packet);
            times.push_back((stage.now - began) / 1ms);
        }
    }
    void say(std::size_t n) {
        stage.carry(speech.packet(n));
        look();
    }
    std::vector<long> took() { return std::exchange(times, {}); }

    std::chrono::milliseconds frame;
    Stage stage;
    Radio guard, spaced{2, codec::pcmu(), 20ms, true}, plain{3, codec::pcmu()};
    Speech speech;
    core::Time began = stage.now;
    std::vector<Heard> heard;
    std::vector<long> times;
};
using Times = std::vector<long>;

}  // namespace

TEST_CASE(
    "the packets of a 60 ms frame leave 20 ms apart for who asks for that, and at once for who does not") {
    Frames frames{60ms};
    frames.say(0);
    CHECK(frames.plain.hear().size() == 3);
    frames.wait(60ms);
    CHECK(frames.took() == Times{0, 20, 40});
    frames.say(1);
    frames.wait(60ms);
    CHECK(frames.took() == Times{60, 80, 100});
    CHECK(continuous(frames.heard, 160));
    CHECK(markers(frames.heard) == 1);
    CHECK(frames.stage.talkspurt.encoders() == 2);
    frames.stage.finish();
}

TEST_CASE("a frame of 120 ms of Opus is spaced to its end") {
    Frames frames{20ms, codec::opus()};
    const Octets& frame = frames.speech.payload(3);
    // RFC 6716 section 3.2.5: as many frames of one size as the second octet says.
    Octets six{frame[0] | std::byte{3}, std::byte{6}};
    for (int n = 0; n < 6; ++n) six.insert(six.end(), frame.begin() + 1, frame.end());
    Packet packet = frames.speech.packet(0);
    packet.duration = 6 * packet.duration;
    packet.payload = six;
    frames.stage.carry(packet);
    frames.look();
    frames.wait(120ms);
    CHECK(frames.took() == Times{0, 20, 40, 60, 80, 100});
    CHECK(continuous(frames.heard, 160));
    frames.stage.finish();
}

TEST_CASE("what still waits when the next frame is there leaves before it, so that no delay adds up") {
    Frames frames{60ms};
    for (std::size_t n = 0; n < 10; ++n) {
        frames.say(n);
        frames.wait(n == 4 ? 50ms : 30ms);
    }
    frames.wait(100ms);
    CHECK(frames.heard.size() == 30);
    CHECK(continuous(frames.heard, 160));
    CHECK(frames.times[0] == 0);
    CHECK(Times(frames.times.begin(), frames.times.begin() + 5) == Times{0, 20, 30, 30, 50});
    CHECK(frames.times.back() == 9 * 30 + 20 + 40);
    frames.stage.finish();
}

TEST_CASE(
    "frames as long as the listener's packets leave when they come, and those that do not divide keep their "
    "rest") {
    Frames same{20ms};
    same.say(0);
    same.wait(17ms);
    same.say(1);
    CHECK(same.took() == Times{0, 17});
    CHECK_FALSE(same.stage.talkspurt.deadline());
    same.stage.finish();

    Frames odd{30ms};
    for (std::size_t n = 0; n < 8; ++n) {
        odd.say(n);
        odd.wait(30ms);
    }
    CHECK(odd.heard.size() == 12);
    CHECK(continuous(odd.heard, 160));
    CHECK(Times(odd.times.begin(), odd.times.begin() + 4) == Times{0, 30, 50, 60});
    odd.stage.finish();
}

TEST_CASE("the end of a talkspurt sends what still waits, and who comes late begins clean") {
    Frames frames{60ms};
    frames.say(0);
    Radio late{4, codec::pcmu(), 20ms, true};
    frames.stage.talkspurt.add(late.endpoint, 1, 0);
    frames.stage.talkspurt.arrange(frames.stage.now);
    frames.stage.finish();
    frames.look();
    CHECK(frames.took() == Times{0, 0, 0});
    const auto heard = late.hear();
    CHECK(heard.size() == 2);
    CHECK(markers(heard) == 1);
    CHECK(continuous(heard, 160));
}

TEST_CASE("spacing takes no memory from the heap") {
    Frames frames{60ms};
    frames.say(0);
    frames.wait(60ms);
    frames.heard.reserve(100);
    const auto before = allocations();
    frames.stage.carry(frames.speech.packet(1));
    for (int n = 0; n < 3; ++n) {
        frames.stage.now += 20ms;
        frames.stage.talkspurt.advance(frames.stage.now);
        frames.stage.outbox.flush();
    }
    CHECK(allocations() == before);
    frames.stage.finish();
}

}  // namespace crosspatch::media
