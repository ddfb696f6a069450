#include <cassert>

#include "src/floor/machine.hpp"

// A floor has become free: who gets it, and who is told.
namespace crosspatch::floor {
using Kind = Decision::Kind;
using State = ParticipantState;

void Worklist::grow(std::size_t channels) {
    std::vector<ChannelIndex> ring(channels);
    for (std::size_t i = 0; i < count_; ++i) ring[i] = ring_[(first_ + i) % ring_.size()];
    ring_ = std::move(ring);
    first_ = 0;
}

void Worklist::push(ChannelIndex channel) {
    assert(count_ < ring_.size());
    std::size_t at = first_ + count_++;
    if (at >= ring_.size()) at -= ring_.size();
    ring_[at] = channel;
}

ChannelIndex Worklist::pop() {
    assert(count_ > 0);
    const ChannelIndex channel = ring_[first_];
    if (++first_ == ring_.size()) first_ = 0;
    --count_;
    return channel;
}

void Arbiter::Machine::offer_later(ChannelIndex channel) {
    Floor& f = table_.floor(channel);
    if (f.offering || f.line == kNoStake) return;
    f.offering = true;
    offers_.push(channel);
}

void Arbiter::Machine::announce_later(ChannelIndex channel) {
    Floor& f = table_.floor(channel);
    if (f.changed) return;
    f.changed = true;
    changes_.push(channel);
}

// Everything that the last step has caused, as far as there is room; `reserve` is what the next step may
// need.
void Arbiter::Machine::settle(core::Time now, Decisions& out, std::size_t reserve) {
    while (!offers_.empty() && out.room() >= reserve) {
        const ChannelIndex channel = offers_.pop();
        table_.floor(channel).offering = false;
        offer(channel, now, out);
    }
    if (!offers_.empty()) return;  // who holds what may still change: tell only how it ends
    while (!changes_.empty() && out.room() > 1) {
        const ChannelIndex channel = changes_.pop();
        table_.floor(channel).changed = false;
        announce(channel, now, out);
    }
}

// TS 24.380: Idle with a queue grants its head at once. A press that waits for more channels than this lets
// others by: it does so for `patience` at most.
void Arbiter::Machine::offer(ChannelIndex channel, core::Time now, Decisions& out) {
    for (StakeIndex at = table_.floor(channel).line; at != kNoStake;) {
        const Floor& f = table_.floor(channel);
        if (f.holder != kNobody && (!f.may_be_joined() || f.beside != kNobody)) return;
        const StakeIndex next = table_.stake(at).behind;
        if (try_give(at, now, out)) return;
        at = next;
    }
}

bool Arbiter::Machine::try_give(StakeIndex index, core::Time now, Decisions& out) {
    const Stake& s = table_.stake(index);
    const Participant who = s.who;
    const Member& m = member(who);
    if (m.state == State::Queued) {
        if (!can_start(m, now)) return false;
        grant(who, true, now, out);
        return true;
    }
    assert(m.state == State::Talking);
    const Offer offered = table_.floor(s.channel).may_be_joined() ? offer_beside(s) : Offer::Free;
    if (offered == Offer::Busy || !hang_admits(s, now)) return false;
    auto joined = about(who, Kind::Joined);
    joined.channel = s.channel;
    take(index, now, out);
    out.add(joined);
    return true;
}

void Arbiter::Machine::announce(ChannelIndex channel, core::Time now, Decisions& out) {
    Floor& f = table_.floor(channel);
    const auto press_of = [this](Participant who) { return who == kNobody ? 0 : member(who).talkspurt; };
    const auto say = [&](Participant who, bool beside) {
        out.add(Decision{.kind = who == kNobody ? Kind::Idle : Kind::Taken,
                         .participant = who,
                         .channel = channel,
                         .talkspurt = press_of(who),
                         .beside = beside});
    };
    const bool holder_is_new = f.announced != f.holder || f.announced_talkspurt != press_of(f.holder);
    const bool beside_is_new =
        f.announced_beside != f.beside || f.announced_beside_talkspurt != press_of(f.beside);
    if (!holder_is_new && !beside_is_new) return;
    const bool moved_up = f.announced_beside != kNobody && f.announced_beside == f.holder;
    f.announced = f.holder;
    f.announced_talkspurt = press_of(f.holder);
    f.announced_beside = f.beside;
    f.announced_beside_talkspurt = press_of(f.beside);
    if (holder_is_new) say(f.holder, false);
    if (beside_is_new && (f.beside != kNobody || (!moved_up && f.holder != kNobody))) say(f.beside, true);
    f.told = 0;
    f.repeat_at = announce_again_ && timers_.repeats > 0 ? now + timers_.repeat : kNever;
    arm_channel(channel);
}

}  // namespace crosspatch::floor
