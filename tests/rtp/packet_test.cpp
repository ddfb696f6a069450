#include "crosspatch/rtp/packet.hpp"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <random>
#include <set>

#include "tests/rtp/datagrams.hpp"
#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::rtp;
using namespace crosspatch::tests;

namespace {

const Octets kPlain =
    hex("80 ef 1234 00000140 cafebabe 0102030405");  // marker, type 111, five octets of payload

std::optional<ParseError> refusal(const Octets& datagram) {
    const auto header = parse_header(datagram);
    return header ? std::nullopt : std::optional{header.error()};
}

std::optional<std::size_t> payload_size(const Octets& datagram) {
    const auto header = parse_header(datagram);
    REQUIRE(header);
    const auto payload = payload_of(*header, std::span{datagram}.subspan(header->size));
    return payload ? std::optional{payload->size()} : std::nullopt;
}

}  // namespace

TEST_CASE("a plain header gives each of its fields") {
    const auto header = parse_header(kPlain);
    REQUIRE(header);
    CHECK(header->size == 12);
    CHECK_FALSE(header->padding);
    CHECK(header->marker);
    CHECK(header->payload_type == 111);
    CHECK(header->sequence == 0x1234);
    CHECK(header->timestamp == 320);
    CHECK(header->ssrc == 0xCAFEBABE);
    CHECK(header->extension_profile == 0);
    CHECK(header->extension.empty());
    CHECK(payload_size(kPlain) == 5);
}

TEST_CASE("the header ends after the contributing sources and the extension") {
    const Octets packet = hex("92 00 0001 00000000 00000001  000000aa 000000bb  bede 0001 109e0000  7f7f");
    const auto header = parse_header(packet);
    REQUIRE(header);
    CHECK(header->size == 12 + 8 + 8);
    CHECK(header->extension_profile == 0xBEDE);
    CHECK(header->extension.data() == packet.data() + 24);
    CHECK(header->extension.size() == 4);
    CHECK(payload_size(packet) == 2);
}

TEST_CASE("an extension without words is legal") {
    const auto header = parse_header(hex("90 00 0001 00000000 00000001 bede 0000"));
    REQUIRE(header);
    CHECK(header->size == 16);
    CHECK(header->extension.empty());
}

TEST_CASE("a datagram shorter than a header is refused") {
    for (std::size_t size = 0; size < kMinHeader; ++size)
        CHECK(refusal(Octets(kPlain.begin(), kPlain.begin() + static_cast<std::ptrdiff_t>(size))) ==
              ParseError::TooShort);
    CHECK_FALSE(refusal(Octets(kPlain.begin(), kPlain.begin() + 12)));
}

TEST_CASE("a version other than 2 is refused") {
    for (const int version : {0, 1, 3}) {
        Octets packet = kPlain;
        packet[0] = static_cast<std::byte>(version << 6);
        CHECK(refusal(packet) == ParseError::Version);
    }
}

TEST_CASE("contributing sources that run past the end are refused") {
    Octets packet(20, std::byte{0});
    packet[0] = std::byte{0x8F};
    CHECK(refusal(packet) == ParseError::Sources);
    packet.resize(12 + 15 * 4);
    CHECK_FALSE(refusal(packet));
}

TEST_CASE("an extension that runs past the end is refused") {
    for (std::size_t follow = 0; follow < 4; ++follow) {
        Octets packet = hex("90 00 0001 00000000 00000001");
        packet.resize(12 + follow);
        CHECK(refusal(packet) == ParseError::Extension);
    }
    CHECK(refusal(hex("90 00 0001 00000000 00000001 bede ffff")) == ParseError::Extension);
    CHECK(refusal(hex("90 00 0001 00000000 00000001 bede 0002 00000000 000000")) == ParseError::Extension);
}

TEST_CASE("padding is cut off, and padding of 0 or more than the payload is refused") {
    CHECK(payload_size(hex("a0 00 0001 00000000 00000001 7f7f 00 02")) == 2);
    CHECK(payload_size(hex("a0 00 0001 00000000 00000001 0000 00 04")) == 0);
    CHECK_FALSE(payload_size(hex("a0 00 0001 00000000 00000001 7f7f 00 00")));
    CHECK_FALSE(payload_size(hex("a0 00 0001 00000000 00000001 7f7f 00 05")));
    CHECK_FALSE(payload_size(hex("a0 00 0001 00000000 00000001")));
    CHECK(payload_size(hex("80 00 0001 00000000 00000001")) == 0);
}

TEST_CASE("payload types that rtcp-mux reserves are refused, all others are left to the negotiation") {
    for (int type = 0; type < 128; ++type) {
        Octets packet = kPlain;
        packet[1] = static_cast<std::byte>(type);
        const bool reserved = type >= 64 && type <= 95;
        CHECK(refusal(packet) == (reserved ? std::optional{ParseError::PayloadType} : std::nullopt));
    }
}

TEST_CASE("a datagram above 1200 octets is refused, up to the largest that UDP carries") {
    Octets packet = kPlain;
    packet.resize(1200);
    CHECK_FALSE(refusal(packet));
    for (const std::size_t size : {1201u, 1472u, 65507u}) {
        packet.resize(size);
        CHECK(refusal(packet) == ParseError::TooLong);
    }
}

TEST_CASE("every refusal has a name of its own") {
    std::set<std::string_view> names;
    for (std::size_t index = 0; index < kParseErrors; ++index)
        names.insert(name_of(static_cast<ParseError>(index)));
    CHECK(names.size() == kParseErrors);
    CHECK_FALSE(names.contains("unknown"));
}

TEST_CASE("a written header reads back, whatever its fields") {
    std::mt19937 random{1};
    const Octets words = hex("109e0000 21aabb00 00000000");
    for (int round = 0; round < 5000; ++round) {
        Header header;
        header.padding = random() & 1;
        header.marker = random() & 1;
        header.payload_type = static_cast<std::uint8_t>(random() & 1 ? random() % 64 : 96 + random() % 32);
        header.sequence = static_cast<std::uint16_t>(random());
        header.timestamp = static_cast<std::uint32_t>(random());
        header.ssrc = static_cast<std::uint32_t>(random());
        if (random() & 1) {
            header.extension_profile = 0xBEDE;
            header.extension = std::span{words}.first(random() % 4 * 4);
        }
        header.size = written_size(header);
        std::array<std::byte, 64> out{};
        const std::size_t size = write_header(out, header);
        REQUIRE(size == header.size);
        const auto read = parse_header(std::span{out}.first(size));
        REQUIRE(read);
        CHECK(*read == header);
    }
}

TEST_CASE("patching changes marker, sequence, timestamp and source, and nothing else") {
    for (const Octets& start : {kPlain, hex("bf 6f 0000 00000000 00000000")}) {
        Octets packet = start;
        patch(std::span{packet}.first<kMinHeader>(), false, 0xFFFE, 0x01020304, 0xA0B0C0D0);
        Octets expected = start;
        const Octets changed = hex("6f fffe 01020304 a0b0c0d0");
        std::copy(changed.begin(), changed.end(), expected.begin() + 1);
        CHECK(packet == expected);
        patch(std::span{packet}.first<kMinHeader>(), true, 0xFFFE, 0x01020304, 0xA0B0C0D0);
        CHECK(packet[1] == std::byte{0xEF});
    }
}

TEST_CASE("the first two octets tell the protocols of a shared port apart") {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const Octets datagram{static_cast<std::byte>(first), static_cast<std::byte>(second)};
            const DatagramKind kind = classify(datagram);
            if (first <= 3) {
                REQUIRE(kind == DatagramKind::Stun);
            } else if (first >= 20 && first <= 63) {
                REQUIRE(kind == DatagramKind::Dtls);
            } else if (first >= 128 && first <= 191) {
                REQUIRE(kind == (second >= 192 && second <= 223 ? DatagramKind::Rtcp : DatagramKind::Rtp));
            } else {
                REQUIRE(kind == DatagramKind::Other);
            }
        }
    }
    CHECK(classify({}) == DatagramKind::Other);
    CHECK(classify(hex("80")) == DatagramKind::Other);
    CHECK(classify(hex("474554202f20")) == DatagramKind::Other);  // "GET / "
}

TEST_CASE("the claimed source is found in RTP and in RTCP, and nowhere else") {
    CHECK(claimed_ssrc(kPlain) == 0xCAFEBABE);
    CHECK(claimed_ssrc(hex("80c90001 00001234")) == 0x1234);
    CHECK_FALSE(claimed_ssrc(hex("80c90001 000012")));
    CHECK_FALSE(claimed_ssrc(hex("80 00 0001 00000000 000000")));
    CHECK_FALSE(claimed_ssrc(hex("000100002112a442000000000000000000000000")));
    CHECK_FALSE(claimed_ssrc({}));
}

TEST_CASE("no damage to a packet makes a view leave it, and reading takes no memory") {
    std::mt19937 random{7};
    const Octets good =
        hex("b2 6f 0001 00000000 00000001  000000aa 000000bb  bede 0002 109e0000 00000000  7f7f7f02");
    std::vector<Octets> damaged;
    for (int round = 0; round < 20000; ++round) {
        Octets packet = good;
        packet.resize(random() % (packet.size() + 1));
        for (int flips = static_cast<int>(random() % 6); flips > 0 && !packet.empty(); --flips)
            packet[random() % packet.size()] = static_cast<std::byte>(random());
        damaged.push_back(std::move(packet));
    }
    std::size_t accepted = 0, strayed = 0;
    const auto before = allocations();
    for (const Octets& packet : damaged) {
        const auto header = parse_header(packet);
        if (!header) continue;
        ++accepted;
        strayed += header->size > packet.size() || !lies_in(header->extension, packet);
        const auto payload = payload_of(*header, std::span{packet}.subspan(header->size));
        strayed += payload && !lies_in(*payload, packet);
    }
    CHECK(allocations() == before);
    CHECK(strayed == 0);
    CHECK(accepted > 100);
}
