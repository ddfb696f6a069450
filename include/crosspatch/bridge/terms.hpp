#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/core/result.hpp"
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

// The hashes of the terms of many bridges over the same channels: record::hash_terms(terms_of()) of each, with each channel's
// rules written down once.
//
// Shape    the rules' text stays until the end: as large as they are in the file, more or less. All that is hashed has an end,
//          for a bridge repeats the rules of each channel on it: kMostOfBridge, and kMostOfAll together.
// Errors   Exhausted: there is more, and what would make it less. Invalid: the rules hold what canonical JSON cannot.
// Thread   the one that `names` belongs to.
class TermsHashes {
public:
    static constexpr std::uint64_t kMostOfBridge = 64ULL << 20;  // octets; record::hash_terms() takes no more
    static constexpr std::uint64_t kMostOfAll = 1ULL << 30;      // some seconds

    TermsHashes(const std::vector<Channel>& channels, const policy::Names& names, bool recordings);
    core::Result<std::string> hash(const Bridge& bridge);

private:
    struct Rules {
        std::string outbound, inbound;  // canonical JSON
        std::optional<core::Error> refused;
    };
    const Rules& rules_of(const Channel& channel);

    const policy::Names& names_;
    bool recordings_;
    std::map<std::string_view, const Channel*> by_id_;
    std::map<std::string_view, Rules> rules_;  // of channels that were on a bridge so far
    std::uint64_t octets_{};                   // hashed so far
};

}  // namespace crosspatch::bridge
