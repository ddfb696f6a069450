#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "crosspatch/codec/format.hpp"
#include "crosspatch/rtp/srtp_suite.hpp"

namespace crosspatch::media {

// What one packet costs on this machine, found out by doing it: about a millisecond a codec and rate, once.
//
// Units    nanoseconds of CPU for a packet of 20 ms; rates in hertz, as working_rates() gives them.
// Errors   what cannot be tried (no socket) counts as what it takes on a common machine.
// Thread   control's; measures on the calling thread.
class PacketCosts {
public:
    PacketCosts();

    // Measured when first asked for.
    std::uint32_t encode(const codec::Format& format, std::uint32_t rate);
    std::uint32_t decode(const codec::Format& format, std::uint32_t rate);
    // To seal and send it to one listener; to receive and open one costs no more.
    std::uint32_t packet(rtp::Suite suite) const { return packet_[static_cast<std::size_t>(suite)]; }

private:
    struct Coding {
        codec::Format format;
        std::uint32_t rate;
        std::uint32_t encode;
        std::uint32_t decode;
    };
    const Coding& coding(const codec::Format& format, std::uint32_t rate);
    std::vector<Coding> known_;
    std::array<std::uint32_t, 4> packet_{};  // by suite
};

}  // namespace crosspatch::media
