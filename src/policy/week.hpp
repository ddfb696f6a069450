#pragma once
#include <chrono>

#include "crosspatch/core/time.hpp"

namespace crosspatch::policy {

inline constexpr std::chrono::minutes kWeekLength{7 * 24 * 60};

// Where in the week a clock on the wall stands that shows `local` as if it were UTC: time since Monday 00:00.
inline std::chrono::nanoseconds since_monday(core::WallTime local) {
    const auto day = std::chrono::floor<std::chrono::days>(local);
    return std::chrono::days{std::chrono::weekday{day}.iso_encoding() - 1} + (local - day);
}

// Keeps sums inside what WallTime can hold: the years 1677 to 2262.
inline constexpr std::chrono::days kMargin{60};
inline constexpr core::WallTime kFirst = core::WallTime::min() + kMargin;
inline constexpr core::WallTime kLast = core::WallTime::max() - kMargin;

}  // namespace crosspatch::policy
