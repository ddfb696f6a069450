#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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

using ChannelIndex = std::map<std::string_view, const Layout::Channel*>;
ChannelIndex index_of(const Layout& layout);

// Each way that a bridge opens, with the first bridge that does, in the order of the file. Nothing: there are more than `most`.
using Ways = std::map<std::pair<std::string, std::string>, std::string>;
std::optional<Ways> open_ways(const Layout& layout, std::size_t most);

// What it costs to find out what the rules on a way tell apart, and to decide one situation; each list is looked through
// once.
class Costs {
public:
    std::uint64_t grid(const Grid::Way& way) {
        return 1000 + 30 * (size_of(way.from->outbound) + size_of(way.to->inbound));
    }
    std::uint64_t situation(const Grid::Way& way) {
        return 500 + 2 * (way.from->outbound.rules.size() + way.to->inbound.rules.size());
    }

private:
    std::uint64_t size_of(const RuleList& list);
    std::map<const RuleList*, std::uint64_t> sizes_;
};

// The Monday 00:00 (UTC) that follows.
core::WallTime week_after(core::WallTime now);

}  // namespace crosspatch::policy
