#pragma once
// The talking half of the load generator: payloads of something like speech, sealed and sent.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crosspatch/codec/encoder.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/srtp_sender.hpp"
#include "tests/bench/talk_path.hpp"
#include "tests/bench/work.hpp"

namespace crosspatch::bench {

using Stamp = std::chrono::nanoseconds;  // CLOCK_REALTIME, as the kernel stamps what arrives
inline Stamp stamp_now() { return core::wall_now().time_since_epoch(); }

using Payloads = std::vector<std::vector<std::byte>>;

// Payloads of six seconds in each format that is talked, made before anything is sent.
class Library {
public:
    const Payloads& payloads(const codec::Format& format) {
        for (const auto& [known, payloads] : made_)
            if (known == format) return *payloads;
        made_.emplace_back(format, std::make_unique<Payloads>(encode(format)));
        return *made_.back().second;
    }

private:
    static constexpr std::size_t kPackets = 300;
    static Payloads encode(const codec::Format& format) {
        const auto encoder = codec::make_encoder(format);
        const std::uint32_t rate = std::min(encoder->rates().back(), format.rate);
        encoder->start(rate, format);
        const auto samples = speech(rate, kPackets);
        Payloads payloads;
        for (std::size_t i = 0; i < kPackets; ++i) {
            payloads.emplace_back(codec::kMaxPayload);
            payloads[i].resize(
                encoder->encode(std::span{samples}.subspan(i * rate / 50, rate / 50), payloads[i]));
        }
        return payloads;
    }
    std::vector<std::pair<codec::Format, std::unique_ptr<Payloads>>> made_;
};

// One talkspurt of the schedule while it is sent.
struct Spurt {
    const Work::Spurt* plan{};
    const Payloads* payloads{};
    std::vector<std::size_t> listeners;
    std::vector<Stamp> sent_at;  // of each packet

    const std::vector<std::byte>& payload(std::size_t packet) const {
        return (*payloads)[packet % payloads->size()];
    }
};

// What one endpoint says to the gateway: one stream over all its talkspurts.
class Talker {
public:
    // Several runs against one gateway go on from `first_index`, so that it takes none for a replay.
    Talker(const Work::Endpoint& endpoint, std::uint32_t number, std::uint64_t first_index)
        : endpoint_{endpoint}, srtp_{endpoint.suite, &endpoint.to_gateway}, first_index_{first_index} {
        srtp_.begin(0x1000U + number, {first_index, 1});
        srtp_.set_reserved(srtp_.ssrc(), rtp::SrtpSender::unrecorded());
    }

    // Sends the next packet of the talkspurt.
    void send(Spurt& spurt, int socket, const sockaddr_storage& gateway) {
        const std::size_t packet = spurt.sent_at.size();
        const auto& payload = spurt.payload(packet);
        const std::uint64_t index = srtp_.next().rtp;
        const auto said_at = first_index_ * kPtime + spurt.plan->start + packet * kPtime;
        rtp::Header header;
        header.marker = packet == 0;
        header.payload_type = endpoint_.payload_type;
        header.sequence = static_cast<std::uint16_t>(index);
        header.timestamp = static_cast<std::uint32_t>(said_at.count() * (endpoint_.format.clock / 1000));
        header.ssrc = srtp_.ssrc();
        rtp::write_header(packet_, header);
        std::copy(payload.begin(), payload.end(), packet_.begin() + rtp::kMinHeader);
        const auto sealed =
            srtp_.seal_rtp(packet_, rtp::kMinHeader, rtp::kMinHeader + payload.size(), srtp_.ssrc(), index);
        spurt.sent_at.push_back(stamp_now());
        sendto(socket, packet_.data(), *sealed, 0, reinterpret_cast<const sockaddr*>(&gateway),
               sizeof(sockaddr_in));
    }

private:
    const Work::Endpoint& endpoint_;
    rtp::SrtpSender srtp_;
    std::uint64_t first_index_;
    std::array<std::byte, rtp::kMaxPacket> packet_{};
};

}  // namespace crosspatch::bench
