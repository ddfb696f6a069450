#include "crosspatch/core/spsc_queue.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <thread>

#include "tests/support/allocations.hpp"

using crosspatch::core::SpscQueue;

TEST_CASE("what is pushed comes out once and in order") {
    SpscQueue<int> queue{4};
    CHECK_FALSE(queue.pop());
    for (int i = 0; i < 3; ++i) CHECK(queue.push(i));
    CHECK(queue.size() == 3);
    for (int i = 0; i < 3; ++i) CHECK(queue.pop() == i);
    CHECK_FALSE(queue.pop());
    CHECK(queue.size() == 0);
}

TEST_CASE("a full queue refuses, counts it, and takes more after a pop") {
    SpscQueue<int> queue{3};
    CHECK(queue.capacity() == 4);
    for (int i = 0; i < 4; ++i) CHECK(queue.push(i));
    CHECK_FALSE(queue.push(4));
    CHECK_FALSE(queue.push(5));
    CHECK(queue.refused() == 2);
    CHECK(queue.pop() == 0);
    CHECK(queue.push(6));
    CHECK(queue.refused() == 2);
}

TEST_CASE("items that can only be moved pass through") {
    SpscQueue<std::unique_ptr<int>> queue{2};
    CHECK(queue.push(std::make_unique<int>(9)));
    const auto item = queue.pop();
    REQUIRE(item);
    CHECK(**item == 9);
}

TEST_CASE("push and pop take no memory") {
    SpscQueue<int> queue{64};
    const auto before = crosspatch::tests::allocations();
    int sum = 0;
    for (int round = 0; round < 1'000; ++round) {
        queue.push(round);
        sum += queue.pop().value_or(0);
    }
    CHECK(crosspatch::tests::allocations() == before);
    CHECK(sum == 499'500);
}

TEST_CASE("between two threads nothing is lost, doubled or reordered but what was refused") {
    constexpr std::uint64_t kItems = 300'000;
    SpscQueue<std::uint64_t> queue{64};
    std::uint64_t taken = 0;
    std::uint64_t out_of_order = 0;
    std::thread consumer{[&] {
        while (taken < kItems) {
            if (const auto item = queue.pop()) {
                if (*item != taken) ++out_of_order;
                ++taken;
            } else {
                std::this_thread::yield();
            }
        }
    }};
    std::uint64_t refused = 0;
    for (std::uint64_t i = 0; i < kItems;) {
        if (queue.push(i)) {
            ++i;
        } else {
            ++refused;
            std::this_thread::yield();
        }
    }
    consumer.join();
    CHECK(taken == kItems);
    CHECK(out_of_order == 0);
    CHECK(queue.refused() == refused);
    CHECK(queue.size() == 0);
}
