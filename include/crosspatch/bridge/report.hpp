#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "crosspatch/core/address.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/floor/cause.hpp"
#include "crosspatch/floor/request.hpp"
#include "crosspatch/rtp/srtp_limits.hpp"

namespace crosspatch::bridge {

// One thing that happened on a worker, for control to show and to put on record.
//
// Shape    of fixed size, so that it crosses by queue without taking memory; indices are those of the Topology in
//          force when it was made.
// Thread   made by the worker, read by control.
struct Report {
    enum class Kind : std::uint8_t {
        None,
        Requested,  // a press
        Granted,  // with `left` = talk time; `listed`, of `position` in all: the bridges of its channel that are open
        Denied,  // `cause`; `other` = who talks, if that is why; the same bridges
        Queued,
        Skipped,  // `channel` is busy
        Joined,   // `channel` now hears it
        Left,     // `channel` no longer does; `cause`
        Warned,
        Revoked,       // `cause`; `other` = who pre-empted
        Started,       // the first packet was carried
        Listeners,     // `listed`, `listed_count`: a part of those who heard it; comes before Released
        Released,      // the talkspurt is over; `cause`, `numbers`
        Raised,        // who talks claims more now: `priority`, `emergency`
        Withdrawn,     // left the queue by itself
        Queue,         // who waits on `channel`, best first: `listed`, of `position` in all
        Taken,         // `channel`: `endpoint` has its floor
        Idle,          // `channel`: nobody has
        PolicyDenied,  // from the talker's channel to `channel`; `inbound`: it was that key that refused
        EndpointUp,    // `address`
        EndpointDown,
        EndpointMoved,   // `address`
        FloorPortMoved,  // the same of its floor messages, which have a port of their own
        LoopSuspected,   // our own SSRC came back
        Echo,  // `talkspurt` is a copy of what `other` said: `lag`, `similarity`; `cut_off` says whether it was ended; it is
        // shut off for `left`; `listed`, of `position` in all: the bridges of its channel that are open
        Overrun,  // sends without the floor that was taken from it; `cause`
        OverrunEnded,
        SendLimit,  // `limits` of stream `ssrc` ought to become durable
        ReceiveLimit,  // the same; `address` and `position`: what was learned of its address and its floor messages' port
        ManySources,  // `position` SSRCs were heard under a key of `endpoint`, rotate it before 256; below 200: it was
        BridgeOpened,  // `bridge`; `emergency`: `endpoint` has opened it by being in one
        BridgeClosed,
        Disabled,
        Enabled,
        Done,  // what tasks up to `token` used on worker `position` is free
    };
    struct Numbers {
        std::uint64_t packets_received{};
        std::uint64_t packets_lost{};
        std::uint64_t frames_concealed{};
        std::uint64_t frames_recovered{};
        std::uint32_t listeners{};
        std::optional<std::chrono::milliseconds> access_time;
        std::chrono::microseconds delay_p99{};
    };
    static constexpr std::size_t kListed = 16;

    Kind kind{Kind::None};
    floor::Cause cause{};
    bool inbound{};
    bool emergency{};
    bool beside{};       // Granted, Taken, Idle: it is beside the holder of the channel, who is heard too
    bool is_explicit{};  // Requested: by a floor message, or a key beside the sound
    bool cut_down{};     // the same: more was claimed than the talker may
    bool cut_off{};      // Echo
    std::uint8_t similarity{};        // Echo, percent
    std::chrono::milliseconds lag{};  // Echo
    floor::Class claimed{};
    std::array<char, 64>
        user_id{};  // the same: who the message says he is, as it came and as far as it fits; or nothing
    std::uint8_t user_id_size{};
    std::uint8_t priority{};
    std::uint8_t listed_count{};
    std::uint16_t position{};
    std::uint32_t endpoint{0xFFFFFFFF};
    std::uint32_t other{0xFFFFFFFF};
    std::uint32_t channel{0xFFFFFFFF};
    std::uint32_t bridge{0xFFFFFFFF};
    std::uint64_t talkspurt{};
    core::Time at{};
    std::chrono::milliseconds left{};
    Numbers numbers{};
    std::array<std::uint32_t, kListed> listed{};
    core::Address address{};
    std::uint32_t ssrc{};
    rtp::IndexLimits limits{};
    std::uint64_t token{};
};

}  // namespace crosspatch::bridge
