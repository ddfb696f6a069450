#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "crosspatch/core/time.hpp"
#include "crosspatch/floor/cause.hpp"
#include "crosspatch/floor/decision.hpp"
#include "crosspatch/floor/request.hpp"
#include "crosspatch/floor/settings.hpp"

namespace crosspatch::floor {

enum class Verdict : std::uint8_t {
    Pass,          // the talker holds the floor: carry the packet
    Drop,          // refused, revoked, queued or just released
    NeedsRequest,  // first packet of a press: ask request(); explicit participants: trespass()
};
enum class Answer : std::uint8_t { Granted, Queued, Denied, Ignored };  // Ignored: see request()
enum class Standing : std::uint8_t { MayTalk, ReceiveOnly, Disabled };
enum class ChannelState : std::uint8_t { Idle, Taken, Revoking, Hang };
enum class ParticipantState : std::uint8_t { Silent, Queued, Talking, Revoking, Refused, Trailing };

// Times that no configuration changes; tests shorten them. Source: contract.md, Floor; TS 24.380 table 11.1.
struct Timers {
    std::chrono::milliseconds repeat{200};       // T8, T20: a floor message is told again
    std::uint8_t repeats{3};                     // C20
    std::chrono::milliseconds unanswered{2000};  // T132: a grant out of the queue must be used within
    std::chrono::milliseconds patience{5000};    // WhenBusy::Wait goes on as Skip
    std::chrono::milliseconds ageing{30'000};    // then it goes ahead of higher priorities of its class
    std::uint8_t requests_per_second{5};         // of a class by one participant, others are ignored; 0: any
};

// What an Arbiter has room for. Numbers may grow later, never shrink; remove_channel() and
// remove_participant() empty an index for its next use.
struct Layout {
    std::span<const Settings> channels;  // by ChannelIndex
    std::size_t participants{};
    // Channels in all running presses together; a press beyond is denied with NoResources. 0: enough for
    // every press on every channel at once, at most 262,144 (8 MB).
    std::size_t stakes{};
    bool announce_again{true};  // RepeatTaken and RepeatIdle
    Timers timers{};
    // Several that take channels over from each other give every press a number that no other one gives.
    std::uint32_t arbiters{1};
    std::uint32_t number{0};  // below `arbiters`; the first configure() counts
};

// One waiting press, for people: `GET /floor`.
struct Waiting {
    Participant participant{kNobody};
    std::uint16_t position{};  // 1 = next
    Claim claim;
    core::Time since;
};

// Who may talk: the floors of all channels of one media worker.
//
// A press asks at once for its own channel and for each channel that it would be heard on. It holds the floor
// of each that it gets; a channel has at most one holder, and with `both_heard` one who overrides it beside that
// one. The floor is leased by media, limited in time, kept for an answer, and taken away only by a higher claim
// that the caller's rules allow to. src/floor/README.md
// has the states and events.
//
// Shape    about 250 octets a participant, 32 a stake, 200 a channel. At most 256 far channels in a press.
// Units    dense indices, see request.hpp; each index given must be below what configure() was told.
// Time     never reads a clock. `now` should not go back; if it does, only the timing suffers. After a
//          pause of the process call media() for what the sockets hold before advance(). The talk limit
//          and its grace count from the first word, whatever happens; all other timers run from `now`.
// Errors   none: what may not be is Denied with its cause; a wrong index is a bug, asserted.
// Thread   its worker only; nothing but configure() and the constructor allocates; deterministic.
// Source   TS 24.380 arbitration and participant machines (README has the table), contract.md, Floor.
class Arbiter {
public:
    static constexpr std::size_t kMaxFar = 256;

    Arbiter();
    explicit Arbiter(const Layout& layout);
    ~Arbiter();
    Arbiter(Arbiter&&) noexcept;
    Arbiter& operator=(Arbiter&&) noexcept;
    Arbiter(const Arbiter&);  // a state to compare with or explore from; not for the packet path
    Arbiter& operator=(const Arbiter&);

    // Grows, and sets what counts for presses from now on; a running talkspurt keeps what it began with.
    // Allocates.
    void configure(const Layout& layout);

    // The fast path: an authenticated media packet has come. `dtx`: Opus, at most 2 octets.
    Verdict media(Participant participant, core::Time now, bool dtx);

    // A press, a repeated Floor Request, or a higher claim under the same press. Exactly one Granted, Queued,
    // Denied or (to who holds the floor already) RepeatGranted answers it, unless it is Ignored.
    Answer request(const Request& request, core::Time now, Decisions& decisions);
    // The caller itself refuses the press (policy, record): denied with `cause` like one that the arbiter
    // refuses.
    Answer deny(const Request& request, Cause cause, core::Time now, Decisions& decisions);
    // PTT up, Floor Release, BYE. Of who neither talks nor waits: nothing.
    void release(Participant participant, core::Time now, Decisions& decisions);
    // Takes floor or place in the queue away at once, without grace: `endpoint revoke`, shutdown.
    void revoke(Participant participant, Cause cause, core::Time now, Decisions& decisions);
    // An explicit participant sends media without the floor: told so by Revoked(NoPermission), once until it
    // is silent.
    void trespass(Participant participant, core::Time now, Decisions& decisions);
    // Floor Ack for the last Granted or Revoked: it need not be told again.
    void acknowledge(Participant participant);

    // Disabled takes the floor away at once. Kept until set otherwise.
    void set_standing(Participant participant, Standing standing, core::Time now, Decisions& decisions);
    // The far channels of a running or waiting press are now these: a bridge has opened or closed, a policy
    // has changed. What is gone is Left, what is new is Joined if it is free and Skipped if not. Who talks pre-empts
    // nobody by it; a press that waits for far channels may be granted with what its targets let it take. Otherwise
    // nothing.
    void retarget(Participant participant, std::span<const Target> far, core::Time now, Decisions& decisions);
    // The same at the moment in which a press has come out of the queue: of whom it may take a far channel depends on who
    // holds that then. What is held by a lower claim is taken where its target says so. Only of a press that talks.
    void reach(Participant participant, std::span<const Target> far, core::Time now, Decisions& decisions);
    // One far channel leaves a press. The own one: the press is over, as by revoke().
    void leave(Participant participant, ChannelIndex channel, Cause cause, core::Time now,
               Decisions& decisions);
    // The channel or the participant goes away: who is at home there is revoked, who is heard there leaves.
    // The index is then as new.
    void remove_channel(ChannelIndex channel, core::Time now, Decisions& decisions);
    void remove_participant(Participant participant, core::Time now, Decisions& decisions);

    // Takes over `channels` and all `people` at home on them, with floors, presses, queues and timers as they are; `from`
    // has them as new then. No press of theirs may be on another channel, nor anybody else's on theirs, and both arbiters
    // must have done what they had to do (next_deadline() is not Time::min()). Their standings go along. Allocates.
    void adopt(Arbiter& from, std::span<const ChannelIndex> channels, std::span<const Participant> people);

    // When advance() has something to do, or a little earlier. Time::min(): at once; nothing: never.
    std::optional<core::Time> next_deadline() const;
    // Everything that is due, in the order of its deadlines, however late.
    void advance(core::Time now, Decisions& decisions);

    // --- What is, for routes and people; nothing here changes anything. ---
    std::size_t channels() const;
    std::size_t participants() const;
    std::optional<Participant> holder(ChannelIndex channel) const;
    // Who talks beside the holder (`both_heard`), and since when. When the holder's talkspurt ends, he is the holder.
    std::optional<Participant> beside(ChannelIndex channel) const;
    core::Time beside_since(ChannelIndex channel) const;
    ChannelState state(ChannelIndex channel, core::Time now) const;
    core::Time since(ChannelIndex channel) const;  // the holder's talkspurt, or when it ended
    // Taken: until the talk limit. Revoking: of the grace. Hang: of it. Idle: 0.
    std::chrono::milliseconds remaining(ChannelIndex channel, core::Time now) const;
    // The same of who talks beside the holder.
    std::chrono::milliseconds beside_remaining(ChannelIndex channel, core::Time now) const;
    // The presses queued at home there, best first; gives how many there are in all.
    std::size_t queue(ChannelIndex channel, std::span<Waiting> into) const;

    ParticipantState participant_state(Participant participant) const;
    Standing standing(Participant participant) const;
    Claim claim(Participant participant) const;                              // of its press
    std::uint64_t talkspurt(Participant participant) const;                  // number of its press; 0: none
    std::optional<ChannelIndex> own_channel(Participant participant) const;  // of its press
    bool holds(Participant participant, ChannelIndex channel) const;
    // The channels that its talkspurt is heard on, the own one first; gives how many there are in all.
    std::size_t held(Participant participant, std::span<ChannelIndex> into) const;
    // Those that it is not heard on yet.
    std::size_t missing(Participant participant, std::span<ChannelIndex> into) const;
    // For Queue Position Request; 0: not queued.
    std::uint16_t queue_position(Participant participant) const;

    // Equal for states that will decide alike from `now` on: for replicas and exploration.
    std::uint64_t fingerprint(core::Time now) const;
    // Asserts what must hold in every state: who holds a channel, lists and counts that agree, a timer for
    // each state.
    void check() const;

private:
    class Machine;
    std::unique_ptr<Machine> machine_;
};

}  // namespace crosspatch::floor
