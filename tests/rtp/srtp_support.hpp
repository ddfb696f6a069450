#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/text.hpp"
#include "crosspatch/rtp/octets.hpp"
#include "crosspatch/rtp/srtp_receiver.hpp"
#include "crosspatch/rtp/srtp_sender.hpp"

// Keys, packets and a pair of ends for the SRTP tests.
namespace crosspatch::rtp {

using Octets = std::vector<std::byte>;
inline constexpr std::uint32_t kSsrc = 0xcafebabe;
inline constexpr std::size_t kHeader = 12;
inline constexpr Suite kSuites[] = {Suite::Aes256Gcm, Suite::Aes128Gcm, Suite::AesCm128HmacSha1_80};

inline Octets hex(std::string_view text) {
    std::string digits;
    std::copy_if(text.begin(), text.end(), std::back_inserter(digits), [](char c) { return c != ' '; });
    return core::from_hex(digits).value();
}

inline Octets key_octets(Suite suite, std::uint32_t seed) {
    std::minstd_rand numbers{seed + 1};
    Octets octets(info(suite).key_size + info(suite).salt_size);
    for (auto& octet : octets) octet = static_cast<std::byte>(numbers() >> 8 & 0xFF);
    return octets;
}

inline MasterKey key_of(Suite suite, std::span<const std::byte> octets) {
    auto key = MasterKey::make(suite, core::Secret{octets});
    REQUIRE(key);
    return std::move(*key);
}

inline std::vector<MasterKey> keys(Suite suite, std::initializer_list<std::uint32_t> seeds) {
    std::vector<MasterKey> made;
    for (const auto seed : seeds) made.push_back(key_of(suite, key_octets(suite, seed)));
    return made;
}

// A header with this number and a payload that follows from it.
inline Octets rtp_packet(std::uint64_t index, std::uint32_t ssrc = kSsrc, std::size_t payload = 60) {
    Octets packet(kHeader + payload);
    store16(packet, 0, 0x806F);
    store16(packet, 2, static_cast<std::uint16_t>(index & 0xFFFF));
    store32(packet, 4, static_cast<std::uint32_t>(index * 160));
    store32(packet, 8, ssrc);
    for (std::size_t i = 0; i < payload; ++i) packet[kHeader + i] = static_cast<std::byte>(index + i);
    return packet;
}

inline Octets rtcp_packet(std::uint32_t ssrc = kSsrc, std::size_t size = 28) {
    Octets packet(size, std::byte{0x5A});
    store32(packet, 0, 0x80C80000U | static_cast<std::uint32_t>(size / 4 - 1));
    store32(packet, 4, ssrc);
    return packet;
}

// One end that talks: seals what it is told to, with its reservation out of the way.
struct Talker {
    explicit Talker(const MasterKey& key, IndexLimits start = {}, std::uint32_t ssrc = kSsrc)
        : sender{key.suite(), &key} {
        REQUIRE(sender.begin(ssrc, start));
        sender.set_reserved(ssrc, SrtpSender::unrecorded());
    }

    Octets say(std::uint64_t index, std::size_t payload = 60) {
        Octets packet = rtp_packet(index, sender.ssrc(), payload);
        const auto size = packet.size();
        packet.resize(size + overhead(sender.suite()).rtp);
        const auto sealed = sender.seal_rtp(packet, kHeader, size, sender.ssrc(), index);
        REQUIRE(sealed);
        REQUIRE(*sealed == packet.size());
        return packet;
    }
    Octets report() {
        Octets packet = rtcp_packet(sender.ssrc());
        const auto size = packet.size();
        packet.resize(size + overhead(sender.suite()).rtcp);
        REQUIRE(sender.seal_rtcp(packet, size));
        return packet;
    }
    SrtpSender sender;
};

// What became of a packet: "ok", or the cause.
inline std::string outcome(const core::Result<SrtpReceiver::Opened, SrtpError>& result) {
    return result ? "ok" : std::string{name(result.error())};
}

// One end that listens; packets are copied, so the same one can be sent again.
struct Listener {
    explicit Listener(std::span<const MasterKey> with) : receiver{with.front().suite(), with} {}

    std::string hear(Octets packet) {
        if (packet.size() < kHeader) return "no header";
        const auto result = receiver.open_rtp(packet, kHeader, load32(packet, 8), load16(packet, 2));
        if (result) {
            const auto text = result->plaintext;
            heard.assign(text.begin(), text.end());
            index = result->index;
        }
        return outcome(result);
    }
    std::string hear_rtcp(Octets packet) {
        const auto result = receiver.open_rtcp(packet);
        if (result) heard.assign(result->plaintext.begin(), result->plaintext.end());
        return outcome(result);
    }
    SrtpReceiver receiver;
    Octets heard;
    std::uint64_t index{};
};

}  // namespace crosspatch::rtp
