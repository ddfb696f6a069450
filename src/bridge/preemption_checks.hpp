#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "crosspatch/bridge/config.hpp"

namespace crosspatch::bridge {

// Reports at their places what rules of `preemption` promise and cannot hold. `nodes`: of bridge.preemption, one each;
// `ceiling_lines`: of its ceilings, by agency.
void check_preemption(const Bridge& bridge, const std::vector<core::config::Node>& nodes,
                      const std::map<std::string, std::size_t>& ceiling_lines);

}  // namespace crosspatch::bridge
