// Who hears a talkspurt, and how that changes while it runs; commands and reload of exchange.hpp.
#include <algorithm>
#include <utility>

#include "crosspatch/bridge/exchange.hpp"

namespace crosspatch::bridge {
namespace {

constexpr auto kEverybody = static_cast<floor::Class>(0xFF);  // no class is spared

}  // namespace

bool Exchange::may_listen(std::uint32_t endpoint, std::uint32_t talker, policy::SuiteSet suites) const {
    const Topology::Endpoint& listener = plan(endpoint);
    return listener.media && listener.listens && endpoint != talker && suites.contains(listener.suite) &&
           endpoints_[endpoint].standing == Standing::Enabled && !tones_.plays(endpoint);
}

// The talkspurt is heard on `channel` from now on, if it has its floor. Its listeners are arranged afterwards.
void Exchange::let_hear(ChannelState& state, std::uint32_t channel, core::Time now) {
    if (path_.tap) path_.tap->heard_on(state.number, channel, now);
    if (duals_[channel]) return mix(channel, now);
    // With a channel that lets two be heard all others were let in.
    const auto is_there = [&](const media::Listener& one) { return one.channel == channel; };
    if (std::ranges::any_of(state.talkspurt->listeners(), is_there)) return;
    for (const std::uint32_t endpoint : topology_->channels[channel].endpoints)
        if (const auto treatment = treatment_for(endpoint, state, channel))
            state.talkspurt->add(*plan(endpoint).media, channel, *treatment);
}

// Takes out who may not hear it any more or hears it otherwise now, and lets in who may.
void Exchange::refresh_listeners(ChannelState& state, core::Time now) {
    marked_.assign(endpoints_.size(), false);
    const auto allowed = [&](std::uint32_t endpoint, std::uint32_t channel) {
        return plan(endpoint).channel == channel && hears_alone(endpoint, state, channel);
    };
    const auto gone = [&](const media::Listener& listener) {
        const std::uint32_t index = listener.endpoint->index();
        return plan(index).media != listener.endpoint || !allowed(index, listener.channel) ||
               treatment_for(index, state, listener.channel) != listener.treatment;
    };
    const auto own = state.talkspurt->listeners();
    const auto leaves = [&](const media::Listener& listener) {
        return &listener >= own.data() && &listener < own.data() + own.size() && gone(listener);
    };
    tell_listeners(state, leaves, now);
    state.talkspurt->remove_if([&](const media::Listener& listener) {
        const bool is_gone = gone(listener);
        marked_[listener.endpoint->index()] = !is_gone;
        return is_gone;
    });
    const auto let_in = [&](std::uint32_t channel) {
        for (const std::uint32_t endpoint : topology_->channels[channel].on_air)
            follow_channel(endpoint, now);
        for (const std::uint32_t endpoint : topology_->channels[channel].endpoints)
            if (!marked_[endpoint] && allowed(endpoint, channel))
                state.talkspurt->add(*plan(endpoint).media, channel,
                                     *treatment_for(endpoint, state, channel));
    };
    let_in(plan(state.talker).channel);
    for (const Far& far : state.far) let_in(far.channel);
    state.talkspurt->arrange(now);
}

// One endpoint begins or ceases to hear what is said on its channel.
void Exchange::set_listening(std::uint32_t endpoint, bool listening, core::Time now) {
    if (!plan(endpoint).media) return;
    for (const std::uint32_t place : talking_) {
        ChannelState& state = talk_at(place);
        if (!state.talkspurt->running()) continue;
        if (listening)
            refresh_listeners(state, now);
        else {
            tell_listeners(
                state, [&](const media::Listener& one) { return one.endpoint->index() == endpoint; }, now);
            state.talkspurt->remove(*plan(endpoint).media);
        }
    }
    if (listening) mix_all(now);
    for (const std::uint32_t channel : mixing_)
        if (!listening) duals_[channel]->mixer->mixed().remove(*plan(endpoint).media);
    follow_channel(endpoint, now);
}

// What the talker hears of it, and what people see of who waits.
void Exchange::cue(const floor::Decision& decision, core::Time now) {
    using Kind = floor::Decision::Kind;
    const std::uint32_t who = decision.participant;
    const bool asked = who != floor::kNobody && plan(who).signal == floor::Signal::Explicit;
    switch (decision.kind) {
        case Kind::Granted:
        case Kind::Denied:
            if (asked) show_queue(decision.channel, now);
            return play(decision.kind == Kind::Granted ? TalkerTone::Granted : TalkerTone::Denied, who, now);
        case Kind::Queued:
            show_queue(decision.channel, now);
            return play(TalkerTone::Queued, who, now);
        case Kind::Withdrawn:
            return show_queue(decision.channel, now);
        case Kind::Skipped:
        case Kind::Left:
            return play(TalkerTone::FarSideLost, who, now);
        case Kind::Warned:
            return play(TalkerTone::Warning, who, now);
        case Kind::Revoked:
            return play(TalkerTone::Revoked, who, now);
        default:
            return;
    }
}

void Exchange::play(TalkerTone tone, std::uint32_t endpoint, core::Time now) {
    const Topology::Endpoint& talker = plan(endpoint);
    if (!talker.tones || !talker.media || (*talker.tones)[static_cast<std::size_t>(tone)].packets.empty())
        return;
    // A radio that cannot hear while it sends is told when it has stopped.
    const auto silence =
        talker.half_duplex ? topology_->channels[talker.channel].floor.lease : std::chrono::milliseconds{0};
    if (!tones_.start(endpoint, *talker.media, talker.tones, tone, silence, now)) {
        ++counters_.tones_left_out;
        return;
    }
    // The tone takes the place of what the talker would hear meanwhile.
    set_listening(endpoint, false, now);
}

// A bridge has opened or closed, or a rule now answers differently: what the talker on `channel` is heard on.
void Exchange::decide_again(std::uint32_t channel, core::Time now) {
    decide_waiting_again(channel, now);
    act(now);
    const auto decide = [&](ChannelState& state) {
        if (state.talker == kNowhere) return;
        collect(state.talker, arbiter_.claim(state.talker), false, now);
        carry_to_collected(state, now);
        arbiter_.retarget(state.talker, targets_, now, decisions_);
        act(now);
        if (state.talker != kNowhere && state.talkspurt->running()) refresh_listeners(state, now);
    };
    decide(channels_[channel]);
    if (duals_[channel]) decide(duals_[channel]->second);
    mix_all(now);
}

policy::Sensitivity Exchange::label(std::uint32_t channel) const {
    const policy::Sensitivity configured = topology_->channels[channel].sensitivity;
    const auto raised = channel < labels_.size() ? labels_[channel] : std::nullopt;
    return raised ? std::min(*raised, configured) : configured;
}

void Exchange::set_label(std::uint32_t channel, std::optional<policy::Sensitivity> label, core::Time now) {
    if (channel >= labels_.size()) labels_.resize(channel + 1);
    if (labels_[channel] == label) return;
    labels_[channel] = label;
    if (minds(channel)) decide_again(channel, now);
}

void Exchange::set_pseudonyms(std::uint32_t bridge, std::shared_ptr<const PseudonymKeys> keys) {
    if (bridge >= pseudonyms_.size()) pseudonyms_.resize(bridge + 1);
    pseudonyms_[bridge] = std::move(keys);
}

void Exchange::set_open(std::uint32_t bridge, bool open, core::Time now) {
    // A cut comes past the queue of reloads, so its index may be one that is not in force yet.
    if (bridge >= open_.size()) return;
    armed_[bridge] = false;
    if (open_[bridge] == open) return;
    const auto& legs = topology_->bridges[bridge].legs;
    const auto minded =
        std::count_if(legs.begin(), legs.end(), [&](const Topology::Leg& leg) { return minds(leg.channel); });
    if (open && minded != std::ssize(legs)) return;
    open_[bridge] = open;
    if (minded == 0) return;
    for (const Topology::Leg& leg : legs)
        if (minds(leg.channel)) decide_again(leg.channel, now);
    Report changed = report(open ? Report::Kind::BridgeOpened : Report::Kind::BridgeClosed, now);
    changed.bridge = bridge;
    send(changed);
}

void Exchange::set_standing(std::uint32_t endpoint, Standing standing, core::Time now) {
    if (!minds_endpoint(endpoint)) return;
    EndpointState& state = endpoints_[endpoint];
    const bool enabled = standing == Standing::Enabled;
    if (enabled) state.loops.lift();
    if (state.standing == standing) return;
    state.standing = standing;
    // Back on, he begins anew: what was pressed before the cut is over.
    if (enabled)
        arbiter_.remove_participant(endpoint, now, decisions_);
    else
        arbiter_.set_standing(endpoint, floor::Standing::Disabled, now, decisions_);
    act(now);
    tones_.stop(endpoint);
    if (plan(endpoint).vox) plan(endpoint).vox->restart();
    if (plan(endpoint).pre_roll) plan(endpoint).pre_roll->clear();
    if (plan(endpoint).signal == floor::Signal::Key) end_key(endpoint);
    set_listening(endpoint, enabled, now);
    if (enabled) tell_state(endpoint);
    Report changed = report(enabled ? Report::Kind::Enabled : Report::Kind::Disabled, now);
    changed.endpoint = endpoint;
    changed.inbound = standing == Standing::Revoked;
    send(changed);
}

void Exchange::rejoin(std::uint32_t endpoint, core::Time now) {
    if (!minds_endpoint(endpoint)) return;
    set_listening(endpoint, false, now);
    set_listening(endpoint, true, now);
}

void Exchange::tend_all(core::Time now) {
    for (const Topology::Endpoint& endpoint : topology_->endpoints)
        if (endpoint.media && minds(endpoint.channel)) tend(*endpoint.media, now);
}

void Exchange::shut_down(core::Time now) {
    stopping_ = true;
    for (std::uint32_t channel = 0; channel < topology_->channels.size(); ++channel)
        if (minds(channel)) empty_queue(channel, kEverybody, floor::Cause::ShuttingDown, now);
    for (std::size_t i = talking_.size(); i-- > 0;) {
        if (i >= talking_.size()) continue;
        arbiter_.revoke(talk_at(talking_[i]).talker, floor::Cause::ShuttingDown, now, decisions_);
        act(now);
    }
    // RFC 3550 section 6.6: the radios learn that we leave, and need not wait for silence to tell them.
    for (const Topology::Endpoint& endpoint : topology_->endpoints)
        if (endpoint.media && minds(endpoint.channel))
            endpoint.media->send_report(path_.outbox, now, core::wall_now(), true);
}

void Exchange::tell_done(std::uint64_t token, core::Time now) {
    done_ = token;
    Report done = report(Report::Kind::Done, now);
    done.token = token;
    done.position = seat_.number;
    if (send(done)) told_ = token;
}

}  // namespace crosspatch::bridge
