#include "src/app/denial.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace crosspatch::app {
namespace {

using floor::Cause;
using floor::Class;
using Party = Denial::Party;

std::string name_of(const Party& party) {
    return party.talker == party.endpoint ? party.talker
                                          : fmt::format("{} on {}", party.talker, party.endpoint);
}

std::string words_of(const floor::Claim& claim) {
    switch (claim.level) {
        case Class::Emergency:
            return fmt::format("an emergency, priority {}", claim.priority);
        case Class::ImminentPeril:
            return fmt::format("imminent peril, priority {}", claim.priority);
        case Class::Normal:
            break;
    }
    return fmt::format("priority {}", claim.priority);
}

bool lets(const bridge::Preemption& rule, const floor::Claim& claim, const Party& by, const Party& over) {
    const auto among = [](const std::vector<std::string>& names, const std::string& name) {
        return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
    };
    const auto any_or = [](const std::string& wanted, const std::string& is) {
        return wanted.empty() || wanted == is;
    };
    return (!rule.emergency || claim.level == Class::Emergency) && among(rule.roles, by.role) &&
           any_or(rule.agency, by.agency) && any_or(rule.over_agency, over.agency) &&
           among(rule.over_roles, over.role);
}

// What jurisdiction says against it; without a rule it says nothing.
bridge::Verdict verdict_on(const bridge::Bridge& bridge, const bridge::Preemption& rule, const Party& by) {
    const auto right = rule.emergency ? bridge::Right::Emergency : bridge::Right::Preempt;
    const bridge::Verdict verdict = bridge.jurisdiction.decide(right, by.agency, by.role);
    return verdict.rule ? verdict : bridge::Verdict{true};
}

// What a question leaves out to learn what was in the way.
struct Bounds {
    bool ceilings{true};
    bool jurisdiction{true};
};

// The channel's bridges that let `by` take the floor from `over`, by name.
std::vector<std::string> that_let(const Party& by, const Party& over,
                                  const std::vector<bridge::Bridge>& bridges, Bounds bounds = {}) {
    std::vector<std::string> names;
    for (const bridge::Bridge& bridge : bridges) {
        const bool joined = std::any_of(bridge.legs.begin(), bridge.legs.end(),
                                        [&](const auto& leg) { return leg.channel == by.channel; });
        const floor::Claim counts =
            bounds.ceilings ? bridge::cut_down(by.claim, bridge.ceilings, by.agency) : by.claim;
        if (joined && counts > over.claim &&
            std::any_of(bridge.preemption.begin(), bridge.preemption.end(),
                        [&](const bridge::Preemption& rule) {
                            return lets(rule, counts, by, over) &&
                                   (!bounds.jurisdiction || verdict_on(bridge, rule, by).allowed);
                        }))
            names.push_back(bridge.id);
    }
    return names;
}

bool is_among(const std::string& name, const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// On the bridge `id`, which would let him but for jurisdiction.
std::string why_barred(const Party& by, const std::string& id, const std::vector<bridge::Bridge>& bridges) {
    for (const bridge::Bridge& bridge : bridges)
        for (const bridge::Preemption& rule : bridge.preemption) {
            const auto right = rule.emergency ? bridge::Right::Emergency : bridge::Right::Preempt;
            const bridge::Verdict verdict = verdict_on(bridge, rule, by);
            if (bridge.id == id && !verdict.allowed)
                return fmt::format("on bridge {} {} of {} may not take it: {}", id, by.role, by.agency,
                                   bridge::explain(verdict, right));
        }
    return {};
}

std::string why_not_taken(const Denial& denial, const std::vector<bridge::Bridge>& bridges) {
    const Party& asked = denial.asked;
    const Party& holder = *denial.holder;
    if (asked.endpoint == holder.endpoint) return "it had been told to stop talking";
    if (asked.claim <= holder.claim)
        return fmt::format("this press claimed {}, and only a higher claim takes the floor",
                           words_of(asked.claim));
    const std::string first = fmt::format("this press claimed {}, but ", words_of(asked.claim));
    if (asked.agency == holder.agency)  // the claims alone decide
        return first + "another one was to have the floor first";
    const auto let = that_let(asked, holder, bridges);
    if (let.empty())
        if (const auto barred = that_let(asked, holder, bridges, {.jurisdiction = false}); !barred.empty())
            return first + why_barred(asked, barred.front(), bridges);
    if (let.empty() && !that_let(asked, holder, bridges, {.ceilings = false}).empty())
        return first + fmt::format("`agreement.ceilings` of the bridge has what {} claims count for less",
                                   asked.agency);
    if (let.empty())
        return first + fmt::format("no `preemption` of a bridge lets {} of {} take it from {} of {}",
                                   asked.role, asked.agency, holder.role, holder.agency);
    if (!denial.open)
        return first +
               "another one was to have the floor first, or the bridge that lets it be taken was not open";
    const bool was_open = std::any_of(let.begin(), let.end(),
                                      [&](const std::string& name) { return is_among(name, *denial.open); });
    if (was_open) return first + "another one was to have the floor first";
    return first + fmt::format("the bridge {}, which lets it be taken, was not open", let.front());
}

std::string why_not_queued(const Denial& denial) {
    if (!denial.in_words) return "who asks by talking is not queued";
    if (denial.places == 0) return "the channel has no queue";
    return fmt::format("the queue of {} was full", denial.places);
}

}  // namespace

std::string explain(const Denial& denial, const std::vector<bridge::Bridge>& bridges) {
    std::string text;
    const auto add = [&](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
    if (denial.cause == Cause::AnotherTalks || denial.cause == Cause::QueueFull) {
        if (denial.holder) {
            add(fmt::format("{} had the floor with {}", name_of(*denial.holder),
                            words_of(denial.holder->claim)));
            add(why_not_taken(denial, bridges));
        } else {
            add("the floor was free, but another one was to have it first");
        }
        if (!denial.holder || denial.holder->endpoint != denial.asked.endpoint) add(why_not_queued(denial));
    }
    if (denial.cause == Cause::RetryAfter && denial.wait.count() > 0)
        add(fmt::format("the talk limit was reached; the next press is heard in {:.1f} s",
                        std::chrono::duration<double>(denial.wait).count()));
    if (denial.claimed > denial.asked.claim.level)
        add(fmt::format("it claimed {}, which {} has no right to: `may` of its talker does not say so",
                        denial.claimed == Class::Emergency ? "an emergency" : "imminent peril",
                        name_of(denial.asked)));
    return text;
}

}  // namespace crosspatch::app
