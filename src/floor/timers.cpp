#include <cassert>

#include "src/floor/machine.hpp"

// Deadlines. Media does not touch the heap: an entry may be earlier than what is due, and is then put off
// here.
namespace crosspatch::floor {
using Kind = Decision::Kind;
using State = ParticipantState;
using std::chrono::ceil;
using std::chrono::milliseconds;

void Arbiter::Machine::arm(Participant who) { people_.set(who, member(who).due()); }

void Arbiter::Machine::arm_channel(ChannelIndex channel) {
    const Floor& f = table_.floor(channel);
    const bool hangs = f.holder == kNobody && f.hang_end != core::Time::min();
    channels_.set(channel, std::min(f.repeat_at, hangs ? f.hang_end : kNever));
}

std::optional<core::Time> Arbiter::Machine::next_deadline() const {
    if (!offers_.empty() || !changes_.empty()) return core::Time::min();
    const auto person = people_.earliest(), channel = channels_.earliest();
    if (!person && !channel) return std::nullopt;
    return std::min(person ? person->when : kNever, channel ? channel->when : kNever);
}

void Arbiter::Machine::advance(core::Time now, Decisions& out) {
    settle(now, out);
    while (offers_.empty() && out.room() >= kStep && fire_next(now, out)) settle(now, out);
}

// One deadline, the earliest of all; false if none is due.
bool Arbiter::Machine::fire_next(core::Time now, Decisions& out) {
    const auto person = people_.earliest(), channel = channels_.earliest();
    const bool is_person = person && (!channel || person->when <= channel->when);
    const auto next = is_person ? person : channel;
    if (!next || next->when > now) return false;
    if (!is_person) {
        on_channel(next->owner, now, out);
    } else if (member(next->owner).due() > next->when) {
        arm(next->owner);  // media has come meanwhile
    } else {
        on_participant(next->owner, now, out);
    }
    return true;
}

void Arbiter::Machine::on_participant(Participant who, core::Time now, Decisions& out) {
    const Member& m = member(who);
    const core::Time due = m.due();
    if (due == m.lease_end) {
        on_silence(who, now, out);
    } else if (due == m.stage_at) {
        on_stage(who, now, out);
    } else if (due == m.patience_at) {
        on_patience(who, now, out);
    } else {
        on_repeat(who, now, out);
    }
    arm(who);
}

// T1, T132, or the end of a refused press.
void Arbiter::Machine::on_silence(Participant who, core::Time now, Decisions& out) {
    Member& m = member(who);
    switch (m.state) {
        case State::Talking:
            return finish(who, silence_of(m), now, out);
        case State::Revoking:
            return finish(who, m.revoke_cause, now, out);
        case State::Refused:
        case State::Trailing:
            return fall_silent(m, State::Silent, now);
        case State::Silent:
        case State::Queued:
            assert(false);
    }
}

void Arbiter::Machine::on_stage(Participant who, core::Time now, Decisions& out) {
    Member& m = member(who);
    switch (m.state) {
        case State::Talking:
            return on_talk_time(who, now, out);
        case State::Revoking:
            return finish(who, m.revoke_cause, now, out);  // T3
        case State::Queued: {
            m.stage_at = kNever;
            for (StakeIndex at = m.first; at != kNoStake && (at == m.first || m.wait);
                 at = table_.stake(at).next)
                table_.step_out(at);
            m.aged = true;
            for (StakeIndex at = m.first; at != kNoStake && (at == m.first || m.wait);
                 at = table_.stake(at).next)
                table_.line_up(at);
            return;
        }
        case State::Silent:
        case State::Refused:
        case State::Trailing:
            assert(false);
    }
}

// T2: warned first, then revoked. Warning, limit and grace count from the first word, however late this is.
void Arbiter::Machine::on_talk_time(Participant who, core::Time now, Decisions& out) {
    Member& m = member(who);
    if (!m.warned && m.warn > core::Duration::zero()) {
        m.warned = true;
        m.stage_at = m.limit_at;
        auto warned = about(who, Kind::Warned);
        warned.left = ceil<milliseconds>(std::max(m.limit_at - now, core::Duration::zero()));
        out.add(warned);
        return;
    }
    if (m.grace > core::Duration::zero())
        revoke_with_grace(who, Cause::TalkLimit, kNobody, m.limit_at + m.grace, now, out);
    else
        cut(who, Cause::TalkLimit, kNobody, now, out);
}

// Has waited for all far channels long enough: goes on as one that skips.
void Arbiter::Machine::on_patience(Participant who, core::Time now, Decisions& out) {
    Member& m = member(who);
    assert(m.state == State::Queued && m.wait);
    m.wait = false;
    m.patience_at = kNever;
    for (StakeIndex at = table_.stake(m.first).next; at != kNoStake; at = table_.stake(at).next)
        if (table_.stake(at).place == Stake::Place::Waiting) table_.step_out(at);
    if (can_start(m, now)) return grant(who, true, now, out);
    if (offer_of(table_.stake(m.first), now) != Offer::AfterGrace) return;
    table_.step_out(m.first);
    interrupt(who, now, out);
    table_.line_up(m.first);
}

void Arbiter::Machine::on_repeat(Participant who, core::Time now, Decisions& out) {
    Member& m = member(who);
    auto again = about(who, m.state == State::Talking ? Kind::RepeatGranted : Kind::RepeatRevoked);
    if (m.state == State::Talking) {
        again.left = ceil<milliseconds>(m.max_talk);
        again.beside = table_.stake(m.first).beside;
    } else {
        again.cause = m.revoke_cause;
        if (m.state == State::Revoking)
            again.left = ceil<milliseconds>(std::max(m.stage_at - now, core::Duration::zero()));
    }
    out.add(again);
    const bool for_ever = m.state == State::Revoking;  // until the grace ends
    ++m.told;
    m.repeat_at = for_ever || m.told < timers_.repeats ? now + timers_.repeat : kNever;
}

void Arbiter::Machine::on_channel(ChannelIndex channel, core::Time now, Decisions& out) {
    Floor& f = table_.floor(channel);
    if (now >= f.hang_end && f.hang_end != core::Time::min()) {
        f.hang_end = core::Time::min();
        if (f.holder == kNobody) offer_later(channel);
    }
    if (now >= f.repeat_at) {
        f.repeat_at = ++f.told < timers_.repeats ? now + timers_.repeat : kNever;
        out.add(Decision{.kind = f.announced == kNobody ? Kind::RepeatIdle : Kind::RepeatTaken,
                         .participant = f.announced,
                         .channel = channel,
                         .talkspurt = f.announced_talkspurt});
        if (f.announced_beside != kNobody)
            out.add(Decision{.kind = Kind::RepeatTaken,
                             .participant = f.announced_beside,
                             .channel = channel,
                             .talkspurt = f.announced_beside_talkspurt,
                             .beside = true});
    }
    arm_channel(channel);
}

}  // namespace crosspatch::floor
