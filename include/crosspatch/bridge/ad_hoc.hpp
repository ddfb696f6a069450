#pragma once
#include <string>
#include <vector>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/core/result.hpp"

namespace crosspatch::bridge {

// The bridge that `pattern`, a template, makes of the channels that somebody has chosen from it. Everything else is the
// template's: who is not on the bridge has no standing consent and no ceiling there. Its terms are not hashed yet.
//
// Errors   Invalid: fewer than two channels, one twice, or one that the template does not offer; says which it does.
// Thread   any; pure.
// Source   contract.md, Bridges, `templates`.
core::Result<Bridge> make_bridge(const Bridge& pattern, std::string id,
                                 const std::vector<std::string>& chosen,
                                 const std::vector<Channel>& channels);

// The agencies that have a channel on it, in order.
std::vector<std::string> agencies_on(const std::vector<Leg>& legs, const std::vector<Channel>& channels);

// `used` says which ids there are: `PATTERN-1`, or the next number that is free, within 32 characters.
std::string free_id(const std::string& pattern, const std::vector<Bridge>& used);

// The same channels are joined, whatever else differs.
bool join_the_same(const Bridge& one, const Bridge& other);

}  // namespace crosspatch::bridge
