#include "crosspatch/rtp/srtp_receiver.hpp"

#include "tests/rtp/srtp_support.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::rtp {
namespace {

const auto kSuite = Suite::Aes256Gcm;

Octets payload_of_packet(std::uint64_t index, std::size_t size = 60) {
    const auto packet = rtp_packet(index, kSsrc, size);
    return {packet.begin() + kHeader, packet.end()};
}

TEST_CASE("what one end seals the other opens, in every suite and at every size up to the limit") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        Talker talker{with[0]};
        Listener listener{with};
        for (std::size_t size = 0; size <= 1172; ++size) {
            REQUIRE(listener.hear(talker.say(size, size)) == "ok");
            REQUIRE(listener.heard == payload_of_packet(size, size));
            REQUIRE(listener.index == size);
        }
        for (int i = 0; i < 10; ++i) {
            REQUIRE(listener.hear_rtcp(talker.report()) == "ok");
            REQUIRE(listener.heard == rtcp_packet());
        }
    }
}

TEST_CASE("a peer that is expected to send RTCP only is opened and refused no differently") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        Talker talker{with[0]};
        SrtpReceiver receiver{suite, with, Expect::RtcpOnly};
        const auto before = tests::allocations();
        Octets packet = talker.say(3, 60);
        Octets damaged = packet;
        damaged.back() ^= std::byte{1};
        const auto made = tests::allocations();
        CHECK(outcome(receiver.open_rtp(damaged, kHeader, kSsrc, 3)) == "authentication");
        const auto opened = receiver.open_rtp(packet, kHeader, kSsrc, 3);
        CHECK(tests::allocations() == made);
        CHECK(made > before);
        REQUIRE(opened);
        const Octets plain = payload_of_packet(3);
        CHECK(std::equal(opened->plaintext.begin(), opened->plaintext.end(), plain.begin(), plain.end()));
        Octets report = talker.report();
        REQUIRE(receiver.open_rtcp(report));
    }
}

TEST_CASE(
    "a payload that stands elsewhere is sealed as one that stands behind its header, and stays as it is") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        Talker in_place{with[0]};
        Talker from_elsewhere{with[0]};
        for (const std::size_t size : {0, 1, 60, 160, 1100}) {
            const Octets payload = payload_of_packet(size, size);
            Octets packet = rtp_packet(size, kSsrc, size);
            std::fill(packet.begin() + kHeader, packet.end(), std::byte{});
            packet.resize(packet.size() + overhead(suite).rtp);
            const auto sealed = from_elsewhere.sender.seal_rtp(packet, kHeader, payload, kSsrc, size);
            REQUIRE(sealed);
            CHECK(packet == in_place.say(size, size));
            CHECK(payload == payload_of_packet(size, size));
        }
    }
}

TEST_CASE("a header with sources and extension stays in clear and is authenticated") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        Talker talker{with[0]};
        constexpr std::size_t kLongHeader = 12 + 8 + 8;
        Octets packet = rtp_packet(7, kSsrc, 76);
        const Octets plain = packet;
        packet.resize(packet.size() + overhead(suite).rtp);
        REQUIRE(talker.sender.seal_rtp(packet, kLongHeader, plain.size(), kSsrc, 7));
        CHECK(std::equal(packet.begin(), packet.begin() + kLongHeader, plain.begin()));
        CHECK_FALSE(std::equal(packet.begin() + kLongHeader, packet.begin() + plain.size(),
                               plain.begin() + kLongHeader));
        SrtpReceiver receiver{suite, with};
        Octets damaged = packet;
        damaged[20] ^= std::byte{1};
        CHECK(outcome(receiver.open_rtp(damaged, kLongHeader, kSsrc, 7)) == "authentication");
        const auto opened = receiver.open_rtp(packet, kLongHeader, kSsrc, 7);
        REQUIRE(opened);
        CHECK(std::equal(opened->plaintext.begin(), opened->plaintext.end(), plain.begin() + kLongHeader,
                         plain.end()));
    }
}

TEST_CASE("no flipped bit goes unnoticed, and none keeps the genuine packet out") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        Talker talker{with[0]};
        Listener listener{with};
        REQUIRE(listener.hear(talker.say(1)) == "ok");
        REQUIRE(listener.hear_rtcp(talker.report()) == "ok");
        const auto packet = talker.say(2);
        for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
            Octets damaged = packet;
            damaged[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
            REQUIRE(listener.hear(damaged) != "ok");
        }
        CHECK(listener.hear(packet) == "ok");
        const auto report = talker.report();
        for (std::size_t bit = 0; bit < report.size() * 8; ++bit) {
            Octets damaged = report;
            damaged[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
            REQUIRE_FALSE(listener.hear_rtcp(damaged) == "ok");
        }
        CHECK(listener.hear_rtcp(report) == "ok");
        CHECK(listener.receiver.sources() == 1);  // a damaged SSRC made no source
    }
}

TEST_CASE("a refused packet is given back as it came") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1, 2});
        Talker stranger{keys(suite, {3})[0]};
        SrtpReceiver receiver{suite, with};
        const auto sent = stranger.say(5);
        Octets packet = sent;
        CHECK(outcome(receiver.open_rtp(packet, kHeader, kSsrc, 5)) == "authentication");
        CHECK(packet == sent);
        const auto report = stranger.report();
        packet = report;
        CHECK(outcome(receiver.open_rtcp(packet)) == "authentication");
        CHECK(packet == report);
    }
}

TEST_CASE("packets cut anywhere are refused") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        Talker talker{with[0]};
        Listener listener{with};
        const auto packet = talker.say(2);
        const auto report = talker.report();
        for (std::size_t size = kHeader; size < packet.size(); ++size) {
            const auto expected = size < kHeader + info(suite).tag_size ? "too_short" : "authentication";
            REQUIRE(listener.hear({packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size)}) ==
                    expected);
        }
        for (std::size_t size = 0; size < report.size(); ++size) {
            REQUIRE(listener.hear_rtcp(
                        {report.begin(), report.begin() + static_cast<std::ptrdiff_t>(size)}) != "ok");
        }
        Octets grown = packet;
        grown.resize(kMaxSrtpPacket + 1);
        CHECK(listener.hear(grown) == "too_long");
        CHECK(listener.hear_rtcp(grown) == "too_long");
        CHECK(listener.receiver.sources() == 0);
    }
}

TEST_CASE("plaintext, an MKI, another channel's key and unencrypted SRTCP are refused") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        Talker talker{with[0]};
        Talker elsewhere{keys(suite, {9})[0]};
        Listener listener{with};
        CHECK(listener.hear(rtp_packet(1)) == "authentication");
        CHECK(listener.hear(elsewhere.say(1)) == "authentication");
        auto with_mki = talker.say(1);
        const auto tag = static_cast<std::ptrdiff_t>(info(suite).tag_size);
        with_mki.insert(suite == Suite::AesCm128HmacSha1_80 ? with_mki.end() - tag : with_mki.end(), 4,
                        std::byte{1});
        CHECK(listener.hear(with_mki) == "authentication");
        auto clear = talker.report();
        const auto word = clear.size() - 4 - (info(suite).aead ? 0 : info(suite).tag_size);
        clear[word] &= std::byte{0x7F};
        CHECK(listener.hear_rtcp(clear) == "unencrypted_rtcp");
        CHECK(listener.receiver.sources() == 0);
        CHECK(listener.hear(talker.say(2)) == "ok");
    }
}

TEST_CASE("our own packets played back to us are refused: each direction has its key") {
    const auto to_us = keys(kSuite, {1});
    const auto from_us = keys(kSuite, {2});
    Talker ours{from_us[0]};
    Listener listener{to_us};
    CHECK(listener.hear(ours.say(1)) == "authentication");
    CHECK(listener.hear_rtcp(ours.report()) == "authentication");
}

TEST_CASE("a packet replayed at once, after 60 and after 400 is refused each time") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        Talker talker{with[0]};
        Listener listener{with};
        const auto packet = talker.say(0);
        CHECK(listener.hear(packet) == "ok");
        CHECK(listener.hear(packet) == "replay");
        for (std::uint64_t index = 1; index <= 60; ++index) REQUIRE(listener.hear(talker.say(index)) == "ok");
        CHECK(listener.hear(packet) == "replay");
        for (std::uint64_t index = 61; index <= 400; ++index)
            REQUIRE(listener.hear(talker.say(index)) == "ok");
        CHECK(listener.hear(packet) == "too_old");
    }
}

TEST_CASE("SRTCP is replayed in vain, and taken out of order within its window") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        Talker talker{with[0]};
        Listener listener{with};
        std::vector<Octets> reports;
        for (int i = 0; i < 200; ++i) reports.push_back(talker.report());
        CHECK(listener.hear_rtcp(reports[150]) == "ok");
        CHECK(listener.hear_rtcp(reports[150]) == "replay");
        CHECK(listener.hear_rtcp(reports[149]) == "ok");
        CHECK(listener.hear_rtcp(reports[23]) == "ok");
        CHECK(listener.hear_rtcp(reports[22]) == "too_old");
        CHECK(listener.hear_rtcp(reports[199]) == "ok");
    }
}

TEST_CASE("a forged sequence number far ahead changes nothing for the genuine stream") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        Talker talker{with[0]};
        Listener listener{with};
        REQUIRE(listener.hear(talker.say(100)) == "ok");
        const auto next = talker.say(101);
        for (const unsigned ahead : {30000U, 32868U, 40000U, 65000U}) {
            auto forged = next;
            store16(forged, 2, static_cast<std::uint16_t>(ahead));
            CHECK(listener.hear(forged) != "ok");
        }
        CHECK(listener.hear(talker.say(110)) == "ok");
        CHECK(listener.index == 110);
    }
}

TEST_CASE("200 packets of junk leave no trace, and the genuine one is taken") {
    std::minstd_rand numbers{7};
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        Talker talker{with[0]};
        Listener listener{with};
        for (int i = 0; i < 200; ++i) {
            Octets junk(28 + numbers() % 200);
            for (auto& octet : junk) octet = static_cast<std::byte>(numbers() >> 8 & 0xFF);
            junk[0] = std::byte{0x80};
            REQUIRE(listener.hear(junk) != "ok");
            REQUIRE(listener.hear_rtcp(junk) != "ok");
        }
        CHECK(listener.receiver.sources() == 0);
        CHECK(listener.hear(talker.say(3)) == "ok");
    }
}

// bad-input.md, 24
TEST_CASE("the roll-over counter follows the stream over wraps, with loss and with late packets") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        Talker talker{with[0]};
        Listener listener{with};
        for (std::uint64_t wrap = 1; wrap <= 3; ++wrap) {
            REQUIRE(listener.hear(talker.say((wrap << 16) - 30000)) == "ok");
            // Of three packets one is lost and one overtaken by its successor.
            for (std::uint64_t index = (wrap << 16) - 300; index < (wrap << 16) + 300; index += 3) {
                const auto late = talker.say(index);
                REQUIRE(listener.hear(talker.say(index + 1)) == "ok");
                REQUIRE(listener.index == index + 1);
                REQUIRE(listener.hear(late) == "ok");
                REQUIRE(listener.index == index);
            }
        }
        CHECK(listener.receiver.sources() == 1);
    }
}

TEST_CASE("a whole stretch lost around the wrap is guessed right up to half a cycle") {
    const auto with = keys(kSuite, {1});
    for (const std::uint64_t lost : {1000, 32767, 32768}) {
        Talker talker{with[0]};
        Listener listener{with};
        REQUIRE(listener.hear(talker.say(60000)) == "ok");
        CHECK(listener.hear(talker.say(60000 + lost)) == "ok");
        CHECK(listener.index == 60000 + lost);
    }
}

TEST_CASE("a talker back after 33 minutes of lost talk is heard again; one further off is named") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1});
        for (const std::uint64_t lost : {40000, 66000, 98000}) {
            Talker talker{with[0]};
            Listener listener{with};
            REQUIRE(listener.hear(talker.say(1000)) == "ok");
            const auto old = talker.say(1001);
            CHECK(listener.hear(talker.say(1000 + lost)) == "ok");
            CHECK(listener.index == 1000 + lost);
            CHECK(listener.hear(talker.say(1001 + lost)) == "ok");
            CHECK(listener.hear(old) != "ok");
        }
        Talker talker{with[0]};
        Listener listener{with};
        REQUIRE(listener.hear(talker.say(1000)) == "ok");
        CHECK(listener.hear(talker.say(200000)) == "roc_mismatch");
        CHECK(listener.hear(talker.say(200001)) == "roc_mismatch");
        CHECK(listener.hear(rtp_packet(200002)) == "authentication");
    }
}

// bad-input.md, 23
TEST_CASE(
    "a talker that starts at roll-over counter 5 is refused and named, with each packet and between junk") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1, 2});
        Talker talker{with[1]};
        Listener listener{with};
        const std::uint64_t start = 5 << 16;
        for (std::uint64_t index = start; index < start + 20; ++index) {
            REQUIRE(listener.hear(talker.say(index)) == "roc_mismatch");
        }
        for (int i = 0; i < 50; ++i) REQUIRE(listener.hear(rtp_packet(3, 77)) == "authentication");
        int named = 0;
        for (std::uint64_t index = start + 20; index < start + 40; ++index) {
            named += listener.hear(talker.say(index)) == "roc_mismatch";
        }
        CHECK(named >= 4);
        CHECK(listener.receiver.sources() == 0);
    }
}

TEST_CASE("a number that would lie before the first packet of a stream is no way back to 2^48") {
    const auto with = keys(kSuite, {1});
    Talker talker{with[0]};
    Talker wrapped{with[0]};
    Listener listener{with};
    REQUIRE(listener.hear(talker.say(10)) == "ok");
    CHECK(listener.hear(wrapped.say((std::uint64_t{0xFFFFFFFF} << 16) + 65530)) == "roc_mismatch");
    CHECK(listener.hear(talker.say(11)) == "ok");
}

TEST_CASE("a radio that rebooted with a new SSRC is heard at once, and its old packets stay refused") {
    const auto with = keys(kSuite, {1});
    Talker before{with[0], {3 << 16, 0}};
    Listener listener{with};
    Talker first_life{with[0], {}, 1};
    const auto old = first_life.say(20);
    CHECK(listener.hear(old) == "ok");
    Talker second_life{with[0], {}, 2};
    CHECK(listener.hear(second_life.say(9000)) == "ok");
    CHECK(listener.hear(old) == "replay");
    CHECK(listener.receiver.sources() == 2);
}

TEST_CASE(
    "the 257th source under one key is refused by name, forged ones do not count, and the others go on") {
    const auto with = keys(kSuite, {1});
    Listener listener{with};
    for (std::uint32_t ssrc = 1; ssrc <= SrtpReceiver::kMaxSources; ++ssrc) {
        Talker talker{with[0], {}, ssrc};
        REQUIRE(listener.hear(talker.say(1)) == "ok");
        REQUIRE(listener.hear(rtp_packet(1, 100000 + ssrc)) == "authentication");
    }
    CHECK(listener.receiver.sources() == 256);
    Talker one_more{with[0], {}, 257};
    CHECK(listener.hear(one_more.say(1)) == "too_many_ssrcs");
    CHECK(listener.hear_rtcp(one_more.report()) == "too_many_ssrcs");
    for (std::uint32_t ssrc = 1; ssrc <= SrtpReceiver::kMaxSources; ++ssrc) {
        Talker talker{with[0], {}, ssrc};
        REQUIRE(listener.hear(talker.say(1)) == "replay");
        REQUIRE(listener.hear(talker.say(2)) == "ok");
    }
}

TEST_CASE("with two keys both are heard, one replay list holds for both, and it says who is behind") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1, 2});
        Talker by_new{with[0]};
        Talker by_old{with[1]};
        SrtpReceiver receiver{suite, with};
        auto packet = by_old.say(10);
        auto opened = receiver.open_rtp(packet, kHeader, kSsrc, 10);
        REQUIRE(opened);
        CHECK(opened->by_old_key);
        CHECK(opened->newest);
        packet = by_new.say(11);
        opened = receiver.open_rtp(packet, kHeader, kSsrc, 11);
        REQUIRE(opened);
        CHECK_FALSE(opened->by_old_key);
        packet = by_old.say(9);
        opened = receiver.open_rtp(packet, kHeader, kSsrc, 9);
        REQUIRE(opened);
        CHECK_FALSE(opened->newest);
        packet = by_new.say(10);
        CHECK(outcome(receiver.open_rtp(packet, kHeader, kSsrc, 10)) == "replay");
        packet = by_old.report();
        auto report = receiver.open_rtcp(packet);
        REQUIRE(report);
        CHECK(report->by_old_key);
        CHECK(receiver.has_old_key());
        receiver.drop_old_key();
        CHECK_FALSE(receiver.has_old_key());
        packet = by_old.say(12);
        CHECK(outcome(receiver.open_rtp(packet, kHeader, kSsrc, 12)) == "authentication");
        packet = by_old.report();
        CHECK(outcome(receiver.open_rtcp(packet)) == "authentication");
        packet = by_new.say(12);
        CHECK(receiver.open_rtp(packet, kHeader, kSsrc, 12));
    }
}

TEST_CASE("1,000 changes of key in mid-talk lose no packet and reset no counter") {
    std::uint64_t index = (2 << 16) - 3000;
    std::uint32_t reports = 0;
    auto with = keys(kSuite, {0});
    SrtpReceiver receiver{kSuite, with};
    REQUIRE(receiver.restore(with[0].fingerprint(), kSsrc, {index, 0}));
    for (std::uint32_t change = 1; change <= 1000; ++change) {
        auto next = keys(kSuite, {change, change - 1});
        SrtpReceiver renewed{kSuite, next};
        renewed.carry_over(receiver);
        receiver = std::move(renewed);
        Talker by_old{next[1], {index, reports}};
        for (int i = 0; i < 3; ++i, ++index) {
            auto packet = by_old.say(index);
            REQUIRE(receiver.open_rtp(packet, kHeader, kSsrc, index & 0xFFFF));
        }
        Talker by_new{next[0], {index, reports}};
        auto packet = by_new.report();
        REQUIRE(receiver.open_rtcp(packet));
        ++reports;
        for (int i = 0; i < 3; ++i, ++index) {
            packet = by_new.say(index);
            const auto opened = receiver.open_rtp(packet, kHeader, kSsrc, index & 0xFFFF);
            REQUIRE(opened);
            REQUIRE(opened->index == index);
        }
        receiver.drop_old_key();
    }
    CHECK((index >> 16) == 2);
    CHECK(receiver.sources() == 1);
}

TEST_CASE("two radios with one SSRC that swap their keys open the door to no replay") {
    const auto mine = keys(kSuite, {1});
    const auto theirs = keys(kSuite, {2});
    SrtpReceiver receiver{kSuite, theirs};
    auto packet = Talker{theirs[0]}.say(10);
    REQUIRE(receiver.open_rtp(packet, kHeader, kSsrc, 10));
    SrtpReceiver renewed{kSuite, mine};
    REQUIRE(renewed.restore(mine[0].fingerprint(), kSsrc, {100'000, 0}));
    renewed.carry_over(receiver);
    const auto say = [&](std::uint64_t index) {
        auto again = Talker{mine[0]}.say(index);
        return outcome(renewed.open_rtp(again, kHeader, kSsrc, static_cast<std::uint16_t>(index)));
    };
    CHECK(say(50) != "ok");
    CHECK(say(99'990) != "ok");
    CHECK(say(100'001) == "ok");
}

TEST_CASE("a second reload in the overlap of two keys does not lock out who still uses the old one") {
    const auto both = keys(kSuite, {2, 1});
    SrtpReceiver receiver{kSuite, both};
    const auto say = [&](SrtpReceiver& to, std::uint64_t index) {
        auto packet = Talker{both[1]}.say(index);
        return outcome(to.open_rtp(packet, kHeader, kSsrc, static_cast<std::uint16_t>(index)));
    };
    REQUIRE(say(receiver, 1000) == "ok");
    SrtpReceiver renewed{kSuite, both};
    // Limits are recorded under the new key, whichever the radio uses.
    REQUIRE(renewed.restore(both[0].fingerprint(), kSsrc, {1064, 0}));
    renewed.carry_over(receiver);
    CHECK(say(renewed, 1000) != "ok");
    CHECK(say(renewed, 1001) == "ok");
}

TEST_CASE("a source that was silent during the overlap keeps its counter under the new key") {
    auto with = keys(kSuite, {1});
    SrtpReceiver receiver{kSuite, with};
    REQUIRE(receiver.restore(with[0].fingerprint(), kSsrc, {5 << 16, 0}));
    const auto next = keys(kSuite, {2, 1});
    SrtpReceiver renewed{kSuite, next};
    renewed.carry_over(receiver);
    renewed.drop_old_key();
    Talker talker{next[0]};
    auto packet = talker.say((5 << 16) + 100);
    CHECK(renewed.open_rtp(packet, kHeader, kSsrc, 100));
}

TEST_CASE("sources of a key that is gone give their places up, those of a key in use do not") {
    const auto old_keys = keys(kSuite, {1});
    SrtpReceiver receiver{kSuite, old_keys};
    for (std::uint32_t ssrc = 1; ssrc <= 256; ++ssrc) {
        auto packet = Talker{old_keys[0], {}, ssrc}.say(1);
        REQUIRE(receiver.open_rtp(packet, kHeader, ssrc, 1));
    }
    const auto both = keys(kSuite, {2, 1});
    SrtpReceiver renewed{kSuite, both};
    renewed.carry_over(receiver);
    const auto say = [&](std::uint32_t ssrc, std::uint64_t index) {
        auto packet = Talker{both[0], {}, ssrc}.say(index);
        return outcome(renewed.open_rtp(packet, kHeader, ssrc, static_cast<std::uint16_t>(index)));
    };
    CHECK(say(300, 1) == "too_many_ssrcs");
    CHECK(say(1, 2) == "ok");
    CHECK(renewed.lasting_sources() == 256);
    renewed.drop_old_key();
    CHECK(renewed.lasting_sources() == 1);
    CHECK(say(300, 1) == "ok");  // in place of SSRC 2, which the new key never spoke for
    CHECK(say(1, 2) == "replay");
    CHECK(say(1, 3) == "ok");
    CHECK(renewed.sources() == 256);
}

TEST_CASE("without a suite duplicates are dropped, a stray packet is alone, and a stream may begin anew") {
    SrtpReceiver receiver{Suite::None, {}};
    const auto hear = [&](std::uint16_t sequence, std::uint32_t ssrc = kSsrc) {
        Octets packet = rtp_packet(sequence, ssrc);
        const auto opened = receiver.open_rtp(packet, kHeader, ssrc, sequence);
        return opened ? std::to_string(opened->index) : std::string{name(opened.error())};
    };
    CHECK(hear(65534) == "65534");
    CHECK(hear(65535) == "65535");
    CHECK(hear(65535) == "replay");
    CHECK(hear(1) == "65537");
    CHECK(hear(0) == "65536");
    CHECK(hear(20000) == "out_of_step");
    CHECK(hear(2) == "65538");
    CHECK(hear(40000) == "out_of_step");
    CHECK(hear(40001) == std::to_string(65536 + 40001));
    CHECK(hear(40002) == std::to_string(65536 + 40002));
    CHECK(hear(40001) == "replay");
    CHECK(hear(7) == std::string{"out_of_step"});
    CHECK(hear(8) == std::to_string(2 * 65536 + 8));
    for (std::uint32_t ssrc = 1; ssrc < 100; ++ssrc) CHECK(hear(5, ssrc) == "5");
    Octets report = rtcp_packet();
    const auto opened = receiver.open_rtcp(report);
    REQUIRE(opened);
    CHECK(opened->plaintext.size() == report.size());
}

TEST_CASE("opening and sealing take no memory, refused or not, in any suite") {
    for (const auto suite : kSuites) {
        const auto with = keys(suite, {1, 2});
        Talker talker{with[0]};
        Talker by_old{with[1]};
        SrtpReceiver receiver{suite, with};
        Octets packet = rtp_packet(1);
        const auto size = packet.size();
        packet.resize(size + 20);
        Octets report = rtcp_packet();
        const auto report_size = report.size();
        report.resize(report_size + 20);
        const auto before = tests::allocations();
        std::size_t opened = 0;
        for (std::uint64_t index = 1; index <= 300; ++index) {
            auto& from = index % 2 ? talker.sender : by_old.sender;
            store16(packet, 2, static_cast<std::uint16_t>(index));
            const auto sealed = from.seal_rtp(packet, kHeader, size, kSsrc, index);
            const auto datagram = std::span{packet}.first(*sealed);
            packet[size] ^= std::byte{1};
            opened +=
                receiver.open_rtp(datagram, kHeader, kSsrc, static_cast<std::uint16_t>(index)).has_value();
            packet[size] ^= std::byte{1};
            opened +=
                receiver.open_rtp(datagram, kHeader, kSsrc, static_cast<std::uint16_t>(index)).has_value();
            const auto sealed_report = talker.sender.seal_rtcp(report, report_size);
            opened += receiver.open_rtcp(std::span{report}.first(*sealed_report)).has_value();
            static_cast<void>(receiver.next_wish());
            static_cast<void>(talker.sender.next_wish());
        }
        receiver.drop_old_key();
        CHECK(tests::allocations() == before);
        CHECK(opened == 600);
    }
}

TEST_CASE("a listener costs what srtp_receiver.hpp says") {
    CHECK(sizeof(SrtpReceiver) <= 256);
    CHECK(sizeof(SrtpSender) <= 192);
}

}  // namespace
}  // namespace crosspatch::rtp
