#include <cassert>

#include "src/floor/machine.hpp"

// What the caller changes under a running press: its end, its right to talk, its far channels, what goes
// away.
namespace crosspatch::floor {
using Kind = Decision::Kind;
using State = ParticipantState;

void Arbiter::Machine::release(Participant who, core::Time now, Decisions& out) {
    begin(now, out);
    Member& m = member(who);
    switch (m.state) {
        case State::Talking:
            finish(who, Cause::TalkerReleased, now, out);
            break;
        case State::Revoking: {
            const Cause cause = m.revoke_cause;
            finish(who, cause, now, out);
            if (m.state == State::Refused)
                m.state = State::Trailing;  // it has let go: the next press is a new one
            break;
        }
        case State::Queued:
            withdraw(who, Cause::TalkerReleased, now, out);
            break;
        case State::Refused:
            m.state = State::Trailing;
            m.repeat_at = kNever;
            break;
        case State::Silent:
        case State::Trailing:
            break;
    }
    arm(who);
    settle(now, out);
}

// Whatever the press is, it is over, and the caller's doing.
void Arbiter::Machine::end_press(Participant who, Cause cause, core::Time now, Decisions& out) {
    if (member(who).has_floor())
        cut(who, cause, kNobody, now, out);
    else if (member(who).state == State::Queued)
        withdraw(who, cause, now, out);
}

void Arbiter::Machine::revoke(Participant who, Cause cause, core::Time now, Decisions& out) {
    begin(now, out);
    end_press(who, cause, now, out);
    settle(now, out);
}

void Arbiter::Machine::trespass(Participant who, core::Time now, Decisions& out) {
    begin(now, out);
    Member& m = member(who);
    if (m.state != State::Silent) return settle(now, out);
    m.state = State::Refused;
    m.signal = Signal::Explicit;
    m.lease_end = now + m.lease;  // of its last press, or the default
    m.revoke_cause = Cause::NoPermission;
    m.told = 0;
    m.repeat_at = timers_.repeats > 0 ? now + timers_.repeat : kNever;
    m.talkspurt = next_press();
    auto revoked = about(who, Kind::Revoked);
    revoked.cause = Cause::NoPermission;
    out.add(revoked);
    arm(who);
    settle(now, out);
}

void Arbiter::Machine::acknowledge(Participant who) {
    member(who).repeat_at = kNever;
    arm(who);
}

void Arbiter::Machine::set_standing(Participant who, Standing standing, core::Time now, Decisions& out) {
    begin(now, out);
    Member& m = member(who);
    m.standing = standing;
    if (standing != Standing::MayTalk) {
        if (m.has_floor()) cut(who, Cause::NoPermission, kNobody, now, out);
        if (m.state == State::Queued)
            refuse(who, standing == Standing::Disabled ? Cause::Disabled : Cause::ReceiveOnly, now, out);
        arm(who);
    }
    settle(now, out);
}

void Arbiter::Machine::retarget(Participant who, std::span<const Target> far, core::Time now,
                                Decisions& out) {
    begin(now, out);
    Member& m = member(who);
    if (m.state == State::Talking || m.state == State::Queued) {
        replace_far(who, far, false, now, out);
        if (m.state == State::Queued && m.wait) offer_later(m.own);  // what it waited for may be gone
    } else if (m.state == State::Revoking) {
        drop_far(who, far, now, out);  // its grace is for those whom it may still reach
    }
    settle(now, out);
}

void Arbiter::Machine::reach(Participant who, std::span<const Target> far, core::Time now, Decisions& out) {
    begin(now, out);
    if (member(who).state == State::Talking) replace_far(who, far, true, now, out);
    settle(now, out);
}

// Makes `far` the far channels: what is not in it leaves, what is new is asked for.
void Arbiter::Machine::replace_far(Participant who, std::span<const Target> far, bool preempt, core::Time now,
                                   Decisions& out) {
    drop_far(who, far, now, out);
    add_far(who, far, out);
    take_far(who, preempt, now, out);
}

void Arbiter::Machine::drop_far(Participant who, std::span<const Target> far, core::Time now,
                                Decisions& out) {
    const Member& m = member(who);
    const std::uint32_t wanted = table_.new_mark();
    for (const Target& target : far) table_.floor(target.channel).mark = wanted;
    for (StakeIndex at = table_.stake(m.first).next; at != kNoStake;) {
        const StakeIndex next = table_.stake(at).next;
        if (table_.floor(table_.stake(at).channel).mark != wanted)
            leave_stake(at, Cause::BridgeClosed, now, out);
        at = next;
    }
}

// A parked stake for each channel that the press has none for; the others take over what the target says.
void Arbiter::Machine::add_far(Participant who, std::span<const Target> far, Decisions& out) {
    const Member& m = member(who);
    const std::uint32_t known = table_.new_mark();
    std::size_t count = 0;
    for (StakeIndex at = m.first; at != kNoStake; at = table_.stake(at).next, ++count)
        table_.floor(table_.stake(at).channel).mark = known;
    for (const Target& target : far) {
        Floor& f = table_.floor(target.channel);
        if (f.mark == known) {
            if (target.channel == m.own) continue;
            Stake& s = table_.stake(table_.find(who, target.channel));
            s.may_preempt = target.may_preempt;
            s.conversation = target.conversation;
            continue;
        }
        f.mark = known;
        if (count <= kMaxFar && table_.add(who, target) != kNoStake) {
            ++count;
            continue;
        }
        auto skipped = about(who, Kind::Skipped);  // no room: the talkspurt goes on without it
        skipped.channel = target.channel;
        skipped.cause = Cause::NoResources;
        out.add(skipped);
    }
}

// Asks for the far channels that the press does not hold: the new ones, and with `preempt` again those it
// waits for.
void Arbiter::Machine::take_far(Participant who, bool preempt, core::Time now, Decisions& out) {
    const Member& m = member(who);
    for (StakeIndex at = table_.stake(m.first).next; at != kNoStake; at = table_.stake(at).next) {
        Stake& s = table_.stake(at);
        if (s.place == Stake::Place::Held) continue;
        const bool is_new = s.place == Stake::Place::Parked;
        if (m.state == State::Queued) {
            if (is_new && m.wait) table_.line_up(at);
            continue;
        }
        if (!is_new && !preempt) continue;
        const Offer offer = offer_of(s, now);
        auto told = about(who, Kind::Joined);
        told.channel = s.channel;
        const bool may = preempt && (offer == Offer::CutIn || offer == Offer::Beside);
        if (offer == Offer::Free || may) {
            take(at, now, out);
            out.add(told);
            continue;
        }
        if (!is_new) table_.step_out(at);  // a raised claim moves it forward
        table_.line_up(at);
        told.kind = Kind::Skipped;
        if (is_new) out.add(told);
    }
}

void Arbiter::Machine::leave_stake(StakeIndex index, Cause cause, core::Time now, Decisions& out) {
    const Stake& s = table_.stake(index);
    auto left = about(s.who, Kind::Left);
    left.channel = s.channel;
    left.cause = cause;
    const bool heard_there = s.place == Stake::Place::Held;
    if (heard_there) let_go(index, false, now);
    table_.drop(index);
    if (heard_there) out.add(left);
}

void Arbiter::Machine::leave(Participant who, ChannelIndex channel, Cause cause, core::Time now,
                             Decisions& out) {
    begin(now, out);
    Member& m = member(who);
    const StakeIndex index = table_.find(who, channel);
    if (index != kNoStake && index == m.first) {
        end_press(who, cause, now, out);
    } else if (index != kNoStake) {
        leave_stake(index, cause, now, out);
        if (m.state == State::Queued && m.wait) offer_later(m.own);
    }
    settle(now, out);
}

void Arbiter::Machine::remove_channel(ChannelIndex channel, core::Time now, Decisions& out) {
    begin(now, out);
    for (Participant who = 0; who < table_.participants(); ++who) {
        const StakeIndex index = table_.find(who, channel);
        if (index == kNoStake) continue;
        if (index == member(who).first)
            end_press(who, Cause::ChannelRemoved, now, out);
        else
            leave_stake(index, Cause::ChannelRemoved, now, out);
        if (member(who).state == State::Queued && member(who).wait) offer_later(member(who).own);
    }
    Floor& f = table_.floor(channel);
    assert(f.holder == kNobody && f.beside == kNobody && f.line == kNoStake);
    f.hang_end = core::Time::min();
    f.last_talkspurt = 0;
    settle(now, out);
    arm_channel(channel);
}

void Arbiter::Machine::remove_participant(Participant who, core::Time now, Decisions& out) {
    begin(now, out);
    end_press(who, Cause::NoPermission, now, out);
    people_.set(who, kNever);
    member(who) = Member{};
    settle(now, out);
}

}  // namespace crosspatch::floor
