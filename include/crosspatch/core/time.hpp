#pragma once
#include <chrono>
#include <string>

namespace crosspatch::core {

// Monotonic time: every deadline, lease and delay. Logic takes it as an argument and never reads a clock.
using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

// Wall-clock time: what people and records see, never what logic waits for.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

inline Time monotonic_now() { return std::chrono::steady_clock::now(); }
inline WallTime wall_now() {
    return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

// `YYYY-MM-DDThh:mm:ss.nnnnnnnnnZ` (RFC 3339, UTC) with 0 to 9 digits of fraction.
std::string rfc3339(WallTime time, int fraction_digits = 9);

}  // namespace crosspatch::core
