#include "crosspatch/media/source.hpp"

#include <doctest/doctest.h>

#include <array>

#include "crosspatch/rtp/srtp_sender.hpp"
#include "tests/rtp/srtp_support.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::media {
namespace {

using namespace std::chrono_literals;
using rtp::Octets;
using tests::allocations;

const core::Address kRadio = *core::Address::parse("192.0.2.7:5004");
const core::Address kOther = *core::Address::parse("192.0.2.8:5004");
constexpr core::Time kStart{1h};
constexpr std::uint32_t kOwnSsrc = 0x0DDBA11;
constexpr auto kSuite = rtp::Suite::Aes128Gcm;

Source::Settings pcmu(bool learn = false) {
    Source::Settings settings{.format = codec::pcmu(), .payload_type = 0, .learn = learn, .own_port = true};
    if (!learn) settings.remote = kRadio;
    return settings;
}

// One Source under test and the radio whose key it knows. Verbs give the drop's name, or "ok".
struct Desk {
    explicit Desk(Source::Settings settings = pcmu(), rtp::IndexLimits start = {})
        : talker{key, start}, source{settings, rtp::SrtpReceiver{kSuite, keys}} {
        source.set_own_ssrc(kOwnSsrc);
    }

    // A packet as the radio would seal it: `header` may be bent first; `body` is the plaintext after it.
    Octets sealed(std::uint16_t sequence, std::uint8_t payload_type = 0, const Octets& body = Octets(160),
                  std::uint8_t first_octet = 0x80, const Octets& behind_header = {}) {
        return sealed_by(talker, sequence, payload_type, body, first_octet, behind_header);
    }
    static Octets sealed_by(rtp::Talker& by, std::uint64_t index, std::uint8_t payload_type,
                            const Octets& body, std::uint8_t first_octet = 0x80,
                            const Octets& behind_header = {}) {
        Octets packet(12);
        packet[0] = std::byte{first_octet};
        packet[1] = std::byte{payload_type};
        rtp::store16(packet, 2, static_cast<std::uint16_t>(index));
        rtp::store32(packet, 4, static_cast<std::uint32_t>(index) * 160);
        rtp::store32(packet, 8, by.sender.ssrc());
        packet.insert(packet.end(), behind_header.begin(), behind_header.end());
        const std::size_t header = packet.size();
        packet.insert(packet.end(), body.begin(), body.end());
        const std::size_t size = packet.size();
        packet.resize(size + rtp::overhead(by.sender.suite()).rtp);
        REQUIRE(by.sender.seal_rtp(packet, header, size, by.sender.ssrc(), index));
        return packet;
    }

    std::string rtp(Octets packet, core::Time now = kStart, const core::Address& from = kRadio,
                    bool truncated = false) {
        Datagram datagram{packet, from, {}, truncated};
        const auto opened = source.open_rtp(datagram, now, {});
        if (!opened) return std::string{name_of(opened.error())};
        last = *opened;
        heard.assign(opened->payload.begin(), opened->payload.end());
        return "ok";
    }
    std::string rtcp(Octets packet, core::Time now = kStart, const core::Address& from = kRadio) {
        Datagram datagram{packet, from, {}, false};
        const auto opened = source.open_rtcp(datagram, now);
        return opened ? "ok" : std::string{name_of(opened.error())};
    }
    // Everything that a refused packet must leave alone.
    auto state() {
        return std::tuple{source.counters().packets.read(),
                          source.counters().moves.read(),
                          source.counters().ssrc_changes.read(),
                          source.remote(),
                          source.last_heard(),
                          source.reception() ? source.reception()->totals().received : 0,
                          source.srtp().sources()};
    }
    // Refused for this cause, counted under it once, and nothing else has changed.
    void refuses(Octets packet, Drop cause, core::Time now = kStart, const core::Address& from = kRadio) {
        CAPTURE(name_of(cause));
        const auto before = state();
        const auto counted = source.counters().dropped.read(cause);
        CHECK(rtp(std::move(packet), now, from) == name_of(cause));
        CHECK(source.counters().dropped.read(cause) == counted + 1);
        CHECK(state() == before);
    }

    std::vector<rtp::MasterKey> keys = rtp::keys(kSuite, {1});
    rtp::MasterKey key = rtp::key_of(kSuite, rtp::key_octets(kSuite, 1));
    rtp::Talker talker;
    Source source;
    Packet last;
    Octets heard;
};

TEST_CASE("an authentic packet comes out with its number, time and payload") {
    Desk desk;
    CHECK(desk.rtp(desk.sealed(65'000, 0x80)) == "ok");
    CHECK(desk.last.sequence == 65'000);
    CHECK(desk.last.timestamp == 65'000 * 160);
    CHECK(desk.last.duration == 160);
    CHECK(desk.last.marker);
    CHECK(desk.last.new_stream);
    CHECK(desk.heard == Octets(160));
    CHECK(desk.rtp(desk.sealed(65'001)) == "ok");
    CHECK_FALSE(desk.last.new_stream);
    CHECK(desk.source.counters().packets.read() == 2);
    CHECK(desk.source.last_heard() == kStart);
}

TEST_CASE("bad input 1-9: what is no RTP packet of ours is dropped and moves nothing") {
    Desk desk;
    CHECK(desk.rtp(desk.sealed(10)) == "ok");
    for (std::size_t size = 0; size < 12; ++size)
        desk.refuses(Octets(size, std::byte{0x80}), Drop::BadHeader);                   // 1
    for (const std::uint8_t version : std::array<std::uint8_t, 3>{0x00, 0x40, 0xC0}) {  // 2
        Octets packet = desk.sealed(static_cast<std::uint16_t>(11 + version / 64));
        packet[0] = std::byte{version};
        desk.refuses(packet, Drop::BadHeader);
    }
    Octets packet(20);
    packet[0] = std::byte{0x8F};
    desk.refuses(packet, Drop::BadHeader);  // 3
    for (std::size_t more = 0; more < 4; ++more) {
        Octets cut(12 + more);
        cut[0] = std::byte{0x90};
        desk.refuses(cut, Drop::BadHeader);  // 4
    }
    Octets huge(40);
    huge[0] = std::byte{0x90};
    huge[14] = huge[15] = std::byte{0xFF};
    desk.refuses(huge, Drop::BadHeader);                                 // 5
    for (const std::uint8_t type : std::array<std::uint8_t, 2>{72, 76})  // 8
        desk.refuses(desk.sealed(static_cast<std::uint16_t>(20 + type), type), Drop::BadHeader);
    desk.refuses(desk.sealed(127, 127), Drop::PayloadType);
    desk.refuses(desk.sealed(128, 8), Drop::PayloadType);
    desk.refuses(Octets(1201, std::byte{0x80}), Drop::TooLong);  // 9
    desk.refuses(Octets(2048, std::byte{0x80}), Drop::TooLong);
    CHECK(desk.rtp(Octets(1000), kStart, kRadio, true) == "too_long");  // longer than the buffer
    CHECK(desk.rtp(desk.sealed(129)) == "ok");
}

TEST_CASE("bad input 6: an extension with elements that make no sense is stepped over") {
    Desk desk;
    const Octets overrun = rtp::hex("BEDE 0001 1F00 0000");   // element of 16 octets in a word
    const Octets fifteen = rtp::hex("BEDE 0001 F000 0000");   // ID 15
    const Octets two_byte = rtp::hex("1000 0001 01FF 0000");  // length 255
    CHECK(desk.rtp(desk.sealed(1, 0, Octets(160), 0x90, overrun)) == "ok");
    CHECK(desk.rtp(desk.sealed(2, 0, Octets(160), 0x90, fifteen)) == "ok");
    CHECK(desk.rtp(desk.sealed(3, 0, Octets(160), 0x90, two_byte)) == "ok");
    CHECK(desk.heard.size() == 160);
}

TEST_CASE(
    "bad input 7: padding of nothing or of more than there is is dropped, proper padding is taken off") {
    Desk desk;
    Octets body(160);
    CHECK(desk.rtp(desk.sealed(1, 0, body, 0xA0)) == "bad_header");
    body.back() = std::byte{161};
    CHECK(desk.rtp(desk.sealed(2, 0, body, 0xA0)) == "bad_header");
    body.back() = std::byte{80};
    CHECK(desk.rtp(desk.sealed(3, 0, body, 0xA0)) == "ok");
    CHECK(desk.heard.size() == 80);
}

TEST_CASE("bad input 11 and 29: our own SSRC and our own packets are named as what they are") {
    Desk desk;
    rtp::Talker self{desk.key, {}, kOwnSsrc};
    const auto own = Desk::sealed_by(self, 1, 0, Octets(160));
    desk.refuses(own, Drop::OwnSsrc);
    CHECK(desk.rtcp(self.report()) == "own_ssrc");
}

TEST_CASE("bad input 12: the SSRC may change once a second, hopping is dropped") {
    Desk desk;
    std::vector<std::unique_ptr<rtp::Talker>> talkers;
    const auto hop = [&](core::Duration at) {
        talkers.push_back(std::make_unique<rtp::Talker>(desk.key, rtp::IndexLimits{},
                                                        static_cast<std::uint32_t>(100 + talkers.size())));
        return desk.rtp(Desk::sealed_by(*talkers.back(), 1, 0, Octets(160)), kStart + at);
    };
    CHECK(hop(0ms) == "ok");
    CHECK(hop(20ms) == "ssrc_flapping");
    CHECK(hop(999ms) == "ssrc_flapping");
    CHECK(hop(1000ms) == "ok");
    CHECK(desk.last.new_stream);
    CHECK(hop(1500ms) == "ssrc_flapping");
    CHECK(desk.source.counters().ssrc_changes.read() == 1);
    CHECK(desk.source.reception()->ssrc() == 103);
}

TEST_CASE("bad input 13 and 16: a payload that is none of the codec is dropped and harms nothing") {
    Source::Settings opus = pcmu();
    opus.format = codec::opus();
    opus.payload_type = 111;
    Desk desk{opus};
    CHECK(desk.rtp(desk.sealed(1, 111, rtp::hex("FF3F0102"))) == "bad_payload");  // 63 frames of 20 ms
    CHECK(desk.rtp(desk.sealed(2, 111, Octets{})) == "bad_payload");
    CHECK(desk.rtp(desk.sealed(3, 111, rtp::hex("08"))) == "ok");
    CHECK(desk.last.dtx);
    Desk plain;
    CHECK(plain.rtp(plain.sealed(1, 0, Octets(1))) == "ok");
    CHECK(plain.last.duration == 1);
    CHECK(plain.rtp(plain.sealed(2, 0, Octets{})) == "bad_payload");
}

TEST_CASE("bad input 17: a replay is dropped at once, after 60 and after 400 packets") {
    Desk desk;
    const Octets first = desk.sealed(1);
    CHECK(desk.rtp(first) == "ok");
    desk.refuses(first, Drop::Replay);
    std::uint16_t next = 2;
    while (next < 61) CHECK(desk.rtp(desk.sealed(next++)) == "ok");
    desk.refuses(first, Drop::Replay);
    while (next < 401) CHECK(desk.rtp(desk.sealed(next++)) == "ok");
    desk.refuses(first, Drop::TooOld);
}

TEST_CASE("bad input 18: each bit of header, payload and tag counts") {
    Desk desk;
    CHECK(desk.rtp(desk.sealed(99)) == "ok");
    const Octets good = desk.sealed(100, 0, Octets(20));
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        Octets bent = good;
        bent[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
        const auto before = desk.state();
        CHECK(desk.rtp(bent) != "ok");
        CHECK(desk.state() == before);
    }
    CHECK(desk.rtp(good) == "ok");
}

TEST_CASE("bad input 19 and 20: a tag that was cut, and a packet without one, are not authentic") {
    Desk desk;
    const Octets good = desk.sealed(1);
    for (const std::size_t kept : {4U, 1U, 0U}) {
        Octets cut = good;
        cut.resize(12 + 160 + kept);
        desk.refuses(cut, Drop::Authentication);
    }
    desk.refuses(rtp::rtp_packet(1, rtp::kSsrc, 160), Drop::PayloadType);  // 0x6F
    Octets plain(172);
    plain[0] = std::byte{0x80};
    rtp::store32(plain, 8, rtp::kSsrc);
    desk.refuses(plain, Drop::Authentication);
    CHECK(desk.rtp(good) == "ok");
}

TEST_CASE("bad input 21 and 22: forged and junk packets do not keep the genuine one out") {
    Desk desk;
    CHECK(desk.rtp(desk.sealed(1)) == "ok");
    Octets forged = desk.sealed(2);
    rtp::store16(forged, 2, 30'000);
    desk.refuses(forged, Drop::Authentication);
    for (std::uint16_t i = 0; i < 200; ++i) {
        Octets junk(172, static_cast<std::byte>(i));
        junk[0] = std::byte{0x80};
        junk[1] = std::byte{0};
        rtp::store16(junk, 2, static_cast<std::uint16_t>(i * 331));
        rtp::store32(junk, 8, i % 2 ? rtp::kSsrc : i);
        const auto before = desk.state();
        const std::string cause =
            desk.rtp(junk);  // roc_mismatch: its number would lie before the stream's first
        CHECK((cause == "authentication" || cause == "roc_mismatch"));
        CHECK(desk.state() == before);
    }
    CHECK(desk.rtp(desk.sealed(3)) == "ok");
    CHECK(desk.source.srtp().sources() == 1);
}

TEST_CASE("bad input 25 and 26: an unexpected MKI and another channel's key are not authentic") {
    Desk desk;
    Octets with_mki = desk.sealed(1);
    with_mki.insert(with_mki.end(), 4, std::byte{1});
    desk.refuses(with_mki, Drop::Authentication);
    rtp::MasterKey wrong = rtp::key_of(kSuite, rtp::key_octets(kSuite, 2));
    rtp::Talker stranger{wrong};
    desk.refuses(Desk::sealed_by(stranger, 2, 0, Octets(160)), Drop::Authentication);
}

TEST_CASE("bad input 27 and 28: SRTCP without encryption or with an index of before is dropped") {
    Desk desk;
    const Octets first = desk.talker.report();
    CHECK(desk.rtcp(first) == "ok");
    CHECK(desk.rtcp(first) == "replay");
    Octets open = desk.talker.report();
    const std::size_t index = open.size() - 4;
    open[index] &= std::byte{0x7F};
    CHECK(desk.rtcp(open) == "unencrypted");
    CHECK(desk.rtcp(Octets(7, std::byte{0x80})) == "bad_rtcp");
    CHECK(desk.rtcp(Octets(8, std::byte{0x80})) != "ok");
    CHECK(desk.rtcp(Octets(1201)) == "too_long");
}

TEST_CASE("a datagram from another address is dropped before any key is tried") {
    Desk desk;
    desk.refuses(desk.sealed(1), Drop::ForeignSource, kStart, kOther);
    desk.refuses(desk.sealed(2), Drop::ForeignSource, kStart, kRadio.with_port(5005));
    CHECK(desk.rtcp(desk.talker.report(), kStart, kOther) == "foreign_source");
    CHECK(desk.rtp(desk.sealed(3)) == "ok");
}

TEST_CASE("with rtcp: next_port RTCP comes from the port after RTP's and from no other") {
    auto settings = pcmu();
    settings.rtcp_on_next_port = true;
    Desk desk{settings};
    CHECK(desk.rtcp(desk.talker.report()) == "foreign_source");
    CHECK(desk.rtcp(desk.talker.report(), kStart, kRadio.with_port(5005)) == "ok");
    CHECK(desk.source.rtcp_remote() == kRadio.with_port(5005));
}

TEST_CASE("the first authentic packet teaches the address; it moves at most once a second") {
    Desk desk{pcmu(true)};
    CHECK_FALSE(desk.source.remote());
    CHECK_FALSE(desk.source.rtcp_remote());
    CHECK(desk.rtp(desk.sealed(1)) == "ok");
    CHECK(desk.source.remote() == kRadio);
    CHECK(desk.source.take_moved());
    CHECK_FALSE(desk.source.take_moved());
    CHECK(desk.rtp(desk.sealed(2), kStart + 500ms, kOther) == "ok");  // authentic, but too soon to follow
    CHECK(desk.source.remote() == kRadio);
    CHECK(desk.rtp(desk.sealed(3), kStart + 1s, kOther) == "ok");
    CHECK(desk.source.remote() == kOther);
    CHECK(desk.source.take_moved());
    CHECK(desk.source.counters().moves.read() == 1);
}

TEST_CASE("junk, a replay and a packet that came late never move a learned address") {
    Desk desk{pcmu(true)};
    desk.refuses(Octets(172, std::byte{0x80}), Drop::Authentication, kStart, kOther);
    CHECK_FALSE(desk.source.remote());
    const Octets first = desk.sealed(1);
    const Octets late = desk.sealed(2);
    CHECK(desk.rtp(first) == "ok");
    CHECK(desk.rtp(desk.sealed(3)) == "ok");
    desk.refuses(first, Drop::Replay, kStart + 5s, kOther);
    CHECK(desk.rtp(late, kStart + 5s, kOther) == "ok");  // genuine, but a copy held back could look like this
    CHECK(desk.source.remote() == kRadio);
}

TEST_CASE("RTCP teaches the address too, so that a radio that only listens is found") {
    auto settings = pcmu(true);
    Desk desk{settings};
    CHECK(desk.rtcp(desk.talker.report()) == "ok");
    CHECK(desk.source.remote() == kRadio);
    settings.rtcp_on_next_port = true;
    Desk split{settings};
    CHECK(split.rtcp(split.talker.report(), kStart, kRadio.with_port(5005)) == "ok");
    CHECK(split.source.remote() == kRadio);
    CHECK(split.source.rtcp_remote() == kRadio.with_port(5005));
}

TEST_CASE("where an SSRC is configured no other is taken") {
    auto settings = pcmu();
    settings.ssrc = 42;
    Desk desk{settings};
    desk.refuses(desk.sealed(1), Drop::UnknownSource);
    CHECK(desk.rtcp(desk.talker.report()) == "unknown_source");
    rtp::Talker right{desk.key, {}, 42};
    CHECK(desk.rtp(Desk::sealed_by(right, 1, 0, Octets(160))) == "ok");
}

TEST_CASE(
    "telephone events and keep-alives are authentic packets without sound, where the endpoint has them") {
    Desk without;
    CHECK(without.rtp(without.sealed(1, 101, rtp::hex("0B0A00A0"))) == "payload_type");
    auto settings = pcmu();
    settings.event_payload_type = 101;
    settings.keep_alive_payload_type = 123;
    Desk desk{settings};
    Octets event = desk.sealed(1, 101, rtp::hex("0B0A00A0"));
    Datagram datagram{event, kRadio, {}, false};
    const auto pressed = desk.source.open_rtp(datagram, kStart, {});
    REQUIRE(pressed);
    CHECK(pressed->kind == Packet::Kind::Event);
    CHECK(Octets{pressed->payload.begin(), pressed->payload.end()} == rtp::hex("0B0A00A0"));
    CHECK(pressed->duration == 0);
    Octets empty = desk.sealed(2, 123, {});
    datagram.octets = empty;
    const auto alive = desk.source.open_rtp(datagram, kStart, {});
    REQUIRE(alive);
    CHECK(alive->kind == Packet::Kind::KeepAlive);
    CHECK(desk.source.last_heard() == kStart);
    CHECK_FALSE(desk.source.last_sound());
    CHECK(desk.rtp(desk.sealed(3)) == "ok");
    CHECK(desk.source.last_sound() == kStart);
}

TEST_CASE(
    "on a port of their own, floor messages come from the radio's host, and the key teaches from which "
    "port") {
    auto settings = pcmu();
    settings.floor_port = 40012;
    Desk desk{settings};
    CHECK(desk.source.floor_remote() == kRadio.with_port(40012));
    const auto from = [&](const core::Address& sender, Octets packet, core::Time now) {
        Datagram datagram{packet, sender, {}, false};
        return desk.source.open_rtcp(datagram, now, PortUse::Floor).has_value();
    };
    const auto elsewhere = *core::Address::parse("198.51.100.9:40012");
    CHECK_FALSE(from(elsewhere, desk.talker.report(), kStart));
    Octets forged = desk.talker.report();
    forged[10] ^= std::byte{1};
    CHECK_FALSE(from(kRadio.with_port(50'000), forged, kStart));
    CHECK(desk.source.floor_remote() == kRadio.with_port(40012));
    CHECK_FALSE(desk.source.take_floor_moved());
    CHECK(from(kRadio.with_port(50'000), desk.talker.report(), kStart));
    CHECK(desk.source.take_floor_moved());  // it was to be 40012
    CHECK_FALSE(desk.source.take_floor_moved());
    CHECK(desk.source.floor_remote() == kRadio.with_port(50'000));
    CHECK(from(kRadio.with_port(50'001), desk.talker.report(), kStart + 500ms));
    CHECK(desk.source.floor_remote() == kRadio.with_port(50'000));  // at most one move a second
    CHECK(from(kRadio.with_port(50'001), desk.talker.report(), kStart + 1s));
    CHECK(desk.source.floor_remote() == kRadio.with_port(50'001));
    CHECK(desk.source.take_floor_moved());
    CHECK(desk.source.remote() == kRadio);
    CHECK(desk.source.rtcp_remote() == kRadio);
    CHECK(desk.source.learned_floor_port() == 50'001);
    Desk again{settings};
    CHECK(again.source.learned_floor_port() == 0);
    again.source.restore_floor_port(50'001);
    CHECK(again.source.floor_remote() == kRadio.with_port(50'001));
    CHECK(again.source.learned_floor_port() == 50'001);
    CHECK_FALSE(again.source.take_floor_moved());
}

TEST_CASE("what waited in the system for more than 200 ms is marked stale") {
    Desk desk;
    Octets packet = desk.sealed(1);
    Datagram datagram{packet, kRadio, 10s, false};
    CHECK(desk.source.open_rtp(datagram, kStart, 10s + 200ms)->stale == false);
    packet = desk.sealed(2);
    datagram.octets = packet;
    CHECK(desk.source.open_rtp(datagram, kStart, 10s + 201ms)->stale);
}

TEST_CASE("opening and refusing take no memory from the heap") {
    Desk desk;
    std::vector<Octets> packets;
    for (std::uint16_t n = 0; n < 100; ++n) packets.push_back(desk.sealed(n));
    Octets forged = packets[50];
    forged[20] ^= std::byte{1};
    Octets report = desk.talker.report();
    const auto before = allocations();
    for (Octets& packet : packets) {
        Datagram datagram{packet, kRadio, {}, false};
        CHECK(desk.source.open_rtp(datagram, kStart, {}).has_value());
        Datagram bad{forged, kRadio, {}, false};
        desk.source.open_rtp(bad, kStart, {}).has_value();
    }
    Datagram datagram{report, kRadio, {}, false};
    CHECK(desk.source.open_rtcp(datagram, kStart).has_value());
    CHECK(allocations() == before);
}

}  // namespace
}  // namespace crosspatch::media
