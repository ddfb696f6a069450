#pragma once
#include <array>
#include <cstddef>
#include <span>

#include "crosspatch/rtp/srtp_suite.hpp"

namespace crosspatch::rtp {

// What one master key is stretched to: keys and salts of SRTP and of SRTCP.
//
// Shape    sized for the largest suite; a suite uses the first octets of each array, info() says how many.
// Errors   derive() throws std::runtime_error when the crypto library refuses to work.
// Thread   its owner's. Wiped on destruction.
// Source   RFC 3711 §4.3 with derivation rate 0; RFC 6188 for 32-octet keys; RFC 7714 §11 for 12-octet salts.
struct SessionKeys {
    struct Half {
        std::array<std::byte, 32> key{};
        std::array<std::byte, 20> auth{};
        std::array<std::byte, 14> salt{};
    };
    Half rtp;
    Half rtcp;

    SessionKeys() = default;
    SessionKeys(const SessionKeys&) = delete;
    SessionKeys& operator=(const SessionKeys&) = delete;
    ~SessionKeys();

    // Requires: key and salt of the suite's sizes.
    void derive(Suite suite, std::span<const std::byte> master_key, std::span<const std::byte> master_salt);
};

}  // namespace crosspatch::rtp
