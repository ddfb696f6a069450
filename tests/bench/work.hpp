#pragma once
// What a gateway is to do in a benchmark, as gateway_bench.py writes it for the bare gateway and the load generator.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/codec/format.hpp"
#include "crosspatch/core/address.hpp"
#include "crosspatch/rtp/srtp_suite.hpp"

namespace crosspatch::bench {

// One line a thing, words separated by blanks, every packet 20 ms long:
//
//   gateway ADDRESS:PORT
//   endpoint NAME CHANNEL CODEC PAYLOAD_TYPE SUITE ADDRESS:PORT KEY_TO_GATEWAY KEY_FROM_GATEWAY
//   hears CHANNEL CHANNEL            who talks on the first is heard on the second too
//   spurt NAME START_MS PACKETS      the schedule, in the order of its starts; only the load generator keeps to it
//
// CODEC is NAME, or NAME:RATE:BITRATE for Opus; keys are in base64. Endpoints that share an address are sinks: what
// comes in there is thrown away.
struct Work {
    struct Endpoint {
        std::string name;
        std::string channel;
        codec::Format format;
        std::uint8_t payload_type{};
        rtp::Suite suite{};
        core::Address address;
        rtp::MasterKey to_gateway;
        rtp::MasterKey from_gateway;
    };
    struct Spurt {
        std::size_t talker{};  // an index of `endpoints`
        std::chrono::milliseconds start{};
        std::size_t packets{};
    };
    core::Address gateway;
    std::vector<Endpoint> endpoints;
    std::vector<std::pair<std::string, std::string>> hears;
    std::vector<Spurt> spurts;

    // Who hears this talker, as indices of `endpoints`.
    std::vector<std::size_t> listeners_of(std::size_t talker) const;
};

inline constexpr std::chrono::milliseconds kPtime{20};

// Throws std::runtime_error with the line that it cannot read.
Work read_work(const std::string& path);

}  // namespace crosspatch::bench
