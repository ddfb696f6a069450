#include "src/bridge/preemption_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace crosspatch::bridge {
namespace {

using core::config::Node;

bool among(const std::vector<std::string>& names, std::string_view name) {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

bool lets(const Preemption& rule, const std::string& over) {
    return rule.over_agency.empty() || rule.over_agency == over;
}

// What a partner's claim may not count as, no rule can give him.
void check_ceiling(const Bridge& bridge, const Preemption& rule, const Node& node,
                   const std::map<std::string, std::size_t>& lines) {
    if (!rule.emergency || rule.agency.empty() || rule.over_agency == rule.agency) return;
    for (const Ceiling<std::string>& ceiling : bridge.ceilings)
        if (ceiling.agency == rule.agency && ceiling.most.level < floor::Class::Emergency)
            node.problem(fmt::format(
                "the `preemption` rule in line {} lets emergencies of {} take the floor, and the ceiling of "
                "{} in line {} has them count for less: raise the ceiling's class or take the rule out",
                rule.mark.line, rule.agency, rule.agency, lines.at(rule.agency)));
}

// The role in which one agency takes from the other and the other takes from it.
std::optional<std::string_view> shared_role(const Preemption& one, const Preemption& other) {
    if (one.emergency || other.emergency || one.agency.empty() || other.agency.empty()) return std::nullopt;
    if (one.agency == other.agency || !lets(one, other.agency) || !lets(other, one.agency))
        return std::nullopt;
    for (const std::string_view role : policy::kRoles)
        if (among(one.roles, role) && among(one.over_roles, role) && among(other.roles, role) &&
            among(other.over_roles, role))
            return role;
    return std::nullopt;
}

}  // namespace

void check_preemption(const Bridge& bridge, const std::vector<Node>& nodes,
                      const std::map<std::string, std::size_t>& ceiling_lines) {
    const std::vector<Preemption>& rules = bridge.preemption;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        check_ceiling(bridge, rules[i], nodes[i], ceiling_lines);
        for (std::size_t before = 0; before < i; ++before)
            if (const auto role = shared_role(rules[before], rules[i]))
                nodes[i].problem(fmt::format(
                    "the `preemption` rule in line {} lets {} of {} take the floor from {}, and the one in "
                    "line {} lets the other side take it back in the same role: each would cut the other for "
                    "ever; leave it to one of them",
                    rules[i].mark.line, *role, rules[i].agency, rules[before].agency,
                    rules[before].mark.line));
    }
}

}  // namespace crosspatch::bridge
