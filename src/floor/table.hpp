#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "crosspatch/core/deadlines.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/floor/arbiter.hpp"

namespace crosspatch::floor {

using core::kNever;

using StakeIndex = std::uint32_t;
inline constexpr StakeIndex kNoStake = 0xffffffff;

// One channel in one press.
struct Stake {
    // Parked: wanted, but not yet asked for (far channels of a queued press). Waiting: in the channel's line.
    // Held: its floor.
    enum class Place : std::uint8_t { Parked, Waiting, Held };
    Participant who{kNobody};
    ChannelIndex channel{kNoChannel};
    Conversation conversation{};
    StakeIndex next{kNoStake}, previous{kNoStake};  // in the press; `next` also links what is free
    StakeIndex behind{kNoStake}, ahead{kNoStake};   // in the channel's line
    Place place{Place::Parked};
    bool may_preempt{};
    bool front{};   // has had a talker revoked for itself, and waits for the grace to end
    bool beside{};  // Held: beside the holder
};

// One participant and its press, if any. What every packet touches stands first.
struct Member {
    ParticipantState state{ParticipantState::Silent};
    bool heard{};                    // media has come since the grant
    core::Time lease_end{kNever};    // T1, T132; Refused, Trailing: when the silence is long enough
    core::Time stage_at{kNever};     // Talking: warning, then limit; Revoking: end of grace; Queued: ageing
    core::Time patience_at{kNever};  // Queued: WhenBusy::Wait goes on as Skip
    core::Time repeat_at{kNever};    // a floor message is told again
    core::Duration lease{std::chrono::milliseconds{600}};
    core::Duration dtx_lease{std::chrono::seconds{1}};

    Standing standing{Standing::MayTalk};
    Signal signal{Signal::Media};
    Claim claim;
    bool wait{};  // for all far channels
    bool aged{};  // ahead of higher priorities of its class
    bool warned{};
    bool from_queue{};
    std::uint8_t told{};
    Cause revoke_cause{Cause::None};
    ChannelIndex own{kNoChannel};
    StakeIndex first{kNoStake}, last{kNoStake};  // the own channel's stake is the first
    std::uint64_t talkspurt{};
    core::Time since;  // of the request, then of the grant
    core::Time limit_at{kNever};
    core::Duration max_talk{}, warn{}, grace{}, cooldown{};

    core::Time cooldown_end{core::Time::min()};
    Class cooldown_level{Class::Normal};
    Class window_level{Class::Normal};
    std::uint8_t window_count{};
    core::Time window_end{core::Time::min()};

    bool has_floor() const {
        return state == ParticipantState::Talking || state == ParticipantState::Revoking;
    }
    core::Time due() const {
        return std::min(std::min(lease_end, stage_at), std::min(patience_at, repeat_at));
    }
    void stop_timers() { lease_end = stage_at = patience_at = repeat_at = kNever; }
};

// One channel's floor and the line before it.
struct Floor {
    Settings settings;
    Participant holder{kNobody};
    StakeIndex line{kNoStake}, line_end{kNoStake};
    std::uint32_t queued{};  // presses in the line for which this is the own channel
    core::Time since;
    Participant beside{kNobody};  // overrides the holder: both are heard. Nobody while there is no holder
    core::Time beside_since;
    // The talkspurt that the floor is kept for after its end.
    core::Time hang_end{core::Time::min()};
    Claim last_claim;
    Conversation last_conversation{};
    std::uint64_t last_talkspurt{};
    // What listeners have been told.
    Participant announced{kNobody};
    std::uint64_t announced_talkspurt{};
    Participant announced_beside{kNobody};
    std::uint64_t announced_beside_talkspurt{};
    core::Time repeat_at{kNever};
    std::uint8_t told{};
    bool offering{}, changed{};  // listed in Machine's work
    std::uint32_t mark{};        // scratch: seen in this pass

    // Whether a holder is no obstacle to who may pre-empt: he is joined, not cut off.
    bool may_be_joined() const { return settings.both_heard && holder != kNobody; }
};

// All members, floors and stakes, and the lists that tie them together. Knows no rule and no time.
//
// Shape    three arrays; stakes come from a pool of a fixed size, whose memory is touched when it is first used.
// Errors   add() gives kNoStake when the pool is empty.
// Thread   the Arbiter's; only grow() allocates.
class Table {
public:
    void grow(std::span<const Settings> channels, std::size_t participants, std::size_t stakes);

    std::size_t channels() const { return floors_.size(); }
    std::size_t participants() const { return members_.size(); }
    Member& member(Participant who);
    const Member& member(Participant who) const;
    Floor& floor(ChannelIndex channel);
    const Floor& floor(ChannelIndex channel) const;
    Stake& stake(StakeIndex index) { return stakes_[index]; }
    const Stake& stake(StakeIndex index) const { return stakes_[index]; }

    StakeIndex add(Participant who, const Target& target);  // at the end of its press
    void drop(StakeIndex index);  // out of its line, out of its press, back to the pool
    StakeIndex find(Participant who, ChannelIndex channel) const;
    bool is_own(const Stake& stake) const { return stake.channel == member(stake.who).own; }

    // Puts a stake into its channel's line where it belongs / takes it out again.
    void line_up(StakeIndex index);
    void step_out(StakeIndex index);
    // Best first: class, then who had a talker revoked, then who has aged, then priority, then who came
    // first.
    bool before(const Stake& a, const Stake& b) const;
    std::uint16_t position(
        StakeIndex index) const;  // among the presses queued at their own channel; 1 = next

    std::uint32_t new_mark() { return ++mark_; }
    // Takes over a press of `from`, a table of other channels and people: its stakes, in the order that they have
    // there, each in its place but not in its line yet. Allocates.
    void take_press(Participant who, Table& from);
    // Then the line of a channel all of whose presses have been taken over.
    void take_line(ChannelIndex channel, const Table& from);
    // The press of somebody who has gone over to another table; lines are not looked at.
    void forget(Participant who);

    std::size_t used_stakes() const { return used_; }

private:
    std::vector<Member> members_;
    std::vector<Floor> floors_;
    StakeIndex take_free(bool beyond);
    void append(Participant who, StakeIndex index);

    std::vector<Stake> stakes_;  // those that have been in use; room is reserved for most_
    std::size_t most_{};
    StakeIndex free_{kNoStake};
    std::size_t used_{};
    std::uint32_t mark_{};
};

}  // namespace crosspatch::floor
