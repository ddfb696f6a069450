// Sender, receiver and journal together over crashes: faults.md rows 3, 4, 28.
#include <map>
#include <set>
#include <tuple>

#include "crosspatch/rtp/index_journal.hpp"
#include "tests/rtp/srtp_support.hpp"
#include "tests/support/temp_directory.hpp"

namespace crosspatch::rtp {
namespace {

using Kind = IndexRecord::Kind;
const auto kSuite = Suite::Aes256Gcm;

// Our end of one path in one life of the daemon: what it sends is on a record for ever, what it hears may be
// lost.
struct Daemon {
    Daemon(const std::filesystem::path& file, const std::vector<MasterKey>& send,
           const std::vector<MasterKey>& receive)
        : journal{IndexJournal::open(file).value()}, sender{kSuite, &send[0]}, receiver{kSuite, receive} {
        const auto known = journal.find(Kind::Send, sender.key());
        const auto last =
            known.empty() ? IndexRecord{Kind::Send, sender.key(), kSsrc, {20000, 0}, {}} : known[0];
        REQUIRE(sender.begin(last.ssrc, last.limits));
        for (const auto& heard : journal.find(Kind::Receive, receiver.key())) {
            REQUIRE(receiver.restore(heard.key, heard.ssrc, heard.limits));
        }
        write();
    }

    // What worker and writer thread do together; `durable` says whether the disk answers.
    void write(bool durable = true) {
        while (const auto wish = sender.next_wish()) wishes.emplace_back(true, *wish);
        while (const auto wish = receiver.next_wish()) wishes.emplace_back(false, *wish);
        if (!durable || wishes.empty()) return;
        for (const auto& [ours, wish] : wishes) {
            const auto& key = ours ? sender.key() : receiver.key();
            journal.update({ours ? Kind::Send : Kind::Receive, key, wish.ssrc, wish.limits, {}});
        }
        REQUIRE(journal.sync());
        for (const auto& [ours, wish] : wishes) {
            if (ours) sender.set_reserved(wish.ssrc, wish.limits);
            if (!ours) receiver.confirm(wish.ssrc, wish.limits);
        }
        wishes.clear();
    }

    IndexJournal journal;
    SrtpSender sender;
    SrtpReceiver receiver;
    std::vector<std::pair<bool, LimitWish>> wishes;  // on their way to the disk; true: the sender's
};

TEST_CASE("50 crashes: no (key, SSRC, index) goes out twice, and a radio hears on after each") {
    tests::TempDirectory directory;
    std::mt19937 numbers{50};
    const auto ours = keys(kSuite, {1});
    const auto theirs = keys(kSuite, {2});
    std::set<std::tuple<std::uint32_t, std::uint64_t>> used;
    std::set<std::tuple<std::uint32_t, std::uint32_t>> used_rtcp;
    Listener radio{ours};
    for (int life = 0; life < 50; ++life) {
        Daemon daemon{directory / "indices", ours, theirs};
        std::uint64_t index = daemon.sender.next().rtp;
        const auto packets = life % 5 == 4 ? 0 : numbers() % 4000;
        for (unsigned i = 0; i < packets; ++i, ++index) {
            Octets packet = rtp_packet(index);
            packet.resize(packet.size() + 16);
            REQUIRE(daemon.sender.seal_rtp(packet, kHeader, packet.size() - 16, kSsrc, index));
            REQUIRE(used.emplace(kSsrc, index).second);
            if (i % 7 == 0) REQUIRE(radio.hear(packet) == "ok");
            if (i % 50 == 0) {
                Octets report = rtcp_packet();
                report.resize(report.size() + 20);
                const auto next = daemon.sender.next().rtcp;
                REQUIRE(daemon.sender.seal_rtcp(report, report.size() - 20));
                REQUIRE(used_rtcp.emplace(kSsrc, next).second);
                REQUIRE(radio.hear_rtcp(report) == "ok");
            }
            daemon.write(i % 100 == 0);
        }
    }
    CHECK(used.size() > 10000);
}

TEST_CASE("a hundred crashes without talk do not carry the stream out of its listeners' reach") {
    tests::TempDirectory directory;
    const auto ours = keys(kSuite, {1});
    const auto theirs = keys(kSuite, {2});
    Listener radio{ours};
    const auto say = [&](Daemon& daemon) {
        const auto index = daemon.sender.next().rtp;
        Octets packet = rtp_packet(index);
        packet.resize(packet.size() + 16);
        REQUIRE(daemon.sender.seal_rtp(packet, kHeader, packet.size() - 16, kSsrc, index));
        return radio.hear(packet);
    };
    {
        Daemon daemon{directory / "indices", ours, theirs};
        REQUIRE(say(daemon) == "ok");
    }
    const auto before = radio.index;
    for (int life = 0; life < 100; ++life) Daemon{directory / "indices", ours, theirs};
    Daemon daemon{directory / "indices", ours, theirs};
    CHECK(say(daemon) == "ok");
    CHECK(radio.index - before < 32768);
}

TEST_CASE("a disk that hangs for 30 s costs no packet, and one that never answers costs no keystream") {
    tests::TempDirectory directory;
    const auto ours = keys(kSuite, {1});
    Daemon daemon{directory / "indices", ours, keys(kSuite, {2})};
    const auto seal = [&] {
        const auto index = daemon.sender.next().rtp;
        Octets packet = rtp_packet(index);
        packet.resize(packet.size() + 16);
        return daemon.sender.seal_rtp(packet, kHeader, packet.size() - 16, kSsrc, index).has_value();
    };
    for (int i = 0; i < 2000; ++i) {
        REQUIRE(seal());
        daemon.write();
    }
    for (int i = 0; i < 1499; ++i) {
        REQUIRE(seal());
        daemon.write(false);
    }
    int more = 0;
    while (seal()) ++more;
    CHECK(more < 1500);
}

TEST_CASE(
    "a talker at roll-over counter 3 is back within 1.3 s, and nothing is accepted twice over 20 crashes") {
    tests::TempDirectory directory;
    std::mt19937 numbers{3};
    const auto ours = keys(kSuite, {1});
    const auto theirs = keys(kSuite, {2});
    Talker radio{theirs[0], {}, 77};
    std::vector<Octets> recorded;
    std::vector<Octets> recorded_rtcp;
    std::set<std::uint64_t> accepted;
    std::uint64_t index = 100;
    // The daemon was there from the beginning, so it followed the counter up.
    const std::uint64_t third = std::uint64_t{3} << 16;
    for (int life = 0; life < 21; ++life) {
        Daemon daemon{directory / "indices", ours, theirs};
        for (const auto& old : recorded) {
            Octets packet = old;
            const auto opened = daemon.receiver.open_rtp(packet, kHeader, 77, load16(packet, 2));
            if (opened) REQUIRE(accepted.insert(opened->index).second);
        }
        for (const auto& old : recorded_rtcp) {
            Octets packet = old;
            REQUIRE_FALSE(daemon.receiver.open_rtcp(packet));
        }
        const auto step = life == 0 ? 60 : 1;
        const auto until = life == 0 ? third + 500 : index + 200 + numbers() % 300;
        std::uint64_t lost = 0;
        bool back = life == 0;
        for (; index < until; index += step) {
            const auto sent = radio.say(index);
            if (life > 0) recorded.push_back(sent);
            Octets packet = sent;
            const auto opened = daemon.receiver.open_rtp(packet, kHeader, 77, index & 0xFFFF);
            back = back || opened.has_value();
            if (opened) REQUIRE(accepted.insert(opened->index).second);
            if (!opened) REQUIRE_FALSE(back);
            lost += !opened;
            if (index % 50 == 0) {
                const auto report = radio.report();
                Octets copy = report;
                if (daemon.receiver.open_rtcp(copy)) recorded_rtcp.push_back(report);
            }
            daemon.write();
        }
        CHECK(lost <= 64);
        if (life > 0) CHECK(daemon.receiver.exposed() <= 4);
    }
    CHECK(index > third);
}

TEST_CASE("a packet below the limit is named as that, not as a replay") {
    const auto with = keys(kSuite, {1});
    Talker radio{with[0]};
    SrtpReceiver receiver{kSuite, with};
    REQUIRE(receiver.restore(with[0].fingerprint(), kSsrc, {500, 20}));
    Octets packet = radio.say(499);
    CHECK(outcome(receiver.open_rtp(packet, kHeader, kSsrc, 499)) == "below_restart_limit");
    packet = radio.say(500);
    CHECK(outcome(receiver.open_rtp(packet, kHeader, kSsrc, 500)) == "ok");
    packet = radio.report();
    CHECK(outcome(receiver.open_rtcp(packet)) == "below_restart_limit");
    CHECK_FALSE(receiver.restore(keys(kSuite, {9})[0].fingerprint(), kSsrc, {900, 0}));
}

TEST_CASE("after a long stop the next roll-over counter is tried too") {
    const auto with = keys(kSuite, {1});
    Talker radio{with[0]};
    SrtpReceiver receiver{kSuite, with};
    const std::uint64_t limit = (std::uint64_t{3} << 16) + 1000;
    REQUIRE(receiver.restore(with[0].fingerprint(), kSsrc, {limit, 0}));
    Octets packet = radio.say(limit + 90000);
    const auto opened = receiver.open_rtp(packet, kHeader, kSsrc, load16(packet, 2));
    REQUIRE(opened);
    CHECK(opened->index == limit + 90000);
}

TEST_CASE("limits are asked for as packets come, and packets beyond the durable ones are counted") {
    const auto with = keys(kSuite, {1});
    Talker radio{with[0]};
    SrtpReceiver receiver{kSuite, with};
    CHECK_FALSE(receiver.next_wish());
    const auto hear = [&](std::uint64_t index) {
        Octets packet = radio.say(index);
        REQUIRE(receiver.open_rtp(packet, kHeader, kSsrc, static_cast<std::uint16_t>(index)));
    };
    hear(10);
    auto wish = receiver.next_wish();
    REQUIRE(wish);
    CHECK(wish->limits == IndexLimits{75, 0});  // RTCP was never heard: nothing to promise
    CHECK_FALSE(receiver.next_wish());
    CHECK(receiver.exposed() == 1);
    receiver.confirm(kSsrc, wish->limits);
    for (std::uint64_t index = 11; index <= 42; ++index) hear(index);
    CHECK_FALSE(receiver.next_wish());
    CHECK(receiver.exposed() == 1);
    hear(43);
    wish = receiver.next_wish();
    REQUIRE(wish);
    CHECK(wish->limits.rtp == 108);
    for (std::uint64_t index = 44; index <= 80; ++index) hear(index);  // the disk hangs: 75 to 80 are exposed
    CHECK(receiver.exposed() == 7);
    receiver.confirm(kSsrc, wish->limits);
    CHECK(receiver.source(0).durable.rtp == 108);
    CHECK(receiver.source(0).next.rtp == 81);
    Octets report = radio.report();
    REQUIRE(receiver.open_rtcp(report));
    wish = receiver.next_wish();
    REQUIRE(wish);
    CHECK(wish->limits.rtcp == 9);
}

TEST_CASE("a receive limit whose wish was lost is wished for again, one that is durable is not") {
    const auto with = keys(kSuite, {1});
    Talker radio{with[0]};
    SrtpReceiver receiver{kSuite, with};
    Octets packet = radio.say(10);
    REQUIRE(receiver.open_rtp(packet, kHeader, kSsrc, 10));
    REQUIRE(receiver.next_wish());  // lost
    CHECK_FALSE(receiver.next_wish());
    receiver.repeat_wishes();
    const auto wish = receiver.next_wish();
    REQUIRE(wish);
    CHECK(wish->limits == IndexLimits{75, 0});
    receiver.confirm(kSsrc, wish->limits);
    receiver.repeat_wishes();
    CHECK_FALSE(receiver.next_wish());
}

}  // namespace
}  // namespace crosspatch::rtp
