#include "crosspatch/policy/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crosspatch/core/text.hpp"

namespace crosspatch::policy {
namespace {

std::string_view name_or(std::string_view name, std::string_view otherwise) {
    return name.empty() ? otherwise : name;
}

// `voice to metro-pd`, `emergency voice from northgate`
std::string what_crosses(Side side, const Facts& facts, const Names& names) {
    return fmt::format("{}{} {} {}", facts.emergency ? "emergency " : "", word(facts.kind),
                       side == Side::Outbound ? "to" : "from",
                       name_or(names.text(facts.other_agency), "an unknown agency"));
}

std::string verdict(Side side, const Facts& facts, const Decision& decision, const Names& names) {
    switch (decision.cause) {
        case Decision::Cause::InsideAgency:
            return "no rule matched; inside one agency the default is allow";
        case Decision::Cause::NoRule:
            return "no rule matched; between agencies the default is deny";
        case Decision::Cause::SuiteNotNamed:
            return fmt::format(
                "rule '{}' matches but does not name suite none, and between agencies suite none "
                "crosses only where the rule that allows it names it",
                decision.rule->id);
        case Decision::Cause::Rule:
            break;
    }
    std::string text = fmt::format("rule '{}' {} {}", decision.rule->id,
                                   decision.allowed ? "allows" : "denies", what_crosses(side, facts, names));
    if (!decision.allowed && !decision.rule->reason.empty()) {
        text += fmt::format(": '{}'", core::escape(decision.rule->reason));
    }
    return text;
}

std::string effects_and_time(const Decision& decision) {
    std::string text;
    if (decision.effects.gain_db != 0) text += fmt::format(", gain {:g} dB", decision.effects.gain_db);
    if (decision.effects.max_talk) {
        text += fmt::format(", talk limit {:g} s",
                            static_cast<double>(decision.effects.max_talk->count()) / 1000);
    }
    if (decision.effects.pseudonymise) {
        text += ", under a pseudonym and without signalling tones";
    } else if (decision.effects.strip_tones) {
        text += ", without signalling tones";
    }
    if (decision.effects.announce) text += ", announced by a mark";
    if (decision.depends_on_time)
        text += fmt::format(", at least until {}", core::rfc3339(decision.valid_until, 0));
    return text;
}

std::string line(Side side, std::string_view listeners, const Facts& facts, const Decision& decision,
                 const Names& names) {
    return fmt::format("{} of {}{}: {}{}", side == Side::Outbound ? "outbound" : "inbound",
                       name_or(names.text(facts.own_channel), "an unknown channel"), listeners,
                       verdict(side, facts, decision, names), effects_and_time(decision));
}

bool same_answer(const Decision& one, const Decision& other) {
    return one.rule == other.rule && one.cause == other.cause && one.valid_until == other.valid_until;
}

// Listeners that get the same answer: `, listeners with none or AEAD_AES_128_GCM`, empty if that is all of
// them.
struct Group {
    const Decision* decision;
    Suite first;
    SuiteSet suites;
};

std::vector<Group> groups_of(const Crossing& crossing) {
    std::vector<Group> groups;
    for (std::size_t i = 0; i < kSuites; ++i) {
        const auto suite = static_cast<Suite>(i);
        if (!crossing.asked.contains(suite)) continue;
        const Decision& decision = crossing.inbound[i];
        const auto same = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
            return same_answer(*group.decision, decision);
        });
        if (same == groups.end()) {
            groups.push_back({&decision, suite, SuiteSet{suite}});
        } else {
            same->suites.insert(suite);
        }
    }
    return groups;
}

std::string listeners_with(SuiteSet suites) {
    std::string text;
    for (std::size_t i = 0; i < kSuites; ++i) {
        const auto suite = static_cast<Suite>(i);
        if (suites.contains(suite))
            text += fmt::format("{}{}", text.empty() ? ", listeners with " : " or ", word(suite));
    }
    return text;
}

}  // namespace

std::string explain(Side side, const Facts& facts, const Decision& decision, const Names& names) {
    return line(side, "", facts, decision, names);
}

std::vector<std::string> explain(const Facts& facts, const Crossing& crossing, const Names& names) {
    std::vector<std::string> lines{explain(Side::Outbound, facts, crossing.outbound, names)};
    const auto groups = groups_of(crossing);
    for (const Group& group : groups) {
        const std::string listeners = groups.size() == 1 ? "" : listeners_with(group.suites);
        lines.push_back(
            line(Side::Inbound, listeners, facts.from_other_side(group.first), *group.decision, names));
    }
    if (groups.empty()) {
        lines.push_back(fmt::format("inbound of {}: nobody is listening there",
                                    name_or(names.text(facts.other_channel), "an unknown channel")));
    }
    return lines;
}

}  // namespace crosspatch::policy
