#include "crosspatch/rtp/replay_window.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

namespace crosspatch::rtp {
namespace {

using Verdict = ReplayWindow::Verdict;

TEST_CASE("an empty window takes any first index, and what precedes it if it is near") {
    ReplayWindow window;
    CHECK(window.empty());
    CHECK(window.check(0) == Verdict::Fresh);
    window.accept(1000);
    CHECK_FALSE(window.empty());
    CHECK(window.highest() == 1000);
    CHECK(window.check(1000) == Verdict::Seen);
    CHECK(window.check(999) == Verdict::Fresh);
    CHECK(window.check(1000 - 127) == Verdict::Fresh);
    CHECK(window.check(1000 - 128) == Verdict::TooOld);
}

TEST_CASE("index 0 is seen once it was accepted") {
    ReplayWindow window;
    window.accept(0);
    CHECK_FALSE(window.empty());
    CHECK(window.check(0) == Verdict::Seen);
    CHECK(window.check(1) == Verdict::Fresh);
}

TEST_CASE("after a restart everything up to the limit counts as seen") {
    ReplayWindow window;
    window.seen_up_to(500);
    CHECK(window.check(500) == Verdict::Seen);
    CHECK(window.check(400) == Verdict::Seen);
    CHECK(window.check(372) == Verdict::TooOld);
    CHECK(window.check(501) == Verdict::Fresh);
    window.accept(510);
    CHECK(window.check(505) == Verdict::Fresh);
    CHECK(window.check(500) == Verdict::Seen);
}

TEST_CASE("the window agrees with a set that forgets nothing, whatever order packets come in") {
    std::mt19937_64 numbers{20261122};
    for (int round = 0; round < 200; ++round) {
        ReplayWindow window;
        std::set<std::uint64_t> seen;
        std::uint64_t base = numbers() % 1000;
        for (int packet = 0; packet < 1000; ++packet) {
            const auto jump = numbers() % 50 == 0 ? numbers() % 300 : numbers() % 3;
            base += jump;
            const auto index = base - std::min(base, numbers() % 200);
            const auto highest = seen.empty() ? 0 : *seen.rbegin();
            const auto expected = !seen.empty() && index + 128 <= highest ? Verdict::TooOld
                                  : seen.contains(index)                  ? Verdict::Seen
                                                                          : Verdict::Fresh;
            REQUIRE(window.check(index) == expected);
            if (expected != Verdict::Fresh) continue;
            window.accept(index);
            seen.insert(index);
            REQUIRE(window.highest() == *seen.rbegin());
        }
    }
}

}  // namespace
}  // namespace crosspatch::rtp
