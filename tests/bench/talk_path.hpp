#pragma once
// A talker and its listeners on loopback, for the benchmarks of the talk path.
#include <time.h>

#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "crosspatch/codec/encoder.hpp"
#include "crosspatch/codec/tone.hpp"
#include "crosspatch/media/talkspurt.hpp"
#include "crosspatch/media/worker.hpp"
#include "crosspatch/rtp/packet.hpp"

namespace crosspatch::bench {

inline double thread_cpu_us() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

inline rtp::MasterKey make_key(rtp::Suite suite, std::uint8_t seed) {
    std::vector<std::byte> octets(rtp::info(suite).key_size + rtp::info(suite).salt_size);
    for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::byte>(seed * 31 + i * 7 + 1);
    return std::move(*rtp::MasterKey::make(suite, core::Secret{octets}));
}

// 20 ms frames of something that changes like speech does: three gliding tones, louder and softer.
inline std::vector<std::int16_t> speech(std::uint32_t rate, std::size_t frames) {
    std::vector<std::int16_t> samples(rate / 50 * frames);
    double phase[3] = {};
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const double t = static_cast<double>(i) / rate;
        double value = 0;
        for (int k = 0; k < 3; ++k) {
            phase[k] += 2 * 3.14159265 * (140 * (k + 1) * (3 - k) + 40 * std::sin(2.1 * t + k)) / rate;
            value += std::sin(phase[k]) / (k + 1);
        }
        samples[i] = static_cast<std::int16_t>(5000 * value * (0.55 + 0.45 * std::sin(9 * t)));
    }
    return samples;
}

// What a radio would send: sealed packets of 20 ms each.
class Radio {
public:
    Radio(const codec::Format& format, rtp::Suite suite, std::uint8_t seed)
        : format_{format}, key_{make_key(suite, seed)}, sender_{suite, &key_} {
        sender_.begin(0x1000U + seed, {1, 1});
        sender_.set_reserved(sender_.ssrc(), rtp::SrtpSender::unrecorded());
    }
    const rtp::MasterKey& key() const { return key_; }

    std::vector<std::vector<std::byte>> packets(std::size_t count) {
        const auto encoder = codec::make_encoder(format_);
        const std::uint32_t rate =
            encoder->rates().back() < format_.rate ? encoder->rates().back() : format_.rate;
        encoder->start(rate, format_);
        const auto samples = speech(rate, count);
        std::vector<std::vector<std::byte>> made;
        for (std::size_t i = 0; i < count; ++i) {
            std::vector<std::byte> packet(1280);
            rtp::Header header;
            header.payload_type = 96;
            header.sequence = static_cast<std::uint16_t>(next_);
            header.timestamp = static_cast<std::uint32_t>(next_) * format_.clock / 50;
            header.ssrc = sender_.ssrc();
            rtp::write_header(packet, header);
            const std::size_t octets = encoder->encode(std::span{samples}.subspan(i * rate / 50, rate / 50),
                                                       std::span{packet}.subspan(12));
            packet.resize(*sender_.seal_rtp(packet, 12, 12 + octets, sender_.ssrc(), next_++));
            made.push_back(std::move(packet));
        }
        return made;
    }

private:
    codec::Format format_;
    rtp::MasterKey key_;
    rtp::SrtpSender sender_;
    std::uint64_t next_{1};
};

// An endpoint that receives under `receive` and sends under `send` from `socket` to `remote`.
inline std::unique_ptr<media::Endpoint> make_endpoint(std::uint32_t index, const codec::Format& format,
                                                      rtp::Suite suite, const rtp::MasterKey& receive,
                                                      const rtp::MasterKey& send, int socket,
                                                      const core::Address& remote) {
    rtp::SrtpSender sender{suite, &send};
    sender.begin(0x20000U + index, {1, 1});
    sender.set_reserved(sender.ssrc(), rtp::SrtpSender::unrecorded());
    return std::make_unique<media::Endpoint>(
        index,
        media::Endpoint::Parts{
            .source = {.format = format, .payload_type = 96, .remote = remote, .own_port = true},
            .receiver = rtp::SrtpReceiver{suite, std::span{&receive, 1}},
            .sink =
                {.format = format, .payload_type = 96, .socket = socket, .rtcp_socket = -1, .cname = "bench"},
            .sender = std::move(sender),
            .first_timestamp = 7},
        core::monotonic_now());
}

// Empties a socket, outside what is measured, so that every send finds room.
inline void drain(int fd) {
    std::array<std::byte, 2048> buffer;
    while (recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT) >= 0) {
    }
}

}  // namespace crosspatch::bench
