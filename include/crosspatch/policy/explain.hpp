#pragma once
#include <string>
#include <vector>

#include "crosspatch/policy/engine.hpp"

namespace crosspatch::policy {

// A decision of one list in words: `outbound of ng-ops: rule 'joint' allows voice to metro-pd`.
std::string explain(Side side, const Facts& facts, const Decision& decision, const Names& names);

// Both keys, in order: a line for outbound, then one for inbound, or several where listeners with different
// suites get different answers. `facts` are those that were given to decide_crossing(). One line each, no
// full stop at the end.
std::vector<std::string> explain(const Facts& facts, const Crossing& crossing, const Names& names);

}  // namespace crosspatch::policy
