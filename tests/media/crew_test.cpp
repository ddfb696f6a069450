#include "crosspatch/media/crew.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <future>

#include "tests/media/radios.hpp"

namespace crosspatch::media {
namespace {

using namespace tests;

// Takes every packet, and notes in which order they came. Read it only after stop().
struct NotingGate : Gate {
    Talkspurt* pass(Endpoint& from, const Packet& packet, core::Time) override {
        seen->push_back(static_cast<std::uint16_t>(packet.sequence));
        ++taken;
        strangers += from.worker() != number;
        return nullptr;
    }
    void beside(Endpoint&, const Packet&, core::Time) override {}
    void signalled(Endpoint&, const rtp::App&, std::optional<std::uint32_t>, core::Time) override {}
    void left(Endpoint&, core::Time) override {}
    void heard(Endpoint&, core::Time) override {}
    void tend(Endpoint&, core::Time) override {}
    void advance(core::Time) override {}
    std::optional<core::Time> next_deadline() override { return std::nullopt; }

    std::uint8_t number{};
    int strangers{}, taken{};
    std::vector<std::uint16_t>* seen{};  // both gates': only one of them minds the endpoint at a time
};

struct Watch {
    Watch() {
        for (std::uint8_t number = 0; number < 2; ++number) {
            gates[number].number = number;
            gates[number].seen = &seen;
        }
        Gate* const both[] = {&gates[0], &gates[1]};
        crew.start(both);
    }
    void rest(std::function<void(core::Time)> task) {
        std::promise<void> done;
        Crew::Rest pause{[&](core::Time now) {
            task(now);
            done.set_value();
        }};
        REQUIRE(crew.at_rest(pause));
        REQUIRE(done.get_future().wait_for(10s) == std::future_status::ready);
        drain();  // nobody looks at `pause` any more
    }
    // Until every worker has done what was posted so far.
    void drain() {
        for (std::size_t number = 0; number < crew.size(); ++number) {
            std::promise<void> done;
            REQUIRE(crew.worker(number).post(Worker::Lane::Control, [&](core::Time) { done.set_value(); }));
            REQUIRE(done.get_future().wait_for(10s) == std::future_status::ready);
        }
    }
    void say(std::uint16_t sequence, int to) {
        sockaddr_storage address{};
        const auto length = local_address(to).fill(address);
        const Octets packet = voice_packet(sequence);
        REQUIRE(sendto(guard.wire.get(), packet.data(), packet.size(), 0,
                       reinterpret_cast<const sockaddr*>(&address), length) == 172);
    }
    bool in_order(std::size_t count) const {
        if (seen.size() != count) return false;
        for (std::size_t i = 0; i < count; ++i)
            if (seen[i] != static_cast<std::uint16_t>(i)) return false;
        return true;
    }

    Radio guard{1, codec::pcmu()};
    std::vector<std::uint16_t> seen;
    std::array<NotingGate, 2> gates;
    Crew crew{{.workers = 2, .busy_poll = false, .cpus = {}}};
};

TEST_CASE("a task at rest runs once, while no worker does anything else") {
    Watch watch;
    int runs = 0;
    for (int i = 0; i < 200; ++i) watch.rest([&](core::Time) { ++runs; });
    CHECK(runs == 200);
    watch.crew.stop();
}

TEST_CASE(
    "packets of the shared port reach the worker that minds the channel, over a thousand moves, in order") {
    Watch watch;
    const core::UniqueFd shared = loopback_socket();
    watch.rest([&](core::Time) {
        watch.crew.worker(0).watch({shared.get(), nullptr});
        watch.crew.worker(0).demux().attach(watch.guard.endpoint);
    });
    constexpr int kMoves = 1000;
    std::uint16_t said = 0;
    for (int i = 0; i < kMoves; ++i) {
        for (int n = 0; n <= i % 3; ++n) watch.say(said++, shared.get());
        if (i % 5 == 0) std::this_thread::sleep_for(1ms);  // some are read before the move, some after it
        watch.rest([&](core::Time now) {
            for (std::size_t number = 0; number < 2; ++number) watch.crew.worker(number).settle(now);
            watch.guard.endpoint.set_worker(static_cast<std::uint8_t>((i + 1) % 2));
        });
    }
    std::this_thread::sleep_for(50ms);
    watch.crew.stop();
    CHECK(watch.in_order(said));
    CHECK(watch.gates[0].strangers + watch.gates[1].strangers == 0);
    for (const NotingGate& gate : watch.gates) CHECK(gate.taken > kMoves / 20);
    CHECK(watch.crew.worker(0).counters().handed_on.read() ==
          static_cast<std::uint64_t>(watch.gates[1].taken));
}

TEST_CASE("a port of its own goes from worker to worker a thousand times, and no packet is lost") {
    Watch watch;
    const int port = watch.guard.gateway.get();
    watch.rest([&](core::Time) { watch.crew.worker(0).watch({port, &watch.guard.endpoint}); });
    constexpr int kMoves = 1000;
    for (int i = 0; i < kMoves; ++i) {
        watch.say(static_cast<std::uint16_t>(i), port);
        watch.rest([&](core::Time) {
            const auto moved = watch.crew.worker(i % 2U).unwatch(port);
            REQUIRE(moved);
            watch.guard.endpoint.set_worker(static_cast<std::uint8_t>((i + 1) % 2));
            watch.crew.worker((i + 1) % 2U).watch(*moved);
        });
    }
    std::this_thread::sleep_for(50ms);
    watch.crew.stop();
    CHECK(watch.in_order(kMoves));
    CHECK(watch.gates[0].strangers + watch.gates[1].strangers == 0);
}

TEST_CASE("an inbox that is full refuses, which is counted, and never mixes up what it holds") {
    auto inbox = std::make_unique<Inbox>();
    Radio radio{1, codec::pcmu()};
    Octets octets(Inbox::kOctets + 10, std::byte{7});
    const auto datagram = [&](std::size_t size) {
        return Datagram{std::span{octets}.first(size), radio.address, 5ns, false};
    };
    for (std::size_t i = 0; i < Inbox::kDatagrams; ++i) REQUIRE(inbox->push(radio.endpoint, datagram(i + 1)));
    CHECK_FALSE(inbox->push(radio.endpoint, datagram(1)));
    for (std::size_t i = 0; i < Inbox::kDatagrams; ++i) {
        REQUIRE(inbox->front());
        CHECK(inbox->front()->datagram.octets.size() == i + 1);
        CHECK_FALSE(inbox->front()->datagram.truncated);
        inbox->pop();
    }
    CHECK(inbox->front() == nullptr);
    REQUIRE(inbox->push(radio.endpoint, datagram(octets.size())));
    CHECK(inbox->front()->datagram.truncated);
}

TEST_CASE(
    "a worker that polls takes packets and commands, and says that it did not work while it found nothing") {
    Radio guard{1, codec::pcmu()};
    Crew crew{{.workers = 1, .busy_poll = true, .cpus = {}}};
    std::vector<std::uint16_t> seen;
    NotingGate gate;
    gate.seen = &seen;
    Gate* const gates[] = {&gate};
    crew.start(gates);
    std::promise<void> done;
    REQUIRE(crew.worker(0).post(Worker::Lane::Control, [&](core::Time) {
        crew.worker(0).watch({guard.gateway.get(), &guard.endpoint});
        done.set_value();
    }));
    REQUIRE(done.get_future().wait_for(10s) == std::future_status::ready);
    sockaddr_storage address{};
    const auto length = local_address(guard.gateway.get()).fill(address);
    const Octets packet = voice_packet(0);
    REQUIRE(sendto(guard.wire.get(), packet.data(), packet.size(), 0,
                   reinterpret_cast<const sockaddr*>(&address), length) == 172);
    std::this_thread::sleep_for(300ms);
    crew.stop();
    CHECK(seen.size() == 1);
    CHECK(crew.worker(0).counters().busy_us.read() < 150'000);
}

}  // namespace
}  // namespace crosspatch::media
