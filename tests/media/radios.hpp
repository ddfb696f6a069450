#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "crosspatch/media/endpoint.hpp"
#include "crosspatch/media/socket.hpp"
#include "crosspatch/media/talkspurt.hpp"
#include "crosspatch/rtp/octets.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "tests/codec/voice.hpp"

// Radios on loopback sockets, and the gateway's endpoints that face them.
namespace crosspatch::tests {

using namespace std::chrono_literals;
inline const core::Time kStart{std::chrono::hours{1}};

inline core::UniqueFd loopback_socket(const char* address = "127.0.0.1:0") {
    auto fd = media::open_udp(*core::Address::parse(address, true));
    REQUIRE(fd);
    return std::move(*fd);
}

// 20 ms of PCMU in the clear.
inline Octets voice_packet(std::uint16_t sequence) {
    Octets packet(172, std::byte{0x55});
    packet[0] = std::byte{0x80};
    packet[1] = std::byte{0};
    rtp::store16(packet, 2, sequence);
    rtp::store32(packet, 4, sequence * 160U);
    rtp::store32(packet, 8, 0xABCD);
    return packet;
}

// A packet as a radio got it.
struct Heard {
    bool marker;
    std::uint16_t sequence;
    std::uint32_t timestamp;
    std::uint32_t ssrc;
    Octets payload;
};

// A radio without SRTP: the wire can be read as it is. The gateway's half is `endpoint`.
class Radio {
public:
    Radio(std::uint32_t index, const codec::Format& format, std::chrono::milliseconds ptime = 20ms,
          bool pace = false)
        : wire{loopback_socket()},
          gateway{loopback_socket()},
          address{media::local_address(wire.get())},
          endpoint{index, parts(index, format, ptime, pace), kStart} {}

    // Everything that has come since the last time; RTCP is left out.
    std::vector<Heard> hear() {
        std::vector<Heard> heard;
        for (auto batch = in_->receive(wire.get()); !batch.empty(); batch = in_->receive(wire.get()))
            for (const media::Datagram& datagram : batch) {
                if (rtp::classify(datagram.octets) != rtp::DatagramKind::Rtp) continue;
                const auto header = rtp::parse_header(datagram.octets);
                REQUIRE(header);
                const auto payload = datagram.octets.subspan(header->size);
                heard.push_back({header->marker,
                                 header->sequence,
                                 header->timestamp,
                                 header->ssrc,
                                 {payload.begin(), payload.end()}});
            }
        return heard;
    }

    core::UniqueFd wire;
    core::UniqueFd gateway;
    core::Address address;
    media::Endpoint endpoint;

private:
    media::Endpoint::Parts parts(std::uint32_t index, const codec::Format& format,
                                 std::chrono::milliseconds ptime, bool pace) {
        const std::uint8_t type = format.static_payload_type().value_or(111);
        rtp::SrtpSender sender{rtp::Suite::None, nullptr};
        const std::uint32_t ssrc = 0x1000 + index;
        REQUIRE(sender.begin(ssrc, {.rtp = 100}));
        sender.set_reserved(ssrc, rtp::SrtpSender::unrecorded());
        return {.source = {.format = format, .payload_type = type, .remote = address, .own_port = true},
                .receiver = {rtp::Suite::None, {}},
                .sink = {.format = format,
                         .payload_type = type,
                         .ptime = ptime,
                         .pace = pace,
                         .socket = gateway.get(),
                         .rtcp_socket = gateway.get(),
                         .cname = "gateway"},
                .sender = std::move(sender),
                .first_timestamp = 5'000 * index};
    }
    std::unique_ptr<media::ReceiveBatch> in_ = std::make_unique<media::ReceiveBatch>();
};

// What somebody says, packet by packet, in a codec.
class Speech {
public:
    Speech(const codec::Format& format, std::chrono::milliseconds length,
           std::chrono::milliseconds packet = 20ms, unsigned expected_loss = 0)
        : format_{format}, ticks_{format.ticks(packet)} {
        const auto encoder = codec::make_encoder(format);
        const std::uint32_t rate = rate_of(format, *encoder);
        encode(*encoder, voice(rate, length), rate, packet, expected_loss);
    }
    // Other sounds, at 8 kHz.
    Speech(const codec::Format& format, const Samples& narrow)
        : format_{format}, ticks_{format.ticks(std::chrono::milliseconds{20})} {
        encode(*codec::make_encoder(format), narrow, 8000, std::chrono::milliseconds{20}, 0);
    }

    std::size_t size() const { return payloads_.size(); }
    const Octets& payload(std::size_t n) const { return payloads_.at(n); }
    media::Packet packet(std::size_t n) const {
        return {.sequence = first_sequence + n,
                .timestamp = first_timestamp + static_cast<std::uint32_t>(n) * ticks_,
                .ssrc = 0xABCD,
                .duration = ticks_,
                .marker = n == 0,
                .dtx = codec::is_dtx(format_, payloads_.at(n)),
                .payload = payloads_.at(n)};
    }

    std::uint64_t first_sequence = 60'000;
    std::uint32_t first_timestamp = 0xFFFFF000;  // wraps soon

private:
    static std::uint32_t rate_of(const codec::Format& format, const codec::Encoder& encoder) {
        return encoder.rates().back() > format.rate ? format.rate : encoder.rates().back();
    }
    void encode(codec::Encoder& encoder, const Samples& samples, std::uint32_t rate,
                std::chrono::milliseconds packet, unsigned expected_loss) {
        encoder.start(rate, format_);
        encoder.set_loss(expected_loss);
        const std::size_t size = rate / 1000 * static_cast<std::size_t>(packet.count());
        for (std::size_t at = 0; at + size <= samples.size(); at += size) {
            Octets payload(codec::kMaxPayload);
            payload.resize(encoder.encode(std::span{samples}.subspan(at, size), payload));
            payloads_.push_back(std::move(payload));
        }
    }

    codec::Format format_;
    std::uint32_t ticks_;
    std::vector<Octets> payloads_;
};

// What a worker has for its talkspurts, and one talkspurt.
struct Stage {
    media::CodecPool codecs;
    media::PacketPool packets{32};
    std::unique_ptr<media::Scratch> scratch = std::make_unique<media::Scratch>();
    media::Outbox outbox;
    media::CodecPool::Maker maker;
    media::Tap tap;
    const media::TalkPath path{codecs, packets, *scratch, outbox, &tap};
    media::Talkspurt talkspurt{path};
    core::Time now = kStart;

    void stock(const codec::Format& format, std::size_t count) {
        media::CodecPool::Needs needs;
        for (std::size_t i = 0; i < count; ++i) {
            needs.encoder(format);
            needs.decoder(format);
        }
        codecs.stock(maker.make(needs));
    }
    void stock_strippers(std::size_t count) {
        media::CodecPool::Needs needs;
        needs.strippers = count;
        codecs.stock(maker.make(needs));
    }
    std::size_t free_encoders(const codec::Format& format) {
        std::vector<std::unique_ptr<media::CodecPool::Encoder>> taken;
        while (auto encoder = codecs.take_encoder(format)) taken.push_back(std::move(encoder));
        for (auto& encoder : taken) codecs.give_back(std::move(encoder));
        return taken.size();
    }
    std::size_t free_decoders(const codec::Format& format) {
        std::vector<std::unique_ptr<media::CodecPool::Decoder>> taken;
        while (auto decoder = codecs.take_decoder(format)) taken.push_back(std::move(decoder));
        for (auto& decoder : taken) codecs.give_back(std::move(decoder));
        return taken.size();
    }

    // The press, with these listeners from the start.
    void press(Radio& talker, const Speech& speech, std::vector<Radio*> listeners, double gain_db = 0,
               std::size_t first = 0) {
        talkspurt.reserve(64);
        talkspurt.start(talker.endpoint, speech.packet(first), now);
        for (Radio* listener : listeners) talkspurt.add(listener->endpoint, 1, gain_db);
        talkspurt.arrange(now);
    }
    void carry(const media::Packet& packet) {
        talkspurt.carry(packet, now);
        outbox.flush();
    }
    // Packets `from` to `to` (not included), each a packet's time after the one before.
    void say(const Speech& speech, std::size_t from, std::size_t to, std::chrono::milliseconds pace = 20ms) {
        for (std::size_t n = from; n < to; ++n) {
            carry(speech.packet(n));
            now += pace;
        }
    }
    void finish() {
        talkspurt.finish();
        outbox.flush();
    }
};

// True if every packet follows the one before by one sequence number and `ticks`.
inline bool continuous(const std::vector<Heard>& heard, std::uint32_t ticks) {
    for (std::size_t i = 1; i < heard.size(); ++i)
        if (static_cast<std::uint16_t>(heard[i].sequence - heard[i - 1].sequence) != 1 ||
            heard[i].timestamp - heard[i - 1].timestamp != ticks)
            return false;
    return true;
}

inline std::size_t markers(const std::vector<Heard>& heard) {
    return static_cast<std::size_t>(
        std::count_if(heard.begin(), heard.end(), [](const Heard& h) { return h.marker; }));
}

// Decodes what a radio heard, packet after packet.
inline Samples played(const std::vector<Heard>& heard, const codec::Format& format, std::uint32_t rate) {
    const auto decoder = codec::make_decoder(format);
    decoder->start(rate);
    Samples all;
    for (const Heard& one : heard) {
        Samples samples(codec::kMaxSamples);
        samples.resize(decoder->decode(one.payload, samples));
        all.insert(all.end(), samples.begin(), samples.end());
    }
    return all;
}

}  // namespace crosspatch::tests
