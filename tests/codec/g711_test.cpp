#include "src/codec/g711.hpp"

#include <doctest/doctest.h>

extern "C" {
#include <spandsp.h>
}

namespace g711 = crosspatch::codec::g711;

TEST_CASE("G.711 codes the values of the published tables") {
    CHECK(g711::to_ulaw(0) == 0xFF);
    CHECK(g711::to_ulaw(100) == 0xF2);
    CHECK(g711::to_ulaw(1000) == 0xCE);
    CHECK(g711::to_ulaw(-1000) == 0x4E);
    CHECK(g711::to_ulaw(8031) == 0xA0);
    CHECK(g711::to_ulaw(32767) == 0x80);
    CHECK(g711::to_ulaw(-32768) == 0x00);
    CHECK(g711::to_alaw(0) == 0xD5);
    CHECK(g711::to_alaw(1000) == 0xFA);
    CHECK(g711::to_alaw(-1000) == 0x7A);
    CHECK(g711::to_alaw(8031) == 0x8A);
    CHECK(g711::to_alaw(32767) == 0xAA);
    CHECK(g711::to_alaw(-32768) == 0x2A);
    CHECK(g711::from_ulaw(0xFF) == 0);
    CHECK(g711::from_ulaw(0xCE) == 988);
    CHECK(g711::from_ulaw(0xA0) == 7932);
    CHECK(g711::from_ulaw(0x80) == 32124);
    CHECK(g711::from_alaw(0xD5) == 8);
    CHECK(g711::from_alaw(0xFA) == 1008);
    CHECK(g711::from_alaw(0x8A) == 8064);
    CHECK(g711::from_alaw(0xAA) == 32256);
}

TEST_CASE("all 65,536 samples and all 256 octets are coded as libspandsp codes them") {
    int wrong = 0;
    for (int value = -32768; value <= 32767; ++value) {
        const auto sample = static_cast<std::int16_t>(value);
        if (g711::to_ulaw(sample) != linear_to_ulaw(value)) ++wrong;
        if (g711::to_alaw(sample) != linear_to_alaw(value)) ++wrong;
    }
    for (int octet = 0; octet < 256; ++octet) {
        const auto code = static_cast<std::uint8_t>(octet);
        if (g711::from_ulaw(code) != ulaw_to_linear(code)) ++wrong;
        if (g711::from_alaw(code) != alaw_to_linear(code)) ++wrong;
    }
    CHECK(wrong == 0);
}
