#include "crosspatch/rtp/extension.hpp"

#include <doctest/doctest.h>

#include <random>

#include "tests/rtp/datagrams.hpp"
#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::rtp;
using namespace crosspatch::tests;

namespace {

// A header with this extension; `octets` outlives it.
Header with_extension(std::uint16_t profile, const Octets& octets) {
    Header header;
    header.extension_profile = profile;
    header.extension = octets;
    return header;
}

// The elements as text: "1:9e 3:aabb".
std::string walk(std::uint16_t profile, const Octets& octets) {
    const Header header = with_extension(profile, octets);
    ExtensionElements elements{header};
    std::string tape;
    while (const auto element = elements.next()) {
        if (!tape.empty()) tape += ' ';
        tape += std::to_string(element->id) + ':' + core::to_hex(element->data);
    }
    return tape;
}

}  // namespace

TEST_CASE("one-byte elements are found between padding") {
    CHECK(walk(0xBEDE, hex("10 9e 00 00")) == "1:9e");
    CHECK(walk(0xBEDE, hex("00 10 9e 31 aabb 00 00 e0 07 00 00")) == "1:9e 3:aabb 14:07");
    CHECK(walk(0xBEDE, hex("2f 000102030405060708090a0b0c0d0e0f 00 00 00")) ==
          "2:000102030405060708090a0b0c0d0e0f");
}

TEST_CASE("two-byte elements may be empty, and the application's four bits do not matter") {
    CHECK(walk(0x1000, hex("01 01 9e 00")) == "1:9e");
    CHECK(walk(0x100F, hex("00 05 00 ff 02 aabb 00")) == "5: 255:aabb");
}

TEST_CASE("an element that runs past the end ends the walk, and what came before stays") {
    CHECK(walk(0xBEDE, hex("10 9e 23 00")) == "1:9e");
    CHECK(walk(0xBEDE, hex("00 00 00 1f")) == "");
    CHECK(walk(0x1000, hex("01 01 9e 07")) == "1:9e");
    CHECK(walk(0x1000, hex("01 ff 9e 00")) == "");
    CHECK(walk(0x1000, hex("00 00 00 01")) == "");
}

TEST_CASE("the reserved id 15 ends the walk, and so does padding that claims a length") {
    CHECK(walk(0xBEDE, hex("10 9e f0 01 20 02 00 00")) == "1:9e");
    CHECK(walk(0xBEDE, hex("01 aabb 00 10 9e 00 00")) == "");
}

TEST_CASE("an extension of another profile has no elements") {
    CHECK(walk(0xBEDD, hex("10 9e 00 00")) == "");
    CHECK(walk(0x1010, hex("01 01 9e 00")) == "");
    CHECK(walk(0, hex("")) == "");
}

TEST_CASE("the audio level is read in both forms and only from an element of one octet") {
    const Octets one_byte = hex("10 9e 00 00");
    const auto level = audio_level(with_extension(0xBEDE, one_byte), 1);
    REQUIRE(level);
    CHECK(level->voice);
    CHECK(level->minus_dbov == 30);
    CHECK_FALSE(audio_level(with_extension(0xBEDE, one_byte), 2));

    const Octets two_byte = hex("01 01 7f 00");
    const auto silence = audio_level(with_extension(0x1000, two_byte), 1);
    REQUIRE(silence);
    CHECK_FALSE(silence->voice);
    CHECK(silence->minus_dbov == 127);

    const Octets too_long = hex("11 9e9e 00");
    CHECK_FALSE(audio_level(with_extension(0xBEDE, too_long), 1));
    CHECK_FALSE(audio_level(Header{}, 1));
}

TEST_CASE("a written audio level reads back") {
    for (std::uint8_t id = 1; id <= 14; ++id) {
        for (int level = 0; level <= 127; ++level) {
            const auto octets = audio_level_element(id, {level % 2 == 0, static_cast<std::uint8_t>(level)});
            Header header;
            header.extension_profile = kOneByteElements;
            header.extension = octets;
            const auto read = audio_level(header, id);
            REQUIRE(read);
            CHECK(read->minus_dbov == level);
            CHECK(read->voice == (level % 2 == 0));
        }
    }
    CHECK(core::to_hex(audio_level_element(1, {true, 30})) == "109e0000");
}

TEST_CASE("a walk over any octets ends, stays inside them and takes no memory") {
    std::mt19937 random{3};
    Octets octets(64);
    std::size_t elements_seen = 0, strayed = 0;
    const auto before = allocations();
    for (int round = 0; round < 20000; ++round) {
        for (auto& octet : octets) octet = static_cast<std::byte>(random() & random());
        Header header;
        header.extension_profile = random() & 1 ? kOneByteElements : kTwoByteElements;
        header.extension = std::span{octets}.first(random() % 17 * 4);
        ExtensionElements elements{header};
        std::size_t steps = 0;
        while (const auto element = elements.next()) {
            ++elements_seen;
            strayed += !lies_in(element->data, header.extension) || ++steps > header.extension.size();
        }
    }
    CHECK(allocations() == before);
    CHECK(strayed == 0);
    CHECK(elements_seen > 1000);
}
