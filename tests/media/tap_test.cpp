#include "crosspatch/media/tap.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <random>
#include <thread>

#include "tests/codec/voice.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::media {
namespace {

using namespace std::chrono_literals;
const core::Time kStart{std::chrono::hours{1}};

tests::Octets octets(std::size_t size, unsigned seed) {
    tests::Octets made(size);
    for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<std::byte>(seed * 31 + i);
    return made;
}

TEST_CASE("what the worker writes is read in its order, whole") {
    Tap tap;
    const auto payload = octets(160, 1);
    const auto before = tests::allocations();
    tap.begins(7, 3, codec::pcmu(), kStart);
    tap.heard_on(7, 12, kStart);
    tap.sound(7, 1600, payload, kStart + 20ms);
    tap.ends(7);
    CHECK(tests::allocations() == before);
    std::vector<Tap::Kind> kinds;
    const auto count = tap.read([&](const Tap::Item& item) {
        CHECK(item.talkspurt == 7);
        kinds.push_back(item.kind);
        if (item.kind == Tap::Kind::Begins) {
            CHECK(item.endpoint == 3);
            CHECK(item.format == codec::pcmu());
            CHECK(item.at == kStart);
        }
        if (item.kind == Tap::Kind::HeardOn) CHECK(item.channel == 12);
        if (item.kind == Tap::Kind::Sound) {
            CHECK(item.timestamp == 1600);
            CHECK(item.at == kStart + 20ms);
            CHECK(std::ranges::equal(item.payload, payload));
        }
    });
    CHECK(count == 4);
    CHECK(kinds == std::vector{Tap::Kind::Begins, Tap::Kind::HeardOn, Tap::Kind::Sound, Tap::Kind::Ends});
    CHECK(tap.read([](const Tap::Item&) {}) == 0);
}

TEST_CASE("what does not fit is left out and counted, and nothing that was there is lost") {
    Tap tap{4096};
    std::uint32_t written = 0;
    for (; tap.left_out() == 0; ++written) tap.sound(1, written, octets(200, written), kStart);
    std::uint32_t next = 0;
    tap.read([&](const Tap::Item& item) {
        CHECK(item.timestamp == next);
        CHECK(std::ranges::equal(item.payload, octets(200, next++)));
    });
    CHECK(next == written - 1);
    tap.sound(1, 99, octets(Tap::kMostPayload + 1, 1), kStart);
    CHECK(tap.left_out() == 2);
    tap.sound(1, 100, octets(Tap::kMostPayload, 1), kStart);
    CHECK(tap.read([](const Tap::Item& item) { CHECK(item.payload.size() == Tap::kMostPayload); }) == 1);
}

TEST_CASE("one writes while another reads: every payload that arrives is the one that was written") {
    Tap tap{1 << 14};
    constexpr std::uint32_t kMany = 200'000;
    std::atomic<bool> done{false};
    std::thread worker{[&] {
        std::mt19937 random{3};
        tests::Octets payload(Tap::kMostPayload);
        for (std::uint32_t i = 0; i < kMany; ++i) {
            const std::size_t size = random() % 400;
            std::fill_n(payload.begin(), size, static_cast<std::byte>(i));
            tap.sound(i, static_cast<std::uint32_t>(size), std::span{payload}.first(size), kStart);
        }
        done = true;
    }};
    std::uint64_t read = 0, last = 0;
    bool whole = true, rising = true;
    const auto look = [&](const Tap::Item& item) {
        rising = rising && (read == 0 || item.talkspurt > last);
        last = item.talkspurt;
        ++read;
        whole = whole && item.payload.size() == item.timestamp &&
                std::ranges::all_of(item.payload, [&](std::byte octet) {
                    return octet == static_cast<std::byte>(item.talkspurt);
                });
    };
    while (!done) tap.read(look);
    tap.read(look);
    worker.join();
    CHECK(whole);
    CHECK(rising);
    CHECK(read + tap.left_out() == kMany);
    CHECK(read > 0);
}

}  // namespace
}  // namespace crosspatch::media
