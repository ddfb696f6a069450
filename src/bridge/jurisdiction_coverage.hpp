#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "crosspatch/bridge/config.hpp"

namespace crosspatch::bridge {

// Whether the rules before another leave it anything to decide.
//
// Shape    every bridge, agency and right that a rule concerns is looked at, with all roles and incident kinds at once;
//          kMaxSteps for a whole configuration, then nothing more is found.
// Errors   none: what is not found out is not claimed.
// Thread   the one that loads the configuration.
class JurisdictionCoverage {
public:
    static constexpr std::size_t kMaxSteps = 1'000'000;

    // Their jurisdiction is set; outlive it.
    explicit JurisdictionCoverage(const std::vector<Bridge>& bridges) : bridges_{bridges} {}

    // Nothing: it can match. Else those before it that leave it nothing; none if nothing is what it asks for.
    std::optional<std::vector<const JurisdictionRule*>> of(const JurisdictionRule& rule);

private:
    using Takers = std::vector<const JurisdictionRule*>;
    using Left = std::array<RoleSet, kIncidentKinds.size() + 1>;  // by kind of incident

    bool covered(const Bridge& bridge, const JurisdictionRule& rule, Right right, const std::string& agency,
                 Takers& takers);

    const std::vector<Bridge>& bridges_;
    std::size_t steps_left_{kMaxSteps};
};

}  // namespace crosspatch::bridge
