#include "crosspatch/codec/format.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/codec/voice.hpp"

using namespace std::chrono_literals;
namespace config = crosspatch::core::config;
using namespace crosspatch::codec;
using crosspatch::tests::every_format;

namespace {

// What `codec:` says in a file, read: the format, and every complaint joined by newlines.
struct Reading {
    std::optional<Format> format;
    std::string problems;
};

Reading read(const std::string& yaml) {
    config::Problems problems{"crosspatch.yaml"};
    Reading reading;
    {
        const auto document = config::Document::parse("codec: " + yaml + "\n", problems);
        auto map = document.root().map();
        const auto node = map.find("codec");
        REQUIRE(node);
        reading.format = read_format(*node);
    }
    for (const auto& line : problems.lines())
        reading.problems += (reading.problems.empty() ? "" : "\n") + line;
    return reading;
}

bool says(const Reading& reading, std::string_view words) {
    const bool said = !reading.format && reading.problems.find(words) != std::string::npos;
    if (!said) MESSAGE("it says: ", reading.problems);
    return said;
}

std::string ptimes(const Format& format) {
    std::string possible;
    for (auto ptime = 0ms; ptime <= 130ms; ptime += 5ms)
        if (check_ptime(format, ptime)) possible += std::to_string(ptime.count()) + " ";
    return possible;
}

std::optional<std::uint32_t> duration(const Format& format, std::size_t octets) {
    return packet_duration(format, std::vector<std::byte>(octets, std::byte{0xD5}));
}

}  // namespace

TEST_CASE("every codec of the configuration is found under its own name") {
    for (const Format& format : every_format()) CHECK(format_named(format.name()) == format);
    CHECK_FALSE(format_named("opuss"));
    CHECK_FALSE(format_named("l16"));
    CHECK_FALSE(format_named("l16/44100"));
    CHECK_FALSE(format_named("codec2/700C"));
}

TEST_CASE("static payload types and clocks are those of RFC 3551, G.722's included") {
    CHECK(pcmu().static_payload_type() == 0);
    CHECK(gsm().static_payload_type() == 3);
    CHECK(pcma().static_payload_type() == 8);
    CHECK(g722().static_payload_type() == 9);
    CHECK_FALSE(opus().static_payload_type());
    CHECK_FALSE(l16(16000).static_payload_type());
    CHECK_FALSE(codec2(Codec2Mode::Mode3200).static_payload_type());
    CHECK(g722().clock == 8000);
    CHECK(g722().rate == 16000);
    CHECK(opus().clock == 48000);
    CHECK(opus().ticks(20ms) == 960);
    CHECK(g722().ticks(20ms) == 160);
    CHECK(l16(48000).ticks(10ms) == 480);
}

TEST_CASE("20 ms take as many octets as the codec's definition says") {
    CHECK(pcmu().octets(20ms) == 160);
    CHECK(g722().octets(20ms) == 160);
    CHECK(gsm().octets(20ms) == 33);
    CHECK(l16(8000).octets(20ms) == 320);
    CHECK(l16(16000).octets(20ms) == 640);
    CHECK(opus().octets(20ms) == 60);
    CHECK(codec2(Codec2Mode::Mode3200).octets(20ms) == 8);
    CHECK(codec2(Codec2Mode::Mode2400).octets(20ms) == 6);
    CHECK(codec2(Codec2Mode::Mode1600).octets(40ms) == 8);
    CHECK(codec2(Codec2Mode::Mode1300).octets(40ms) == 7);
}

TEST_CASE("packet times are whole frames that fit one packet") {
    CHECK(ptimes(opus()) == "10 20 40 60 ");
    CHECK(ptimes(pcmu()) == "10 20 30 40 50 60 ");
    CHECK(ptimes(g722()) == "10 20 30 40 50 60 ");
    CHECK(ptimes(gsm()) == "20 40 60 ");
    CHECK(ptimes(l16(8000)) == "10 20 30 40 50 60 ");
    CHECK(ptimes(l16(16000)) == "10 20 30 ");
    CHECK(ptimes(l16(48000)) == "10 ");
    CHECK(ptimes(codec2(Codec2Mode::Mode2400)) == "20 40 60 ");
    CHECK(ptimes(codec2(Codec2Mode::Mode1200)) == "40 ");
    CHECK(check_ptime(l16(48000), 20ms).error().context ==
          "20 ms of l16/48000 are 1920 octets, too many for one packet; possible: 10ms");
    CHECK(check_ptime(codec2(Codec2Mode::Mode1600), 20ms).error().context ==
          "codec2/1600 cannot be sent in packets of 20 ms; possible: 40ms");
    CHECK(check_ptime(opus(), 30ms).error().context ==
          "opus cannot be sent in packets of 30 ms; possible: 10ms, 20ms, 40ms, 60ms");
}

TEST_CASE("a payload passes untouched only between formats that mean the same by it") {
    Format wide = opus();
    wide.rate = 48000;
    wide.bitrate = 64000;
    CHECK(same_payload(opus(), wide));
    CHECK(same_payload(pcmu(), pcmu()));
    CHECK_FALSE(same_payload(pcmu(), pcma()));
    CHECK_FALSE(same_payload(l16(8000), l16(16000)));
    CHECK_FALSE(same_payload(codec2(Codec2Mode::Mode3200), codec2(Codec2Mode::Mode2400)));
}

// bad-input.md, 16
TEST_CASE(
    "the duration of a packet is told from its octets, and odd lengths are neither refused nor endless") {
    CHECK(duration(pcmu(), 160) == 160);
    CHECK(duration(pcmu(), 170) == 170);  // ffmpeg sends such
    CHECK(duration(pcmu(), 1) == 1);
    CHECK(duration(pcma(), 1460) == 1460);
    CHECK_FALSE(duration(pcma(), 1601));
    CHECK_FALSE(duration(pcmu(), 0));
    CHECK(duration(g722(), 160) == 160);  // RTP ticks: 320 samples
    CHECK(duration(l16(16000), 640) == 320);
    CHECK(duration(l16(16000), 641) == 320);
    CHECK_FALSE(duration(l16(16000), 1));
    CHECK_FALSE(duration(l16(48000), 65507));
    CHECK(duration(gsm(), 33) == 160);
    CHECK(duration(gsm(), 198) == 960);
    CHECK_FALSE(duration(gsm(), 231));  // 140 ms
    CHECK_FALSE(duration(gsm(), 34));
    CHECK(duration(codec2(Codec2Mode::Mode3200), 8) == 160);
    CHECK(duration(codec2(Codec2Mode::Mode1600), 24) == 960);
    CHECK_FALSE(duration(codec2(Codec2Mode::Mode1600), 32));
    CHECK_FALSE(duration(codec2(Codec2Mode::Mode1300), 8));
}

TEST_CASE("every TOC of Opus gives the duration that RFC 6716 lists for it") {
    // Table 2, in tenths of a millisecond: SILK NB, MB, WB; Hybrid SWB, FB; CELT NB, WB, SWB, FB.
    const std::vector<unsigned> silk{100, 200, 400, 600};
    const std::vector<unsigned> celt{25, 50, 100, 200};
    for (unsigned toc = 0; toc < 256; ++toc) {
        const unsigned config = toc >> 3U;
        const unsigned frame = config < 12   ? silk[config % 4]
                               : config < 16 ? silk[config % 2]
                                             : celt[config % 4];
        const std::vector<std::byte> one{std::byte(toc & 0xFCU), std::byte{0}};
        CHECK(packet_duration(opus(), one) == frame * 48 / 10);
        const std::vector<std::byte> two{std::byte((toc & 0xFCU) | 1U), std::byte{0}, std::byte{0}};
        CHECK(packet_duration(opus(), two) == 2 * frame * 48 / 10);
    }
}

TEST_CASE("one or two octets of Opus are silence, of anything else they are sound") {
    const std::vector<std::byte> toc{std::byte{0x48}};
    const std::vector<std::byte> two{std::byte{0x48}, std::byte{0}};
    const std::vector<std::byte> three{std::byte{0x48}, std::byte{0}, std::byte{0}};
    CHECK(is_dtx(opus(), toc));
    CHECK(is_dtx(opus(), two));
    CHECK_FALSE(is_dtx(opus(), three));
    CHECK_FALSE(is_dtx(opus(), {}));
    CHECK_FALSE(is_dtx(pcmu(), toc));
    const std::vector<std::byte> broken{std::byte{0x4A}};  // code 2 without a length
    CHECK_FALSE(is_dtx(opus(), broken));
}

TEST_CASE("a codec is configured by its name alone or with its settings") {
    CHECK(read("opus").format == opus());
    CHECK(read("l16/16000").format == l16(16000));
    CHECK(read("codec2/1200").format == codec2(Codec2Mode::Mode1200));
    CHECK(read("{name: g722}").format == g722());
    CHECK(read("{name: l16, rate: 48000}").format == l16(48000));
    CHECK(read("{name: pcmu, rate: 8000}").format == pcmu());

    const auto full =
        read("{name: opus, rate: 48000, bitrate: 32000, complexity: 9, fec: true, dtx: true, vbr: false}")
            .format;
    REQUIRE(full);
    CHECK(full->rate == 48000);
    CHECK(full->bitrate == 32000);
    CHECK(full->complexity == 9);
    CHECK(full->fec == Fec::On);
    CHECK(full->dtx);
    CHECK_FALSE(full->vbr);
    CHECK(read("{name: opus, rate: 16000, bitrate: 24000, fec: auto, complexity: 5}").format == opus());
    CHECK(read("{name: opus, fec: false}").format->fec == Fec::Off);
}

TEST_CASE("what is wrong with a codec is said where it stands and how to mend it") {
    CHECK(read("opuss").problems ==
          "crosspatch.yaml:1:8: codec: 'opuss' is not a codec; did you mean 'opus'?");
    CHECK(says(read("l16"), "'l16' needs its rate: l16/8000, l16/16000 or l16/48000"));
    CHECK(says(read("codec2"), "'codec2' needs its mode"));
    CHECK(says(read("codec2/700C"), "the lowest is codec2/1200"));
    CHECK(says(read("{rate: 16000}"), "name"));
    CHECK(says(read("{name: opus, rate: 44100}"), "codec.rate: opus has no rate 44100"));
    CHECK(says(read("{name: opus, rate: 11025}"), "8000, 12000, 16000, 24000 or 48000"));
    CHECK(says(read("{name: l16, rate: 12000}"), "l16 has no rate 12000: 8000, 16000 or 48000"));
    CHECK(says(read("{name: g722, rate: 8000}"), "g722 always has the rate 16000; leave `rate` out"));
    CHECK(says(read("{name: opus, bitrate: 5999}"), "codec.bitrate"));
    CHECK(says(read("{name: opus, bitrate: 128001}"), "codec.bitrate"));
    CHECK(says(read("{name: opus, complexity: 11}"), "codec.complexity"));
    CHECK(says(read("{name: opus, fec: maybe}"), "codec.fec: 'maybe' is not a setting of fec"));
    CHECK(says(read("{name: opus, dtx: 'on'}"), "codec.dtx"));
    CHECK(says(read("{name: pcmu, bitrate: 64000}"), "pcmu has no `bitrate`, only opus has; leave it out"));
    CHECK(read("{name: opus, complexty: 5}").problems.find("did you mean 'complexity'?") !=
          std::string::npos);
    CHECK(says(read("[opus]"), "codec"));
    const auto two = read("{name: opus, bitrate: 1, complexity: 99}");  // all of them in one run
    CHECK(says(two, "codec.bitrate"));
    CHECK(says(two, "codec.complexity"));
}
