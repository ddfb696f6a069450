#pragma once
#include <optional>
#include <string_view>

#include "crosspatch/core/time.hpp"

namespace crosspatch::core {

// The time that `2026-11-22T16:00:00Z` says, from 1970 to 2261; a fraction is taken to the second. Nothing if the text is
// not one (RFC 3339, UTC).
std::optional<WallTime> from_rfc3339(std::string_view text);

}  // namespace crosspatch::core
