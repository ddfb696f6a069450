#pragma once
#include <boost/json.hpp>
#include <vector>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/policy/names.hpp"

namespace crosspatch::bridge {

// What an agency says yes to when it consents to a bridge: {channels, directions, outbound, inbound, preemption, retention,
// sensitivity}. Its SHA-256 (record::hash_terms) stands in every consent.
//
// Shape    what means the same is the same: names are sorted where their order means nothing, conditions that match
//          everything are left out, `not` stands only where it cannot be said without. Rules stay in their order, with id,
//          effects and reason. Layout and comments of the file, display names and radios are no part of it.
// Units    gains are texts as `-3dB`, durations integers ending `_ms`.
// Thread   the one that `names` belongs to.
// Source   architecture.md, Consent; src/bridge/README.md says which key is rendered how.
boost::json::object terms_of(const Bridge& bridge, const std::vector<Channel>& channels,
                             const policy::Names& names, bool recordings);

}  // namespace crosspatch::bridge
