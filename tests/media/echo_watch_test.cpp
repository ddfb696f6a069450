#include "crosspatch/media/echo_watch.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <map>

#include "tests/media/speech.hpp"

namespace crosspatch::media {
namespace {

using namespace std::chrono_literals;
using tests::Samples;
const core::Time kStart{std::chrono::hours{1}};

// Talkspurts as a tap gives them, on a clock that the test turns.
struct Air {
    struct Voice {
        std::uint64_t number;
        std::vector<tests::Octets> packets;
        codec::Format format;
        core::Time begins;
        std::size_t sent{};
        unsigned lost_percent{};
        std::size_t restarts_at{SIZE_MAX};  // with this packet its clock begins anew
    };

    void talk(std::uint64_t number, std::uint32_t endpoint, const std::vector<std::uint32_t>& channels,
              const Samples& samples, core::Duration begins, const codec::Format& format = codec::pcmu()) {
        const auto encoder = codec::make_encoder(format);
        encoder->start(8000, format);
        voices.push_back({number, tests::encode_all(*encoder, samples, 160), format, kStart + begins});
        begin_of[number] = [=, this] {
            watch.take({.kind = Tap::Kind::Begins,
                        .talkspurt = number,
                        .at = kStart + begins,
                        .endpoint = endpoint,
                        .format = format});
            for (const auto channel : channels)
                watch.take({.kind = Tap::Kind::HeardOn, .talkspurt = number, .channel = channel});
        };
    }
    // Until all has been said and heard; when something was found, since the beginning.
    void run(core::Duration until) {
        std::mt19937 random{9};
        for (core::Time now = kStart; now < kStart + until; now += 20ms) {
            for (Voice& voice : voices) {
                if (now < voice.begins || voice.sent == voice.packets.size()) continue;
                if (voice.sent == 0) begin_of[voice.number]();
                const tests::Octets& payload = voice.packets[voice.sent];
                if (random() % 100 >= voice.lost_percent)
                    watch.take(
                        {.kind = Tap::Kind::Sound,
                         .talkspurt = voice.number,
                         .at = now,
                         .timestamp = static_cast<std::uint32_t>(voice.sent) * voice.format.ticks(20ms) -
                                      (voice.sent >= voice.restarts_at ? 0x10000000U : 0U),
                         .payload = payload});
                ++voice.sent;
            }
            const std::size_t before = found.size();
            watch.look(now, found);
            most_decoding = std::max(most_decoding, watch.decoding());
            if (found.size() > before) found_at.push_back(now - kStart);
        }
    }

    EchoWatch watch;
    std::vector<Voice> voices;
    std::map<std::uint64_t, std::function<void()>> begin_of;
    std::vector<FoundEcho> found;
    std::vector<core::Duration> found_at;
    std::size_t most_decoding{};
};

TEST_CASE(
    "a copy from another endpoint is found at its lag: G.711 and GSM in its first second, narrow Opus soon "
    "after") {
    codec::Format opus = codec::opus();
    opus.rate = 8000;
    opus.bitrate = 12000;
    for (const codec::Format& format : {codec::pcmu(), codec::gsm(), opus})
        for (const auto lag : {60ms, 300ms, 1200ms, 2900ms}) {
            CAPTURE(format.name());
            CAPTURE(lag.count());
            Air air;
            const Samples said = tests::speech(3, 3s);
            air.talk(1, 10, {5}, said, 0ms);
            air.talk(2, 11, {6, 5}, said, lag, format);
            air.run(8s);
            REQUIRE(air.found.size() == 1);
            CHECK(air.found[0].talkspurt == 2);
            CHECK(air.found[0].endpoint == 11);
            CHECK(air.found[0].original == 1);
            CHECK(air.found[0].original_endpoint == 10);
            CHECK(air.found[0].channel == 5);
            CHECK(std::abs((air.found[0].echo.lag - lag).count()) <= 40);
            CHECK(air.found_at[0] <= lag + (format == opus ? 1300ms : 1000ms));
        }
}

TEST_CASE("3 packets of 100 lost on the way of a copy change nothing but when it is found") {
    int found = 0;
    for (unsigned seed = 1; seed <= 10; ++seed) {
        Air air;
        const Samples said = tests::speech(seed, 4s);
        air.talk(1, 10, {5}, said, 0ms);
        air.talk(2, 11, {5}, said, 400ms, codec::gsm());
        air.voices[1].lost_percent = 3;
        air.run(8s);
        found += air.found.empty() ? 0 : 1;
    }
    CHECK(found >= 9);
}

TEST_CASE("a talker whose clock begins anew is compared from there on") {
    for (const std::size_t restarting : {0U, 1U}) {
        CAPTURE(restarting);
        Air air;
        const Samples said = tests::speech(3, 5s);
        air.talk(1, 10, {5}, said, 0ms);
        air.talk(2, 11, {5}, said, 1200ms);
        air.voices[restarting].restarts_at = 25;
        air.run(9s);
        REQUIRE(air.found.size() == 1);
        CHECK(air.found[0].talkspurt == 2);
        CHECK(std::abs((air.found[0].echo.lag - 1200ms).count()) <= 40);
    }
}

TEST_CASE("nothing is decoded for who talks alone, on another channel, or long after") {
    Air air;
    const Samples said = tests::speech(3, 2s);
    air.talk(1, 10, {5}, said, 0ms);
    air.talk(2, 11, {6}, said, 300ms);
    air.talk(3, 12, {5}, said, 5200ms);
    air.run(9s);
    CHECK(air.most_decoding == 0);
    CHECK(air.found.empty());
}

TEST_CASE("people who answer each other on one channel for a minute are no loop") {
    Air air;
    core::Duration at{};
    for (std::uint64_t turn = 1; turn <= 20; ++turn, at += 3200ms)
        air.talk(turn, static_cast<std::uint32_t>(10 + turn % 2), {5},
                 tests::speech(static_cast<unsigned>(turn), 2500ms), at);
    air.run(70s);
    CHECK(air.most_decoding >= 2);
    CHECK(air.found.empty());
}

TEST_CASE("a radio that repeats itself once is none, but what goes on coming back to it is") {
    Air air;
    const Samples said = tests::speech(4, 1200ms);
    air.talk(1, 10, {5}, said, 0ms);
    air.talk(2, 10, {5}, said, 2s);
    air.run(4s);
    CHECK(air.found.empty());
    air.talk(3, 10, {5}, said, 4s);
    air.run(8s);
    REQUIRE(air.found.size() == 1);
    CHECK(air.found[0].talkspurt == 3);
}

TEST_CASE("memory is given back, and what there is no room for is counted") {
    Air air;
    air.talk(1, 10, {5}, tests::speech(1, 20s), 0ms, codec::l16(8000));
    air.run(10s);
    CHECK(air.watch.octets() < 6 * 50 * (320 + 64));
    air.run(20s);
    air.run(40s);
    CHECK(air.watch.talkspurts() == 0);
    CHECK(air.watch.octets() == 0);
    for (std::uint64_t number = 1; number < 6000; ++number)
        air.watch.take({.kind = Tap::Kind::Begins, .talkspurt = number, .at = kStart, .endpoint = 1});
    CHECK(air.watch.talkspurts() == 4096);
    CHECK(air.watch.left_out() > 0);
}

}  // namespace
}  // namespace crosspatch::media
