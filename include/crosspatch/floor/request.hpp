#pragma once
#include <chrono>
#include <compare>
#include <cstdint>
#include <span>

namespace crosspatch::floor {

// Dense indices of one media worker; the caller gives them out and may reuse one after remove_…().
using ChannelIndex = std::uint32_t;
using Participant = std::uint32_t;
inline constexpr Participant kNobody = 0xffffffff;
inline constexpr ChannelIndex kNoChannel = 0xffffffff;

// Which bridge a channel is reached through, as the caller numbers them; 0: through none, equal to nothing.
using Conversation = std::uint32_t;

// How a press is told. Media: from packets (RTP, USRP); Vox: from the sound; Key: by a key beside the sound
// (ED-137, telephone events), so that a press ends and another begins without a pause of the sound; Explicit:
// floor messages both ways. Only an explicit press can be queued, waits, or is told its messages again.
enum class Signal : std::uint8_t { Media, Vox, Key, Explicit };

enum class Class : std::uint8_t { Normal, ImminentPeril, Emergency };

// What a press may claim, after the caller has cut it down to what the talker has a right to.
// Compared by class, then by priority (TS 24.380, as in the sheet, section 8).
struct Claim {
    Class level{Class::Normal};
    std::uint8_t priority{};
    auto operator<=>(const Claim&) const = default;
};

// A channel that a press would be heard on.
struct Target {
    ChannelIndex channel{kNoChannel};
    bool may_preempt{};  // the rules let this press take the channel from a lower claim
    Conversation
        conversation{};  // the bridge that reaches it; for the own channel: the talker's bridge, or 0
};

// A far channel is busy. Skip: talk where it is free, the rest joins late. Wait (explicit presses only):
// queue until all are free, for 5 s, then go on as Skip.
enum class WhenBusy : std::uint8_t { Skip, Wait };

// One press: its own channel and all others at once.
struct Request {
    Participant participant{kNobody};
    Target own{};
    std::span<const Target> far{};  // copied; the own channel and doubles in it are passed over
    Claim claim{};
    Signal signal{Signal::Media};
    WhenBusy when_busy{WhenBusy::Skip};
    std::chrono::milliseconds max_talk{};  // a lower talk limit than the own channel's; 0: the channel's
};

}  // namespace crosspatch::floor
