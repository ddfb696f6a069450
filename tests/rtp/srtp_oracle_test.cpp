// Ours against libsrtp2, both ways, over seeded schedules of loss, reordering, duplicates, damage and wraps.
#include "tests/rtp/srtp_oracle.hpp"

#include <deque>

#include "tests/rtp/srtp_support.hpp"

namespace crosspatch::rtp {
namespace {

// Both receivers under one key; a packet must fare the same with both.
struct Pair {
    Pair(Suite suite, std::uint32_t seed)
        : octets{key_octets(suite, seed)},
          listener{keys(suite, {seed})},
          oracle{suite, octets, Oracle::Side::Receives} {}

    bool hear(const Octets& packet) {
        Octets copy = packet;
        std::size_t size = copy.size();
        const auto theirs = oracle.unprotect(copy.data(), size);
        const auto ours = listener.hear(packet);
        CAPTURE(theirs);
        CAPTURE(ours);
        REQUIRE((ours == "ok") == (theirs == srtp_err_status_ok));
        if (ours != "too_short") {  // libsrtp2 looks at the replay list first
            REQUIRE((ours == "replay") == (theirs == srtp_err_status_replay_fail));
            REQUIRE((ours == "too_old") == (theirs == srtp_err_status_replay_old));
        }
        if (ours != "ok") return false;
        REQUIRE(listener.heard ==
                Octets{copy.begin() + kHeader, copy.begin() + static_cast<std::ptrdiff_t>(size)});
        return true;
    }
    bool hear_rtcp(const Octets& packet) {
        Octets copy = packet;
        std::size_t size = copy.size();
        const auto theirs = oracle.unprotect_rtcp(copy.data(), size);
        const auto ours = listener.hear_rtcp(packet);
        REQUIRE((ours == "ok") == (theirs == srtp_err_status_ok));
        if (ours != "ok") return false;
        REQUIRE(listener.heard == Octets{copy.begin(), copy.begin() + static_cast<std::ptrdiff_t>(size)});
        return true;
    }
    Octets octets;
    Listener listener;
    Oracle oracle;
};

// Seals with ours or theirs, by turns of the whole run.
struct AnyTalker {
    AnyTalker(Suite suite, std::uint32_t seed, std::uint32_t ssrc, bool use_ours)
        : ours{keys(suite, {seed})[0], {0, 1}, ssrc},
          theirs{suite, key_octets(suite, seed), Oracle::Side::Sends},
          by_us{use_ours} {}

    Octets say(std::uint64_t index, std::size_t payload) {
        if (by_us) return ours.say(index, payload);
        Octets packet = rtp_packet(index, ours.sender.ssrc(), payload);
        return by_them(packet, &Oracle::protect);
    }
    Octets report() {
        if (by_us) return ours.report();
        Octets packet = rtcp_packet(ours.sender.ssrc());
        return by_them(packet, &Oracle::protect_rtcp);
    }
    Octets by_them(Octets& packet, srtp_err_status_t (Oracle::*protect)(std::byte*, std::size_t&)) {
        auto size = packet.size();
        packet.resize(size + SRTP_MAX_TRAILER_LEN + 4);
        REQUIRE((theirs.*protect)(packet.data(), size) == srtp_err_status_ok);
        packet.resize(size);
        return packet;
    }
    Talker ours;
    Oracle theirs;
    bool by_us;
};

void damage(Octets& packet, std::mt19937& numbers) {
    if (numbers() % 3 == 0) {
        packet.resize(kHeader + numbers() % (packet.size() - kHeader));
    } else {
        packet[4 + numbers() % (packet.size() - 4)] ^= static_cast<std::byte>(1U << numbers() % 8);
    }
}

void run_schedule(Suite suite, std::uint32_t seed, bool use_ours) {
    std::mt19937 numbers{seed};
    Pair pair{suite, seed};
    AnyTalker talker{suite, seed, seed * 7 + 1, use_ours};
    std::uint64_t index = numbers() % 32768;
    std::deque<Octets> on_the_way;
    std::vector<Octets> delivered;
    int accepted = 0;
    for (int step = 0; step < 1500; ++step) {
        index += numbers() % 40 == 0 ? 1 + numbers() % 5000 : 1;
        if (numbers() % 10 != 0) on_the_way.push_back(talker.say(index, numbers() % 200));
        if (numbers() % 20 == 0 && !on_the_way.empty()) on_the_way.push_back(on_the_way.front());
        if (numbers() % 30 == 0 && !delivered.empty())
            on_the_way.push_back(delivered[numbers() % delivered.size()]);
        if (numbers() % 15 == 0) {
            auto report = talker.report();
            if (numbers() % 4 == 0) pair.hear_rtcp(report);
            if (numbers() % 4 == 0) damage(report, numbers);
            pair.hear_rtcp(report);
        }
        while (on_the_way.size() > numbers() % 30) {
            const auto next = on_the_way.begin() + static_cast<std::ptrdiff_t>(numbers() % on_the_way.size());
            Octets packet = *next;
            on_the_way.erase(next);
            if (numbers() % 25 == 0) damage(packet, numbers);
            accepted += pair.hear(packet);
            delivered.push_back(std::move(packet));
            if (delivered.size() > 300) delivered.erase(delivered.begin());
        }
    }
    CHECK(accepted > 900);
    CHECK(index > 65536);
}

TEST_CASE("libsrtp2 and we take the same packets, whoever sealed them") {
    for (const auto suite : kSuites) {
        for (std::uint32_t seed = 1; seed <= 10; ++seed) run_schedule(suite, seed, seed % 2 == 0);
    }
}

TEST_CASE("libsrtp2 and we seal the same packets, octet by octet") {
    for (const auto suite : kSuites) {
        AnyTalker ours{suite, 5, kSsrc, true};
        AnyTalker theirs{suite, 5, kSsrc, false};
        for (std::uint64_t index = 30000; index < 200000; index += 997) {
            REQUIRE(ours.say(index, index % 300) == theirs.say(index, index % 300));
            REQUIRE(ours.report() == theirs.report());
        }
    }
}

TEST_CASE("SRTCP that libsrtp2 sends unencrypted is refused, though libsrtp2 takes it in GCM") {
    for (const auto suite : kSuites) {
        Oracle sender{suite, key_octets(suite, 3), Oracle::Side::Sends, false};
        Oracle receiver{suite, key_octets(suite, 3), Oracle::Side::Receives};
        Octets packet = rtcp_packet();
        auto size = packet.size();
        packet.resize(size + SRTP_MAX_TRAILER_LEN + 4);
        REQUIRE(sender.protect_rtcp(packet.data(), size) == srtp_err_status_ok);
        packet.resize(size);
        Listener listener{keys(suite, {3})};
        CHECK(listener.hear_rtcp(packet) == "unencrypted_rtcp");
        const bool they_take_it = receiver.unprotect_rtcp(packet.data(), size) == srtp_err_status_ok;
        CHECK(they_take_it ==
              info(suite).aead);  // the one known difference; if this fails, libsrtp2 has mended it
    }
}

}  // namespace
}  // namespace crosspatch::rtp
