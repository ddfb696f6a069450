#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "crosspatch/policy/grid.hpp"
#include "crosspatch/policy/layout.hpp"

namespace crosspatch::policy {

// The answer to one situation, as far as people see a difference.
struct Answer {
    bool allowed{};
    Decision outbound;
    Decision inbound;
    Effects effects;
};

Answer answer_of(const Grid::Way& way, const Grid::Cell& cell, const Names& names);
bool decided_alike(const Decision& one, const Decision& other);
std::string effects_text(const Effects& effects);  // `gain -3 dB, at most 20 s, tones stripped`; empty: none
// `rule joint`, `no rule`
std::string rule_text(const Decision& decision);

// `ng-ops is RED, bridge joint carries AMBER at most`
std::string too_confidential(const Layout::Channel& from, const Layout::Bridge& bridge);

// Each way that a bridge opens, with the first bridge that does, in the order of the file.
std::map<std::pair<std::string, std::string>, std::string> open_ways(const Layout& layout);

// The Monday 00:00 (UTC) that follows.
core::WallTime week_after(core::WallTime now);

}  // namespace crosspatch::policy
