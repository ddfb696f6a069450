#include "crosspatch/bridge/jurisdiction.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace crosspatch::bridge {
namespace {

using Because = Verdict::Because;

bool among(const std::vector<std::string>& sorted, std::string_view name) {
    return std::binary_search(sorted.begin(), sorted.end(), name, std::less<std::string_view>{});
}

std::optional<std::size_t> index_of_role(std::string_view role) {
    const auto found = std::find(policy::kRoles.begin(), policy::kRoles.end(), role);
    if (found == policy::kRoles.end()) return std::nullopt;
    return static_cast<std::size_t>(found - policy::kRoles.begin());
}

// A rule that allows one of these leaves it to nobody else. Who cuts, and who is in danger, loses nothing by that.
bool is_exclusive(Right right) {
    return right == Right::Open || right == Right::Preempt || right == Right::Command;
}

bool needs_channel(Right right) {
    return right == Right::Preempt || right == Right::Emergency || right == Right::Command;
}

Verdict usual(Right right, bool administrates, bool on_bridge, bool commanding) {
    if (right == Right::Command) return {false, Because::Nobody};
    if (right == Right::Preempt || right == Right::Emergency) return {true, Because::Usual};
    return {administrates || (on_bridge && commanding), Because::Usual};
}

std::string whom(const JurisdictionRule& rule) {
    std::vector<std::string_view> roles;
    for (std::size_t i = 0; i < policy::kRoles.size(); ++i)
        if (rule.roles.test(i)) roles.push_back(policy::kRoles[i]);
    return fmt::format(
        "{} of {}", rule.roles.all() ? "anybody" : fmt::format("{}", fmt::join(roles, ", ")),
        rule.agencies.empty() ? "the agencies on it" : fmt::format("{}", fmt::join(rule.agencies, ", ")));
}

}  // namespace

std::string_view word(Right right) { return kRights[static_cast<std::size_t>(right)]; }

bool is_commanding(std::string_view role) { return role == "dispatcher" || role == "supervisor"; }

bool JurisdictionRule::fits(std::string_view bridge, std::string_view place) const {
    return (bridges.empty() || among(bridges, bridge)) && (places.empty() || among(places, place));
}

Jurisdiction::Jurisdiction(std::string_view bridge, std::string place, std::vector<std::string> agencies,
                           const JurisdictionRules& all)
    : place_{std::move(place)}, agencies_{std::move(agencies)} {
    std::sort(agencies_.begin(), agencies_.end());
    for (const auto& rule : all)
        if (rule->fits(bridge, place_)) rules_.push_back(rule);
}

bool Jurisdiction::is_on(std::string_view agency) const { return among(agencies_, agency); }

bool Jurisdiction::matches(const JurisdictionRule& rule, std::string_view agency) const {
    return rule.agencies.empty() ? is_on(agency) : among(rule.agencies, agency);
}

Verdict Jurisdiction::decide(Right right, std::string_view agency, std::string_view role,
                             IncidentKind incident) const {
    const auto its_role = index_of_role(role);
    if (!its_role) return {false, Because::Nobody};
    const bool on_bridge = is_on(agency);
    const bool administrates = agency.empty() && role == "administrator";
    if (right == Right::Close && on_bridge && is_commanding(role)) return {true, Because::OwnAgency};
    if (needs_channel(right) && !on_bridge) return {false, Because::NotOnBridge};
    const JurisdictionRule* reserved = nullptr;
    for (const auto& rule : rules_) {
        if (!rule->names(right) || !rule->incidents.test(static_cast<std::size_t>(incident))) continue;
        if (rule->roles.test(*its_role) && matches(*rule, agency))
            return {rule->allows, Because::Rule, rule.get()};
        if (!reserved && rule->allows && is_exclusive(right)) reserved = rule.get();
    }
    if (reserved) return {false, Because::Reserved, reserved};
    return usual(right, administrates, on_bridge, is_commanding(role));
}

std::vector<std::string> Jurisdiction::concerned() const {
    std::vector<std::string> all = agencies_;
    for (const auto& rule : rules_) all.insert(all.end(), rule->agencies.begin(), rule->agencies.end());
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

std::string explain(const Verdict& verdict, Right right) {
    switch (verdict.because) {
        case Because::Rule:
            if (verdict.allowed) return fmt::format("jurisdiction rule '{}' allows it", verdict.rule->id);
            return fmt::format("jurisdiction rule '{}' denies it{}{}", verdict.rule->id,
                               verdict.rule->reason.empty() ? "" : ": ", verdict.rule->reason);
        case Because::Reserved:
            return fmt::format("jurisdiction rule '{}' gives it to {}", verdict.rule->id,
                               whom(*verdict.rule));
        case Because::OwnAgency:
            return "either side closes alone";
        case Because::NotOnBridge:
            return "only agencies with a channel on the bridge can have it";
        case Because::Nobody:
            return "no jurisdiction rule gives it to anybody";
        case Because::Usual:
            break;
    }
    if (right == Right::Preempt || right == Right::Emergency) return "as `preemption` of the bridge has it";
    return "dispatchers and supervisors of the agencies on the bridge open and close it";
}

}  // namespace crosspatch::bridge
