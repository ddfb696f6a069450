#include "src/record/pace.hpp"

#include <doctest/doctest.h>

using namespace crosspatch;
using namespace crosspatch::record;
using namespace std::chrono_literals;

namespace {
const core::Time kStart{100h};
const core::WallTime kNoon{std::chrono::sys_days{std::chrono::year{2026} / 7 / 4} + 12h};
}  // namespace

TEST_CASE(
    "a lone record waits twenty milliseconds for company, a full group or one in a hurry does not wait") {
    Pace pace{kStart};
    pace.waiting(1, false, kStart);
    CHECK_FALSE(pace.commit_due(kStart + 19ms));
    CHECK(pace.commit_due(kStart + 20ms));
    CHECK(pace.due(kStart) == kStart + 20ms);
    pace.waiting(Pace::kGroup, false, kStart + 1ms);
    CHECK(pace.commit_due(kStart + 1ms));
    pace.waiting(0, false, kStart + 2ms);
    CHECK_FALSE(pace.commit_due(kStart + 1h));
    pace.waiting(1, true, kStart + 3ms);
    CHECK(pace.commit_due(kStart + 3ms));
}

TEST_CASE("more records do not push the first one's deadline back") {
    Pace pace{kStart};
    pace.waiting(1, false, kStart);
    pace.waiting(2, false, kStart + 15ms);
    CHECK(pace.commit_due(kStart + 20ms));
}

TEST_CASE("a disk that refused is asked again after a second, not before") {
    Pace pace{kStart};
    pace.waiting(1, true, kStart);
    pace.refused(kStart);
    CHECK_FALSE(pace.commit_due(kStart + 999ms));
    CHECK(pace.commit_due(kStart + 1s));
    pace.accepted();
    CHECK(pace.commit_due(kStart));
}

TEST_CASE("a checkpoint is due after ten seconds, 256 records or at once, and only if the log has grown") {
    Pace pace{kStart};
    CHECK_FALSE(pace.checkpoint_due(5, 5, true, kStart + 1h));
    CHECK_FALSE(pace.checkpoint_due(6, 5, false, kStart + 9s));
    CHECK(pace.checkpoint_due(6, 5, false, kStart + 10s));
    CHECK(pace.checkpoint_due(6, 5, true, kStart));
    CHECK_FALSE(pace.checkpoint_due(260, 5, false, kStart));
    CHECK(pace.checkpoint_due(261, 5, false, kStart));
    pace.signed_at(kStart + 10s);
    CHECK_FALSE(pace.checkpoint_due(7, 6, false, kStart + 19s));
}

TEST_CASE("the heartbeat comes every ten seconds") {
    Pace pace{kStart};
    CHECK_FALSE(pace.heartbeat_due(kStart + 9s));
    CHECK(pace.heartbeat_due(kStart + 10s));
    CHECK_FALSE(pace.heartbeat_due(kStart + 19s));
    CHECK(pace.heartbeat_due(kStart + 20s));
}

TEST_CASE("setting the clock is a step, drifting and waiting are not") {
    ClockWatch watch;
    CHECK_FALSE(watch.look(kNoon, kStart));
    CHECK_FALSE(watch.look(kNoon + 500ms, kStart + 500ms));
    CHECK_FALSE(watch.look(kNoon + 1h, kStart + 1h));          // the machine was busy
    CHECK_FALSE(watch.look(kNoon + 1h + 900ms, kStart + 1h));  // slewing
    const auto back = watch.look(kNoon, kStart + 1h + 1s);
    REQUIRE(back);
    CHECK(back->expected == kNoon + 1h + 1900ms);
    CHECK(back->found == kNoon);
    CHECK(back->by == -(1h + 1900ms));
    CHECK_FALSE(watch.look(kNoon + 1s, kStart + 1h + 2s));  // told once
}
