#pragma once
#include <optional>
#include <string_view>

#include "crosspatch/core/time.hpp"

namespace crosspatch::core {

// Any RFC 3339 time from 1970 to 2261, with `Z` or an offset; a second 60 counts as the next one. Nothing for all else.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace crosspatch::core
