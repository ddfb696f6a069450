#include <cassert>
#include <utility>

#include "src/floor/machine.hpp"

// A talkspurt begins, is heard, loses a channel, ends.
namespace crosspatch::floor {
using Kind = Decision::Kind;
using State = ParticipantState;
using std::chrono::ceil;
using std::chrono::milliseconds;

Verdict Arbiter::Machine::media(Participant who, core::Time now, bool dtx) {
    Member& m = member(who);
    switch (m.state) {
        case State::Silent:
            return Verdict::NeedsRequest;
        case State::Queued:
            return Verdict::Drop;
        case State::Revoking:
            if (now >= m.stage_at) return Verdict::Drop;  // the grace is over, whenever advance() comes to it
            [[fallthrough]];
        case State::Talking:
            m.lease_end = now + (dtx ? m.dtx_lease : m.lease);
            if (!m.heard) first_word(who, now);
            if (m.lease_end < people_.when(who)) arm(who);  // rare: a short lease after a long one
            return Verdict::Pass;
        case State::Refused:
        case State::Trailing:
            if (now >= m.lease_end) {
                fall_silent(m, State::Silent, now);
                return Verdict::NeedsRequest;
            }
            m.lease_end = now + (dtx ? m.dtx_lease : m.lease);
            if (m.lease_end < people_.when(who)) arm(who);
            return Verdict::Drop;
    }
    return Verdict::Drop;
}

// T2 runs from the first packet, and a Granted that was heard need not be told again.
void Arbiter::Machine::first_word(Participant who, core::Time now) {
    Member& m = member(who);
    m.heard = true;
    m.repeat_at = m.state == State::Revoking ? m.repeat_at : kNever;
    if (m.state == State::Talking) {
        m.limit_at = now + m.max_talk;
        m.stage_at = m.limit_at - m.warn;
    }
    arm(who);
}

// The press takes every channel that it can have now; the others it waits for while it talks.
void Arbiter::Machine::grant(Participant who, bool from_queue, core::Time now, Decisions& out) {
    Member& m = member(who);
    for (StakeIndex at = m.first; at != kNoStake; at = table_.stake(at).next)
        if (table_.stake(at).place == Stake::Place::Waiting) table_.step_out(at);
    m.stop_timers();
    m.from_queue = from_queue;
    take_all(who, now, out);
    m.state = State::Talking;
    m.wait = false;
    m.told = 0;
    m.since = now;
    m.lease_end = now + (from_queue ? core::Duration{timers_.unanswered} : m.lease);
    // Without floor messages the press is its first packet.
    if (m.signal != Signal::Explicit) first_word(who, now);
    if (m.signal == Signal::Explicit && timers_.repeats > 0) m.repeat_at = now + timers_.repeat;
    auto granted = about(who, Kind::Granted);
    granted.left = ceil<milliseconds>(m.max_talk);
    granted.beside = table_.stake(m.first).beside;
    out.add(granted);
    for (StakeIndex at = table_.stake(m.first).next; at != kNoStake; at = table_.stake(at).next) {
        if (table_.stake(at).place == Stake::Place::Held) continue;
        table_.line_up(at);
        auto skipped = about(who, Kind::Skipped);
        skipped.channel = table_.stake(at).channel;
        out.add(skipped);
    }
    arm(who);
}

// Who is at home on one of the channels is cut off first: nobody leaves a channel only to lose its talkspurt
// next.
void Arbiter::Machine::take_all(Participant who, core::Time now, Decisions& out) {
    const StakeIndex own = member(who).first;
    for (const bool homes : {true, false}) {
        for (StakeIndex at = own; at != kNoStake; at = table_.stake(at).next) {
            const Stake& s = table_.stake(at);
            const Floor& f = table_.floor(s.channel);
            const Participant talker = f.may_be_joined() ? f.beside : f.holder;
            if (s.place == Stake::Place::Held) continue;
            if (homes && (talker == kNobody || member(talker).own != s.channel)) continue;
            if (at == own || offer_of(s, now) != Offer::Busy) take(at, now, out);
        }
    }
}

void Arbiter::Machine::take(StakeIndex index, core::Time now, Decisions& out) {
    Stake& s = table_.stake(index);
    Floor& f = table_.floor(s.channel);
    if (s.place == Stake::Place::Waiting) table_.step_out(index);
    s.front = false;
    if (f.may_be_joined()) {
        if (f.beside != kNobody) evict(s.channel, f.beside, s.who, now, out);
        s.place = Stake::Place::Held;
        s.beside = true;
        f.beside = s.who;
        f.beside_since = now;
        return announce_later(s.channel);
    }
    while (f.holder != kNobody) evict(s.channel, f.holder, s.who, now, out);
    s.place = Stake::Place::Held;
    f.holder = s.who;
    f.since = now;
    f.hang_end = core::Time::min();
    announce_later(s.channel);
}

// Pre-emption: who is at home on the channel loses its talkspurt, who is only heard there loses the channel.
void Arbiter::Machine::evict(ChannelIndex channel, Participant talker, Participant by, core::Time now,
                             Decisions& out) {
    const Member& m = member(talker);
    if (m.own == channel) return cut(talker, Cause::PreEmpted, by, now, out);
    const StakeIndex index = table_.find(talker, channel);
    let_go(index, false, now);
    if (m.state == State::Talking)
        table_.line_up(index);  // and it may join again
    else
        table_.drop(index);
    auto left = about(talker, Kind::Left);
    left.channel = channel;
    left.cause = Cause::PreEmpted;
    left.by = by;
    out.add(left);
}

void Arbiter::Machine::let_go(StakeIndex index, bool keep_for_answer, core::Time now) {
    Stake& s = table_.stake(index);
    assert(s.place == Stake::Place::Held);
    Floor& f = table_.floor(s.channel);
    const Member& m = member(s.who);
    s.place = Stake::Place::Parked;
    offer_later(s.channel);
    announce_later(s.channel);
    if (s.beside) {
        s.beside = false;
        f.beside = kNobody;
        return;
    }
    if (f.beside != kNobody) return move_up(s.channel);
    f.holder = kNobody;
    f.since = now;
    if (keep_for_answer && f.settings.hang.count() > 0) {
        f.hang_end = now + f.settings.hang;
        f.last_claim = m.claim;
        f.last_conversation = s.conversation;
        f.last_talkspurt = m.talkspurt;
    }
    arm_channel(s.channel);
}

// The holder has let go: who talked beside him has the floor alone.
void Arbiter::Machine::move_up(ChannelIndex channel) {
    Floor& f = table_.floor(channel);
    table_.stake(table_.find(f.beside, channel)).beside = false;
    f.holder = std::exchange(f.beside, kNobody);
    f.since = f.beside_since;
}

void Arbiter::Machine::revoke_with_grace(Participant who, Cause cause, Participant by, core::Time until,
                                         core::Time now, Decisions& out) {
    Member& m = member(who);
    assert(m.state == State::Talking);
    m.state = State::Revoking;
    m.revoke_cause = cause;
    m.stage_at = until;
    m.repeat_at = m.signal == Signal::Explicit ? now + timers_.repeat : kNever;
    for (StakeIndex at = m.first; at != kNoStake;) {  // what it has not got it will not get any more
        const StakeIndex next = table_.stake(at).next;
        if (table_.stake(at).place != Stake::Place::Held) table_.drop(at);
        at = next;
    }
    auto revoked = about(who, Kind::Revoked);
    revoked.cause = cause;
    revoked.by = by;
    revoked.left = ceil<milliseconds>(std::max(until - now, core::Duration::zero()));
    out.add(revoked);
    arm(who);
}

// Ends a talkspurt with its audio, now.
void Arbiter::Machine::cut(Participant who, Cause cause, Participant by, core::Time now, Decisions& out) {
    Member& m = member(who);
    auto revoked = about(who, Kind::Revoked);
    revoked.cause = cause;
    revoked.by = by;
    out.add(revoked);
    m.revoke_cause = cause;
    finish(who, cause, now, out);
    if (m.state != State::Refused || m.signal != Signal::Explicit || timers_.repeats == 0) return;
    m.told = 0;  // an endpoint that goes on has not heard it
    m.repeat_at = now + timers_.repeat;
    arm(who);
}

void Arbiter::Machine::finish(Participant who, Cause cause, core::Time now, Decisions& out) {
    Member& m = member(who);
    assert(m.has_floor());
    const bool for_answer = m.heard && (cause == Cause::TalkerReleased || cause == Cause::Silence ||
                                        cause == Cause::Timeout || cause == Cause::TalkLimit);
    while (m.first != kNoStake) {
        const StakeIndex at = m.first;
        if (table_.stake(at).place == Stake::Place::Held) let_go(at, for_answer, now);
        table_.drop(at);
    }
    auto released = about(who, Kind::Released);
    released.cause = cause;
    out.add(released);
    if (cause == Cause::TalkLimit || cause == Cause::NoPermission) {  // T9
        m.cooldown_end = now + m.cooldown;
        m.cooldown_level = m.claim.level;
    }
    const bool silent = cause == Cause::Silence || cause == Cause::Timeout || cause == Cause::Unanswered;
    fall_silent(m,
                silent                           ? State::Silent
                : cause == Cause::TalkerReleased ? State::Trailing
                                                 : State::Refused,
                now);
    arm(who);
}

// Refused and Trailing last until the lease of the last packet has run out; what comes before belongs to the
// old press.
void Arbiter::Machine::fall_silent(Member& m, ParticipantState into, core::Time now) {
    const core::Time silent_at = m.heard ? m.lease_end : std::min(m.lease_end, now + m.lease);
    m.stop_timers();
    const bool at_once = into == State::Silent || now >= silent_at;
    m.state = at_once ? State::Silent : into;
    if (!at_once) m.lease_end = silent_at;
}

}  // namespace crosspatch::floor
