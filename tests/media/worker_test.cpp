#include "crosspatch/media/worker.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <future>
#include <thread>

#include "crosspatch/rtp/octets.hpp"
#include "crosspatch/rtp/rtcp_builder.hpp"
#include "tests/media/radios.hpp"

namespace crosspatch::media {
namespace {

using namespace tests;

// Lets everybody talk to everybody else, and notes what it was told. Read it only after stop().
struct OpenGate : Gate {
    explicit OpenGate(Worker& worker) : talkspurt{worker.talk_path()} { talkspurt.reserve(8); }

    Talkspurt* pass(Endpoint& from, const Packet& packet, core::Time now) override {
        ++passed;
        if (!talkspurt.running()) {
            talkspurt.start(from, packet, now);
            for (Endpoint* listener : listeners) talkspurt.add(*listener, 1, 0);
            talkspurt.arrange(now);
        }
        return &talkspurt;
    }
    void beside(Endpoint&, const Packet&, core::Time) override {}
    void signalled(Endpoint&, const rtp::App&, std::optional<std::uint32_t>, core::Time) override {}
    void left(Endpoint&, core::Time) override {
        ++byes;
        talkspurt.finish();
    }
    void heard(Endpoint&, core::Time) override { ++heard_from; }
    void tend(Endpoint&, core::Time) override { ++tended; }
    void advance(core::Time now) override {
        if (deadline && now >= *deadline) {
            deadline.reset();
            rang.set_value();
        }
    }
    std::optional<core::Time> next_deadline() override { return deadline; }

    Talkspurt talkspurt;
    std::vector<Endpoint*> listeners;
    int passed{}, byes{}, heard_from{}, tended{};
    std::optional<core::Time> deadline;
    std::promise<void> rang;
};

// A worker in a thread of its own, with a guard who talks and an officer who listens.
struct Shift {
    Shift() {
        gate.listeners.push_back(&officer.endpoint);
        worker.watch({guard.gateway.get(), &guard.endpoint});
        worker.watch({officer.gateway.get(), &officer.endpoint});
    }
    ~Shift() { end(); }
    void begin() {
        thread = std::thread{[this] { worker.run(gate); }};
    }
    void end() {
        if (!thread.joinable()) return;
        worker.stop();
        thread.join();
    }
    // Runs `task` on the worker and waits until it has.
    template <typename Task>
    void on_worker(Task task, Worker::Lane lane = Worker::Lane::Control) {
        std::promise<void> done;
        REQUIRE(worker.post(lane, [&](core::Time now) {
            task(now);
            done.set_value();
        }));
        REQUIRE(done.get_future().wait_for(10s) == std::future_status::ready);
    }
    void say(const Octets& datagram) {
        sockaddr_storage to{};
        const auto length = local_address(guard.gateway.get()).fill(to);
        REQUIRE(sendto(guard.wire.get(), datagram.data(), datagram.size(), 0,
                       reinterpret_cast<const sockaddr*>(&to),
                       length) == static_cast<ssize_t>(datagram.size()));
    }
    // A receiver report, an SDES CNAME and the BYE.
    static Octets bye(std::uint32_t ssrc) {
        Octets octets(100);
        rtp::RtcpBuilder builder{octets};
        builder.receiver_report(ssrc);
        builder.sdes_cname(ssrc, "guard");
        builder.bye(std::span{&ssrc, 1});
        const auto written = builder.octets();
        Octets compound{written.begin(), written.end()};
        compound.resize(compound.size() + rtp::overhead(rtp::Suite::None).rtcp);
        return compound;
    }
    // Waits for the next packets that the officer hears.
    std::vector<Heard> officer_hears(std::size_t count) {
        std::vector<Heard> all;
        while (all.size() < count) {
            pollfd waiting{officer.wire.get(), POLLIN, 0};
            if (::poll(&waiting, 1, 10'000) != 1) break;
            for (Heard& one : officer.hear()) all.push_back(std::move(one));
        }
        return all;
    }

    Radio guard{1, codec::pcmu()}, officer{2, codec::pcmu()};
    Worker worker;
    OpenGate gate{worker};
    std::thread thread;
};

TEST_CASE("a datagram that comes in goes out to the listener, and its delay is measured") {
    Shift shift;
    shift.begin();
    for (std::uint16_t n = 1; n <= 20; ++n) shift.say(voice_packet(n));
    const auto heard = shift.officer_hears(20);
    REQUIRE(heard.size() == 20);
    CHECK(continuous(heard, 160));
    CHECK(heard[0].payload == Octets(160, std::byte{0x55}));
    shift.end();
    CHECK(shift.gate.passed == 20);
    CHECK(shift.gate.heard_from == 20);
    CHECK(shift.worker.counters().datagrams.read() == 20);
    CHECK(shift.worker.delays().count() == 20);
    CHECK(shift.worker.sent().sent.read() == 20);
    CHECK(shift.gate.talkspurt.numbers().first_sent);
}

TEST_CASE("tasks of both lanes run on the worker, in the order of their lane, also after a long idle time") {
    Shift shift;
    shift.begin();
    std::thread::id ran_on;
    shift.on_worker([&](core::Time) { ran_on = std::this_thread::get_id(); });
    CHECK(ran_on == shift.thread.get_id());
    std::vector<int> order;
    for (int i = 0; i < 100; ++i)
        REQUIRE(shift.worker.post(Worker::Lane::Control, [&order, i](core::Time) { order.push_back(i); }));
    shift.on_worker([](core::Time) {});
    REQUIRE(order.size() == 100);
    CHECK(std::is_sorted(order.begin(), order.end()));
    bool direct = false;
    shift.on_worker([&](core::Time) { direct = true; }, Worker::Lane::Direct);
    CHECK(direct);
}

TEST_CASE("a lane that is full says so, and what it took still runs") {
    Shift shift;
    std::size_t taken = 0;
    std::size_t ran = 0;
    while (shift.worker.post(Worker::Lane::Direct, [&ran](core::Time) { ++ran; })) ++taken;
    CHECK(taken == 256);
    shift.begin();
    shift.end();  // tasks that were posted before stop() are not forgotten
    CHECK(ran == taken);
}

TEST_CASE("the gate is called when its deadline has come, without any packet") {
    Shift shift;
    auto rang = shift.gate.rang.get_future();
    shift.gate.deadline = core::monotonic_now() + 20ms;
    shift.begin();
    CHECK(rang.wait_for(10s) == std::future_status::ready);
}

TEST_CASE("an idle worker does not wake up") {
    Shift shift;
    shift.begin();
    std::uint64_t before = 0, after = 0;
    shift.on_worker([&](core::Time) { before = shift.worker.counters().loops.read(); });
    shift.on_worker([&](core::Time) { after = shift.worker.counters().loops.read(); });
    CHECK(after - before <= 2);
}

TEST_CASE("BYE of the talker ends his talkspurt, RTCP that is none is dropped") {
    Shift shift;
    shift.begin();
    shift.say(voice_packet(1));
    CHECK(shift.officer_hears(1).size() == 1);
    shift.say(Shift::bye(0xABCD));
    Octets short_report(8);
    short_report[0] = std::byte{0x81};
    short_report[1] = std::byte{200};
    short_report[3] = std::byte{9};
    rtp::store32(short_report, 4, 0xABCD);
    shift.say(short_report);
    shift.say(voice_packet(2));
    CHECK(shift.officer_hears(1).size() == 1);
    shift.end();
    CHECK(shift.gate.byes == 1);
    CHECK(shift.guard.endpoint.source.counters().dropped.read(Drop::BadRtcp) == 1);
}

TEST_CASE("what is neither RTP nor RTCP, and what belongs to nobody, is counted and goes nowhere") {
    Shift shift;
    const auto shared = loopback_socket();
    shift.worker.watch({shared.get(), nullptr});
    shift.begin();
    shift.say(Octets{});
    shift.say(Octets(20, std::byte{0x16}));  // DTLS
    sockaddr_storage to{};
    const auto length = local_address(shared.get()).fill(to);
    const Octets packet = voice_packet(1);
    sendto(shift.guard.wire.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to),
           length);
    shift.say(voice_packet(1));
    CHECK(shift.officer_hears(1).size() == 1);
    shift.on_worker([](core::Time) {});
    shift.end();
    CHECK(shift.guard.endpoint.source.counters().dropped.read(Drop::NotRtp) == 2);
    CHECK(shift.worker.counters().dropped.read(Drop::UnknownSource) == 1);
    CHECK(shift.gate.passed == 1);
}

TEST_CASE("the time that junk takes is told apart from that of talk") {
    Shift shift;
    shift.begin();
    for (std::uint16_t n = 1; n <= 100; ++n) shift.say(voice_packet(n));
    REQUIRE(shift.officer_hears(100).size() == 100);
    shift.on_worker([](core::Time) {});
    CHECK(shift.worker.counters().junk_ns.read() == 0);
    for (int n = 0; n < 1000; ++n) shift.say(Octets(200, std::byte{0x16}));
    shift.say(voice_packet(101));
    REQUIRE(shift.officer_hears(1).size() == 1);
    shift.on_worker([](core::Time) {});
    shift.end();
    const auto dropped = shift.guard.endpoint.source.counters().dropped.read(Drop::NotRtp);
    const auto junk = shift.worker.counters().junk_ns.read();
    CHECK(dropped > 900);  // what the socket has no room for never comes
    CHECK(junk > dropped * 10);
    CHECK(junk / 1000 <= shift.worker.counters().busy_us.read());
}

TEST_CASE("a port that is no longer watched is not read, and may be watched again") {
    Shift shift;
    shift.begin();
    const int fd = shift.guard.gateway.get();
    shift.on_worker([&](core::Time) { shift.worker.unwatch(fd); });
    shift.say(voice_packet(1));
    shift.on_worker([](core::Time) {});
    shift.on_worker([](core::Time) {});
    CHECK(shift.officer.hear().empty());
    shift.on_worker([&](core::Time) { shift.worker.watch({fd, &shift.guard.endpoint}); });
    CHECK(shift.officer_hears(1).size() == 1);
    shift.on_worker([&](core::Time) { shift.worker.unwatch(12345); });  // unknown: nothing
}

TEST_CASE("reports are sent to who is listed for them") {
    Shift shift;
    shift.worker.reports().add(shift.officer.endpoint, core::monotonic_now() - 1min);
    shift.begin();
    pollfd waiting{shift.officer.wire.get(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, 10'000) == 1);
    ReceiveBatch batch;
    const auto datagrams = batch.receive(shift.officer.wire.get());
    REQUIRE_FALSE(datagrams.empty());
    CHECK(rtp::classify(datagrams[0].octets) == rtp::DatagramKind::Rtcp);
    shift.end();
    CHECK(shift.gate.tended >= 1);
}

}  // namespace
}  // namespace crosspatch::media
