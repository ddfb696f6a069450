#pragma once
#include <string>
#include <string_view>

namespace crosspatch::core::config {

// The YAML parser's reason for stopping in `line`, in words for somebody who did not write a YAML parser.
std::string explained(std::string_view reason, std::string_view line);

}  // namespace crosspatch::core::config
