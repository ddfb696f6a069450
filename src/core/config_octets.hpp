#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "crosspatch/core/config.hpp"

namespace crosspatch::core::config {

inline constexpr std::size_t kMaxFile = 16U << 20;  // octets; contract.md, Limits
inline constexpr std::size_t kMaxLine = 64U << 10;  // octets without the line's end

// What a YAML parser must not even see: too large, not UTF-8, control characters, tabs that indent. Gives the
// text with LF at the end of each line and no byte order mark, or nothing when it is refused.
std::optional<std::string> readable_text(std::string_view octets, Problems& problems);

}  // namespace crosspatch::core::config
