#include "src/bridge/jurisdiction_coverage.hpp"

#include <algorithm>

namespace crosspatch::bridge {
namespace {

bool can_have(Right right, const Jurisdiction& there, const std::string& agency) {
    return right == Right::Open || right == Right::Close || there.is_on(agency);
}

}  // namespace

// Takes away from what the rule matches what each rule before it does.
bool JurisdictionCoverage::covered(const Bridge& bridge, const JurisdictionRule& rule, Right right,
                                   const std::string& agency, Takers& takers) {
    Left left{};
    for (std::size_t kind = 0; kind < left.size(); ++kind)
        if (rule.incidents.test(kind)) left[kind] = rule.roles;
    for (const auto& before : bridge.jurisdiction.rules()) {
        if (before.get() == &rule || steps_left_ == 0) break;
        --steps_left_;
        if (!before->names(right) || !bridge.jurisdiction.matches(*before, agency)) continue;
        bool takes = false;
        for (std::size_t kind = 0; kind < left.size(); ++kind) {
            if (!before->incidents.test(kind)) continue;
            takes |= (left[kind] & before->roles).any();
            left[kind] &= ~before->roles;
        }
        if (takes && std::find(takers.begin(), takers.end(), before.get()) == takers.end())
            takers.push_back(before.get());
    }
    return std::all_of(left.begin(), left.end(), [](const RoleSet& roles) { return roles.none(); });
}

std::optional<std::vector<const JurisdictionRule*>> JurisdictionCoverage::of(const JurisdictionRule& rule) {
    Takers takers;
    for (const Bridge& bridge : bridges_) {
        if (!rule.fits(bridge.id, bridge.place)) continue;
        for (const std::string& agency : rule.agencies.empty() ? bridge.agencies : rule.agencies)
            for (std::size_t i = 0; i < kRights.size(); ++i) {
                const auto right = static_cast<Right>(i);
                if (!rule.names(right) || !can_have(right, bridge.jurisdiction, agency)) continue;
                if (steps_left_ == 0 || !covered(bridge, rule, right, agency, takers)) return std::nullopt;
            }
    }
    std::sort(takers.begin(), takers.end(), [](const auto* a, const auto* b) { return a->mark < b->mark; });
    return takers;
}

}  // namespace crosspatch::bridge
