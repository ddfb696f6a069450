#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crosspatch/core/config.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/policy/layout.hpp"

namespace crosspatch::policy {

// One situation and what is expected of it, as a technician keeps them beside the configuration:
// `- {from: gate-1, to: pd-tac-3, at: '2026-12-24T23:30:00-06:00', expect: deny, rule: night, key: outbound}`.
struct Case {
    core::config::Mark mark;
    std::string from;  // an endpoint or a channel
    std::string to;    // a channel
    std::optional<std::string> role;
    std::optional<std::string> talker;
    std::optional<Kind> kind;
    bool emergency{};
    std::optional<Suite> suite;     // the talker's; nothing: the endpoint's
    std::optional<Suite> listener;  // only listeners with this one
    std::optional<core::WallTime> at;

    bool allow{};
    std::optional<std::string>
        rule;        // of `key`; without `key` of the one that refuses, or of either that allows
    bool no_rule{};  // none matches: the default decides
    std::optional<Side> key;
};

// Reads the list of cases at `node`.
//
// Shape    at most kMaxCases.
// Errors   each problem is reported at its place and the case left out; the caller runs no table with problems.
inline constexpr std::size_t kMaxCases = 10'000;
std::vector<Case> read_cases(const core::config::Node& node);

// What was decided, by whomever.
struct Outcome {
    struct Key {
        bool allowed{};
        std::optional<std::string> rule;  // nothing: none matched
        std::string reason;
    };
    Key outbound;
    std::vector<std::pair<Suite, Key>> inbound;  // of each suite that somebody listens with
};

// What decided instead, in words; nothing if it is as expected.
std::optional<std::string> difference(const Case& expected, const Outcome& outcome);

// Decides the case offline: `now` where it names no time. Its `from` or `to` may not exist: the error says so.
core::Result<Outcome> decide_case(const Case& one, const Layout& layout, const Names& names,
                                  core::WallTime now);

}  // namespace crosspatch::policy
