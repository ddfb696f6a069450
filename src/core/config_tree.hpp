#pragma once
#include <memory>
#include <string_view>

#include "src/core/config_value.hpp"

namespace crosspatch::core::config {

// The tree of one YAML document; `text` is what readable_text() gave.
//
// Shape    depth 64, 1,000,000 keys and as many list elements; never grows with what an alias names.
// Errors   in `problems`. Anchors, aliases, tags, merge keys, keys that are no words and duplicate keys are
// all
//          reported and the rest is still read; anything else ends the reading, and the tree is Null and
//          silent.
std::unique_ptr<Value> read_tree(std::string_view text, Problems& problems);

}  // namespace crosspatch::core::config
