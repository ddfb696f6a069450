// What talkspurts cost, and who has to go when that is more than the worker can give: exchange.hpp.
#include <algorithm>
#include <bit>
#include <tuple>

#include "crosspatch/bridge/exchange.hpp"

namespace crosspatch::bridge {

// Each distinct kind of group is encoded once, whoever hears it; what is relayed costs only its packets.
std::uint64_t Exchange::load_of(std::uint32_t who) const {
    const Topology::Loads& loads = topology_->loads;
    const std::uint8_t talks_in = plan(who).talks_in;
    std::uint64_t load = 0;
    std::uint64_t groups = 0;
    const auto add = [&](std::uint32_t channel) {
        const Topology::Channel& heard_on = topology_->channels[channel];
        load += heard_on.listening;
        if (talks_in < heard_on.groups.size()) groups |= heard_on.groups[talks_in];
    };
    add(plan(who).channel);
    for (const Far& far : far_) add(far.channel);
    const int decoded = (groups != 0 ? 1 : 0) + (plan(who).carrier ? 1 : 0);
    if (talks_in < loads.decoding.size())
        load += loads.decoding[talks_in] * static_cast<std::uint64_t>(decoded);
    for (; groups != 0; groups &= groups - 1) {
        const auto group = static_cast<std::size_t>(std::countr_zero(groups));
        if (group < loads.encoding.size()) load += loads.encoding[group];
    }
    return load;
}

void Exchange::set_load(ChannelState& state, std::uint64_t load) {
    admission_.ended(state.load);
    admission_.began(load);
    state.load = load;
    counters_.load.set(admission_.running());
}

void Exchange::measured(double busy, double most, core::Time now) {
    admission_.set_capacity(static_cast<std::uint32_t>(most * 1e6));
    if (const std::uint64_t too_much = admission_.measured(busy)) shed(too_much, now);
    tend_silent(now);
}

// Radios without RTCP have no report to be tended with: a tenth of them at each measurement, which wakes us anyway.
void Exchange::tend_silent(core::Time now) {
    constexpr std::uint32_t kShares = 10;
    const std::uint32_t share = ++measurements_ % kShares;
    for (std::uint32_t who = share; who < topology_->endpoints.size(); who += kShares)
        if (minds_endpoint(who) && plan(who).media && !plan(who).reports) tend(*plan(who).media, now);
}

// The one that is left is not the reason.
void Exchange::shed(std::uint64_t load, core::Time now) {
    const auto rank = [this](std::uint32_t place) {
        const ChannelState& state = talk_at(place);
        const floor::Claim claim = arbiter_.claim(state.talker);
        return std::tuple{claim.level, claim.priority, state.pressed.time_since_epoch().count() * -1};
    };
    for (std::uint64_t gone = 0; gone < load && talking_.size() > 1;) {
        const std::uint32_t least =
            *std::min_element(talking_.begin(), talking_.end(),
                              [&](std::uint32_t a, std::uint32_t b) { return rank(a) < rank(b); });
        gone += std::max<std::uint64_t>(talk_at(least).load, 1);
        ++counters_.shed;
        empty_queue(channel_at(least), floor::Class::Emergency, floor::Cause::RevokeNoResources, now);
        const std::size_t before = talking_.size();
        arbiter_.revoke(talk_at(least).talker, floor::Cause::RevokeNoResources, now, decisions_);
        act(now);
        if (talking_.size() >= before) return;  // the next in the queue took his place
    }
}

}  // namespace crosspatch::bridge
