#pragma once
#include <algorithm>
#include <string>

#include "crosspatch/core/time.hpp"
#include "crosspatch/core/time_text.hpp"

namespace crosspatch::app {

// What the time is for agreements and consents: never earlier than the latest time on record at the start, and from there on
// never behind the monotonic clock. Setting the wall clock back brings nothing back that has ended.
//
// Time     reads no clock: `wall` and `now` are what they say at the moment.
// Thread   any; it does not change.
class HeldClock {
public:
    HeldClock() = default;
    HeldClock(core::WallTime newest_on_record, core::WallTime wall, core::Time now)
        : not_before_{std::max(newest_on_record, wall)}, at_{now} {}

    core::WallTime time(core::WallTime wall, core::Time now) const {
        return std::max(wall, not_before_ + (now - at_));
    }
    // In UTC, as agreements have it: `2026-11-22`.
    std::string day(core::WallTime wall, core::Time now) const {
        return core::rfc3339(time(wall, now), 0).substr(0, 10);
    }

private:
    core::WallTime not_before_{};
    core::Time at_{};
};

}  // namespace crosspatch::app
