#include "crosspatch/media/packet_costs.hpp"

#include <doctest/doctest.h>

#include <chrono>

namespace crosspatch::media {

TEST_CASE(
    "what packets cost is found out: an encoder more than its decoder, Opus more than G.711, in little "
    "time") {
    const auto before = std::chrono::steady_clock::now();
    PacketCosts costs;
    const codec::Format opus = codec::opus();
    CHECK(costs.encode(opus, 16'000) > costs.decode(opus, 16'000));
    CHECK(costs.encode(opus, 16'000) > costs.encode(codec::pcmu(), 8'000));
    CHECK(costs.packet(rtp::Suite::Aes256Gcm) > 0);
    CHECK(costs.packet(rtp::Suite::AesCm128HmacSha1_80) > costs.packet(rtp::Suite::None));
    CHECK(costs.encode(opus, 16'000) == costs.encode(opus, 16'000));  // remembered
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds{2});
}

}  // namespace crosspatch::media
