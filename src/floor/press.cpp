#include <cassert>

#include "src/floor/machine.hpp"

// A press comes. TS 24.380 sections 5 and 6 of the sheet: Request in each state.
namespace crosspatch::floor {
using Kind = Decision::Kind;
using State = ParticipantState;

Answer Arbiter::Machine::request(const Request& request, core::Time now, Decisions& out) {
    begin(now, out);
    if (ignored(request, now)) return Answer::Ignored;
    const Answer answer = answer_press(request, now, out);
    arm(request.participant);
    settle(now, out);
    return answer;
}

Answer Arbiter::Machine::deny(const Request& request, Cause cause, core::Time now, Decisions& out) {
    begin(now, out);
    Member& m = member(request.participant);
    if (m.has_floor() || ignored(request, now)) return Answer::Ignored;
    drop_stakes(request.participant);
    begin_press(request, m.state == State::Queued, now);
    const Answer answer = refuse(request.participant, cause, now, out);
    arm(request.participant);
    settle(now, out);
    return answer;
}

// Contract, Floor, and T10: the same press again, or too many.
bool Arbiter::Machine::ignored(const Request& request, core::Time now) {
    Member& m = member(request.participant);
    if (is_same_press(m, request, now)) return true;
    if (!flooded(m, request.claim.level, now)) return false;
    if (request.signal != Signal::Explicit && (m.state == State::Silent || m.state == State::Trailing)) {
        m.state = State::Refused;  // or its next packet would be let in, in mid-word
        m.signal = request.signal;
        m.claim = request.claim;
        m.lease_end = now + m.lease;
        arm(request.participant);
    }
    return true;
}

// T10: a device that asks without end is not answered. A higher class than it has asked for in this second
// is.
bool Arbiter::Machine::flooded(Member& m, Class level, core::Time now) {
    if (timers_.requests_per_second == 0) return false;
    if (now >= m.window_end || level > m.window_level) {
        m.window_end = now + std::chrono::seconds{1};
        m.window_level = level;
        m.window_count = 0;
    }
    if (m.window_count >= timers_.requests_per_second) return true;
    ++m.window_count;
    return false;
}

Answer Arbiter::Machine::answer_press(const Request& request, core::Time now, Decisions& out) {
    const Participant who = request.participant;
    Member& m = member(who);
    if (m.state == State::Talking && m.own == request.own.channel) return raise(request, now, out);
    if (m.state == State::Revoking && request.claim.level <= m.claim.level) {
        auto denied = about(who, Kind::Denied);
        denied.cause = m.revoke_cause == Cause::TalkLimit ? Cause::RetryAfter : Cause::AnotherTalks;
        denied.talkspurt = next_press();  // its talkspurt is not over yet
        out.add(denied);
        return Answer::Denied;
    }
    if (m.has_floor())
        finish(who, m.state == State::Revoking ? m.revoke_cause : Cause::TalkerReleased, now, out);
    const bool was_queued = m.state == State::Queued && m.own == request.own.channel;
    if (m.state == State::Queued && !was_queued) withdraw(who, Cause::TalkerReleased, now, out);
    drop_stakes(who);
    begin_press(request, was_queued, now);
    if (const Cause cause = refusal(m, request, now); cause != Cause::None)
        return refuse(who, cause, now, out);
    if (!take_stakes(request)) return refuse(who, Cause::NoResources, now, out);
    return place(who, now, out);
}

// Who holds the floor asks again: a lost Granted is told again, a higher claim counts from now on, and takes
// what it can.
Answer Arbiter::Machine::raise(const Request& request, core::Time now, Decisions& out) {
    const Participant who = request.participant;
    Member& m = member(who);
    table_.stake(m.first).may_preempt = request.own.may_preempt;
    const bool higher = request.claim > m.claim;
    if (higher) m.claim = request.claim;
    auto granted = about(who, Kind::RepeatGranted);
    granted.beside = table_.stake(m.first).beside;
    granted.left = std::chrono::ceil<std::chrono::milliseconds>(m.heard ? m.limit_at - now : m.max_talk);
    out.add(granted);
    replace_far(who, request.far, higher, now, out);
    return Answer::Granted;
}

void Arbiter::Machine::begin_press(const Request& request, bool was_queued, core::Time now) {
    Member& m = member(request.participant);
    const Settings& settings = table_.floor(request.own.channel).settings;
    m.signal = request.signal;
    m.claim = request.claim;
    m.own = request.own.channel;
    const bool waits = request.when_busy == WhenBusy::Wait && request.signal == Signal::Explicit;
    m.wait = waits && (!was_queued || m.wait);  // asking again does not begin the patience anew
    if (!m.wait) m.patience_at = kNever;
    m.lease = settings.lease;
    m.dtx_lease = settings.dtx_lease;
    m.max_talk = settings.max_talk;
    if (request.max_talk > core::Duration::zero())
        m.max_talk = std::min(m.max_talk, core::Duration{request.max_talk});
    m.warn = std::min(core::Duration{settings.warn}, m.max_talk / 2);
    m.grace = settings.grace;
    m.cooldown = settings.cooldown;
    m.warned = m.heard = m.from_queue = false;
    m.revoke_cause = Cause::None;
    if (was_queued) return;
    m.aged = false;
    m.stop_timers();
    m.since = now;
    m.talkspurt = next_press();
}

// One stake for each channel, the own one first; all or none.
bool Arbiter::Machine::take_stakes(const Request& request) {
    const std::uint32_t mark = table_.new_mark();
    std::size_t far = 0;
    table_.floor(request.own.channel).mark = mark;
    bool enough = table_.add(request.participant, request.own) != kNoStake;
    for (const Target& target : request.far) {
        Floor& f = table_.floor(target.channel);
        if (f.mark == mark) continue;
        f.mark = mark;
        if (!enough || ++far > kMaxFar) {
            enough = false;
            break;
        }
        enough = table_.add(request.participant, target) != kNoStake;
    }
    if (!enough) drop_stakes(request.participant);
    return enough;
}

Answer Arbiter::Machine::place(Participant who, core::Time now, Decisions& out) {
    Member& m = member(who);
    switch (offer_of(table_.stake(m.first), now)) {
        case Offer::Busy:
            return queue_or_refuse(who, now, out);
        case Offer::AfterGrace:
            if (!make_room(who, true, now, out)) return refuse(who, Cause::QueueFull, now, out);
            interrupt(who, now, out);
            return enqueue(who, now, out);
        case Offer::Free:
        case Offer::CutIn:
        case Offer::Beside:
            break;
    }
    if (m.wait && !all_far_offered(m, now) && make_room(who, false, now, out)) return enqueue(who, now, out);
    grant(who, false, now, out);
    return Answer::Granted;
}

// Tells the own channel's talker to stop; the press is then the first to follow.
void Arbiter::Machine::interrupt(Participant who, core::Time now, Decisions& out) {
    const Member& m = member(who);
    const Participant talker = table_.floor(m.own).holder;
    if (const Member& old = member(talker); old.state == State::Talking)
        revoke_with_grace(talker, Cause::PreEmpted, who, now + old.grace, now, out);
    table_.stake(m.first).front = true;
}

Answer Arbiter::Machine::queue_or_refuse(Participant who, core::Time now, Decisions& out) {
    const Member& m = member(who);
    if (m.signal != Signal::Explicit || table_.floor(m.own).settings.queue == 0)
        return refuse(who, Cause::AnotherTalks, now, out);
    if (!make_room(who, false, now, out)) return refuse(who, Cause::QueueFull, now, out);
    return enqueue(who, now, out);
}

// Whether the own channel's queue takes one more. A full one lets its last go for a higher class, and for a
// pre-emptor: TS 24.380 puts that in front, however long the queue; there is a place for one even where
// nobody else may wait.
bool Arbiter::Machine::make_room(Participant who, bool in_front, core::Time now, Decisions& out) {
    const Floor& f = table_.floor(member(who).own);
    if (f.queued < f.settings.queue || (in_front && f.queued == 0)) return true;
    StakeIndex last = f.line_end;
    while (last != kNoStake && !table_.is_own(table_.stake(last))) last = table_.stake(last).ahead;
    if (last == kNoStake) return false;
    const Stake& s = table_.stake(last);
    const Participant loser = s.who;
    if (member(loser).claim.level >= member(who).claim.level && (!in_front || s.front)) return false;
    refuse(loser, Cause::QueueFull, now, out);
    arm(loser);
    return true;
}

Answer Arbiter::Machine::enqueue(Participant who, core::Time now, Decisions& out) {
    Member& m = member(who);
    if (m.state != State::Queued) {
        m.stage_at = now + timers_.ageing;
        m.patience_at = m.wait ? now + timers_.patience : kNever;
        m.state = State::Queued;
    }
    for (StakeIndex at = m.first; at != kNoStake; at = table_.stake(at).next)
        if (at == m.first || m.wait) table_.line_up(at);
    auto queued = about(who, Kind::Queued);
    queued.position = table_.position(m.first);
    out.add(queued);
    return Answer::Queued;
}

Answer Arbiter::Machine::refuse(Participant who, Cause cause, core::Time now, Decisions& out) {
    Member& m = member(who);
    drop_stakes(who);
    m.stop_timers();
    auto denied = about(who, Kind::Denied);
    denied.cause = cause;
    if (cause == Cause::AnotherTalks) denied.by = table_.floor(m.own).holder;
    if (cause == Cause::RetryAfter)
        denied.left = std::chrono::ceil<std::chrono::milliseconds>(m.cooldown_end - now);
    out.add(denied);
    if (m.signal == Signal::Explicit) {
        m.state = State::Silent;
    } else {
        m.lease_end = now + m.lease;
        m.state = State::Refused;
    }
    return Answer::Denied;
}

void Arbiter::Machine::withdraw(Participant who, Cause cause, core::Time, Decisions& out) {
    Member& m = member(who);
    assert(m.state == State::Queued);
    drop_stakes(who);
    m.stop_timers();
    m.state = State::Silent;
    auto withdrawn = about(who, Kind::Withdrawn);
    withdrawn.cause = cause;
    out.add(withdrawn);
    arm(who);
}

void Arbiter::Machine::drop_stakes(Participant who) {
    while (member(who).first != kNoStake) table_.drop(member(who).first);
}

}  // namespace crosspatch::floor
