#include "crosspatch/policy/engine.hpp"

#include <algorithm>

namespace crosspatch::policy {
namespace {

constexpr std::string_view kNoRule = "no rule allows this between agencies";
constexpr std::string_view kSuiteNotNamed =
    "without encryption this crosses only where a rule names suite none";
constexpr std::string_view kNobodyListens = "nobody is listening there";

using MaxTalk = std::optional<std::chrono::milliseconds>;

MaxTalk shorter(MaxTalk one, MaxTalk other) {
    if (!one) return other;
    return other ? std::min(*one, *other) : one;
}

void conclude(Decision& decision, const Rule& rule, const Facts& facts) noexcept {
    decision.rule = &rule;
    decision.cause = Decision::Cause::Rule;
    decision.allowed = rule.action == Action::Allow;
    if (!decision.allowed) return;
    // contract.md, Sources: what only its address vouches for crosses between agencies where that was written
    // down.
    if (facts.suite == Suite::None && !facts.same_agency() && !rule.when.names_suite_none) {
        decision.allowed = false;
        decision.cause = Decision::Cause::SuiteNotNamed;
        return;
    }
    decision.effects = rule.effects;
}

void conclude_without_rule(Decision& decision, const Facts& facts) noexcept {
    decision.allowed = facts.same_agency();
    decision.cause = decision.allowed ? Decision::Cause::InsideAgency : Decision::Cause::NoRule;
}

Suite suite_at(std::size_t index) { return static_cast<Suite>(index); }

// Whether a rule that pseudonymises could decide, whatever the time is.
bool may_pseudonymise(const RuleList& list, const Facts& facts) noexcept {
    const std::uint32_t bits = field::bits_of(facts);
    for (const Rule& rule : list.rules) {
        if (!rule.when.match_apart_from_time(facts, bits)) continue;
        if (rule.effects.pseudonymise) return true;
        if (rule.when.hours.always()) return false;
    }
    return false;
}

}  // namespace

std::string_view Decision::reason() const noexcept {
    if (allowed) return {};
    if (cause == Cause::NoRule) return kNoRule;
    if (cause == Cause::SuiteNotNamed) return kSuiteNotNamed;
    return rule->reason.empty() ? std::string_view{"a rule of the channel forbids this"}
                                : std::string_view{rule->reason};
}

Decision decide(const RuleList& list, const Facts& facts, core::WallTime now) noexcept {
    if (!list.tables) return decide_by_scan(list, facts, now);
    Decision decision;
    const auto found = list.tables->find(list.rules, facts, now);
    decision.valid_until = found.valid_until;
    decision.depends_on_time = found.valid_until != core::WallTime::max();
    if (found.rule)
        conclude(decision, list.rules[*found.rule], facts);
    else
        conclude_without_rule(decision, facts);
    return decision;
}

Decision decide_by_scan(const RuleList& list, const Facts& facts, core::WallTime now) noexcept {
    Decision decision;
    const std::uint32_t bits = field::bits_of(facts);
    for (const Rule& rule : list.rules) {
        if (!rule.when.match_apart_from_time(facts, bits)) continue;
        if (const TimeSet& hours = rule.when.hours; !hours.always()) {
            const auto until = hours.steady_until(now);
            decision.valid_until = std::min(decision.valid_until, until);
            decision.depends_on_time = decision.valid_until != core::WallTime::max();
            if (!hours.contains(now)) continue;
        }
        conclude(decision, rule, facts);
        return decision;
    }
    conclude_without_rule(decision, facts);
    return decision;
}

Effects Crossing::effects_for(Suite listener) const noexcept {
    if (!listeners.contains(listener)) return {};
    return outbound.effects + inbound_for(listener).effects;
}

std::string_view Crossing::reason() const noexcept {
    if (allowed) return {};
    if (!outbound.allowed) return outbound.reason();
    for (std::size_t i = 0; i < kSuites; ++i) {
        if (asked.contains(suite_at(i))) return inbound[i].reason();
    }
    return kNobodyListens;
}

bool may_pseudonymise(const RuleList& outbound, const RuleList& inbound, Facts facts,
                      SuiteSet listeners) noexcept {
    for (const bool emergency : {false, true}) {
        facts.emergency = emergency;
        if (may_pseudonymise(outbound, facts)) return true;
        for (std::size_t i = 0; i < kSuites; ++i)
            if (listeners.contains(suite_at(i)) &&
                may_pseudonymise(inbound, facts.from_other_side(suite_at(i))))
                return true;
    }
    return false;
}

Crossing decide_crossing(const RuleList& outbound, const RuleList& inbound, const Facts& facts,
                         SuiteSet listeners, core::WallTime now) noexcept {
    Crossing crossing;
    crossing.asked = listeners;
    crossing.outbound = decide(outbound, facts, now);
    crossing.depends_on_time = crossing.outbound.depends_on_time;
    crossing.valid_until = crossing.outbound.valid_until;
    for (std::size_t i = 0; i < kSuites; ++i) {
        if (!listeners.contains(suite_at(i))) continue;
        Decision& there = crossing.inbound[i];
        there = decide(inbound, facts.from_other_side(suite_at(i)), now);
        crossing.depends_on_time |= there.depends_on_time;
        crossing.valid_until = std::min(crossing.valid_until, there.valid_until);
        if (crossing.outbound.allowed && there.allowed) crossing.listeners.insert(suite_at(i));
    }
    crossing.allowed = !crossing.listeners.empty();
    for (std::size_t i = 0; i < kSuites; ++i) {
        crossing.max_talk = shorter(crossing.max_talk, crossing.effects_for(suite_at(i)).max_talk);
    }
    return crossing;
}

}  // namespace crosspatch::policy
