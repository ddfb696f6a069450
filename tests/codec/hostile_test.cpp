#include <doctest/doctest.h>
#include <opus.h>

#include <memory>
#include <random>

#include "crosspatch/codec/rates.hpp"
#include "tests/codec/voice.hpp"

using namespace std::chrono_literals;
using namespace crosspatch::codec;
using namespace crosspatch::tests;

namespace {

Octets octets(std::initializer_list<unsigned> values, std::size_t padding = 0) {
    Octets all;
    for (const unsigned value : values) all.push_back(std::byte(value));
    all.resize(all.size() + padding, std::byte{0});
    return all;
}

// bad-input.md item 13 and its neighbours: packets that RFC 6716 §3.4 forbids.
std::vector<Octets> malformed_opus() {
    return {
        {},
        octets({0x83, 0x3F}, 63),        // code 3: 63 frames of 2.5 ms, 157.5 ms
        octets({0x83, 0x31}, 49),        // 49 of them: 122.5 ms, the first number that is too long
        octets({0x4B, 0x07}, 70),        // seven frames of 20 ms
        octets({0x5B, 0x03}, 30),        // three of 60 ms
        octets({0x4B, 0x00}, 10),        // no frame at all
        octets({0x4B}),                  // code 3 without its count
        octets({0x4A, 0xFC, 0xFF}, 10),  // code 2: the first frame is longer than the packet
        octets({0x4A, 0x20}, 5),         // the same, short form
        octets({0x4A}),                  // code 2 without a length
        octets({0x49}, 3),               // code 1: two equal frames in three octets
        octets({0x4B, 0x83, 0xFF, 0xFF, 0x00}, 20),  // code 3, VBR: lengths overrun
        octets({0x4B, 0x43, 0xFF, 0xFF, 0xFF}, 6),   // padding longer than the packet
        octets({0x4B, 0x42, 0xFF}),                  // padding without its end
        octets({0x4B, 0x02}, 3),                     // CBR that does not divide
        octets({0x48}, 1276),                        // a frame above 1275 octets
    };
}

struct EncoderDeleter {
    void operator()(OpusEncoder* encoder) const { opus_encoder_destroy(encoder); }
};

// A foreign sender: any rate, any number of channels.
std::vector<Octets> foreign_opus(std::uint32_t rate, int channels, std::chrono::milliseconds ptime,
                                 int bitrate) {
    int error{};
    const std::unique_ptr<OpusEncoder, EncoderDeleter> encoder{
        opus_encoder_create(static_cast<int>(rate), channels, OPUS_APPLICATION_AUDIO, &error)};
    REQUIRE(error == OPUS_OK);
    opus_encoder_ctl(encoder.get(), OPUS_SET_BITRATE(bitrate));
    const Samples mono = voice(rate, 1s);
    Samples sent;
    for (const auto sample : mono) sent.insert(sent.end(), static_cast<std::size_t>(channels), sample);
    const auto frame = static_cast<std::size_t>(ptime.count()) * rate / 1000;
    std::vector<Octets> packets;
    std::array<unsigned char, 4000> out;
    for (std::size_t at = 0; at + frame <= mono.size(); at += frame) {
        const int size = opus_encode(encoder.get(), &sent[at * static_cast<std::size_t>(channels)],
                                     static_cast<int>(frame), out.data(), out.size());
        REQUIRE(size > 0);
        const auto* first = reinterpret_cast<const std::byte*>(out.data());
        packets.emplace_back(first, first + size);
    }
    return packets;
}

}  // namespace

// bad-input.md, 13
TEST_CASE("malformed Opus packets have no duration, no sound and no effect on what follows") {
    const auto encoder = make_encoder(opus());
    const auto good = encode_all(*encoder, voice(16000, 1s), 320);
    for (const Octets& bad : malformed_opus()) {
        CAPTURE(bad.size());
        CHECK_FALSE(packet_duration(opus(), bad));
        CHECK_FALSE(is_dtx(opus(), bad));
        const auto pestered = make_decoder(opus());
        const auto calm = make_decoder(opus());
        std::array<std::int16_t, kMaxSamples> out;
        Samples a(320);
        Samples b(320);
        for (const Octets& packet : good) {
            CHECK(pestered->decode(bad, out) == 0);
            CHECK(pestered->recover(bad, 320, out) == 0);
            CHECK(pestered->decode(packet, a) == 320);
            CHECK(calm->decode(packet, b) == 320);
            CHECK(a == b);
        }
    }
}

TEST_CASE("the longest packets that are allowed are 120 ms") {
    const Octets longest = octets({0x83, 0x30}, 48);  // 48 frames of 2.5 ms
    CHECK(packet_duration(opus(), longest) == 5760);
    std::array<std::int16_t, kMaxSamples> out;
    const auto decoder = make_decoder(opus());
    decoder->start(48000);
    CHECK(decoder->decode(longest, out) == 5760);
    CHECK(decoder->decode(longest, std::span{out}.first(5759)) == 0);
    const Octets two_of_60 = octets({0x59}, 40);
    CHECK(packet_duration(opus(), two_of_60) == 5760);
}

// bad-input.md, 14
TEST_CASE("a sender may turn to stereo, another rate or another packet time in the middle") {
    const auto decoder = make_decoder(opus());
    std::array<std::int16_t, kMaxSamples> out;
    for (const int channels : {1, 2, 1})
        for (const std::uint32_t rate : {8000U, 48000U, 16000U})
            for (const auto& setting : {std::pair{10ms, 96000}, {60ms, 16000}, {20ms, 32000}}) {
                const auto ptime = setting.first;
                const int bitrate = setting.second;
                CAPTURE(channels);
                CAPTURE(rate);
                CAPTURE(ptime.count());
                Samples heard;
                for (const Octets& packet : foreign_opus(rate, channels, ptime, bitrate)) {
                    const std::size_t count = decoder->decode(packet, out);
                    CHECK(count == 16U * static_cast<std::size_t>(ptime.count()));
                    CHECK(packet_duration(opus(), packet) == 48U * static_cast<std::uint32_t>(ptime.count()));
                    heard.insert(heard.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
                }
                CHECK(match(voice(16000, 1s), heard, 400).correlation > 0.85);
            }
}

TEST_CASE("an Opus packet of one octet is a frame of comfort noise") {
    const auto encoder = make_encoder(opus());
    const auto packets = encode_all(*encoder, voice(16000, 1s), 320);
    const auto decoder = make_decoder(opus());
    Samples out(320);
    for (const auto& packet : packets) decoder->decode(packet, out);
    for (int i = 0; i < 50; ++i) CHECK(decoder->decode(octets({0x48}), out) == 320);
    CHECK(decoder->decode(octets({0x48, 0x00}), out) == 320);
    CHECK(decoder->decode(packets[0], out) == 320);
}

TEST_CASE("with DTX a silence is announced once, then hardly sent at all") {
    Format format = opus();
    format.dtx = true;
    const auto encoder = make_encoder(format);
    const auto speech = encode_all(*encoder, voice(16000, 1s), 320);
    const auto silence = encode_all(*encoder, Samples(16000 * 4), 320);
    CHECK(std::ranges::none_of(speech, [](const Octets& packet) { return packet.size() <= 2; }));
    std::size_t sent = 0;
    std::size_t announced = 0;
    for (std::size_t i = 50; i < silence.size(); ++i) {  // after it has noticed
        sent += silence[i].empty() ? 0 : 1;
        announced += is_dtx(format, silence[i]) ? 1 : 0;
    }
    CHECK(announced >= 5);
    CHECK(announced <= 10);
    CHECK(sent <= 25);  // of 150: a refresh and an announcement every 400 ms
    CHECK(encode_all(*encoder, voice(16000, 200ms), 320)[2].size() > 20);
    encoder->start(16000, opus());  // without DTX everything is sent
    CHECK(std::ranges::none_of(encode_all(*encoder, Samples(16000), 320),
                               [](const Octets& packet) { return packet.empty(); }));
}

TEST_CASE("G.711 packets of 1, 170 and 1,460 octets are played as long as they are") {
    const auto decoder = make_decoder(pcmu());
    std::array<std::int16_t, kMaxSamples> out;
    for (const std::size_t size : {1, 170, 1460})
        CHECK(decoder->decode(Octets(size, std::byte{0x40}), out) == size);
    CHECK(decoder->decode(Octets(160), std::span{out}.first(159)) == 0);
    CHECK(decoder->decode(Octets(65507), out) == 0);
}

TEST_CASE("a GSM packet with one bad signature is refused whole, and nothing of it is remembered") {
    const auto encoder = make_encoder(gsm());
    const auto packets = encode_all(*encoder, voice(8000, 1s), 320);
    const auto pestered = make_decoder(gsm());
    const auto calm = make_decoder(gsm());
    Samples a(320);
    Samples b(320);
    for (const Octets& packet : packets) {
        Octets bad = packet;
        bad[33] = std::byte{0x12};
        CHECK(pestered->decode(bad, a) == 0);
        CHECK(pestered->decode(packet, a) == 320);
        CHECK(calm->decode(packet, b) == 320);
        CHECK(a == b);
    }
}

TEST_CASE("no octets at all can make a decoder write past its room or say more than it wrote") {
    std::mt19937 random{20240611};
    const auto pick = [&](std::size_t below) { return static_cast<std::size_t>(random() % below); };
    for (const Format& format : every_format())
        for (const std::uint32_t rate : own_rates(format)) {
            CAPTURE(format.name());
            const auto decoder = make_decoder(format);
            decoder->start(rate);
            const std::size_t step = std::max<std::size_t>(1, format.octets(format.frame()));
            for (int i = 0; i < 400; ++i) {
                Octets payload(pick(2) ? pick(300) : step * pick(8));
                for (auto& octet : payload) octet = std::byte(random() & 0xFFU);
                if (format.kind == Kind::Gsm)
                    for (std::size_t at = 0; at < payload.size(); at += 33) payload[at] |= std::byte{0xD0};
                const std::size_t room = pick(kMaxSamples + 1);
                Samples out(room + 8, 0x5A5A);
                const auto used = std::span{out}.first(room);
                const std::size_t count = i % 3 == 0   ? decoder->recover(payload, pick(2000), used)
                                          : i % 7 == 0 ? decoder->conceal(pick(2000), used)
                                                       : decoder->decode(payload, used);
                CHECK(count <= room);
                CHECK(std::all_of(out.begin() + static_cast<std::ptrdiff_t>(room), out.end(),
                                  [](std::int16_t sample) { return sample == 0x5A5A; }));
            }
        }
}
