#include "src/floor/machine.hpp"

// What may be had. Nothing here changes a floor.
namespace crosspatch::floor {

// Contract, Floor: the floor is kept for an answer from the same bridge; emergencies and higher claims are
// excepted.
bool Arbiter::Machine::hang_admits(const Stake& stake, core::Time now) const {
    const Floor& f = table_.floor(stake.channel);
    if (now >= f.hang_end) return true;
    const Member& m = member(stake.who);
    if (stake.channel == m.own)
        return true;  // who is at home on the channel is on every bridge that it is on
    if (m.claim.level == Class::Emergency || m.claim > f.last_claim) return true;
    if (stake.conversation != 0 && stake.conversation == f.last_conversation) return true;
    return table_.floor(m.own).last_talkspurt ==
           f.last_talkspurt;  // the own channel heard what is to be answered
}

// Whether somebody waits who may not be overtaken by pre-emption either: one of a higher class, or one with
// an equal or better claim who has had this channel's talker revoked.
bool Arbiter::Machine::is_claimed_in_front(const Stake& stake) const {
    const Member& m = member(stake.who);
    const StakeIndex head = table_.floor(stake.channel).line;
    if (head != kNoStake && member(table_.stake(head).who).claim.level > m.claim.level) return true;
    for (StakeIndex at = table_.floor(stake.channel).line; at != kNoStake; at = table_.stake(at).behind) {
        const Stake& other = table_.stake(at);
        if (other.front && other.who != stake.who && member(other.who).claim >= m.claim) return true;
    }
    return false;
}

Arbiter::Machine::Offer Arbiter::Machine::offer_of(const Stake& stake, core::Time now) const {
    const Floor& f = table_.floor(stake.channel);
    if (f.holder == kNobody) {
        // Freed a moment ago and not yet offered: the line comes first.
        const bool overtakes = f.offering && f.line != kNoStake && table_.stake(f.line).who != stake.who &&
                               table_.before(table_.stake(f.line), stake);
        return overtakes || !hang_admits(stake, now) ? Offer::Busy : Offer::Free;
    }
    if (f.may_be_joined()) return offer_beside(stake);
    const Member& m = member(stake.who);
    const Member& talker = member(f.holder);
    if (!stake.may_preempt || m.claim <= talker.claim) return Offer::Busy;  // equal never pre-empts
    // A grace is given only where the new talker waits for it and the old one can be told; a far channel
    // would lose the new talker's first words, and TS 24.380 lets T3 be 0 with audio cut-in.
    const bool same_home = stake.channel == m.own && stake.channel == talker.own;
    const bool both_told = m.signal == Signal::Explicit && talker.signal == Signal::Explicit;
    if (same_home && both_told && m.claim.level != Class::Emergency && talker.grace > core::Duration::zero())
        return Offer::AfterGrace;
    return is_claimed_in_front(stake) ? Offer::Busy : Offer::CutIn;
}

// TS 24.380, dual floor: the holder goes on, and who overrides him already is overridden only by a higher claim still.
Arbiter::Machine::Offer Arbiter::Machine::offer_beside(const Stake& stake) const {
    const Floor& f = table_.floor(stake.channel);
    const Member& m = member(stake.who);
    if (!stake.may_preempt || m.claim <= member(f.holder).claim) return Offer::Busy;
    if (f.beside != kNobody && m.claim <= member(f.beside).claim) return Offer::Busy;
    return is_claimed_in_front(stake) ? Offer::Busy : Offer::Beside;
}

bool Arbiter::Machine::all_far_offered(const Member& m, core::Time now) const {
    for (StakeIndex at = table_.stake(m.first).next; at != kNoStake; at = table_.stake(at).next)
        if (offer_of(table_.stake(at), now) == Offer::Busy) return false;
    return true;
}

bool Arbiter::Machine::can_start(const Member& m, core::Time now) const {
    const Offer own = offer_of(table_.stake(m.first), now);
    if (own == Offer::Busy || own == Offer::AfterGrace) return false;
    return !m.wait || all_far_offered(m, now);
}

Cause Arbiter::Machine::refusal(const Member& m, const Request& request, core::Time now) const {
    if (m.standing == Standing::Disabled) return Cause::Disabled;
    if (m.standing == Standing::ReceiveOnly) return Cause::ReceiveOnly;
    // T9 holds up the class that ran into the limit, not one above: a guard in danger is heard.
    if (now < m.cooldown_end && request.claim.level <= m.cooldown_level) return Cause::RetryAfter;
    return Cause::None;
}

// What it means that no media comes. Who presses with packets lets go by sending none; who has a key or words for that,
// and falls silent without them, is a dead talker.
Cause Arbiter::Machine::silence_of(const Member& m) const {
    if (m.from_queue && !m.heard) return Cause::Unanswered;
    return m.signal == Signal::Media || m.signal == Signal::Vox ? Cause::Silence : Cause::Timeout;
}

// Contract, Floor: a press that was refused for its packets stays refused until it falls silent. A higher class
// is a new act of the talker, not the same press, and so is a key that goes down again.
bool Arbiter::Machine::is_same_press(const Member& m, const Request& request, core::Time now) const {
    const bool by_packets = request.signal == Signal::Media || request.signal == Signal::Vox;
    return m.state == ParticipantState::Refused && by_packets && now < m.lease_end &&
           request.claim.level <= m.claim.level;
}

}  // namespace crosspatch::floor
