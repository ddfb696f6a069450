// What contradicts itself in the rules of jurisdiction: apply_jurisdiction() of config.hpp.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "crosspatch/bridge/config.hpp"
#include "src/bridge/jurisdiction_coverage.hpp"

namespace crosspatch::bridge {
namespace {

using core::config::Problems;
using Rule = JurisdictionRule;

std::vector<std::string_view> words_in(const RightSet& rights) {
    std::vector<std::string_view> words;
    for (std::size_t i = 0; i < kRights.size(); ++i)
        if (rights.test(i)) words.push_back(kRights[i]);
    return words;
}

RightSet channel_rights() {
    RightSet rights;
    for (const Right right : {Right::Preempt, Right::Emergency, Right::Command})
        rights.set(static_cast<std::size_t>(right));
    return rights;
}

// All bridges as one table of which rule fits where.
class Checks {
public:
    Checks(const JurisdictionRules& rules, const std::vector<Bridge>& bridges, Problems& problems)
        : rules_{rules}, bridges_{bridges}, problems_{problems} {
        for (const auto& rule : rules) {
            std::vector<bool>& fits = fits_.emplace_back(bridges.size());
            for (std::size_t i = 0; i < bridges.size(); ++i)
                fits[i] = rule->fits(bridges[i].id, bridges[i].place);
        }
    }

    void run() {
        for (std::size_t i = 0; i < rules_.size(); ++i) {
            check_close(i);
            check_outsiders(i);
            for (std::size_t before = 0; before < i; ++before) check_opposites(before, i);
        }
        for (const Bridge& bridge : bridges_) {
            check_command(bridge);
            for (const Preemption& given : bridge.preemption) check_preemption(bridge, given);
        }
        warn_of_shadows();
    }

private:
    void problem(const Rule& rule, std::string text) { problems_.add(rule.mark, rule.path, std::move(text)); }

    // An agency that cannot leave a bridge would not have joined it.
    void check_close(std::size_t at) {
        const Rule& rule = *rules_[at];
        if (rule.allows || !rule.names(Right::Close)) return;
        std::vector<std::string_view> roles;
        for (std::size_t i = 0; i < policy::kRoles.size(); ++i)
            if (rule.roles.test(i) && is_commanding(policy::kRoles[i])) roles.push_back(policy::kRoles[i]);
        if (roles.empty()) return;
        for (std::size_t i = 0; i < bridges_.size(); ++i)
            for (const std::string& agency : bridges_[i].agencies)
                if (fits_[at][i] && bridges_[i].jurisdiction.matches(rule, agency))
                    return problem(
                        rule, fmt::format("rule '{}' takes `close` from {} of {}, which has a channel on "
                                          "bridge '{}': either side must be able to cut alone; leave "
                                          "`close` out of it",
                                          rule.id, fmt::join(roles, ", "), agency, bridges_[i].id));
    }

    void check_outsiders(std::size_t at) {
        const Rule& rule = *rules_[at];
        const RightSet given = rule.rights & channel_rights();
        const auto any = std::find(fits_[at].begin(), fits_[at].end(), true);
        if (!rule.allows || given.none() || any == fits_[at].end()) return;
        for (const std::string& agency : rule.agencies) {
            bool is_on = false;
            for (std::size_t i = 0; i < bridges_.size(); ++i)
                is_on |= fits_[at][i] && bridges_[i].jurisdiction.is_on(agency);
            if (!is_on)
                problem(rule,
                        fmt::format("rule '{}' gives {} to {}, which has no channel on bridge '{}': nobody "
                                    "but the agencies on a bridge can have that there",
                                    rule.id, fmt::join(words_in(given), ", "), agency,
                                    bridges_[static_cast<std::size_t>(any - fits_[at].begin())].id));
        }
    }

    bool same_situations(std::size_t one, std::size_t other) const {
        const Rule& a = *rules_[one];
        const Rule& b = *rules_[other];
        if (a.roles != b.roles || a.incidents != b.incidents || fits_[one] != fits_[other]) return false;
        for (std::size_t i = 0; i < bridges_.size(); ++i) {
            const auto& on = bridges_[i].jurisdiction.agencies();
            if (fits_[one][i] &&
                (a.agencies.empty() ? on : a.agencies) != (b.agencies.empty() ? on : b.agencies))
                return false;
        }
        return true;
    }

    void check_opposites(std::size_t before, std::size_t at) {
        const Rule& first = *rules_[before];
        const Rule& rule = *rules_[at];
        const RightSet both = first.rights & rule.rights;
        if (first.allows == rule.allows || both.none() || !same_situations(before, at)) return;
        problem(rule,
                fmt::format("rule '{}' {} what rule '{}' in line {} {}, {}, to the same people on the same "
                            "bridges: take it out of one of them",
                            rule.id, rule.allows ? "allows" : "denies", first.id, first.mark.line,
                            first.allows ? "allows" : "denies", fmt::join(words_in(both), ", ")));
    }

    // One incident kind stands for all, unless rules tell them apart.
    std::vector<IncidentKind> kinds_on(const Bridge& bridge) const {
        const auto& rules = bridge.jurisdiction.rules();
        if (std::all_of(rules.begin(), rules.end(), [](const auto& rule) { return rule->incidents.all(); }))
            return {IncidentKind::None};
        std::vector<IncidentKind> kinds;
        for (std::size_t i = 0; i <= kIncidentKinds.size(); ++i)
            kinds.push_back(static_cast<IncidentKind>(i));
        return kinds;
    }

    // Two who switch the same radios would undo what the other does.
    void check_command(const Bridge& bridge) {
        const auto& rules = bridge.jurisdiction.rules();
        if (std::none_of(rules.begin(), rules.end(),
                         [](const auto& rule) { return rule->names(Right::Command); }))
            return;
        for (const IncidentKind kind : kinds_on(bridge)) {
            const std::string* first_agency = nullptr;
            const Rule* first = nullptr;
            for (const std::string& agency : bridge.agencies)
                for (const std::string_view role : policy::kRoles) {
                    const Verdict verdict = bridge.jurisdiction.decide(Right::Command, agency, role, kind);
                    if (!verdict.allowed) continue;
                    if (first && *first_agency != agency)
                        tell_of_two(bridge, *first, *first_agency, *verdict.rule, agency);
                    if (!first) first = verdict.rule;
                    if (!first_agency) first_agency = &agency;
                }
        }
    }

    void tell_of_two(const Bridge& bridge, const Rule& one, const std::string& its, const Rule& other,
                     const std::string& others) {
        const bool is_later = one.mark < other.mark;
        const Rule& first = is_later ? one : other;
        const Rule& rule = is_later ? other : one;
        if (!told_.emplace(&first, &rule).second) return;
        if (&first == &rule)
            return problem(rule,
                           fmt::format("rule '{}' gives `command` on bridge '{}' to {} and {}: command is "
                                       "one agency's; name it under `agency`",
                                       rule.id, bridge.id, its, others));
        problem(rule,
                fmt::format("rule '{}' gives `command` on bridge '{}' to {}, and rule '{}' in line {} gives "
                            "it to {}: command is one agency's; give one of them another bridge or place",
                            rule.id, bridge.id, is_later ? others : its, first.id, first.mark.line,
                            is_later ? its : others));
    }

    // Whom a rule of `preemption` names must be let by jurisdiction; whom it means by naming nobody, it lets as far as that.
    void check_preemption(const Bridge& bridge, const Preemption& given) {
        const Right right = given.emergency ? Right::Emergency : Right::Preempt;
        using Names = std::vector<std::string_view>;
        std::vector<Names> roles{Names{policy::kRoles.begin(), policy::kRoles.end()}};
        if (!given.roles.empty()) roles.clear();
        for (const std::string& role : given.roles) roles.push_back({role});
        Names agencies{bridge.agencies.begin(), bridge.agencies.end()};
        if (!given.agency.empty()) agencies = {given.agency};
        for (const Names& some : roles) {
            std::optional<Verdict> refused;
            bool is_let = false;
            for (const std::string_view agency : agencies)
                for (const std::string_view role : some) {
                    const Verdict verdict = bridge.jurisdiction.decide(right, agency, role);
                    is_let |= verdict.allowed;
                    if (!verdict.allowed && verdict.rule && !refused) refused = verdict;
                }
            if (is_let || !refused) continue;
            problems_.add(
                given.mark, fmt::format("bridges '{}'", bridge.id),
                fmt::format(
                    "the `preemption` rule in line {} lets {} of {} take the floor, and {} (line {}): "
                    "change one of the two",
                    given.mark.line, some.size() == 1 ? some.front() : "anybody",
                    given.agency.empty() ? "any agency" : given.agency, explain(*refused, right),
                    refused->rule->mark.line));
        }
    }

    void warn_of_shadows() {
        JurisdictionCoverage coverage{bridges_};
        for (std::size_t i = 0; i < rules_.size(); ++i) {
            const Rule& rule = *rules_[i];
            const auto shadow = coverage.of(rule);
            if (!shadow) continue;
            std::vector<std::string> names;
            for (const Rule* before : *shadow)
                names.push_back(fmt::format("'{}' (line {})", before->id, before->mark.line));
            problems_.warn(
                rule.mark, rule.path,
                names.empty()
                    ? fmt::format(
                          "rule '{}' can never match: no bridge of this file is what it asks for, with "
                          "the agencies that it names",
                          rule.id)
                    : fmt::format(
                          "rule '{}' can never match: before it {} and decide{} all that it would; put "
                          "the exception first",
                          rule.id,
                          names.size() == 1 ? "stands rule " + names[0]
                                            : fmt::format("stand rules {}", fmt::join(names, ", ")),
                          names.size() == 1 ? "s" : ""));
        }
    }

    const JurisdictionRules& rules_;
    const std::vector<Bridge>& bridges_;
    Problems& problems_;
    std::vector<std::vector<bool>> fits_;                 // [rule][bridge]
    std::set<std::pair<const Rule*, const Rule*>> told_;  // who both command
};

}  // namespace

void apply_jurisdiction(const JurisdictionRules& rules, std::vector<Bridge>& bridges, Problems& problems) {
    for (Bridge& bridge : bridges)
        bridge.jurisdiction = Jurisdiction{bridge.id, bridge.place, bridge.agencies, rules};
    if (!rules.empty()) Checks{rules, bridges, problems}.run();
}

}  // namespace crosspatch::bridge
