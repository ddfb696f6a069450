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

// What of it is said on his own channel: everything, as it is.
Exchange::Far Exchange::own_channel(std::uint32_t talker) const {
    return {.channel = plan(talker).channel, .suites = policy::SuiteSet::all()};
}

void Exchange::add_listeners(ChannelState& state, const Far& to) {
    for (const std::uint32_t endpoint : topology_->channels[to.channel].endpoints)
        if (may_listen(endpoint, state.talker, to.suites))
            state.talkspurt->add(*plan(endpoint).media, to.channel, to.treatment(plan(endpoint).suite));
}

// Takes out who may not hear it any more or hears it otherwise now, and lets in who may.
void Exchange::refresh_listeners(ChannelState& state, core::Time now) {
    marked_.assign(endpoints_.size(), false);
    const Far own = own_channel(state.talker);
    const auto heard_on = [&](std::uint32_t channel) -> const Far* {
        if (channel == own.channel) return &own;
        const Far* far = far_of(state.talker, channel);
        return far && arbiter_.holds(state.talker, channel) ? far : nullptr;
    };
    const auto gone = [&](const media::Listener& listener) {
        const std::uint32_t index = listener.endpoint->index();
        const Far* far = heard_on(listener.channel);
        return plan(index).media != listener.endpoint || plan(index).channel != listener.channel || !far ||
               !may_listen(index, state.talker, far->suites) ||
               listener.treatment != far->treatment(plan(index).suite);
    };
    tell_listeners(state, gone, now);
    state.talkspurt->remove_if([&](const media::Listener& listener) {
        const bool leaves = gone(listener);
        marked_[listener.endpoint->index()] = !leaves;
        return leaves;
    });
    const auto let_in = [&](std::uint32_t channel) {
        for (const std::uint32_t endpoint : topology_->channels[channel].on_air)
            follow_channel(endpoint, now);
        const Far* far = heard_on(channel);
        for (const std::uint32_t endpoint : topology_->channels[channel].endpoints)
            if (far && !marked_[endpoint] && may_listen(endpoint, state.talker, far->suites))
                state.talkspurt->add(*plan(endpoint).media, channel, far->treatment(plan(endpoint).suite));
    };
    let_in(own.channel);
    for (const Far& far : state.far) let_in(far.channel);
    state.talkspurt->arrange(now);
}

// One endpoint begins or ceases to hear what is said on its channel.
void Exchange::set_listening(std::uint32_t endpoint, bool listening, core::Time now) {
    if (!plan(endpoint).media) return;
    for (const std::uint32_t channel : talking_) {
        ChannelState& state = channels_[channel];
        if (!state.talkspurt->running()) continue;
        if (listening)
            refresh_listeners(state, now);
        else {
            tell_listeners(
                state, [&](const media::Listener& one) { return one.endpoint->index() == endpoint; }, now);
            state.talkspurt->remove(*plan(endpoint).media);
        }
    }
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
    ChannelState& state = channels_[channel];
    if (state.talker == kNowhere) return;
    collect(state.talker, arbiter_.claim(state.talker), false, now);
    carry_to_collected(state, now);
    arbiter_.retarget(state.talker, targets_, now, decisions_);
    act(now);
    if (state.talker != kNowhere && state.talkspurt->running()) refresh_listeners(state, now);
}

// The same for presses that wait there. Whom they may take a far channel from is not known before it is their turn: they
// have what is free then, and join the others later.
void Exchange::decide_waiting_again(std::uint32_t channel, core::Time now) {
    for (const std::uint32_t who : topology_->channels[channel].messaged) {
        if (arbiter_.participant_state(who) != floor::ParticipantState::Queued) continue;
        collect(who, arbiter_.claim(who), false, now);
        for (floor::Target& target : targets_) target.may_preempt = false;
        arbiter_.retarget(who, targets_, now, decisions_);
        act(now);
    }
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
    if (bridge >= open_.size() || open_[bridge] == open) return;
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
    if (state.standing == standing) return;
    state.standing = standing;
    const bool enabled = standing == Standing::Enabled;
    // Back on, he begins anew: what was pressed before the cut is over.
    if (enabled)
        arbiter_.remove_participant(endpoint, now, decisions_);
    else
        arbiter_.set_standing(endpoint, floor::Standing::Disabled, now, decisions_);
    act(now);
    tones_.stop(endpoint);
    if (plan(endpoint).vox) plan(endpoint).vox->restart();
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
        arbiter_.revoke(channels_[talking_[i]].talker, floor::Cause::ShuttingDown, now, decisions_);
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
