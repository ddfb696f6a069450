// The talk path's questions: may this packet go on, and where? Presses, decisions, talkspurts.
#include "crosspatch/bridge/exchange.hpp"

#include <algorithm>

namespace crosspatch::bridge {
namespace {

using media::Drop;
constexpr std::size_t kMostFar = floor::Arbiter::kMaxFar;

}  // namespace

Exchange::Exchange(const media::TalkPath& path, core::MpscQueue<Report>& reports,
                   const core::EventFd& reported, Seat seat)
    : path_{path}, reports_{reports}, reported_{reported}, seat_{seat} {
    far_.reserve(kMostFar);
    targets_.reserve(kMostFar);
}

media::Talkspurt* Exchange::pass(media::Endpoint& from, const media::Packet& packet, core::Time now) {
    const std::uint32_t who = from.index();
    auto& dropped = from.source.counters().dropped;
    if (plan(who).ed137)
        heed_extension(from, packet, now);  // it says that the radio is there, if nothing else
    if (endpoints_[who].standing != Standing::Enabled) return dropped(Drop::Disabled), nullptr;
    if (!plan(who).talks) return dropped(Drop::ListenOnly), nullptr;
    if (plan(who).vox) return pass_vox(from, packet, now);
    if (plan(who).signal == floor::Signal::Key) return pass_keyed(from, packet, now);

    floor::Verdict verdict = arbiter_.media(who, now, packet.dtx);
    // Who has said BYE comes back under another SSRC: that is no more of his last words.
    const bool returns = packet.new_stream && verdict == floor::Verdict::Drop &&
                         arbiter_.participant_state(who) == floor::ParticipantState::Trailing;
    if (verdict == floor::Verdict::NeedsRequest || returns) verdict = first_of_press(who, packet, now);
    if (verdict != floor::Verdict::Pass) {
        note_refused(who, now);
        return dropped(Drop::NoFloor), nullptr;
    }
    // The floor is his all the same: a pause of ours must not take it from him.
    if (packet.stale) return dropped(Drop::Stale), nullptr;
    return carried_by(from, packet, now);
}

// Packets are a press, but for radios that ask in words: they are told that they may not.
floor::Verdict Exchange::first_of_press(std::uint32_t who, const media::Packet& packet, core::Time now) {
    if (plan(who).signal == floor::Signal::Explicit) {
        arbiter_.trespass(who, now, decisions_);
        act(now);
        return floor::Verdict::Drop;
    }
    press_in_band(who, {floor::Class::Normal, plan(who).priority}, now);
    return arbiter_.media(who, now, packet.dtx);
}

media::Talkspurt* Exchange::carried_by(media::Endpoint& from, const media::Packet& packet, core::Time now) {
    ChannelState& state = home(from.index());
    const std::uint32_t who = from.index();
    // An open microphone of somebody in danger is silent for a while, too.
    if (const auto& carrier = plan(who).carrier; carrier &&
                                                 arbiter_.claim(who).level != floor::Class::Emergency &&
                                                 carrier->is_dead(packet, state.number, path_.scratch, now)) {
        arbiter_.revoke(who, floor::Cause::DeadCarrier, now, decisions_);
        act(now);
        return from.source.counters().dropped(Drop::NoFloor), nullptr;
    }
    if (!state.talkspurt->running()) begin(state, from, packet, now);
    return state.talkspurt->talker() == &from ? state.talkspurt.get() : nullptr;
}

media::Talkspurt* Exchange::pass_vox(media::Endpoint& from, const media::Packet& packet, core::Time now) {
    const std::uint32_t who = from.index();
    media::VoxInput& vox = *plan(who).vox;
    auto& dropped = from.source.counters().dropped;
    if (packet.new_stream) vox.clear();
    vox.clear_old(now);
    const auto said = vox.hear(packet, path_.scratch);
    using Decision = codec::Vox::Decision;
    if (said == Decision::Ends) {
        arbiter_.release(who, now, decisions_);
        act(now);
    }
    if (said == Decision::Silent || said == Decision::Ends) {
        if (packet.stale)
            dropped(Drop::Stale);
        else
            vox.keep(packet, now);
        return nullptr;
    }
    floor::Verdict verdict = arbiter_.media(who, now, packet.dtx);
    if (verdict == floor::Verdict::NeedsRequest) {
        press_in_band(who, {floor::Class::Normal, plan(who).priority}, now);
        verdict = arbiter_.media(who, now, packet.dtx);
        if (verdict == floor::Verdict::Pass && !packet.stale) {
            media::Talkspurt* talkspurt = carried_by(from, vox.first(packet), now);
            if (talkspurt) vox.replay(*talkspurt, now);
            return talkspurt;
        }
    }
    if (verdict != floor::Verdict::Pass) {
        vox.clear();  // what was denied is not bridged later either
        note_refused(who, now);
        return dropped(Drop::NoFloor), nullptr;
    }
    if (packet.stale) {
        vox.clear();
        return dropped(Drop::Stale), nullptr;
    }
    return carried_by(from, packet, now);
}

// contract.md, Floor: a claim without the right counts as normal, and is recorded.
bool Exchange::may_claim(std::uint32_t who, floor::Class level) const {
    return level == floor::Class::Normal || (level == floor::Class::Emergency && plan(who).may_emergency) ||
           (level == floor::Class::ImminentPeril && plan(who).may_imminent_peril);
}

void Exchange::press_in_band(std::uint32_t who, const floor::Claim& claim, core::Time now) {
    Report requested = report(Report::Kind::Requested, now);
    requested.endpoint = who;
    requested.priority = claim.priority;
    send(requested);
    press(who, claim, true, now);
}

void Exchange::press(std::uint32_t who, const floor::Claim& claim, bool tell, core::Time now) {
    end_overrun(who, now);
    const bool opened = !stopping_ && open_for_emergency(who, claim, now);
    decide_press(who, claim, tell, opened, now);
    if (opened) bring_together(who, now);
}

// A bridge that the press itself has opened does not make it wait.
void Exchange::decide_press(std::uint32_t who, const floor::Claim& claim, bool tell, bool opened,
                            core::Time now) {
    floor::Request request{.participant = who,
                           .own = own_target(who, claim),
                           .claim = claim,
                           .signal = plan(who).signal,
                           .when_busy = opened ? floor::WhenBusy::Skip : when_busy(who)};
    if (stopping_ || (refuse_floors_ && claim.level != floor::Class::Emergency)) {
        const auto cause = stopping_ ? floor::Cause::ShuttingDown : floor::Cause::RecordFailed;
        arbiter_.deny(request, cause, now, decisions_);
        return act(now);
    }
    if (is_shut_off(who, claim, now)) {
        arbiter_.deny(request, floor::Cause::LoopFound, now, decisions_);
        return act(now);
    }
    collect(who, claim, tell, now);
    // Who takes his own channel's floor from somebody takes his share of the worker, too; who talks beside him adds to it,
    // and what their sum costs stands in his estimate in place of what he alone would.
    const Topology::Channel& own = topology_->channels[plan(who).channel];
    const bool adds =
        own.floor.both_heard ? !arbiter_.holds(who, plan(who).channel) : !arbiter_.holder(plan(who).channel);
    if (adds && !admission_.admits(load_of(who), claim.level)) {
        arbiter_.deny(request, floor::Cause::NoResources, now, decisions_);
        return act(now);
    }
    request.far = targets_;
    request.max_talk = max_talk_;
    collected_for_ = who;
    claimed_before_ = arbiter_.claim(who);
    const floor::Answer answer = arbiter_.request(request, now, decisions_);
    act(now);
    collected_for_ = kNowhere;
    if (answer == floor::Answer::Queued) {
        decide_waiting_again(plan(who).channel, now);
        act(now);
    }
    decision_times_.add(core::monotonic_now() - now);
}

floor::Target Exchange::own_target(std::uint32_t who, const floor::Claim& claim) const {
    const std::uint32_t channel = plan(who).channel;
    floor::Target target{.channel = channel};
    for (const std::uint32_t bridge : topology_->channels[channel].bridges)
        if (open_[bridge] && target.conversation == 0) target.conversation = bridge + 1;
    target.may_preempt = may_take(channel, [&](std::uint32_t rival) {
        const std::uint32_t theirs = plan(rival).channel;
        if (topology_->channels[theirs].agency == topology_->channels[channel].agency)
            return true;  // inside one agency the claims alone decide
        return std::ranges::any_of(topology_->channels[channel].bridges, [&](std::uint32_t bridge) {
            return open_[bridge] && may_preempt(topology_->bridges[bridge], who, rival, claim);
        });
    });
    return target;
}

// Where the talker would be heard besides his own channel, as bridges and policy stand now: far_ and targets_.
void Exchange::collect(std::uint32_t who, const floor::Claim& claim, bool tell, core::Time) {
    far_.clear();
    targets_.clear();
    decided_until_ = core::WallTime::max();
    max_talk_ = {};
    const std::uint32_t own = plan(who).channel;
    const core::WallTime wall = core::wall_now();
    for (const std::uint32_t bridge : topology_->channels[own].bridges) {
        if (!open_[bridge]) continue;
        const auto& legs = topology_->bridges[bridge].legs;
        const auto mine =
            std::find_if(legs.begin(), legs.end(), [&](const auto& leg) { return leg.channel == own; });
        if (mine == legs.end() || !mine->talks) continue;
        for (const Topology::Leg& leg : legs)
            if (leg.channel != own && leg.listens) collect_leg(who, bridge, leg, claim, tell, wall);
    }
}

void Exchange::collect_leg(std::uint32_t who, std::uint32_t bridge, const Topology::Leg& leg,
                           const floor::Claim& claim, bool tell, core::WallTime wall) {
    const auto reached = [&](const Far& far) { return far.channel == leg.channel; };
    if (far_.size() == kMostFar || std::any_of(far_.begin(), far_.end(), reached)) return;
    const Topology::Endpoint& talker = plan(who);
    const Topology::Channel& from = topology_->channels[talker.channel];
    const Topology::Channel& to = topology_->channels[leg.channel];
    const policy::Facts facts{.own_agency = from.agency,
                              .own_channel = from.id,
                              .other_agency = to.agency,
                              .other_channel = to.id,
                              .talker = talker.talker,
                              .role = talker.role,
                              .kind = policy::Kind::Voice,
                              .emergency = claim.level == floor::Class::Emergency,
                              .sensitivity = label(talker.channel),
                              .suite = talker.suite};
    const policy::Crossing crossing =
        policy::decide_crossing(*from.outbound, *to.inbound, facts, to.suites, wall);
    decided_until_ = std::min(decided_until_, crossing.valid_until);
    const auto bound = topology_->bridges[bridge].sensitivity;
    const bool too_confidential = bound && facts.sensitivity < *bound;
    if (!crossing.allowed || too_confidential) {
        ++counters_.policy_denied;
        if (!tell) return;
        Report denied = report(Report::Kind::PolicyDenied, core::Time{});
        denied.endpoint = who;
        denied.channel = leg.channel;
        denied.bridge = bridge;
        denied.inbound = !too_confidential && crossing.outbound.allowed;
        send(denied);
        return;
    }
    Far far{.channel = leg.channel, .bridge = bridge, .suites = crossing.listeners};
    for (std::size_t i = 0; i < policy::kSuites; ++i) {
        const auto suite = static_cast<policy::Suite>(i);
        const policy::Effects effects = crossing.effects_for(suite);
        far.gain_db[i] = leg.gain_db + effects.gain_db;
        if (effects.strip_tones) far.stripped.insert(suite);
        if (effects.announce) far.announced.insert(suite);
        if (effects.pseudonymise && from.agency != to.agency) far.hidden.insert(suite);
    }
    if (!far.announced.empty()) far.mark = talker.suite == policy::Suite::None ? from.clear_mark : from.mark;
    if (!far.hidden.empty()) hide(far, who);
    far_.push_back(far);
    if (crossing.max_talk && (max_talk_.count() == 0 || *crossing.max_talk < max_talk_))
        max_talk_ = *crossing.max_talk;
    targets_.push_back(
        {.channel = leg.channel,
         .may_preempt = may_take(
             leg.channel,
             [&](std::uint32_t rival) { return may_preempt(topology_->bridges[bridge], who, rival, claim); }),
         .conversation = bridge + 1});
}

bool Exchange::may_preempt(const Topology::Bridge& bridge, std::uint32_t by, std::uint32_t holder,
                           const floor::Claim& claim) const {
    const auto agency_of = [&](std::uint32_t who) { return topology_->channels[plan(who).channel].agency; };
    const auto among = [](const std::vector<policy::NameId>& names, policy::NameId name) {
        return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
    };
    const auto any_or = [](policy::NameId wanted, policy::NameId is) {
        return wanted == policy::NameId::None || wanted == is;
    };
    const auto is_barred = [&](bool emergency) {
        const Topology::Barred who{agency_of(by), plan(by).role, emergency};
        return std::find(bridge.barred.begin(), bridge.barred.end(), who) != bridge.barred.end();
    };
    floor::Claim counts = claim;
    if (agency_of(by) != agency_of(holder)) {
        counts = cut_down(claim, bridge.ceilings, agency_of(by));
        if (counts <= arbiter_.claim(holder)) return false;
    }
    return std::any_of(bridge.preemption.begin(), bridge.preemption.end(),
                       [&](const Topology::Preemption& rule) {
                           return (!rule.emergency || counts.level == floor::Class::Emergency) &&
                                  among(rule.roles, plan(by).role) && any_or(rule.agency, agency_of(by)) &&
                                  any_or(rule.over_agency, agency_of(holder)) &&
                                  among(rule.over_roles, plan(holder).role) && !is_barred(rule.emergency);
                       });
}

// Does what the arbiter decided, until it has nothing more to say.
void Exchange::act(core::Time now) {
    do {
        carry_out(now);
        follow_queue(now);
        const auto next = arbiter_.next_deadline();
        if (next && *next == core::Time::min()) arbiter_.advance(now, decisions_);
    } while (!decisions_.empty());
}

void Exchange::carry_out(core::Time now) {
    for (const floor::Decision& decision : decisions_) {
        // What it has not got yet, follow_queue() may still take.
        if (decision.kind == floor::Decision::Kind::Skipped && home(decision.participant).came_up) continue;
        act_on(decision, now);
        cue(decision, now);
        tell(decision);
        answer_key(decision, now);
    }
    decisions_.clear();
}

void Exchange::act_on(const floor::Decision& decision, core::Time now) {
    using Kind = floor::Decision::Kind;
    ChannelState* state = decision.participant == floor::kNobody ? nullptr : &home(decision.participant);
    switch (decision.kind) {
        case Kind::Granted:
            take_up(decision, now);
            return send(Report::Kind::Granted, decision, now);
        case Kind::Denied:
            ++counters_.denied[static_cast<std::size_t>(decision.cause)];
            return send(Report::Kind::Denied, decision, now);
        case Kind::Queued:
            ++counters_.queued;
            // What was collected is for the moment of the press; it may come up before that is over.
            if (collected_for_ == decision.participant) collected_for_ = kNowhere;
            return send(Report::Kind::Queued, decision, now);
        case Kind::Withdrawn:
            return send(Report::Kind::Withdrawn, decision, now);
        case Kind::Skipped:
            return send(Report::Kind::Skipped, decision, now);
        case Kind::Joined:
            if (state->talkspurt->running()) let_hear(*state, decision.channel, now);
            state->talkspurt->arrange(now);
            return send(Report::Kind::Joined, decision, now);
        case Kind::Left:
            tell_listeners(
                *state, [&](const media::Listener& one) { return one.channel == decision.channel; }, now);
            state->talkspurt->remove_channel(decision.channel);
            return send(Report::Kind::Left, decision, now);
        case Kind::Warned:
            return send(Report::Kind::Warned, decision, now);
        case Kind::Revoked:
            ++counters_.revoked[static_cast<std::size_t>(decision.cause)];
            if (decision.cause == floor::Cause::NoPermission) note_end(decision, now);
            return send(Report::Kind::Revoked, decision, now);
        case Kind::Released:
            return end(*state, decision, now);
        case Kind::Taken:
        case Kind::Idle:
            mix(decision.channel, now);
            if (decision.kind == Kind::Taken) return send(Report::Kind::Taken, decision, now);
            if (some_wait_for_far(decision.channel)) follow_later(decision.channel);
            return send(Report::Kind::Idle, decision, now);
        case Kind::RepeatGranted:
            if (collected_for_ != decision.participant) return;
            carry_to_collected(*state, now);
            if (arbiter_.claim(decision.participant) > claimed_before_) raised(decision.participant, now);
            return;
        // Only for participants with floor messages of their own.
        case Kind::RepeatRevoked:
        case Kind::RepeatTaken:
        case Kind::RepeatIdle:
            return;
    }
}

void Exchange::take_up(const floor::Decision& granted, core::Time now) {
    const std::uint32_t channel = plan(granted.participant).channel;
    const bool is_second = channels_[channel].talker != kNowhere && duals_[channel];
    ChannelState& state = is_second ? duals_[channel]->second : channels_[channel];
    ++counters_.granted;
    // A grant out of the queue comes long after its press: the rules and bridges of now count.
    state.came_up = collected_for_ != granted.participant;
    if (state.came_up) {
        collect(granted.participant, arbiter_.claim(granted.participant), false, now);
        follow_later(plan(granted.participant).channel);
    }
    state.talker = granted.participant;
    state.number = granted.talkspurt;
    state.pressed = now;
    set_talking(place_of(state, channel), true);
    carry_to_collected(state, now);
}

// The talkspurt is to be heard where collect() has found that it may be.
void Exchange::carry_to_collected(ChannelState& state, core::Time now) {
    state.far = far_;
    set_load(state, load_of(state.talker));
    state.decide_again =
        decided_until_ == core::WallTime::max()
            ? core::Time::max()
            : now + std::chrono::duration_cast<core::Duration>(decided_until_ - core::wall_now());
}

// Who talks has claimed more: what that opens to him counts now. What Joined adds to it comes next. Who hears him
// already is told again who talks.
void Exchange::raised(std::uint32_t talker, core::Time now) {
    const auto tell_again = [&](std::uint32_t channel) {
        const floor::Decision taken{.kind = floor::Decision::Kind::Taken,
                                    .participant = talker,
                                    .channel = channel,
                                    .beside = arbiter_.beside(channel) == talker};
        tell(taken);
        answer_key(taken, now);
    };
    tell_again(plan(talker).channel);
    for (const Far& far : far_)
        if (arbiter_.holds(talker, far.channel)) tell_again(far.channel);
    Report more = report(Report::Kind::Raised, now);
    more.endpoint = talker;
    more.talkspurt = home(talker).number;
    more.priority = arbiter_.claim(talker).priority;
    more.emergency = arbiter_.claim(talker).level == floor::Class::Emergency;
    more.claimed = arbiter_.claim(talker).level;
    send(more);
}

void Exchange::begin(ChannelState& state, media::Endpoint& from, const media::Packet& first, core::Time now) {
    const std::uint32_t who = from.index();
    state.talkspurt->start(from, first, now, state.number);
    let_hear(state, plan(who).channel, now);
    for (const Far& far : state.far) let_hear(state, far.channel, now);
    state.talkspurt->arrange(now);
    state.wishes_at = now;
    ++counters_.talkspurts;
    Report started = report(Report::Kind::Started, now);
    started.endpoint = who;
    started.channel = plan(who).channel;
    started.talkspurt = state.number;
    send(started);
}

void Exchange::end(ChannelState& state, const floor::Decision& decision, core::Time now) {
    Report released = report(Report::Kind::Released, now);
    released.endpoint = decision.participant;
    released.channel = decision.channel;
    released.cause = decision.cause;
    released.talkspurt = decision.talkspurt;
    if (state.talkspurt->running() && state.number == decision.talkspurt) {
        tell_listeners(
            state, [](const media::Listener&) { return true; }, now);
        state.talkspurt->finish();
        unseat(state);
        const media::Talkspurt::Numbers& numbers = state.talkspurt->numbers();
        released.numbers = {.packets_received = numbers.packets_received,
                            .packets_lost = numbers.packets_lost,
                            .frames_concealed = numbers.frames_concealed,
                            .frames_recovered = numbers.frames_recovered,
                            .delay_p99 = state.talkspurt->delays().quantile(0.99)};
        if (numbers.first_sent) {
            released.numbers.access_time =
                std::chrono::duration_cast<std::chrono::milliseconds>(*numbers.first_sent - state.pressed);
            access_times_.add(*numbers.first_sent - state.pressed);
        }
        counters_.concealed += numbers.frames_concealed;
    }
    state.talker = kNowhere;
    state.came_up = false;
    state.decide_again = core::Time::max();
    set_load(state, 0);
    set_talking(place_of(state, plan(decision.participant).channel), false);
    note_end(decision, now);
    send(released);
}

void Exchange::set_talking(std::uint32_t place, bool talking) {
    const auto found = std::find(talking_.begin(), talking_.end(), place);
    if (talking && found == talking_.end()) talking_.push_back(place);
    if (talking || found == talking_.end()) return;
    *found = talking_.back();
    talking_.pop_back();
}

void Exchange::left(media::Endpoint& from, core::Time now) {
    arbiter_.release(from.index(), now, decisions_);
    act(now);
}

void Exchange::advance(core::Time now) {
    say_unsaid();
    arbiter_.advance(now, decisions_);
    act(now);
    for (std::size_t i = talking_.size(); i-- > 0;) {
        if (i >= talking_.size()) continue;  // some have ended meanwhile
        const std::uint32_t channel = channel_at(talking_[i]);
        ChannelState& state = talk_at(talking_[i]);
        if (state.talkspurt->running()) {
            state.talkspurt->advance(now);
            if (now >= state.wishes_at) {
                state.wishes_at = now + kWishes;
                for (const media::Listener& one : state.talkspurt->listeners())
                    wish_to_send(*one.endpoint, now);
            }
        }
        if (now >= state.decide_again) decide_again(channel, now);
    }
    for (const std::uint32_t channel : mixing_) tend_sum(*duals_[channel], now);
    if (told_ != done_) tell_done(done_, now);
    while (const auto due = keys_.earliest()) {
        if (due->when > now) break;
        tend_key(due->owner, now);
    }
    tones_.advance(
        now, path_.outbox, [&](std::uint32_t endpoint) { follow_channel(endpoint, now); },
        [&](std::uint32_t endpoint) { set_listening(endpoint, true, now); });
}

std::optional<core::Time> Exchange::next_deadline() {
    std::optional<core::Time> next = arbiter_.next_deadline();
    const auto sooner = [&](std::optional<core::Time> other) {
        if (other && (!next || *other < *next)) next = other;
    };
    for (const std::uint32_t place : talking_) {
        const ChannelState& state = talk_at(place);
        if (!state.talkspurt->running()) continue;
        sooner(state.talkspurt->deadline());
        if (state.decide_again != core::Time::max()) sooner(state.decide_again);
    }
    for (const std::uint32_t channel : mixing_) sooner(duals_[channel]->mixer->deadline());
    sooner(tones_.next_deadline());
    if (const auto due = keys_.earliest()) sooner(due->when);
    return next;
}

Report Exchange::report(Report::Kind kind, core::Time now) const {
    Report made;
    made.kind = kind;
    made.at = now == core::Time{} ? core::monotonic_now() : now;
    return made;
}

bool Exchange::send(const Report& made) {
    const bool taken = reports_.push(made);
    if (!taken) ++counters_.reports_lost;
    reported_.notify();
    return taken;
}

// Through which bridges this press could be heard, or take the floor: control may have opened or closed some meanwhile.
void Exchange::list_open(Report& made) const {
    for (const std::uint32_t bridge : topology_->channels[made.channel].bridges) {
        if (!open_[bridge]) continue;
        if (made.listed_count < Report::kListed) made.listed[made.listed_count++] = bridge;
        ++made.position;
    }
}

void Exchange::send(Report::Kind kind, const floor::Decision& decision, core::Time now) {
    Report made = report(kind, now);
    made.endpoint = decision.participant;
    made.other = decision.by;
    made.channel = decision.channel;
    made.cause = decision.cause;
    made.position = decision.position;
    made.left = decision.left;
    made.talkspurt = decision.talkspurt;
    made.beside = decision.beside;
    if (decision.participant != floor::kNobody) {
        made.priority = arbiter_.claim(decision.participant).priority;
        made.emergency = arbiter_.claim(decision.participant).level == floor::Class::Emergency;
    }
    if (kind == Report::Kind::Granted || kind == Report::Kind::Denied) list_open(made);
    send(made);
}

}  // namespace crosspatch::bridge
