#include "crosspatch/core/mpsc_queue.hpp"

#include <doctest/doctest.h>

#include <array>
#include <thread>
#include <vector>

#include "tests/support/allocations.hpp"

using crosspatch::core::MpscQueue;

namespace {

struct Item {
    std::uint32_t producer;
    std::uint64_t number;
};

}  // namespace

TEST_CASE(
    "what one thread puts into a shared queue comes out once and in order, over many rounds of the ring") {
    MpscQueue<int> queue{4};
    for (int round = 0; round < 10; ++round) {
        CHECK_FALSE(queue.pop());
        for (int i = 0; i < 3; ++i) CHECK(queue.push(round * 10 + i));
        for (int i = 0; i < 3; ++i) CHECK(queue.pop() == round * 10 + i);
    }
}

TEST_CASE("a full shared queue refuses, counts it, and takes more after a pop") {
    MpscQueue<int> queue{3};
    CHECK(queue.capacity() == 4);
    for (int i = 0; i < 4; ++i) CHECK(queue.push(i));
    CHECK_FALSE(queue.push(4));
    CHECK_FALSE(queue.push(5));
    CHECK(queue.refused() == 2);
    CHECK(queue.pop() == 0);
    CHECK(queue.push(6));
    CHECK_FALSE(queue.push(7));
    for (const int expected : {1, 2, 3, 6}) CHECK(queue.pop() == expected);
}

TEST_CASE("the shared queue takes no memory after it was made") {
    MpscQueue<int> queue{64};
    const auto before = crosspatch::tests::allocations();
    int sum = 0;
    for (int round = 0; round < 1'000; ++round) {
        queue.push(round);
        sum += queue.pop().value_or(0);
    }
    CHECK(crosspatch::tests::allocations() == before);
    CHECK(sum == 499'500);
}

TEST_CASE("three threads into one: each one's items in its order, none lost but what was refused") {
    constexpr std::uint32_t kProducers = 3;
    constexpr std::uint64_t kItems = 60'000;
    MpscQueue<Item> queue{64};
    std::array<std::uint64_t, kProducers> next{};
    std::uint64_t disorder = 0;
    std::vector<std::thread> producers;
    for (std::uint32_t who = 0; who < kProducers; ++who)
        producers.emplace_back([&queue, who] {
            for (std::uint64_t number = 0; number < kItems;)
                if (queue.push({who, number}))
                    ++number;
                else
                    std::this_thread::yield();
        });
    for (std::uint64_t taken = 0; taken < kProducers * kItems;) {
        const auto item = queue.pop();
        if (!item) {
            std::this_thread::yield();
            continue;
        }
        ++taken;
        disorder += item->number != next[item->producer]++;
    }
    for (std::thread& producer : producers) producer.join();
    CHECK(disorder == 0);
    CHECK_FALSE(queue.pop());
}

TEST_CASE(
    "what comes after word from another thread never overtakes what that one put in before it sent word") {
    constexpr std::uint64_t kTurns = 20'000;
    MpscQueue<Item> queue{64};
    std::atomic<std::uint64_t> turn{
        0};  // two threads in turn, as when a channel goes from one worker to the other
    const auto take_turns = [&](std::uint32_t who) {
        for (std::uint64_t number = who; number < kTurns; number += 2) {
            while (turn.load(std::memory_order_acquire) != number) std::this_thread::yield();
            while (!queue.push({who, number})) std::this_thread::yield();
            turn.store(number + 1, std::memory_order_release);
        }
    };
    std::thread first{take_turns, 0};
    std::thread second{take_turns, 1};
    std::uint64_t disorder = 0;
    for (std::uint64_t expected = 0; expected < kTurns;) {
        const auto item = queue.pop();
        if (!item) {
            std::this_thread::yield();
            continue;
        }
        disorder += item->number != expected++;
    }
    first.join();
    second.join();
    CHECK(disorder == 0);
}
