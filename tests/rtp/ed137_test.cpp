#include "crosspatch/rtp/ed137.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <string>

#include "tests/rtp/datagrams.hpp"
#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::rtp;
using namespace crosspatch::rtp::ed137;
using crosspatch::tests::allocations;
using crosspatch::tests::hex;

namespace {

// An extension alone, as a header would show it.
std::optional<Extension> read_words(std::span<const std::byte> octets, std::uint16_t profile = kProfile) {
    Header header;
    header.extension_profile = profile;
    header.extension = octets;
    return read(header);
}

struct Vector {
    const char* what;
    const char* packet;
    std::uint8_t payload_type;
    std::size_t payload;
    Extension extension;
};

// Made by other programs and read by tshark 4.0.17.
const Vector kVectors[] = {
    {"a voice switch keys, id 5",
     "90080001000000a0000012340167000121400000 d5d5d5d5d5d5d5d5",
     8,
     8,
     {.ptt = Ptt::Normal, .ptt_id = 5}},
    {"keep-alive, key off", "907b00020000014000001234 0167000100000000", kKeepAlive, 0, {}},
    {"a ground station hears somebody, and how well",
     "90080003000001e0000056780167000110011150 d5d5d5d5d5d5d5d5",
     8,
     8,
     {.squelch_open = true, .quality = Quality{10, kRssi}}},
    {"emergency, id 63, CLIMAX of 20 ms",
     "9008000400000280000012340167 0001 8fc1218a d5d5d5d5d5d5d5d5",
     8,
     8,
     {.ptt = Ptt::Emergency, .ptt_id = 63, .climax = Climax{true, 10}}},
};

}  // namespace

TEST_CASE("published packets read as they should, and are written back octet by octet") {
    for (const Vector& vector : kVectors) {
        CAPTURE(vector.what);
        const auto packet = hex(vector.packet);
        const auto header = parse_header(packet);
        REQUIRE(header);
        CHECK(header->payload_type == vector.payload_type);
        CHECK(packet.size() - header->size == vector.payload);
        CHECK(read(*header) == vector.extension);

        const Octets octets = write(vector.extension);
        Header ours = *header;
        ours.extension_profile = kProfile;
        ours.extension = octets.view();
        tests::Octets again(written_size(ours));
        CHECK(write_header(again, ours) == header->size);
        CHECK(std::ranges::equal(again, std::span{packet}.first(header->size)));
    }
}

TEST_CASE("the original layout is read") {
    const auto packet = hex("900800050000032000001234 0067000133000000 d5d5d5d5d5d5d5d5");
    CHECK(read(parse_header(packet).value()) ==
          Extension{.ptt = Ptt::Normal, .squelch_open = true, .ptt_id = 3});
    // SQI index 200 by method 2, then CLIMAX of 63 x 2 ms in a second word; SCT in the first.
    CHECK(read_words(hex("10c73210 104b3f00"), kOriginal) == Extension{.squelch_open = true,
                                                                       .simultaneous = true,
                                                                       .quality = Quality{200, 2},
                                                                       .climax = Climax{false, 63}});
    CHECK(read_words(hex("00040000"), kOriginal) == Extension{});  // a feature without X is none
}

TEST_CASE("other features are passed over, and of two of a kind the first counts") {
    // RRC, a delay answer of 14 octets and a vendor's, then quality twice.
    CHECK(read_words(hex("1001 3180 4e0102030405060708090a0b0c0d0e b0 1150 1158 0000")) ==
          Extension{.squelch_open = true, .quality = Quality{10, 0}});
    // A quality of no octet or of two is none that we know.
    CHECK(read_words(hex("0001 10 120102 2105 00")) == Extension{.climax = Climax{false, 5}});
    CHECK(read_words(hex("0001 0000")) == Extension{});                             // X and no feature
    CHECK(read_words(hex("2000 1150")) == Extension{.ptt = Ptt::Normal});           // no X: a trailer
    CHECK(read_words(hex("2001 0011 50000000")) == Extension{.ptt = Ptt::Normal});  // type 0 ends the list
}

TEST_CASE("features that run past the end are dropped, the fixed part is kept") {
    CHECK(read_words(hex("8fc1 1150 218a 1fff")) == Extension{.ptt = Ptt::Emergency, .ptt_id = 63});
    CHECK(read_words(hex("1001 00f0")) == Extension{.squelch_open = true});
    CHECK(read_words(hex("1001 1150 ffffffff")) == Extension{.squelch_open = true});
    CHECK(read_words(hex("1001 4f01")) == Extension{.squelch_open = true});
}

TEST_CASE("no extension, another kind and one without a word say nothing") {
    CHECK_FALSE(read(Header{}));
    CHECK_FALSE(read_words({}));
    CHECK_FALSE(read_words({}, kOriginal));
    CHECK_FALSE(read_words(hex("10ff0000"), 0xBEDE));
    CHECK_FALSE(read_words(hex("21400000"), 0x0168));
}

TEST_CASE("a packet cut anywhere in its header is refused, and a cut list never reads beyond") {
    for (const Vector& vector : kVectors) {
        const auto packet = hex(vector.packet);
        const std::size_t size = parse_header(packet).value().size;
        for (std::size_t cut = 0; cut < size; ++cut) {
            const tests::Octets part(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(cut));
            CHECK_FALSE(parse_header(part));
        }
    }
    const auto list = hex("1001 1150 218a 3180 4e0102030405060708090a0b0c0d0e 00");
    for (std::size_t cut = 0; cut <= list.size(); ++cut) {
        const tests::Octets part(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(cut));
        const auto extension = read_words(part);  // the sanitizer watches
        CHECK(extension.has_value() == (cut >= 4));
        if (extension) CHECK(extension->squelch_open);
    }
}

TEST_CASE("everything that can be written reads the same") {
    for (unsigned fixed = 0; fixed < 0x10000; ++fixed) {
        Extension extension{.ptt = static_cast<Ptt>(fixed >> 13),
                            .squelch_open = (fixed & 0x1000) != 0,
                            .ptt_id = static_cast<std::uint8_t>(fixed >> 6 & 0x3F),
                            .muted = (fixed & 0x20) != 0,
                            .summed = (fixed & 0x10) != 0,
                            .simultaneous = (fixed & 0x08) != 0};
        if (fixed & 1)
            extension.quality =
                Quality{static_cast<std::uint8_t>(fixed % 32), static_cast<std::uint8_t>(fixed / 32 % 8)};
        if (fixed & 2) extension.climax = Climax{(fixed & 4) != 0, static_cast<std::uint8_t>(fixed % 128)};
        const Octets octets = write(extension);
        const bool same = read_words(octets.view()) == extension;
        if (!same) FAIL("differs: " << fixed);
        if (octets.size != (extension.quality && extension.climax ? 8 : 4)) FAIL("size: " << fixed);
    }
}

TEST_CASE("signal strength has fifteen steps of 30/14 dB") {
    CHECK(rssi_index(-130) == 0);
    CHECK(rssi_index(-100.01) == 0);
    CHECK(rssi_index(-100) == 1);
    CHECK(rssi_index(-97.86) == 1);
    CHECK(rssi_index(-97.85) == 2);
    CHECK(rssi_index(-85) == 7);
    CHECK(rssi_index(-84.9) == 8);
    CHECK(rssi_index(-70) == 14);
    CHECK(rssi_index(-69.99) == 15);
    CHECK(rssi_index(20) == 15);
    CHECK(rssi_index(std::numeric_limits<double>::quiet_NaN()) == 0);
}

TEST_CASE("reading and writing takes no memory") {
    const auto packet = hex(kVectors[3].packet);
    const auto before = allocations();
    for (int i = 0; i < 100; ++i) {
        const auto extension = read(parse_header(packet).value());
        if (write(*extension).size != 4) FAIL("size");
    }
    CHECK(allocations() == before);
}
