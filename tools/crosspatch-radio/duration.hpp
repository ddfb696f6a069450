#pragma once
#include <chrono>
#include <optional>
#include <string_view>

namespace crosspatch::radio {

// `250ms`, `30s`, `10m`, `8h`: as the configuration writes durations.
std::optional<std::chrono::milliseconds> duration(std::string_view text);

}  // namespace crosspatch::radio
