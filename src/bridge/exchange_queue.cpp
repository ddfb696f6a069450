// What a press that waits may have when it is its turn: whom it may take a far channel from depends on who holds that then.
// exchange.hpp.
#include <array>

#include "crosspatch/bridge/exchange.hpp"

namespace crosspatch::bridge {

// Done after the decisions that it follows from: it asks the arbiter for more.
void Exchange::follow_later(std::uint32_t channel) {
    if (channels_[channel].follows) return;
    channels_[channel].follows = true;
    follow_.push_back(channel);
}

void Exchange::follow_queue(core::Time now) {
    while (!follow_.empty()) {
        const std::uint32_t channel = follow_.back();
        follow_.pop_back();
        channels_[channel].follows = false;
        if (channels_[channel].came_up) reach_far(channels_[channel], now);
        if (Dual* dual = duals_[channel].get(); dual && dual->second.came_up) reach_far(dual->second, now);
        if (!arbiter_.holder(channel)) decide_waiting_again(channel, now);
    }
}

// A press has come out of the queue. It has what a direct one would have now: far channels that are free it holds already,
// those that it may take it takes, and what is left is skipped.
void Exchange::reach_far(ChannelState& state, core::Time now) {
    const std::uint32_t who = state.talker;
    collect(who, arbiter_.claim(who), false, now);
    carry_to_collected(state, now);
    arbiter_.reach(who, targets_, now, decisions_);
    carry_out(now);
    if (state.talker != who || !state.came_up) return;
    state.came_up = false;
    std::array<floor::ChannelIndex, floor::Arbiter::kMaxFar> missing;
    const std::size_t count = arbiter_.missing(who, missing);
    for (std::size_t i = 0; i < count; ++i) {
        const floor::Decision skipped{.kind = floor::Decision::Kind::Skipped,
                                      .participant = who,
                                      .channel = missing[i],
                                      .talkspurt = state.number};
        act_on(skipped, now);
        cue(skipped, now);
    }
}

// `when_busy: wait`: its own channel is free, and the far ones are what it waits for.
bool Exchange::some_wait_for_far(std::uint32_t channel) const {
    const auto& handsets = topology_->channels[channel].messaged;
    return !handsets.empty() && when_busy(handsets.front()) == floor::WhenBusy::Wait &&
           arbiter_.queue(channel, {}) > 0;
}

// Bridges, rules or floors have changed: where those who wait on `channel` would be heard. What they may take is for this
// moment only, so that nobody is cut off later whom the rules would have spared.
void Exchange::decide_waiting_again(std::uint32_t channel, core::Time now) {
    for (const std::uint32_t who : topology_->channels[channel].messaged) {
        if (when_busy(who) == floor::WhenBusy::Wait) name_far(who, true, now);
        name_far(who, false, now);
    }
}

void Exchange::name_far(std::uint32_t who, bool may_preempt, core::Time now) {
    if (arbiter_.participant_state(who) != floor::ParticipantState::Queued) return;
    collect(who, arbiter_.claim(who), false, now);
    if (!may_preempt)
        for (floor::Target& target : targets_) target.may_preempt = false;
    arbiter_.retarget(who, targets_, now, decisions_);
    carry_out(now);
}

}  // namespace crosspatch::bridge
