#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace crosspatch::floor {

// Why something was denied, revoked or ended, each with its number on the wire and a phrase for people.
//
// Several causes share number 255 and differ in their phrase; ends that no message carries have number 0.
// Source   TS 24.380 §8.2.3.4, Reject Cause, as in the sheet's table of causes.
enum class Cause : std::uint8_t {
    None,
    // Floor Deny
    AnotherTalks,     // 1
    InternalError,    // 2
    OnlyParticipant,  // 3
    RetryAfter,       // 4: T9, the cool-down, is not over
    ReceiveOnly,      // 5
    NoResources,      // 6
    QueueFull,        // 7
    Disabled,         // 255
    RecordFailed,     // 255: `record.on_failure: refuse`
    PolicyDenies,     // 255
    LoopFound,        // 255: what it says came back from outside lately
    DenyOther,        // 255
    // Floor Revoke
    RevokeOnlyParticipant,  // 1
    TalkLimit,              // 2: T2
    NoPermission,           // 3
    PreEmpted,              // 4
    RevokeNoResources,      // 6
    ChannelRemoved,         // 255
    ShuttingDown,           // 255
    DeadCarrier,            // 255: `floor.dead_carrier`
    Loop,                   // 255: what it says is a copy of what was carried before
    RevokeOther,            // 255
    // Ends, and leaving a channel: told in records, not in a floor message
    TalkerReleased,  // PTT up
    Silence,         // T1: no media for `lease`, which is how a press of `media` and `vox` ends
    Timeout,         // T1: the same of who has a key or words to let go with: he is lost, not done
    Unanswered,      // T132: a grant out of the queue that nobody used
    BridgeClosed,    // a far channel is no longer reached
};

enum class Message : std::uint8_t { None, Deny, Revoke };

constexpr std::size_t kCauses = static_cast<std::size_t>(Cause::BridgeClosed) + 1;

std::uint16_t number(Cause cause);
std::string_view phrase(Cause cause);  // plain English, without a full stop
Message message(Cause cause);

// The cause that a received Floor Deny or Revoke means; a number nobody knows is the "other" of its message.
Cause deny_cause(std::uint16_t number);
Cause revoke_cause(std::uint16_t number);

}  // namespace crosspatch::floor
