#include "crosspatch/rtp/srtp_sender.hpp"

#include "tests/rtp/srtp_support.hpp"

namespace crosspatch::rtp {
namespace {

const auto kSuite = Suite::Aes256Gcm;

// A sender with nothing arranged, and one packet to try it with.
struct Desk {
    explicit Desk(Suite suite = kSuite) : key{keys(suite, {1})}, sender{suite, &key[0]} {}

    std::string seal(std::uint64_t index, std::uint32_t ssrc = kSsrc) {
        Octets packet = rtp_packet(index, ssrc);
        const auto size = packet.size();
        packet.resize(size + overhead(sender.suite()).rtp);
        const auto result = sender.seal_rtp(packet, kHeader, size, ssrc, index);
        return result ? "ok" : std::string{name(result.error())};
    }
    std::string report(std::uint32_t ssrc = kSsrc) {
        Octets packet = rtcp_packet(ssrc);
        const auto size = packet.size();
        packet.resize(size + overhead(sender.suite()).rtcp);
        const auto result = sender.seal_rtcp(packet, size);
        return result ? "ok" : std::string{name(result.error())};
    }
    std::vector<MasterKey> key;
    SrtpSender sender;
};

TEST_CASE("no index is sealed twice, in order or out of it") {
    for (const auto suite : kSuites) {
        Desk desk{suite};
        REQUIRE(desk.sender.begin(kSsrc, {100, 0}));
        desk.sender.set_reserved(kSsrc, SrtpSender::unrecorded());
        CHECK(desk.seal(99) == "index_reused");  // before the beginning, so perhaps used by an earlier life
        CHECK(desk.seal(100) == "ok");
        CHECK(desk.seal(100) == "index_reused");
        CHECK(desk.seal(300) == "ok");
        CHECK(desk.seal(250) == "ok");
        CHECK(desk.seal(250) == "index_reused");
        CHECK(desk.seal(173) == "ok");
        CHECK(desk.seal(172) == "index_reused");  // 128 behind: nobody remembers
    }
}

TEST_CASE("a refused packet is not touched") {
    Desk desk;
    REQUIRE(desk.sender.begin(kSsrc, {0, 0}));
    Octets packet = rtp_packet(0);
    const auto size = packet.size();
    packet.resize(size + 16, std::byte{0xEE});
    const Octets before = packet;
    CHECK_FALSE(desk.sender.seal_rtp(packet, kHeader, size, kSsrc, 0));
    CHECK(packet == before);
}

TEST_CASE("nothing is sealed at or above the durable reservation") {
    Desk desk;
    CHECK(desk.seal(0) == "unknown_ssrc");
    REQUIRE(desk.sender.begin(kSsrc, {0, 0}));
    CHECK(desk.seal(0) == "not_reserved");
    CHECK(desk.report() == "not_reserved");
    desk.sender.set_reserved(kSsrc, {10, 1});
    CHECK(desk.seal(9) == "ok");
    CHECK(desk.seal(10) == "not_reserved");
    CHECK(desk.report() == "ok");
    CHECK(desk.report() == "not_reserved");
    desk.sender.set_reserved(kSsrc, {5, 0});  // limits never fall
    CHECK(desk.sender.reserved() == IndexLimits{10, 1});
    desk.sender.set_reserved(kSsrc + 1, {1000, 1000});  // another stream's answer, come late
    CHECK(desk.seal(10) == "not_reserved");
}

TEST_CASE("what the header of a packet cannot hold, or the buffer, is refused") {
    Desk desk;
    REQUIRE(desk.sender.begin(kSsrc, {0, 0}));
    desk.sender.set_reserved(kSsrc, SrtpSender::unrecorded());
    Octets packet = rtp_packet(0);
    const auto seal = [&](std::size_t header, std::size_t size) {
        return desk.sender.seal_rtp(packet, header, size, kSsrc, 0).has_value();
    };
    CHECK_FALSE(seal(kHeader, packet.size()));
    CHECK_FALSE(seal(kHeader, packet.size() - 15));
    CHECK_FALSE(seal(11, 30));
    CHECK_FALSE(seal(31, 30));
    CHECK(seal(kHeader, packet.size() - 16));
    Octets report = rtcp_packet();
    CHECK_FALSE(desk.sender.seal_rtcp(report, report.size()));
    CHECK_FALSE(desk.sender.seal_rtcp(report, 7));
}

TEST_CASE("a key ends after 2^48 packets, and after 2^31 reports") {
    Desk desk;
    REQUIRE(desk.sender.begin(kSsrc, {kRtpIndexEnd - 1, kRtcpIndexEnd - 1}));
    desk.sender.set_reserved(kSsrc, SrtpSender::unrecorded());
    CHECK(desk.seal(kRtpIndexEnd - 1) == "ok");
    CHECK(desk.seal(kRtpIndexEnd) == "key_expired");
    CHECK(desk.report() == "ok");
    CHECK(desk.report() == "key_expired");
    CHECK_FALSE(desk.sender.next_wish());
}

TEST_CASE("only the stream that was begun is sealed, and no stream begins below what it used") {
    Desk desk;
    const auto all = SrtpSender::unrecorded();
    REQUIRE(desk.sender.begin(1, {50, 5}));
    desk.sender.set_reserved(1, all);
    CHECK(desk.seal(60, 1) == "ok");
    CHECK(desk.report(1) == "ok");
    CHECK(desk.seal(60, 2) == "unknown_ssrc");
    CHECK(desk.report(2) == "unknown_ssrc");
    CHECK_FALSE(desk.sender.begin(1, {60, 6}));
    CHECK_FALSE(desk.sender.begin(1, {61, 5}));
    CHECK(desk.sender.begin(2, {0, 0}));
    CHECK(desk.seal(61, 1) == "unknown_ssrc");
    CHECK_FALSE(desk.sender.begin(1, {60, 6}));
    CHECK(desk.sender.begin(1, {61, 6}));
    CHECK(desk.sender.ssrc() == 1);
    desk.sender.set_reserved(1, all);
    CHECK(desk.seal(60, 1) == "index_reused");
    CHECK(desk.seal(61, 1) == "ok");
    for (std::uint32_t ssrc = 3; ssrc < 2 + rtp::SrtpSender::kMostLeft; ++ssrc)
        CHECK(desk.sender.begin(ssrc, {0, 0}));
    CHECK_FALSE(desk.sender.begin(99, {0, 0}));  // one more: what the first ones used would be forgotten
}

TEST_CASE("wishes come in time, once each, and keep restarts from running away") {
    Desk desk;
    REQUIRE(desk.sender.begin(kSsrc, {1000, 10}));
    auto wish = desk.sender.next_wish();
    REQUIRE(wish);
    CHECK(wish->ssrc == kSsrc);
    CHECK(wish->limits == IndexLimits{1256, 266});
    CHECK_FALSE(desk.sender.next_wish());
    desk.sender.set_reserved(kSsrc, wish->limits);
    CHECK_FALSE(desk.sender.next_wish());
    CHECK(desk.seal(1000) == "ok");
    wish = desk.sender.next_wish();  // talk: from now on a disk may hang for 30 s
    REQUIRE(wish);
    CHECK(wish->limits == IndexLimits{1001 + 2900, 266});
    desk.sender.set_reserved(kSsrc, wish->limits);
    std::uint64_t least = 1000000;
    for (std::uint64_t index = 1001; index < 20000; ++index) {
        REQUIRE(desk.seal(index) == "ok");
        least = std::min(least, desk.sender.reserved().rtp - desk.sender.next().rtp);
        if (const auto more = desk.sender.next_wish()) {
            CHECK(more->limits.rtp - desk.sender.next().rtp == 2900);
            desk.sender.set_reserved(kSsrc, more->limits);
        }
    }
    CHECK(least == 1499);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(desk.report() == "ok");
        if (const auto more = desk.sender.next_wish()) desk.sender.set_reserved(kSsrc, more->limits);
    }
    CHECK(desk.sender.next().rtcp == 1010);
}

TEST_CASE("without a suite packets stay as they are, and an index still goes once") {
    SrtpSender sender{Suite::None, nullptr};
    REQUIRE(sender.begin(kSsrc, {5, 0}));
    CHECK_FALSE(sender.next_wish());
    Octets packet = rtp_packet(5);
    const auto sealed = sender.seal_rtp(packet, kHeader, packet.size(), kSsrc, 5);
    REQUIRE(sealed);
    CHECK(*sealed == packet.size());
    CHECK(packet == rtp_packet(5));
    CHECK_FALSE(sender.seal_rtp(packet, kHeader, packet.size(), kSsrc, 5));
    Octets report = rtcp_packet();
    REQUIRE(sender.seal_rtcp(report, report.size()));
    CHECK(report == rtcp_packet());
}

TEST_CASE(
    "a wish whose answer never comes is said again when it is asked to be, and from where the stream is "
    "now") {
    Desk desk;
    REQUIRE(desk.sender.begin(kSsrc, {1000, 0}));
    REQUIRE(desk.sender.next_wish());
    desk.sender.set_reserved(kSsrc, {1256, 256});
    CHECK(desk.seal(1000) == "ok");
    REQUIRE(desk.sender.next_wish());  // lost
    for (std::uint64_t index = 1001; index < 1256; ++index) REQUIRE(desk.seal(index) == "ok");
    CHECK(desk.seal(1256) == "not_reserved");
    CHECK_FALSE(desk.sender.next_wish());
    desk.sender.repeat_wishes();
    const auto wish = desk.sender.next_wish();
    REQUIRE(wish);
    CHECK(wish->limits.rtp == 1256 + 2900);
    desk.sender.set_reserved(kSsrc, wish->limits);
    CHECK(desk.seal(1256) == "ok");
    desk.sender.repeat_wishes();
    CHECK_FALSE(desk.sender.next_wish());  // all is well: nothing to ask for
}

}  // namespace
}  // namespace crosspatch::rtp
