// Who is shown to whom under a pseudonym. control.hpp.
#include <algorithm>

#include "crosspatch/app/control.hpp"
#include "src/app/crossing_facts.hpp"

namespace crosspatch::app {
namespace {

using boost::json::object;

bool pseudonymises(const policy::RuleList& list) {
    return std::any_of(list.rules.begin(), list.rules.end(),
                       [](const policy::Rule& rule) { return rule.effects.pseudonymise; });
}

}  // namespace

// Before the bridge is opened: what was heard of its last opening cannot be brought together with what comes.
void Control::begin_pseudonyms(const bridge::Bridge& bridge) {
    std::vector<std::string> agencies;
    for (const bridge::Leg& leg : bridge.legs)
        if (const bridge::Channel* channel = find_channel(*estate_.config, leg.channel))
            agencies.push_back(channel->agency);
    const auto keys = std::make_shared<const bridge::PseudonymKeys>(agencies);
    bridge_states_[bridge.id].pseudonyms = keys;
    hidden_.reset();
    post_all([index = estate_.bridges.of(bridge.id), keys](bridge::Exchange& exchange, core::Time) {
        exchange.set_pseudonyms(index, keys);
    });
}

// Made when it is first asked for. Those of a bridge that has closed stay until it opens again: what is said of its
// last talkspurts may still be on its way.
const object& Control::hidden() const {
    if (hidden_) return *hidden_;
    hidden_.emplace();
    // As a rule there is no such rule, and every opening of a bridge asks again.
    const auto& config = estate_.config;
    if (!config || std::none_of(config->channels.begin(), config->channels.end(), [](const auto& channel) {
            return pseudonymises(channel.outbound) || pseudonymises(channel.inbound);
        }))
        return *hidden_;
    for (const bridge::Agency& agency : config->agencies) {
        object names;
        for (const bridge::Bridge& bridge : config->bridges) hide_from(names, bridge, agency.id);
        if (!names.empty()) (*hidden_)[agency.id] = std::move(names);
    }
    return *hidden_;
}

const object& Control::hidden_from(const api::Actor& actor) const {
    static const object kNobody;
    const boost::json::value* names = actor.agency.empty() ? nullptr : hidden().if_contains(actor.agency);
    return names ? names->get_object() : kNobody;
}

// Adds to `names` those who talk over the bridge to a channel of that agency and are not to be known there.
void Control::hide_from(object& names, const bridge::Bridge& bridge, const std::string& agency) const {
    const Config& config = *estate_.config;
    const auto state = bridge_states_.find(bridge.id);
    if (state == bridge_states_.end() || !state->second.pseudonyms) return;
    if (!state->second.pseudonyms->of(agency, "")) return;  // it is not on this bridge
    for (const bridge::Leg& from_leg : bridge.legs)
        for (const bridge::Leg& to_leg : bridge.legs) {
            const bridge::Channel* from = find_channel(config, from_leg.channel);
            const bridge::Channel* to = find_channel(config, to_leg.channel);
            if (!from || !to || to->agency != agency || from->agency == agency) continue;
            if (!pseudonymises(from->outbound) && !pseudonymises(to->inbound)) continue;
            const policy::SuiteSet listeners = suites_on(config, to->id);
            for (const endpoint::Config& one : config.endpoints) {
                const endpoint::Settings& settings = one.settings;
                if (settings.channel != from->id || names.contains(settings.id)) continue;
                const policy::Facts facts = facts_of(*config.names, *from, *to, &settings);
                if (!policy::may_pseudonymise(from->outbound, to->inbound, facts, listeners)) continue;
                const auto made = state->second.pseudonyms->of(from->agency, settings.talker.id);
                if (!made) continue;
                names[settings.talker.id] = bridge::text(*made);
                names[settings.id] = bridge::text(*made);  // a radio is as good as a name
            }
        }
}

}  // namespace crosspatch::app
