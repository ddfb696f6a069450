#include "crosspatch/media/vox_input.hpp"

#include <doctest/doctest.h>

#include "tests/media/radios.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::media {
namespace {

using namespace tests;
using Decision = codec::Vox::Decision;

// A radio that always sends: so much soft noise, then a voice, then noise again; 20 ms of G.711 a packet.
struct OpenLine {
    explicit OpenLine(std::chrono::milliseconds packet = 20ms)
        : step{static_cast<std::size_t>(packet.count()) * 8} {
        Samples samples = noise(8 * 1000, -70, 1);
        const Samples speech = voice(8000, 1s);
        samples.insert(samples.end(), speech.begin(), speech.end());
        const Samples after = noise(8 * 1000, -70, 2);
        samples.insert(samples.end(), after.begin(), after.end());
        const auto encoder = codec::make_encoder(codec::pcmu());
        payloads = encode_all(*encoder, samples, step);
    }
    Packet packet(std::size_t n) const {
        return {.sequence = 1000 + n,
                .timestamp = static_cast<std::uint32_t>(n * step),
                .duration = static_cast<std::uint32_t>(step),
                .new_stream = n == 0,
                .payload = payloads.at(n)};
    }
    // Hears packet after packet, keeping what is silent, until `wanted` is said; gives the packet's number.
    std::size_t until(Decision wanted, std::size_t from = 0) {
        for (std::size_t n = from; n < payloads.size(); ++n) {
            const Decision said = vox.hear(packet(n), *stage.scratch);
            if (said == wanted) return n;
            if (said == Decision::Silent) vox.keep(packet(n), stage.now);
        }
        return payloads.size();
    }
    std::size_t step;
    std::vector<Octets> payloads;
    VoxInput vox{codec::pcmu()};
    Stage stage;
};

TEST_CASE("speech begins and ends where it is, said once each") {
    OpenLine line;
    const std::size_t begins = line.until(Decision::Begins);
    CHECK(begins >= 50);
    CHECK(begins <= 60);  // within 200 ms of the first sound
    CHECK(line.vox.speaking());
    const std::size_t ends = line.until(Decision::Ends, begins + 1);
    CHECK(ends > 95);
    CHECK(ends < 130);
    CHECK_FALSE(line.vox.speaking());
    CHECK(line.until(Decision::Begins, ends + 1) == line.payloads.size());
}

TEST_CASE("at most the last 300 ms before the speech are kept, and they are the first that is carried") {
    OpenLine line;
    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
    const std::size_t begins = line.until(Decision::Begins);
    CHECK(line.vox.kept() == VoxInput::kPreRoll);
    const Packet first = line.vox.first(line.packet(begins));
    CHECK(first.sequence == 1000 + begins - 15);
    auto& talkspurt = line.stage.talkspurt;
    talkspurt.reserve(4);
    talkspurt.start(guard.endpoint, first, line.stage.now);
    talkspurt.add(officer.endpoint, 1, 0);
    talkspurt.arrange(line.stage.now);
    line.vox.replay(talkspurt, line.stage.now);
    line.stage.carry(line.packet(begins));
    CHECK(line.vox.kept() == 0);
    const auto heard = officer.hear();
    REQUIRE(heard.size() == 16);
    CHECK(continuous(heard, 160));
    CHECK(markers(heard) == 1);
    for (std::size_t i = 0; i < 16; ++i) CHECK(heard[i].payload == line.payloads[begins - 15 + i]);
    line.stage.finish();
}

TEST_CASE("of 60 ms packets five are kept, of 10 ms packets fifteen") {
    for (const auto& [length, kept] : {std::pair{60ms, 5U}, std::pair{10ms, 15U}}) {
        OpenLine line{length};
        for (std::size_t n = 0; n < 16; ++n) line.vox.keep(line.packet(n), line.stage.now);
        CHECK(line.vox.kept() == kept);
        CHECK(line.vox.first(line.packet(16)).sequence == 1000 + 16 - kept);
        line.vox.clear();
        CHECK(line.vox.kept() == 0);
    }
}

TEST_CASE(
    "with nothing kept the packet at hand is the first, and what is kept takes no room from talkspurts") {
    OpenLine line;
    CHECK(line.vox.first(line.packet(3)).sequence == 1003);
    for (std::size_t n = 0; n < 40; ++n) line.vox.keep(line.packet(n), line.stage.now);
    CHECK(line.stage.packets.free() == 32);
    line.vox.clear();
    CHECK(line.vox.kept() == 0);
}

TEST_CASE("hearing and keeping take no memory from the heap") {
    OpenLine line;
    const auto before = allocations();
    const std::size_t begins = line.until(Decision::Begins);
    line.vox.clear();
    CHECK(allocations() == before);
    CHECK(begins < line.payloads.size());
}

TEST_CASE("what was kept before a pause of the stream is not taken for what came just before the voice") {
    OpenLine line;
    for (std::size_t n = 0; n < 15; ++n) {
        line.vox.keep(line.packet(n), line.stage.now);
        line.stage.now += 20ms;
    }
    line.vox.clear_old(line.stage.now);
    CHECK(line.vox.kept() == 15);
    line.stage.now += 500ms;
    line.vox.clear_old(line.stage.now);
    CHECK(line.vox.kept() == 5);
    CHECK(line.vox.first(line.packet(20)).sequence == 1010);
    line.stage.now += 60s;
    line.vox.clear_old(line.stage.now);
    CHECK(line.vox.kept() == 0);
}

TEST_CASE("after a restart nothing is known of what was heard before") {
    OpenLine line;
    line.until(Decision::Begins);
    CHECK(line.vox.speaking());
    line.vox.restart();
    CHECK_FALSE(line.vox.speaking());
    CHECK(line.vox.kept() == 0);
    CHECK(line.until(Decision::Begins) == OpenLine{}.until(Decision::Begins));
    line.vox.clear();
}

}  // namespace
}  // namespace crosspatch::media
