// The small parts around the talk path: histogram, pool, demux, report timers, sockets.
#include <doctest/doctest.h>

#include <set>

#include "crosspatch/media/delay_histogram.hpp"
#include "crosspatch/media/demux.hpp"
#include "crosspatch/media/drop.hpp"
#include "crosspatch/media/packet_pool.hpp"
#include "crosspatch/media/report_timers.hpp"
#include "crosspatch/rtp/octets.hpp"
#include "tests/media/radios.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::media {
namespace {

using namespace tests;

TEST_CASE("a delay is counted in a bucket whose upper bound is at most a quarter above it") {
    for (std::int64_t us = 0; us < 65'536; us = us < 300 ? us + 1 : us + us / 50) {
        DelayHistogram histogram;
        histogram.add(std::chrono::microseconds{us});
        const auto bound = histogram.quantile(0.5).count();
        CAPTURE(us);
        CHECK(bound > us);
        CHECK(bound <= us + std::max<std::int64_t>(1, us / 4));
        CHECK(histogram.at_most(std::chrono::microseconds{bound}) == 1);
        CHECK(histogram.at_most(std::chrono::microseconds{bound - 1}) == 0);
    }
}

TEST_CASE("quantiles, count and sum are those of what was added") {
    DelayHistogram histogram;
    CHECK(histogram.quantile(0.99) == 0us);
    CHECK(histogram.count() == 0);
    for (int i = 0; i < 99; ++i) histogram.add(100us);
    histogram.add(10ms);
    CHECK(histogram.count() == 100);
    CHECK(histogram.quantile(0.5) == histogram.quantile(0.99));
    CHECK(histogram.quantile(0.99) < 130us);
    CHECK(histogram.quantile(1.0) >= 10ms);
    CHECK(histogram.sum() == 99 * 100us + 10ms);
    histogram.clear();
    CHECK(histogram.count() == 0);
    CHECK(histogram.sum() == 0us);
}

TEST_CASE("a clock that steps back and a delay beyond all buckets are counted at the ends") {
    DelayHistogram histogram;
    histogram.add(-5s);
    CHECK(histogram.quantile(1.0) == 1us);
    CHECK(histogram.sum() == 0us);
    histogram.add(1h);
    CHECK(histogram.quantile(1.0) == 131'072us);
    CHECK(histogram.count() == 2);
}

TEST_CASE("each buffer of the pool is given out once, holds its octets, and comes back") {
    PacketPool pool{3};
    const Octets a(160, std::byte{1}), b(PacketPool::kOctets, std::byte{2}), c;
    const auto first = pool.take(a), second = pool.take(b), third = pool.take(c);
    CHECK(std::set{first, second, third}.size() == 3);
    CHECK(pool.free() == 0);
    CHECK(pool.take(a) == PacketPool::kNone);
    CHECK(std::equal(a.begin(), a.end(), pool.octets(first).begin(), pool.octets(first).end()));
    CHECK(std::equal(b.begin(), b.end(), pool.octets(second).begin(), pool.octets(second).end()));
    CHECK(pool.octets(third).empty());
    pool.give_back(second);
    CHECK(pool.take(Octets(PacketPool::kOctets + 1)) == PacketPool::kNone);
    CHECK(pool.take(a) == second);
}

TEST_CASE("the pool takes no memory from the heap after it was made") {
    PacketPool pool{8};
    const Octets octets(100);
    const auto before = allocations();
    for (int round = 0; round < 100; ++round) {
        std::array<PacketPool::Slot, 8> slots;
        for (auto& slot : slots) slot = pool.take(octets);
        for (const auto slot : slots) pool.give_back(slot);
    }
    CHECK(allocations() == before);
}

TEST_CASE("every cause of a drop has a name of its own") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < kDrops; ++i) names.insert(name_of(static_cast<Drop>(i)));
    CHECK(names.size() == kDrops);
    CHECK_FALSE(names.contains(""));
    CHECK(name_of(Drop::NoCodec) == "no_codec");
    CHECK(name_of(Drop::RocMismatch) == "roc_mismatch");
}

// --- Demux ---

Octets rtp_of(std::uint32_t ssrc) {
    Octets packet(172);
    packet[0] = std::byte{0x80};
    rtp::store32(packet, 8, ssrc);
    return packet;
}

struct Attached {
    Attached(std::uint32_t index, const char* remote, std::optional<std::uint32_t> ssrc)
        : endpoint{index, parts(remote, ssrc), kStart} {}
    static Endpoint::Parts parts(const char* remote, std::optional<std::uint32_t> ssrc) {
        Source::Settings source{.format = codec::pcmu(), .ssrc = ssrc};
        if (remote) source.remote = *core::Address::parse(remote);
        return {.source = source,
                .receiver = {rtp::Suite::None, {}},
                .sink = {.format = codec::pcmu()},
                .sender = {rtp::Suite::None, nullptr},
                .first_timestamp = 0};
    }
    Endpoint endpoint;
};

TEST_CASE("the shared port knows a radio by its address, or by its SSRC where one is configured") {
    Attached by_address{0, "192.0.2.1:5004", {}}, by_ssrc{1, nullptr, 77}, both{2, "192.0.2.1:5004", 78};
    const auto known = *core::Address::parse("192.0.2.1:5004");
    const auto unknown = *core::Address::parse("192.0.2.99:1");
    Demux demux;
    for (auto* one : {&by_address, &by_ssrc, &both}) demux.attach(one->endpoint);
    CHECK(demux.find(rtp_of(5), known) == &by_address.endpoint);
    CHECK(demux.find(rtp_of(77), unknown) == &by_ssrc.endpoint);
    CHECK(demux.find(rtp_of(78), known) == &both.endpoint);  // one address, two radios
    CHECK(demux.find(rtp_of(5), unknown) == nullptr);
    CHECK(demux.find(rtp_of(5), known.with_port(5005)) == nullptr);
    Octets rtcp(28);
    rtcp[0] = std::byte{0x80};
    rtcp[1] = std::byte{200};
    rtp::store32(rtcp, 4, 77);
    CHECK(demux.find(rtcp, unknown) == &by_ssrc.endpoint);
    demux.detach(by_ssrc.endpoint);
    CHECK(demux.find(rtcp, unknown) == nullptr);
    demux.detach(by_address.endpoint);
    CHECK(demux.find(rtp_of(5), known) == nullptr);
    CHECK(demux.find(rtp_of(78), known) == &both.endpoint);
}

TEST_CASE("junk on the shared port belongs to nobody, whatever its length") {
    Attached by_ssrc{1, nullptr, 77};
    Demux demux;
    demux.attach(by_ssrc.endpoint);
    const auto from = *core::Address::parse("192.0.2.1:5004");
    for (std::size_t size = 0; size < 12; ++size)
        for (const int first : {0x00, 0x16, 0x40, 0x80, 0xFF}) {
            Octets junk(size, std::byte{77});
            if (size > 0) junk[0] = static_cast<std::byte>(first);
            CHECK(demux.find(junk, from) == nullptr);
        }
    const Octets packet = rtp_of(77);
    const auto before = allocations();
    CHECK(demux.find(packet, from) == &by_ssrc.endpoint);
    CHECK(allocations() == before);
}

// --- Reports ---

TEST_CASE("each endpoint's report comes about every five seconds, and not all at once") {
    std::vector<std::unique_ptr<Attached>> radios;
    ReportTimers timers{1};
    for (std::uint32_t i = 0; i < 50; ++i) {
        radios.push_back(std::make_unique<Attached>(i, nullptr, i));
        timers.add(radios.back()->endpoint, kStart);
    }
    std::vector<int> reports(50);
    std::size_t most_at_once = 0;
    for (auto at = 0ms; at < 60s; at += 10ms) {
        std::size_t now = 0;
        while (Endpoint* due = timers.pop(kStart + at)) ++reports[due->index()], ++now;
        most_at_once = std::max(most_at_once, now);
        REQUIRE(timers.next());
        CHECK(*timers.next() > kStart + at);
        // Those of one second share a wake-up.
        CHECK(timers.next()->time_since_epoch() % 1s == 0ns);
    }
    for (const int count : reports) {
        CHECK(count >= 60 / 8);
        CHECK(count <= 60 / 2);
    }
    CHECK(most_at_once < 30);
}

TEST_CASE("an endpoint that was removed is never due again, the others are") {
    Attached a{0, nullptr, 1}, b{1, nullptr, 2};
    ReportTimers timers{7};
    CHECK_FALSE(timers.next());
    timers.add(a.endpoint, kStart);
    timers.add(b.endpoint, kStart);
    timers.remove(a.endpoint);
    int due = 0;
    for (auto at = 0s; at < 60s; at += 1s)
        while (Endpoint* one = timers.pop(kStart + at)) {
            CHECK(one == &b.endpoint);
            ++due;
        }
    CHECK(due > 3);
    timers.remove(b.endpoint);
    CHECK_FALSE(timers.next());
    CHECK(timers.pop(kStart + 1h) == nullptr);
}

// --- Sockets ---

TEST_CASE("what one outbox sends another batch receives, over IPv4 and IPv6") {
    const char* any = "127.0.0.1:0";
    SUBCASE("IPv4") {}
    SUBCASE("IPv6") { any = "[::1]:0"; }
    const auto from = loopback_socket(any), to = loopback_socket(any);
    const auto address = local_address(to.get());
    CHECK(address.port() != 0);
    Outbox outbox;
    ReceiveBatch batch;
    CHECK(batch.receive(to.get()).empty());
    for (std::uint8_t n = 0; n < 3; ++n) {
        const auto room = outbox.prepare();
        CHECK(room.size() == Outbox::kOctets);
        room[0] = std::byte{n};
        outbox.commit(from.get(), address, 100U + n);
    }
    CHECK(batch.receive(to.get()).empty());  // nothing leaves before flush()
    outbox.flush();
    const auto datagrams = batch.receive(to.get());
    REQUIRE(datagrams.size() == 3);
    for (std::uint8_t n = 0; n < 3; ++n) {
        CHECK(datagrams[n].octets.size() == 100U + n);
        CHECK(datagrams[n].octets[0] == std::byte{n});
        CHECK(datagrams[n].from == local_address(from.get()));
        CHECK_FALSE(datagrams[n].truncated);
        CHECK(datagrams[n].received.count() > 0);  // the kernel's stamp
    }
    CHECK(outbox.counters().sent.read() == 3);
    outbox.flush();
    CHECK(outbox.counters().sent.read() == 3);
}

TEST_CASE("a full outbox sends by itself, to several sockets in turn, and takes no memory") {
    const auto a = loopback_socket(), b = loopback_socket(), to = loopback_socket();
    const auto address = local_address(to.get());
    Outbox outbox;
    ReceiveBatch batch;
    const auto before = allocations();
    for (std::size_t n = 0; n < 100; ++n) {
        outbox.prepare()[0] = static_cast<std::byte>(n);
        outbox.commit(n % 3 ? a.get() : b.get(), address, 20);
    }
    outbox.flush();
    std::size_t next = 0;
    for (auto datagrams = batch.receive(to.get()); !datagrams.empty(); datagrams = batch.receive(to.get()))
        for (const Datagram& one : datagrams) CHECK(one.octets[0] == static_cast<std::byte>(next++));
    CHECK(next == 100);
    CHECK(allocations() == before);
}

TEST_CASE("a datagram longer than any we take is marked, an empty one is empty") {
    const auto from = loopback_socket(), to = loopback_socket();
    sockaddr_storage address{};
    const auto length = local_address(to.get()).fill(address);
    const std::vector<char> huge(60'000);
    const auto send = [&](std::size_t size) {
        sendto(from.get(), huge.data(), size, 0, reinterpret_cast<const sockaddr*>(&address), length);
    };
    send(60'000);
    send(0);
    send(ReceiveBatch::kOctets);
    ReceiveBatch batch;
    const auto datagrams = batch.receive(to.get());
    REQUIRE(datagrams.size() == 3);
    CHECK(datagrams[0].truncated);
    CHECK(datagrams[1].octets.empty());
    CHECK_FALSE(datagrams[1].truncated);
    CHECK_FALSE(datagrams[2].truncated);
}

TEST_CASE("a peer that is gone is counted, and costs the others nothing") {
    const auto from = loopback_socket(), to = loopback_socket();
    core::Address gone;
    {
        const auto closed = loopback_socket();
        gone = local_address(closed.get());
    }
    Outbox outbox;
    for (int round = 0; round < 5; ++round)
        for (const auto& address : {gone, local_address(to.get())}) {
            outbox.prepare();
            outbox.commit(from.get(), address, 20);
            outbox.flush();
        }
    ReceiveBatch batch;
    CHECK(batch.receive(to.get()).size() == 5);
    CHECK(outbox.counters().sent.read() + outbox.counters().unreachable.read() == 10);
}

TEST_CASE("a socket that is none is counted as failed") {
    const auto to = loopback_socket();
    Outbox outbox;
    outbox.prepare();
    outbox.commit(-1, local_address(to.get()), 20);
    outbox.flush();
    CHECK(outbox.counters().failed.read() == 1);
}

TEST_CASE("a port that is taken and an address that is not ours are refused in words") {
    const auto taken = loopback_socket();
    const auto again = open_udp(local_address(taken.get()));
    REQUIRE_FALSE(again);
    CHECK(again.error().context.find("another program or endpoint has this port") != std::string::npos);
    CHECK(again.error().context.find(local_address(taken.get()).to_string()) != std::string::npos);
    const auto foreign = open_udp(*core::Address::parse("192.0.2.1:5004"));
    REQUIRE_FALSE(foreign);
    CHECK(foreign.error().context.find("no network interface") != std::string::npos);
}

}  // namespace
}  // namespace crosspatch::media
