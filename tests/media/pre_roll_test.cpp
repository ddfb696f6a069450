#include "crosspatch/media/pre_roll.hpp"

#include <doctest/doctest.h>

#include "tests/media/radios.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::media {
namespace {

using namespace tests;

struct Kept {
    Packet packet(std::size_t n) const {
        return {.sequence = 1000 + n,
                .timestamp = first + static_cast<std::uint32_t>(160 * n),
                .duration = 160,
                .payload = octets};
    }
    std::size_t keep(std::size_t from, std::size_t to) {
        std::size_t dropped = 0;
        for (std::size_t n = from; n < to; ++n) {
            dropped += pre_roll.keep(packet(n), now);
            now += 20ms;
        }
        return dropped;
    }
    std::uint32_t first{0xFFFF'FF00};  // it wraps in the second packet
    Octets octets = Octets(160);
    core::Time now{1h};
    PreRoll pre_roll{8000, 100ms, 10};
};

}  // namespace

TEST_CASE("no more is kept than the time asks, and what went for it is counted") {
    Kept kept;
    CHECK(kept.keep(0, 5) == 0);
    CHECK(kept.keep(5, 12) == 7);
    CHECK(kept.pre_roll.size() == 5);
    CHECK(kept.pre_roll.first({}).sequence == 1007);
    CHECK(kept.pre_roll.first({}).payload.size() == 160);
    CHECK(kept.pre_roll.clear() == 5);
    CHECK(kept.pre_roll.size() == 0);
}

TEST_CASE("packets shorter than usual are kept up to their number") {
    Kept kept;
    for (std::size_t n = 0; n < 12; ++n) {
        Packet packet = kept.packet(n);
        packet.duration = 20;
        kept.pre_roll.keep(packet, kept.now);
    }
    CHECK(kept.pre_roll.size() == 10);
}

TEST_CASE("what came before a time of the talker's clock is dropped, also where that clock wraps") {
    Kept kept;
    kept.keep(0, 5);
    CHECK(kept.pre_roll.drop_before(kept.packet(3).timestamp) == 3);
    CHECK(kept.pre_roll.first({}).sequence == 1003);
    CHECK(kept.pre_roll.drop_before(kept.packet(3).timestamp) == 0);
    CHECK(kept.pre_roll.drop_before(kept.packet(9).timestamp) == 2);
}

TEST_CASE("what came before a pause is dropped") {
    Kept kept;
    kept.keep(0, 5);
    CHECK(kept.pre_roll.drop_old(kept.now + 120ms) == 1);
    CHECK(kept.pre_roll.drop_old(kept.now + 1s) == 4);
}

TEST_CASE("keeping and forgetting take no memory from the heap") {
    Kept kept;
    const auto before = allocations();
    kept.keep(0, 100);
    kept.pre_roll.clear();
    CHECK(allocations() == before);
}

}  // namespace crosspatch::media
