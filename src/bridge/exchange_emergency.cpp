// Bridges that an emergency opens: exchange.hpp. The worker does it in the step that grants the press, so that the first packet
// crosses; control has made sure beforehand that every agency consents, and puts it on record afterwards.
#include <algorithm>

#include "crosspatch/bridge/exchange.hpp"

namespace crosspatch::bridge {

void Exchange::arm(std::uint32_t bridge, core::Time now) {
    if (bridge >= armed_.size() || open_[bridge]) return;
    armed_[bridge] = true;
    // Somebody may be in an emergency already.
    for (const Topology::Leg& leg : topology_->bridges[bridge].legs) {
        if (!minds(leg.channel)) continue;
        for (const auto talker : {arbiter_.holder(leg.channel), arbiter_.beside(leg.channel)})
            if (talker && plan(*talker).channel == leg.channel &&
                open_for_emergency(*talker, arbiter_.claim(*talker), now))
                bring_together(*talker, now);
    }
}

// A partner's emergency that the agreement lets count for less opens nothing.
bool Exchange::opens_for(std::uint32_t who, std::uint32_t bridge, const floor::Claim& claim) const {
    if (!armed_[bridge] || open_[bridge] || unsaid_.size() == unsaid_.capacity()) return false;
    const std::uint32_t own = plan(who).channel;
    const Topology::Bridge& one = topology_->bridges[bridge];
    const auto talks = [&](const Topology::Leg& leg) { return leg.channel == own && leg.talks; };
    const auto is_here = [&](const Topology::Leg& leg) { return minds(leg.channel); };
    return std::ranges::any_of(one.legs, talks) && std::ranges::all_of(one.legs, is_here) &&
           cut_down(claim, one.ceilings, topology_->channels[own].agency).level == floor::Class::Emergency;
}

// True: whoever was talking does not hear of it yet, which is for bring_together() when the emergency has its floors.
bool Exchange::open_for_emergency(std::uint32_t who, const floor::Claim& claim, core::Time now) {
    if (claim.level != floor::Class::Emergency) return false;
    bool opened_any = false;
    for (const std::uint32_t bridge : topology_->channels[plan(who).channel].bridges) {
        if (!opens_for(who, bridge, claim)) continue;
        armed_[bridge] = false;
        open_[bridge] = true;
        opened_any = true;
        Report opened = report(Report::Kind::BridgeOpened, now);
        opened.bridge = bridge;
        opened.endpoint = who;
        opened.emergency = true;
        if (!send(opened)) unsaid_.push_back(opened);
    }
    return opened_any;
}

// Control closes only what it knows to be open.
void Exchange::say_unsaid() {
    while (!unsaid_.empty() && send(unsaid_.back())) unsaid_.pop_back();
}

// His own channel first: who talks elsewhere must not take the floors that he is to have.
void Exchange::bring_together(std::uint32_t who, core::Time now) {
    const std::uint32_t own = plan(who).channel;
    decide_again(own, now);
    for (const std::uint32_t bridge : topology_->channels[own].bridges)
        for (const Topology::Leg& leg : topology_->bridges[bridge].legs)
            if (open_[bridge] && leg.channel != own) decide_again(leg.channel, now);
}

}  // namespace crosspatch::bridge
