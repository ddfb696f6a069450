#include "crosspatch/core/counter.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <thread>

using crosspatch::core::Counter;

TEST_CASE("a counter counts, takes steps, and shows the latest measurement") {
    Counter counter;
    CHECK(counter.read() == 0);
    ++counter;
    counter += 41;
    CHECK(counter.read() == 42);
    counter.set(7);
    CHECK(counter.read() == 7);
    counter.set(std::numeric_limits<std::uint64_t>::max());
    ++counter;
    CHECK(counter.read() == 0);
}

TEST_CASE("a reader on another thread never sees a counter go back") {
    constexpr std::uint64_t kCounts = 200'000;
    Counter counter;
    bool went_back = false;
    std::thread reader{[&] {
        for (std::uint64_t last = 0; last < kCounts;) {
            const std::uint64_t seen = counter.read();
            went_back = went_back || seen < last;
            last = seen;
        }
    }};
    for (std::uint64_t i = 0; i < kCounts; ++i) ++counter;
    reader.join();
    CHECK_FALSE(went_back);
}
