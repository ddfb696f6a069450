#include <doctest/doctest.h>

#include "crosspatch/codec/gain.hpp"
#include "crosspatch/codec/rates.hpp"
#include "crosspatch/codec/resampler.hpp"
#include "crosspatch/codec/vox.hpp"
#include "tests/codec/voice.hpp"
#include "tests/support/allocations.hpp"

using namespace std::chrono_literals;
using namespace crosspatch::codec;
using namespace crosspatch::tests;

namespace {

constexpr std::chrono::milliseconds kPacket = 40ms;  // every codec's but L16's at high rates

std::chrono::milliseconds packet_time(const Format& format) {
    return check_ptime(format, kPacket) ? kPacket : 10ms;
}

std::size_t packet_samples(const Format& format, std::uint32_t rate) {
    return static_cast<std::size_t>(packet_time(format).count()) * rate / 1000;
}

}  // namespace

TEST_CASE("a coder that is started again is as good as new, at each of its rates") {
    for (const Format& format : every_format()) {
        if (format.kind == Kind::Codec2) continue;
        for (const std::uint32_t rate : own_rates(format))
            for (const std::uint32_t before : own_rates(format)) {
                CAPTURE(format.name());
                CAPTURE(rate);
                const auto used_encoder = make_encoder(format);
                const auto used_decoder = make_decoder(format);
                used_encoder->start(before, format);
                used_decoder->start(before);
                const auto old = noise(before, -20.0, 3);
                decode_all(*used_decoder, encode_all(*used_encoder, old, packet_samples(format, before)));

                const auto fresh_encoder = make_encoder(format);
                const auto fresh_decoder = make_decoder(format);
                for (const auto& encoder : {used_encoder.get(), fresh_encoder.get()})
                    encoder->start(rate, format);
                for (const auto& decoder : {used_decoder.get(), fresh_decoder.get()}) decoder->start(rate);
                const auto speech = voice(rate, 400ms);
                const auto packets = encode_all(*fresh_encoder, speech, packet_samples(format, rate));
                CHECK(encode_all(*used_encoder, speech, packet_samples(format, rate)) == packets);
                CHECK(decode_all(*used_decoder, packets) == decode_all(*fresh_decoder, packets));
            }
    }
}

TEST_CASE("Codec2, which cannot be made new, has at least forgotten the talkspurt before") {
    for (const Format& format : every_format()) {
        if (format.kind != Kind::Codec2) continue;
        CAPTURE(format.name());
        const auto encoder = make_encoder(format);
        const auto decoder = make_decoder(format);
        const std::size_t frame = packet_samples(format, 8000);
        decode_all(*decoder, encode_all(*encoder, voice(8000, 1s), frame));
        encoder->start(8000, format);
        decoder->start(8000);
        const auto heard = decode_all(*decoder, encode_all(*encoder, Samples(3200), frame));
        CHECK(level_dbov(heard) < -60.0);
    }
}

TEST_CASE("the packet path takes no memory: encode, decode, recover, conceal, start, set_loss") {
    const auto before_all = allocations();
    const auto counted = std::make_unique<int>(1);
    REQUIRE(allocations() == before_all + 1);  // the counter counts

    for (const Format& format : every_format())
        for (const std::uint32_t rate : own_rates(format)) {
            CAPTURE(format.name());
            CAPTURE(rate);
            const auto encoder = make_encoder(format);
            const auto decoder = make_decoder(format);
            const auto speech = voice(rate, 1s);
            const std::size_t frame = packet_samples(format, rate);
            std::array<std::byte, kMaxPayload> payload;
            std::array<std::int16_t, kMaxSamples> out;
            std::size_t total = 0;
            const auto before = allocations();
            for (int spurt = 0; spurt < 2; ++spurt) {
                encoder->start(rate, format);
                decoder->start(rate);
                for (std::size_t at = 0; at + frame <= speech.size(); at += frame) {
                    if (at == 4 * frame) encoder->set_loss(10);
                    const auto size = encoder->encode(std::span{speech}.subspan(at, frame), payload);
                    const auto packet = std::span{payload}.first(size);
                    (void)is_dtx(format, packet);
                    if (at / frame % 5 == 3 && decoder->recover(packet, frame, out) == 0)
                        decoder->conceal(frame, out);
                    total += decoder->decode(packet, out);
                }
            }
            CHECK(allocations() == before);
            CHECK(total == 2 * (speech.size() / frame) * frame);
        }
}

TEST_CASE("nor do resampler, gain, level and voice detection") {
    for (const std::uint32_t in : {8000U, 16000U, 48000U})
        for (const std::uint32_t out : {8000U, 16000U, 48000U}) {
            if (in == out) continue;
            Resampler resampler{in, out};
            auto samples = voice(in, 20ms);
            Samples changed(out / 50);
            Vox vox;
            const auto before = allocations();
            for (int i = 0; i < 50; ++i) {
                if (i % 10 == 0) resampler.start();
                Gain{-3.0}.apply(samples);
                resampler.process(samples, changed);
                (void)level_dbov(changed);
                vox.hear(changed, out);
            }
            CHECK(allocations() == before);
        }
}

TEST_CASE("a transcoded channel stays within 100 kB") {
    CHECK(make_encoder(opus())->memory() + make_decoder(opus())->memory() < 80'000);
    CHECK(make_encoder(opus())->memory() > 40'000);
    for (const Format& format : every_format()) {
        const auto before = make_encoder(format)->memory() + make_decoder(format)->memory();
        CHECK(before < 100'000);
        CHECK(before > 100);
    }
}
