#include "crosspatch/rtp/sequence.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace crosspatch::rtp;

TEST_CASE("distances go the short way round the wrap") {
    CHECK(distance(10, 12) == 2);
    CHECK(distance(12, 10) == -2);
    CHECK(distance(65535, 0) == 1);
    CHECK(distance(0, 65535) == -1);
    CHECK(distance(0, 32767) == 32767);
    CHECK(distance(0, 32768) == -32768);
    CHECK(timestamp_distance(0xFFFFFFFF, 159) == 160);
    CHECK(timestamp_distance(0, 0x80000000) == INT32_MIN);
}

TEST_CASE("newer means ahead by less than half a cycle") {
    CHECK(is_newer(0, 65535));
    CHECK_FALSE(is_newer(65535, 0));
    CHECK_FALSE(is_newer(7, 7));
    CHECK_FALSE(is_newer(32768, 0));
}

TEST_CASE("an extended number counts the cycles, and late packets keep theirs") {
    ExtendedSequence extended{65534};
    CHECK(extended.extend(65535) == 65535);
    CHECK(extended.extend(1) == 0x10001);
    CHECK(extended.extend(65533) == 65533);
    CHECK(extended.highest() == 0x10001);
    CHECK(extended.cycles() == 1);
    CHECK(extended.nearest(0) == 0x10000);
    CHECK(extended.nearest(65535) == 65535);
    CHECK(extended.highest() == 0x10001);
}

TEST_CASE("the numbers of a shuffled stream come out as they went in") {
    std::mt19937 random{11};
    ExtendedSequence extended{40000};
    std::uint32_t sent = 40000;
    for (int round = 0; round < 300000; ++round) {
        sent += static_cast<std::uint32_t>(random() % 4);
        const std::uint32_t late = static_cast<std::uint32_t>(random() % 20);
        const std::uint32_t original = sent - late;
        CHECK_MESSAGE(extended.nearest(static_cast<std::uint16_t>(original)) == original, round);
        extended.extend(static_cast<std::uint16_t>(sent));
    }
    CHECK(extended.highest() == sent);
    CHECK(extended.cycles() >= 5);
}
