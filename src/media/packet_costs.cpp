#include "crosspatch/media/packet_costs.hpp"

#include <sodium.h>
#include <time.h>

#include <algorithm>
#include <cmath>

#include "crosspatch/codec/decoder.hpp"
#include "crosspatch/codec/encoder.hpp"
#include "crosspatch/media/socket.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/srtp_sender.hpp"

namespace crosspatch::media {
namespace {

constexpr std::size_t kTries = 9;
constexpr std::size_t kPayload = 80;          // octets, as 20 ms of speech take
constexpr std::uint32_t kCommonSend = 1'000;  // a system call and the way through the kernel

std::uint64_t cpu_now() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// The median of some tries, so that neither a cold cache nor a neighbour counts.
template <typename Do>
std::uint32_t median_cost(Do&& once) {
    std::array<std::uint32_t, kTries> took{};
    for (std::uint32_t& one : took) {
        const std::uint64_t before = cpu_now();
        once();
        one = static_cast<std::uint32_t>(cpu_now() - before);
    }
    std::nth_element(took.begin(), took.begin() + kTries / 2, took.end());
    return took[kTries / 2];
}

// Something that changes as speech does: an encoder that hears silence or a steady tone has less to do.
std::vector<std::int16_t> lively_sound(std::uint32_t rate, std::size_t samples) {
    std::vector<std::int16_t> sound(samples);
    double phase = 0;
    for (std::size_t i = 0; i < samples; ++i) {
        const double t = static_cast<double>(i) / rate;
        phase += 2 * M_PI * (170 + 60 * std::sin(9 * t)) / rate;
        const double level = 0.55 + 0.45 * std::sin(23 * t);
        sound[i] = static_cast<std::int16_t>(
            6000 * level * (std::sin(phase) + std::sin(5 * phase) / 3 + std::sin(11 * phase) / 5));
    }
    return sound;
}

std::uint32_t seal_cost(rtp::Suite suite) {
    const rtp::SuiteInfo& about = rtp::info(suite);
    std::vector<std::byte> octets(about.key_size + about.salt_size);
    std::optional<rtp::MasterKey> key;
    if (suite != rtp::Suite::None) {
        randombytes_buf(octets.data(), octets.size());
        auto made = rtp::MasterKey::make(suite, core::Secret{octets});
        if (!made) return 0;
        key = std::move(*made);
    }
    rtp::SrtpSender sender{suite, key ? &*key : nullptr};
    sender.begin(1, {1, 1});
    sender.set_reserved(1, rtp::SrtpSender::unrecorded());
    std::array<std::byte, Outbox::kOctets> packet{};
    std::uint64_t index = 1;
    return median_cost([&] {
        rtp::write_header(packet, {.sequence = static_cast<std::uint16_t>(index), .ssrc = 1});
        (void)sender.seal_rtp(packet, rtp::kMinHeader, rtp::kMinHeader + kPayload, 1, index++);
    });
}

// Sent to ourselves, which is as far as it goes without a network.
std::uint32_t send_cost() {
    constexpr std::uint32_t kBatch = 16;
    const auto socket = open_udp(*core::Address::parse("127.0.0.1:0", true));
    if (!socket) return kCommonSend;
    const core::Address self = local_address(socket->get());
    Outbox outbox;
    ReceiveBatch batch;
    return median_cost([&] {
               for (std::uint32_t i = 0; i < kBatch; ++i) {
                   outbox.prepare();
                   outbox.commit(socket->get(), self, rtp::kMinHeader + kPayload);
               }
               outbox.flush();
               batch.receive(socket->get());
           }) /
           kBatch;
}

}  // namespace

PacketCosts::PacketCosts() {
    const std::uint32_t send = send_cost();
    for (std::size_t suite = 0; suite < packet_.size(); ++suite)
        packet_[suite] = send + seal_cost(static_cast<rtp::Suite>(suite));
}

const PacketCosts::Coding& PacketCosts::coding(const codec::Format& format, std::uint32_t rate) {
    for (const Coding& one : known_)
        if (one.format == format && one.rate == rate) return one;
    const auto encoder = codec::make_encoder(format);
    const auto decoder = codec::make_decoder(format);
    const std::size_t frame = rate / 50;
    const auto sound = lively_sound(rate, frame * kTries);
    std::array<std::byte, codec::kMaxPayload> payload;
    std::array<std::int16_t, codec::kMaxSamples> samples;
    std::vector<std::vector<std::byte>> packets;
    encoder->start(rate, format);
    std::size_t at = 0;
    const std::uint32_t encode = median_cost([&] {
        const std::size_t size = encoder->encode(std::span{sound}.subspan(at, frame), payload);
        at += frame;
        packets.emplace_back(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(size));
    });
    decoder->start(rate);
    auto next = packets.begin();
    const std::uint32_t decode = median_cost([&] { decoder->decode(*next++, samples); });
    return known_.emplace_back(Coding{format, rate, encode, decode});
}

std::uint32_t PacketCosts::encode(const codec::Format& format, std::uint32_t rate) {
    return coding(format, rate).encode;
}
std::uint32_t PacketCosts::decode(const codec::Format& format, std::uint32_t rate) {
    return coding(format, rate).decode;
}

}  // namespace crosspatch::media
