#include "crosspatch/policy/cases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crosspatch/core/rfc3339.hpp"
#include "crosspatch/core/text.hpp"

namespace crosspatch::policy {
namespace {

using core::config::Map;
using core::config::Node;
using core::config::Word;

constexpr std::array kKinds{Word{"voice", 0}, Word{"text", 1}, Word{"picture", 2}, Word{"location", 3}};
constexpr std::array kSuiteWords{Word{"AEAD_AES_256_GCM", 0}, Word{"AEAD_AES_128_GCM", 1},
                                 Word{"AES_CM_128_HMAC_SHA1_80", 2}, Word{"none", 3}};
constexpr std::array kExpected{Word{"deny", 0}, Word{"allow", 1}};
constexpr std::array kSides{Word{"outbound", 0}, Word{"inbound", 1}};

std::optional<std::string> read_role(const Node& node) {
    std::vector<Word> words;
    for (const std::string_view role : kRoles) words.push_back({role, static_cast<int>(words.size())});
    const auto index = core::config::choice(node, "role", words);
    return index ? std::optional<std::string>{kRoles[static_cast<std::size_t>(*index)]} : std::nullopt;
}

std::optional<core::WallTime> read_time(const Node& node) {
    const auto text = node.text();
    if (!text) return std::nullopt;
    const auto time = core::parse_rfc3339(*text);
    if (!time)
        node.problem(
            fmt::format("'{}' is not a time; write it as '2026-12-24T23:30:00-06:00' or with Z for UTC",
                        core::escape(*text)));
    return time;
}

void read_situation(Map& map, Case& into) {
    if (const auto from = map.require("from")) into.from = core::config::identifier(*from).value_or("");
    if (const auto to = map.require("to")) into.to = core::config::identifier(*to).value_or("");
    if (const auto role = map.find("role")) into.role = read_role(*role);
    if (const auto talker = map.find("talker")) into.talker = core::config::identifier(*talker);
    if (const auto kind = map.find("kind")) into.kind = core::config::choice_of<Kind>(*kind, "kind", kKinds);
    if (const auto emergency = map.find("emergency"))
        into.emergency = core::config::boolean(*emergency).value_or(false);
    if (const auto suite = map.find("suite"))
        into.suite = core::config::choice_of<Suite>(*suite, "suite", kSuiteWords);
    if (const auto listener = map.find("listener"))
        into.listener = core::config::choice_of<Suite>(*listener, "suite", kSuiteWords);
    if (const auto at = map.find("at")) into.at = read_time(*at);
}

void read_expectation(Map& map, Case& into) {
    if (const auto expect = map.require("expect"))
        into.allow = core::config::choice(*expect, "decision", kExpected) == 1;
    const auto rule = map.find("rule");
    if (rule) into.rule = core::config::identifier(*rule);
    if (const auto none = map.find("no_rule")) {
        into.no_rule = core::config::boolean(*none).value_or(false);
        if (rule && into.no_rule) none->problem("with `rule` one decides; leave out one of the two");
    }
    if (const auto key = map.find("key")) into.key = core::config::choice_of<Side>(*key, "key", kSides);
}

std::string_view word(Side side) { return side == Side::Outbound ? "outbound" : "inbound"; }

// `outbound rule 'joint' allows`
std::string in_words(Side side, const Outcome::Key& key) {
    const std::string rule =
        key.rule ? fmt::format("rule '{}'", core::escape(*key.rule)) : "no rule matches, the default";
    const Decision unnamed{.cause = Decision::Cause::SuiteNotNamed};
    const bool overruled = key.rule && !key.allowed && key.reason == unnamed.reason();
    return fmt::format("{}: {} {}", word(side), rule,
                       key.allowed ? "allows"
                       : overruled ? "does not name suite none"
                                   : "denies");
}

// Both keys as they come into question: inbound the one that refuses, if any does for all.
struct Keys {
    const Outcome::Key* outbound;
    const Outcome::Key* inbound;  // none: nobody listens
    bool allowed;
};

Keys keys_of(const Case& expected, const Outcome& outcome) {
    Keys keys{&outcome.outbound, nullptr, false};
    for (const auto& [suite, key] : outcome.inbound) {
        if (expected.listener && *expected.listener != suite) continue;
        // One listener who hears it is enough.
        if (!keys.inbound || (key.allowed && !keys.inbound->allowed)) keys.inbound = &key;
    }
    keys.allowed = outcome.outbound.allowed && keys.inbound && keys.inbound->allowed;
    return keys;
}

bool is_by(const Case& expected, const Outcome::Key& key) {
    if (expected.no_rule) return !key.rule;
    return !expected.rule || expected.rule == key.rule;
}

bool as_expected(const Case& expected, const Keys& keys) {
    if (keys.allowed != expected.allow) return false;
    if (expected.key) {
        const Outcome::Key* key = expected.key == Side::Outbound ? keys.outbound : keys.inbound;
        return key && key->allowed == expected.allow && is_by(expected, *key);
    }
    if (!expected.allow)
        return is_by(expected, keys.outbound->allowed && keys.inbound ? *keys.inbound : *keys.outbound);
    return is_by(expected, *keys.outbound) || is_by(expected, *keys.inbound);
}

std::string wanted(const Case& expected) {
    std::string text = expected.allow ? "allow" : "deny";
    if (expected.rule) text += fmt::format(" by rule '{}'", *expected.rule);
    if (expected.no_rule) text += " by no rule";
    if (expected.key) text += fmt::format(" ({})", word(*expected.key));
    return text;
}

core::Result<Passage> passage_of(const Case& one, const Layout& layout, const Names& names) {
    Passage passage;
    const Layout::Endpoint* talker = layout.endpoint(one.from, &passage.from);
    if (!talker) passage.from = layout.channel(one.from);
    const auto missing = [&](std::string_view id, std::string_view what, bool with_endpoints) {
        const auto near = core::config::nearest(id, layout.names(with_endpoints));
        return core::unexpected(core::Error::Code::NotFound,
                                fmt::format("'{}' is not {}{}", id, what,
                                            near ? fmt::format("; did you mean '{}'?", *near) : ""));
    };
    if (!passage.from) return missing(one.from, "an endpoint or a channel", true);
    passage.to = layout.channel(one.to);
    if (!passage.to) return missing(one.to, "a channel", false);
    passage.talker = names.find(one.talker.value_or(talker ? talker->talker : ""));
    passage.role = names.find(one.role.value_or(talker ? talker->role : "guard"));
    passage.kind = one.kind.value_or(Kind::Voice);
    passage.emergency = one.emergency;
    passage.suite = one.suite.value_or(talker ? talker->suite : Suite::AeadAes256Gcm);
    if (passage.kind != Kind::Voice) passage.suite = Suite::Api;
    return passage;
}

Outcome::Key key_of(const Decision& decision) {
    return {decision.allowed, decision.rule ? std::optional{decision.rule->id} : std::nullopt,
            std::string{decision.reason()}};
}

}  // namespace

std::vector<Case> read_cases(const Node& node) {
    std::vector<Case> cases;
    const auto nodes = node.list();
    if (nodes.size() > kMaxCases) {
        node.problem(fmt::format("{} cases are too many; a table has at most {}", nodes.size(), kMaxCases));
        return cases;
    }
    for (const Node& one : nodes) {
        Map map = one.map();
        if (!map.present()) continue;
        Case read{.mark = one.mark()};
        read_situation(map, read);
        read_expectation(map, read);
        map.finish();
        if (read.kind.value_or(Kind::Voice) != Kind::Voice && (read.suite || read.listener))
            one.problem(
                "`suite` and `listener` are of radios; what is no voice travels by the API and has none");
        cases.push_back(std::move(read));
    }
    return cases;
}

std::optional<std::string> difference(const Case& expected, const Outcome& outcome) {
    const Keys keys = keys_of(expected, outcome);
    if (as_expected(expected, keys)) return std::nullopt;
    const std::string inbound =
        keys.inbound
            ? in_words(Side::Inbound, *keys.inbound)
            : fmt::format("inbound: nobody on {} listens{}", expected.to,
                          expected.listener ? fmt::format(" with suite {}", word(*expected.listener)) : "");
    return fmt::format("{} to {}: expected {}, but it is {}; {}; {}", expected.from, expected.to,
                       wanted(expected), keys.allowed ? "allowed" : "denied",
                       in_words(Side::Outbound, *keys.outbound), inbound);
}

core::Result<Outcome> decide_case(const Case& one, const Layout& layout, const Names& names,
                                  core::WallTime now) {
    const auto passage = passage_of(one, layout, names);
    if (!passage) return core::Unexpected{passage.error()};
    const SuiteSet listeners = passage->kind == Kind::Voice ? passage->to->listening() : SuiteSet{Suite::Api};
    const Crossing crossing = decide_passage(*passage, listeners, names, one.at.value_or(now));
    Outcome outcome{key_of(crossing.outbound), {}};
    for (std::size_t i = 0; i < kSuites; ++i)
        if (const auto suite = static_cast<Suite>(i); crossing.asked.contains(suite))
            outcome.inbound.emplace_back(suite, key_of(crossing.inbound_for(suite)));
    return outcome;
}

}  // namespace crosspatch::policy
