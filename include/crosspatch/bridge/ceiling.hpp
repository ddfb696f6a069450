#pragma once
#include <algorithm>
#include <vector>

#include "crosspatch/floor/request.hpp"

namespace crosspatch::bridge {

// What the talkers of an agency count at most when they would take the floor from those of another, as the partners of a
// bridge have agreed.
//
// Shape    `Agency` is a name in the configuration and an index in the topology.
// Thread   a value.
// Source   contract.md, Bridges, `agreement`; src/floor/README.md.
template <typename Agency>
struct Ceiling {
    Agency agency{};
    floor::Claim most{floor::Class::Emergency, 255};
};

// Class and priority are cut down each by itself.
template <typename Agency>
floor::Claim cut_down(floor::Claim claim, const std::vector<Ceiling<Agency>>& ceilings,
                      const Agency& agency) {
    for (const Ceiling<Agency>& ceiling : ceilings)
        if (ceiling.agency == agency)
            claim = {std::min(claim.level, ceiling.most.level),
                     std::min(claim.priority, ceiling.most.priority)};
    return claim;
}

}  // namespace crosspatch::bridge
