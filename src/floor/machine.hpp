#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "crosspatch/core/deadlines.hpp"
#include "crosspatch/floor/arbiter.hpp"
#include "src/floor/table.hpp"

namespace crosspatch::floor {

// Channels that something is still to be done for, each listed once, first come first served.
//
// Shape    a ring of as many places as there are channels; the flag in each Floor keeps doubles out.
class Worklist {
public:
    void grow(std::size_t channels);
    bool empty() const { return count_ == 0; }
    void push(ChannelIndex channel);
    ChannelIndex pop();

private:
    std::vector<ChannelIndex> ring_;
    std::size_t first_{};
    std::size_t count_{};
};

// The arbiter's inside: the transitions. One file for each subject:
//   rules.cpp     what may be had: pre-emption, hang, flood. Changes nothing.
//   press.cpp     a press comes: request, queue, refuse, raise.
//   talk.cpp      a talkspurt begins, is heard, loses a channel, ends.
//   settle.cpp    a floor has become free: who gets it, who is told.
//   timers.cpp    deadlines.
//   targets.cpp   the caller's changes: release, revoke, standing, bridges, what goes away.
//   adopt.cpp     channels and people come over from another arbiter.
//   snapshot.cpp  what people read; check() and fingerprint().
class Arbiter::Machine {
public:
    // The most decisions that a grant or a deadline adds: each channel of the press ends a talkspurt
    // (Revoked, Released) or is skipped, the press had one before (Released), and is granted.
    static constexpr std::size_t kStep = 2 * (kMaxFar + 1) + 4;
    // The most that a public call adds before it settles: retargeting may leave each old channel and take
    // each new one.
    static constexpr std::size_t kCall = 4 * kMaxFar + 8;
    static_assert(kCall + kStep <= Decisions::kCapacity);

    void configure(const Layout& layout);
    Verdict media(Participant who, core::Time now, bool dtx);
    Answer request(const Request& request, core::Time now, Decisions& out);
    Answer deny(const Request& request, Cause cause, core::Time now, Decisions& out);
    void release(Participant who, core::Time now, Decisions& out);
    void revoke(Participant who, Cause cause, core::Time now, Decisions& out);
    void trespass(Participant who, core::Time now, Decisions& out);
    void acknowledge(Participant who);
    void set_standing(Participant who, Standing standing, core::Time now, Decisions& out);
    void retarget(Participant who, std::span<const Target> far, core::Time now, Decisions& out);
    void reach(Participant who, std::span<const Target> far, core::Time now, Decisions& out);
    void leave(Participant who, ChannelIndex channel, Cause cause, core::Time now, Decisions& out);
    void remove_channel(ChannelIndex channel, core::Time now, Decisions& out);
    void remove_participant(Participant who, core::Time now, Decisions& out);
    std::optional<core::Time> next_deadline() const;
    void advance(core::Time now, Decisions& out);
    void adopt(Machine& from, std::span<const ChannelIndex> channels, std::span<const Participant> people);

    const Table& table() const { return table_; }
    ChannelState state(ChannelIndex channel, core::Time now) const;
    std::chrono::milliseconds remaining(ChannelIndex channel, core::Time now) const;
    std::chrono::milliseconds remaining_of(Participant talker, core::Time now) const;
    std::size_t queue(ChannelIndex channel, std::span<Waiting> into) const;
    std::size_t channels_of(Participant who, bool held, std::span<ChannelIndex> into) const;
    std::uint64_t fingerprint(core::Time now) const;
    void check() const;

private:
    // What asking for a channel would come to. AfterGrace: its talker is told to stop, the press waits in
    // front. Beside: it is heard beside the holder, in place of who is that already.
    enum class Offer { Free, CutIn, Beside, AfterGrace, Busy };

    // rules.cpp
    Offer offer_of(const Stake& stake, core::Time now) const;
    Offer offer_beside(const Stake& stake) const;
    bool hang_admits(const Stake& stake, core::Time now) const;
    bool is_claimed_in_front(const Stake& stake) const;
    bool can_start(const Member& member, core::Time now) const;
    bool all_far_offered(const Member& member, core::Time now) const;
    Cause silence_of(const Member& member) const;
    Cause refusal(const Member& member, const Request& request, core::Time now) const;
    bool is_same_press(const Member& member, const Request& request, core::Time now) const;

    // press.cpp
    bool ignored(const Request& request, core::Time now);
    bool flooded(Member& member, Class level, core::Time now);
    Answer answer_press(const Request& request, core::Time now, Decisions& out);
    Answer raise(const Request& request, core::Time now, Decisions& out);
    void begin_press(const Request& request, bool was_queued, core::Time now);
    bool take_stakes(const Request& request);
    Answer place(Participant who, core::Time now, Decisions& out);
    Answer queue_or_refuse(Participant who, core::Time now, Decisions& out);
    bool make_room(Participant who, bool in_front, core::Time now, Decisions& out);
    void interrupt(Participant who, core::Time now, Decisions& out);
    Answer enqueue(Participant who, core::Time now, Decisions& out);
    Answer refuse(Participant who, Cause cause, core::Time now, Decisions& out);
    void withdraw(Participant who, Cause cause, core::Time now, Decisions& out);
    void drop_stakes(Participant who);

    // talk.cpp
    void grant(Participant who, bool from_queue, core::Time now, Decisions& out);
    void take_all(Participant who, core::Time now, Decisions& out);
    void take(StakeIndex stake, core::Time now, Decisions& out);
    void evict(ChannelIndex channel, Participant talker, Participant by, core::Time now, Decisions& out);
    void move_up(ChannelIndex channel);
    void let_go(StakeIndex stake, bool keep_for_answer, core::Time now);
    void first_word(Participant who, core::Time now);
    void revoke_with_grace(Participant who, Cause cause, Participant by, core::Time until, core::Time now,
                           Decisions& out);
    void cut(Participant who, Cause cause, Participant by, core::Time now, Decisions& out);
    void finish(Participant who, Cause cause, core::Time now, Decisions& out);
    void fall_silent(Member& member, ParticipantState into, core::Time now);

    // settle.cpp
    void settle(core::Time now, Decisions& out, std::size_t reserve = kStep);
    void offer(ChannelIndex channel, core::Time now, Decisions& out);
    bool try_give(StakeIndex stake, core::Time now, Decisions& out);
    void announce(ChannelIndex channel, core::Time now, Decisions& out);
    void offer_later(ChannelIndex channel);
    void announce_later(ChannelIndex channel);

    // timers.cpp
    void arm(Participant who);
    void arm_channel(ChannelIndex channel);
    bool fire_next(core::Time now, Decisions& out);
    void on_participant(Participant who, core::Time now, Decisions& out);
    void on_silence(Participant who, core::Time now, Decisions& out);
    void on_stage(Participant who, core::Time now, Decisions& out);
    void on_talk_time(Participant who, core::Time now, Decisions& out);
    void on_patience(Participant who, core::Time now, Decisions& out);
    void on_repeat(Participant who, core::Time now, Decisions& out);
    void on_channel(ChannelIndex channel, core::Time now, Decisions& out);

    // targets.cpp
    void replace_far(Participant who, std::span<const Target> far, bool preempt, core::Time now,
                     Decisions& out);
    void drop_far(Participant who, std::span<const Target> far, core::Time now, Decisions& out);
    void add_far(Participant who, std::span<const Target> far, Decisions& out);
    void take_far(Participant who, bool preempt, core::Time now, Decisions& out);
    void leave_stake(StakeIndex stake, Cause cause, core::Time now, Decisions& out);
    void end_press(Participant who, Cause cause, core::Time now, Decisions& out);

    void begin(core::Time now, Decisions& out);  // of each public call
    std::uint64_t next_press() { return last_press_ += press_step_; }
    Member& member(Participant who) { return table_.member(who); }
    const Member& member(Participant who) const { return table_.member(who); }
    Decision about(Participant who, Decision::Kind kind) const;

    Table table_;
    core::Deadlines people_;    // may be earlier than what is due: media only writes the lease
    core::Deadlines channels_;  // end of hang, repeated announcement
    Worklist offers_;           // channels that became free and have not been offered to their line
    Worklist changes_;          // channels whose holder may have changed
    Timers timers_;
    bool announce_again_{true};
    std::uint64_t last_press_{};  // numbers of presses: first_press_, and every press_step_ from there on
    std::uint64_t press_step_{1};
};

}  // namespace crosspatch::floor
