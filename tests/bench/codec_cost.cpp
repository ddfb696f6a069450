// What our wrapper adds to the bare library, in processor time per 20 ms frame: both do the same frames in
// turn, in one run, so that a machine that slows down slows both. `start` is what the first packet of a
// talkspurt pays.
#include <codec2/codec2.h>
#include <fmt/format.h>
#include <gsm.h>
#include <opus.h>
#include <speex/speex_resampler.h>
#include <time.h>
extern "C" {
#include <spandsp.h>
}

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <vector>

#include "crosspatch/codec/rates.hpp"
#include "crosspatch/codec/resampler.hpp"
#include "crosspatch/codec/tone_stripper.hpp"
#include "tests/codec/voice.hpp"

namespace {

using namespace std::chrono_literals;
using namespace crosspatch::codec;
using crosspatch::tests::Octets;
using crosspatch::tests::Samples;
using crosspatch::tests::voice;

constexpr int kRounds = 41;
constexpr std::size_t kPackets = 50;  // 1 s or 2 s of speech a round

// Median microseconds of one call, for each of the two.
struct Cost {
    double ours;
    double bare;
};

// This thread's own time on the processor: a busy machine does not count.
double microseconds_on_cpu() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double microseconds_per_call(const std::function<void(std::size_t)>& call) {
    const double begin = microseconds_on_cpu();
    for (std::size_t i = 0; i < kPackets; ++i) call(i);
    return (microseconds_on_cpu() - begin) / kPackets;
}

Cost compare(const std::function<void(std::size_t)>& ours, const std::function<void(std::size_t)>& bare) {
    std::vector<double> our_times;
    std::vector<double> bare_times;
    for (int round = 0; round < kRounds; ++round) {  // who goes first alternates
        if (round % 2 == 0) our_times.push_back(microseconds_per_call(ours));
        bare_times.push_back(microseconds_per_call(bare));
        if (round % 2 != 0) our_times.push_back(microseconds_per_call(ours));
    }
    const auto median = [](std::vector<double>& times) {
        std::ranges::nth_element(times, times.begin() + kRounds / 2);
        return times[kRounds / 2];
    };
    return {median(our_times), median(bare_times)};
}

void print(const std::string& what, Cost cost) {
    fmt::print("{:<28} {:>9.2f} {:>9.2f} {:>7.3f}\n", what, cost.ours, cost.bare, cost.ours / cost.bare);
}

// One direction of one codec: our object and the library called directly with the same packets.
struct Bench {
    Format format;
    std::uint32_t rate;
    std::chrono::milliseconds ptime{20};
    Samples speech = voice(rate, ptime* static_cast<int>(kPackets));
    std::size_t frame = static_cast<std::size_t>(ptime.count()) * rate / 1000;
    std::unique_ptr<Encoder> encoder = make_encoder(format);
    std::unique_ptr<Decoder> decoder = make_decoder(format);
    std::vector<Octets> packets;
    std::array<std::byte, kMaxPayload> payload{};
    std::array<std::int16_t, kMaxSamples> out{};

    Bench(const Format& f, std::uint32_t r, std::chrono::milliseconds p = 20ms)
        : format{f}, rate{r}, ptime{p} {
        encoder->start(rate, format);
        decoder->start(rate);
        packets = crosspatch::tests::encode_all(*encoder, speech, frame);
    }
    std::int16_t* samples(std::size_t i) { return &speech[i * frame]; }
    unsigned char* octets() { return reinterpret_cast<unsigned char*>(payload.data()); }
    const unsigned char* packet(std::size_t i) const {
        return reinterpret_cast<const unsigned char*>(packets[i].data());
    }

    void run(const std::function<void(std::size_t)>& bare_encode,
             const std::function<void(std::size_t)>& bare_decode) {
        const auto label = fmt::format("{} {} Hz", format.name(), rate);
        print(label + " encode", compare(
                                     [&](std::size_t i) {
                                         encoder->encode({samples(i), frame}, payload);
                                     },
                                     bare_encode));
        print(label + " decode",
              compare([&](std::size_t i) { decoder->decode(packets[i], out); }, bare_decode));
    }
};

void opus_costs(std::uint32_t rate) {
    Format format = opus();
    format.rate = rate;
    Bench bench{format, rate};
    int error{};
    OpusEncoder* encoder = opus_encoder_create(static_cast<int>(rate), 1, OPUS_APPLICATION_VOIP, &error);
    OpusDecoder* decoder = opus_decoder_create(static_cast<int>(rate), 1, &error);
    opus_encoder_ctl(encoder, OPUS_SET_BITRATE(24000));
    opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(5));
    opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    opus_encoder_ctl(encoder, OPUS_SET_LSB_DEPTH(16));
    const auto frame = static_cast<int>(bench.frame);
    volatile int sink = 0;
    bench.run(
        [&](std::size_t i) {
            sink = opus_encode(encoder, bench.samples(i), frame, bench.octets(), kMaxPayload);
        },
        [&](std::size_t i) {
            sink = opus_decode(decoder, bench.packet(i), static_cast<int>(bench.packets[i].size()),
                               bench.out.data(), kMaxSamples, 0);
        });
    print(fmt::format("opus {} Hz encoder start", rate),
          compare([&](std::size_t) { bench.encoder->start(rate, format); },
                  [&](std::size_t) {
                      opus_encoder_init(encoder, static_cast<int>(rate), 1, OPUS_APPLICATION_VOIP);
                  }));
    print(fmt::format("opus {} Hz decoder start", rate),
          compare([&](std::size_t) { bench.decoder->start(rate); },
                  [&](std::size_t) { opus_decoder_init(decoder, static_cast<int>(rate), 1); }));
    opus_encoder_destroy(encoder);
    opus_decoder_destroy(decoder);
}

void g711_costs() {
    Bench bench{pcmu(), 8000};
    bench.run(
        [&](std::size_t i) {
            for (std::size_t j = 0; j < 160; ++j) bench.octets()[j] = linear_to_ulaw(bench.samples(i)[j]);
        },
        [&](std::size_t i) {
            for (std::size_t j = 0; j < 160; ++j) bench.out[j] = ulaw_to_linear(bench.packet(i)[j]);
        });
}

void g722_costs(std::uint32_t rate) {
    Bench bench{g722(), rate};
    const int options = rate == 8000 ? G722_SAMPLE_RATE_8000 : 0;
    g722_encode_state_t* encoder = g722_encode_init(nullptr, 64000, options);
    g722_decode_state_t* decoder = g722_decode_init(nullptr, 64000, options);
    const auto frame = static_cast<int>(bench.frame);
    bench.run([&](std::size_t i) { g722_encode(encoder, bench.octets(), bench.samples(i), frame); },
              [&](std::size_t i) { g722_decode(decoder, bench.out.data(), bench.packet(i), 160); });
    g722_encode_free(encoder);
    g722_decode_free(decoder);
}

void gsm_costs() {
    Bench bench{crosspatch::codec::gsm(), 8000};
    ::gsm encoder = gsm_create();
    ::gsm decoder = gsm_create();
    bench.run([&](std::size_t i) { gsm_encode(encoder, bench.samples(i), bench.octets()); },
              [&](std::size_t i) {
                  gsm_decode(decoder, const_cast<gsm_byte*>(bench.packet(i)), bench.out.data());
              });
    gsm_destroy(encoder);
    gsm_destroy(decoder);
}

void codec2_costs(Codec2Mode mode) {
    const Format format = codec2(mode);
    Bench bench{format, 8000, format.frame()};
    CODEC2* encoder = codec2_create(static_cast<int>(mode));
    CODEC2* decoder = codec2_create(static_cast<int>(mode));
    bench.run([&](std::size_t i) { codec2_encode(encoder, bench.octets(), bench.samples(i)); },
              [&](std::size_t i) { codec2_decode(decoder, bench.out.data(), bench.packet(i)); });
    print(format.name() + " decoder start", compare([&](std::size_t) { bench.decoder->start(8000); },
                                                    [&](std::size_t) {
                                                        for (int i = 0; i < 4; ++i)
                                                            codec2_decode(decoder, bench.out.data(),
                                                                          bench.packet(0));
                                                    }));
    codec2_destroy(encoder);
    codec2_destroy(decoder);
}

void resampler_costs(std::uint32_t in_rate, std::uint32_t out_rate) {
    Resampler resampler{in_rate, out_rate};
    int error{};
    SpeexResamplerState* bare = speex_resampler_init(1, in_rate, out_rate, 4, &error);
    const Samples speech = voice(in_rate, 20ms);
    std::array<std::int16_t, kMaxSamples> out{};
    print(fmt::format("speexdsp {} > {} Hz", in_rate, out_rate),
          compare([&](std::size_t) { resampler.process(speech, out); },
                  [&](std::size_t) {
                      auto in_count = static_cast<spx_uint32_t>(speech.size());
                      auto out_count = static_cast<spx_uint32_t>(out.size());
                      speex_resampler_process_int(bare, 0, speech.data(), &in_count, out.data(), &out_count);
                  }));
    speex_resampler_destroy(bare);
}

// Beside a receiver for DTMF alone, which is a third of what it does.
void stripper_costs(std::uint32_t rate) {
    ToneStripper stripper;
    stripper.start(rate);
    Samples frame = voice(rate, 20ms);
    const Samples narrow = voice(8000, 20ms);
    dtmf_rx_state_t* receiver = dtmf_rx_init(nullptr, nullptr, nullptr);
    print(fmt::format("strip_tones {} Hz", rate),
          compare([&](std::size_t) { stripper.process(frame); },
                  [&](std::size_t) { dtmf_rx(receiver, narrow.data(), static_cast<int>(narrow.size())); }));
    dtmf_rx_free(receiver);
}

}  // namespace

int main() {
    fmt::print("{:<28} {:>9} {:>9} {:>7}\n", "median us per packet", "ours", "bare", "ratio");
    for (const std::uint32_t rate : {8000U, 16000U, 48000U}) opus_costs(rate);
    g711_costs();
    for (const std::uint32_t rate : {8000U, 16000U}) g722_costs(rate);
    gsm_costs();
    codec2_costs(Codec2Mode::Mode3200);
    codec2_costs(Codec2Mode::Mode1200);
    resampler_costs(16000, 8000);
    resampler_costs(8000, 48000);
    for (const std::uint32_t rate : {8000U, 16000U, 48000U}) stripper_costs(rate);
}
