#include "crosspatch/bridge/loop_guard.hpp"

#include <doctest/doctest.h>

namespace crosspatch::bridge {
namespace {

using namespace std::chrono_literals;
const core::Time kStart{std::chrono::hours{1}};

TEST_CASE(
    "the first loop shuts nothing off, one within half a minute does, each further one for twice as long") {
    LoopGuard guard;
    CHECK_FALSE(guard.is_shut(kStart));
    CHECK(guard.on_loop(kStart) == 0ms);
    CHECK_FALSE(guard.is_shut(kStart));
    core::Time now = kStart + 30s;
    for (const auto length : {30s, 60s, 120s, 240s, 480s, 600s, 600s}) {
        CHECK(guard.on_loop(now) == length);
        CHECK(guard.is_shut(now));
        CHECK(guard.is_shut(now + length - 1ms));
        CHECK_FALSE(guard.is_shut(now + length));
        now += length + 30s;
    }
    // Half a minute of quiet, and it may have been another thing.
    now += 1ms;
    CHECK(guard.on_loop(now) == 0ms);
}

TEST_CASE("whoever lets it in again ends that at once") {
    LoopGuard guard;
    guard.on_loop(kStart);
    guard.on_loop(kStart + 1s);
    CHECK(guard.is_shut(kStart + 2s));
    guard.lift();
    CHECK_FALSE(guard.is_shut(kStart + 2s));
    CHECK(guard.on_loop(kStart + 3s) == 0ms);
}

}  // namespace
}  // namespace crosspatch::bridge
