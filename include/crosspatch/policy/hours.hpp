#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/policy/zone.hpp"

namespace crosspatch::policy {

// Times of the week in one zone: `Mon-Fri 06:00-22:00 America/Chicago`.
//
// Shape    days (`Mon`, `Mon-Fri`, `Fri-Mon`, `Mon,Wed-Fri`), from-to on a 24 hour clock, zone; one blank
// between them.
//          The end is not part of it; `24:00` is the end of the day. An end before the begin is on the next
//          day, and the days name the one on which it begins: `Fri 22:00-06:00` ends on Saturday.
// Time     what counts is what a clock on the wall shows. An hour that summer time skips does not happen; one
// that it
//          repeats counts both times.
// Errors   parse() says what is wrong and what would be right. Nothing throws.
// Thread   any: immutable; no allocation after parse().
class Hours {
public:
    static core::Result<Hours> parse(std::string_view text, Zones& zones);
    // The same, once for each text.
    static core::Result<std::shared_ptr<const Hours>> shared(std::string_view text, Zones& zones);

    bool contains(core::WallTime time) const noexcept;
    // The first moment after `time` at which contains() is different; nothing if that never comes.
    std::optional<core::WallTime> next_change(core::WallTime time) const noexcept;
    // Every moment of `other` is one of this too. Zones are compared by name: false may also mean "cannot
    // tell".
    bool covers(const Hours& other) const noexcept;
    const std::string& text() const { return text_; }  // as it was written
    const std::shared_ptr<const Zone>& zone() const { return zone_; }
    // As a timetable: whether Monday 00:00 is inside, and the minutes since then at which that changes, in order.
    bool holds_at_week_start() const { return at_week_start_; }
    const std::vector<std::uint16_t>& toggles() const { return toggles_; }

private:
    static constexpr std::uint16_t kDay = 24 * 60;  // minutes
    static constexpr std::uint16_t kWeek = 7 * kDay;

    Hours(std::string text, unsigned days, unsigned begin, unsigned end, std::shared_ptr<const Zone> zone);
    bool contains_minute(std::uint16_t minute) const noexcept;

    std::string text_;
    bool at_week_start_{};  // is Monday 00:00 inside
    std::vector<std::uint16_t>
        toggles_;  // minutes since Monday 00:00 at which inside and outside change, in order
    std::shared_ptr<const Zone> zone_;
};

}  // namespace crosspatch::policy
