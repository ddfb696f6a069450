#include "crosspatch/media/reorder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/allocations.hpp"

namespace crosspatch::media {
namespace {

using namespace std::chrono_literals;
using tests::allocations;
using Arrival = Reorder::Arrival;

// A stream whose packets carry their own number: arrive() pushes, play() pops onto a tape where x is a loss.
class Stream {
public:
    explicit Stream(core::Duration patience = 40ms, PacketPool::Slot buffers = 64) : pool{buffers} {
        order.set_patience(patience);
    }
    void start(std::uint64_t sequence) { order.start(sequence); }
    Arrival arrive(std::uint64_t sequence, core::Duration at) {
        const std::uint8_t number = static_cast<std::uint8_t>(sequence);
        const auto payload = std::as_bytes(std::span{&number, 1});
        const Arrival arrival = order.push(sequence, stamp(sequence), payload, kStart + at);
        if (arrival == Arrival::InOrder) note(std::to_string(sequence));
        return arrival;
    }
    void arrive(std::initializer_list<std::uint64_t> sequences, core::Duration at) {
        for (const auto sequence : sequences) arrive(sequence, at);
    }
    std::string play(core::Duration at) {
        for (;;) {
            const Reorder::Next next = order.pop(kStart + at);
            if (next.kind == Reorder::Next::Kind::Nothing) break;
            if (next.kind == Reorder::Next::Kind::Lost) {
                note("x");
                continue;
            }
            REQUIRE(next.payload.size() == 1);
            CHECK(next.payload[0] == static_cast<std::byte>(next.sequence));
            CHECK(next.timestamp == stamp(next.sequence));
            note(std::to_string(next.sequence));
        }
        return std::exchange(tape_, {});
    }
    std::optional<core::Duration> deadline() const {
        const auto at = order.deadline();
        return at ? std::optional{*at - kStart} : std::nullopt;
    }

    static constexpr core::Time kStart{1h};
    PacketPool pool;
    Reorder order{pool};

private:
    static std::uint32_t stamp(std::uint64_t sequence) { return static_cast<std::uint32_t>(sequence * 160); }
    void note(const std::string& what) { tape_ += (tape_.empty() ? "" : " ") + what; }
    std::string tape_;
};

TEST_CASE("packets in order pass at once and take no buffer") {
    Stream stream;
    stream.start(7);
    for (std::uint64_t n = 7; n < 300; ++n) {
        CHECK(stream.arrive(n, 0ms) == Arrival::InOrder);
        CHECK(stream.play(0ms) == std::to_string(n));
        CHECK(stream.pool.free() == 64);
    }
    CHECK_FALSE(stream.deadline());
}

TEST_CASE("a gap is waited for until its deadline, and the late packet is then refused") {
    Stream stream;
    stream.start(7);
    stream.arrive({7, 8, 10}, 0ms);
    CHECK(stream.play(39ms) == "7 8");
    CHECK(stream.deadline() == 40ms);
    CHECK(stream.play(40ms) == "x 10");
    CHECK_FALSE(stream.deadline());
    CHECK(stream.arrive(9, 42ms) == Arrival::Late);
    CHECK(stream.arrive(11, 60ms) == Arrival::InOrder);
}

TEST_CASE("what fills the gap in time lets everything behind it go") {
    Stream stream;
    stream.start(1);
    stream.arrive({1, 4, 3}, 0ms);
    CHECK(stream.play(10ms) == "1");
    CHECK(stream.arrive(2, 20ms) == Arrival::InOrder);
    CHECK(stream.play(20ms) == "2 3 4");
    CHECK(stream.pool.free() == 64);
}

TEST_CASE("a second gap is waited for from when it was seen, not from when the first one closed") {
    Stream stream;
    stream.start(1);
    stream.arrive({1, 3}, 0ms);  // 2 is missing since 0 ms
    stream.arrive({5}, 30ms);    // 4 is missing since 30 ms
    CHECK(stream.play(39ms) == "1");
    CHECK(stream.play(40ms) == "x 3");
    CHECK(stream.deadline() == 70ms);
    CHECK(stream.play(69ms) == "");
    CHECK(stream.play(70ms) == "x 5");
}

TEST_CASE("losses one after the other do not add up to a delay") {
    Stream stream{100ms};
    stream.start(0);
    for (std::uint64_t n = 0; n < 400; ++n) {
        const auto at = n * 20ms;
        if (n % 3 != 1) stream.arrive(n, at);
        stream.play(at);
    }
    // 100 ms are five packets: never more than those wait.
    CHECK(stream.order.expected() >= 399 - 6);
    CHECK(stream.pool.free() >= 64 - 5);
}

TEST_CASE("several packets missing in a row are given up together") {
    Stream stream;
    stream.start(1);
    stream.arrive({1, 5}, 0ms);
    CHECK(stream.play(40ms) == "1 x x x 5");
}

TEST_CASE("a duplicate of what waits and of what has passed is named") {
    Stream stream;
    stream.start(1);
    stream.arrive({1, 3}, 0ms);
    CHECK(stream.arrive(3, 1ms) == Arrival::Duplicate);
    CHECK(stream.arrive(1, 1ms) == Arrival::Late);
    CHECK(stream.arrive(0, 1ms) == Arrival::Late);
}

TEST_CASE("the window holds 63 packets behind a gap and refuses the one beyond") {
    Stream stream;
    stream.start(100);
    for (std::uint64_t n = 101; n < 164; ++n) CHECK(stream.arrive(n, 0ms) == Arrival::Early);
    CHECK(stream.arrive(164, 0ms) == Arrival::TooFarAhead);
    CHECK(stream.arrive(1'000'000, 0ms) == Arrival::TooFarAhead);
    CHECK(stream.pool.free() == 1);
    CHECK(stream.arrive(100, 0ms) == Arrival::InOrder);
    CHECK(stream.play(0ms).ends_with("162 163"));
    CHECK(stream.pool.free() == 64);
}

TEST_CASE("without a buffer an early packet is refused and one in order is not") {
    Stream stream{40ms, 2};
    stream.start(1);
    stream.arrive({3, 4}, 0ms);
    CHECK(stream.arrive(5, 0ms) == Arrival::NoRoom);
    CHECK(stream.arrive(1, 0ms) == Arrival::InOrder);
    CHECK(stream.play(40ms) == "1 x 3 4");
    CHECK(stream.pool.free() == 2);
}

TEST_CASE("a packet of more than 1,200 octets finds no room") {
    PacketPool pool{4};
    Reorder order{pool};
    order.start(0);
    const std::vector<std::byte> payload(PacketPool::kOctets + 1);
    CHECK(order.push(1, 0, payload, Stream::kStart) == Arrival::NoRoom);
}

TEST_CASE("the packet behind a loss is offered for error correction, and only that one") {
    Stream stream;
    stream.start(1);
    stream.arrive({1, 4}, 0ms);
    stream.play(0ms);
    CHECK(stream.order.waiting_timestamp() == 640);
    REQUIRE(stream.order.pop(Stream::kStart + 40ms).kind ==
            Reorder::Next::Kind::Lost);  // 2; 3 is missing too
    CHECK(stream.order.after_lost().empty());
    REQUIRE(stream.order.pop(Stream::kStart + 40ms).kind == Reorder::Next::Kind::Lost);  // 3; 4 is there
    REQUIRE(stream.order.after_lost().size() == 1);
    CHECK(stream.order.after_lost()[0] == std::byte{4});
}

TEST_CASE("the end of time gives up every gap at once") {
    Stream stream;
    stream.start(1);
    stream.arrive({1, 3, 5, 8}, 0ms);
    CHECK(stream.play(core::Time::max() - Stream::kStart) == "1 x 3 x 5 x x 8");
}

TEST_CASE("start() forgets everything and gives all buffers back") {
    Stream stream;
    stream.start(1);
    stream.arrive({3, 4, 5}, 0ms);
    stream.start(1000);
    CHECK(stream.pool.free() == 64);
    CHECK_FALSE(stream.deadline());
    CHECK(stream.arrive(1000, 0ms) == Arrival::InOrder);
    CHECK(stream.play(1s) == "1000");
}

TEST_CASE("sequence numbers beyond 32 bits are as good as any") {
    Stream stream;
    stream.start((std::uint64_t{1} << 48) - 2);
    CHECK(stream.arrive((std::uint64_t{1} << 48) - 2, 0ms) == Arrival::InOrder);
    CHECK(stream.arrive((std::uint64_t{1} << 48) - 1, 0ms) == Arrival::InOrder);
}

// The same in a few slow lines: a map of what waits, and the time each came.
class Model {
public:
    explicit Model(core::Duration patience) : patience_{patience} {}
    Arrival push(std::uint64_t sequence, core::Time now) {
        if (sequence < next_) return Arrival::Late;
        if (sequence == next_) return ++next_, Arrival::InOrder;
        if (sequence >= next_ + 64) return Arrival::TooFarAhead;
        return waiting_.emplace(sequence, now).second ? Arrival::Early : Arrival::Duplicate;
    }
    std::vector<std::pair<bool, std::uint64_t>> pop(core::Time now) {  // true: a packet
        std::vector<std::pair<bool, std::uint64_t>> out;
        while (!waiting_.empty()) {
            const bool here = waiting_.erase(next_) > 0;
            const auto soonest =
                std::min_element(waiting_.begin(), waiting_.end(),
                                 [](const auto& a, const auto& b) { return a.second < b.second; });
            if (!here && now < soonest->second + patience_) break;
            out.emplace_back(here, next_++);
        }
        return out;
    }

private:
    core::Duration patience_;
    std::uint64_t next_{};
    std::map<std::uint64_t, core::Time> waiting_;
};

TEST_CASE("random orders, losses and doubles come out as a simple model says") {
    std::mt19937 random{20261122};
    const auto below = [&](unsigned n) { return std::uniform_int_distribution<unsigned>{0, n - 1}(random); };
    for (int round = 0; round < 300; ++round) {
        const auto patience = std::chrono::milliseconds{1 + below(120)};
        const unsigned spread = 1 + below(90);  // how far packets are thrown about
        Stream stream{patience};
        Model model{patience};
        stream.start(0);
        std::vector<std::pair<unsigned, std::uint64_t>> plan;  // when, which
        for (std::uint64_t n = 0; n < 200; ++n) {
            if (below(10) == 0) continue;
            plan.emplace_back(n * 20 + below(spread * 20), n);
            if (below(10) == 0) plan.emplace_back(n * 20 + below(spread * 20), n);
        }
        std::sort(plan.begin(), plan.end());
        for (const auto& [at_ms, sequence] : plan) {
            const core::Time now = Stream::kStart + std::chrono::milliseconds{at_ms};
            const Arrival arrival = model.push(sequence, now);
            REQUIRE(stream.arrive(sequence, now - Stream::kStart) == arrival);
            std::string expected = arrival == Arrival::InOrder ? ' ' + std::to_string(sequence) : "";
            for (const auto& [here, which] : model.pop(now))
                expected += here ? ' ' + std::to_string(which) : " x";
            REQUIRE(' ' + stream.play(now - Stream::kStart) == (expected.empty() ? " " : expected));
        }
        stream.order.start(0);
        REQUIRE(stream.pool.free() == 64);
    }
}

TEST_CASE("nothing here takes memory from the heap") {
    PacketPool pool{16};
    Reorder order{pool};
    const std::vector<std::byte> payload(160);
    const auto before = allocations();
    order.start(0);
    for (std::uint64_t n = 0; n < 10'000; ++n) {
        if (n % 7 != 3) order.push(n ^ 1, 0, payload, Stream::kStart + n * 20ms);
        while (order.pop(Stream::kStart + n * 20ms).kind != Reorder::Next::Kind::Nothing) {
        }
    }
    CHECK(allocations() == before);
}

}  // namespace
}  // namespace crosspatch::media
