#pragma once
#include <optional>

#include "crosspatch/core/time.hpp"
#include "crosspatch/media/packet.hpp"
#include "crosspatch/rtp/rtcp.hpp"

namespace crosspatch::media {

class Endpoint;
class Talkspurt;

// May this packet go on, and where? What the talk path asks of whoever knows floor and policy.
//
// Thread   the worker's; nothing here may allocate, lock, log, throw or wait.
class Gate {
public:
    virtual ~Gate() = default;

    // An authentic audio packet has come. Gives the talkspurt that carries it; nullptr drops it, counted by the gate.
    virtual Talkspurt* pass(Endpoint& from, const Packet& packet, core::Time now) = 0;
    // An authentic packet without sound has come: a telephone event or a keep-alive.
    virtual void beside(Endpoint& from, const Packet& packet, core::Time now) = 0;
    // An authentic RTCP APP packet has come: floor messages. `order`: its SRTCP index; nothing without SRTP.
    virtual void signalled(Endpoint& from, const rtp::App& message, std::optional<std::uint32_t> order,
                           core::Time now) = 0;
    // The radio says that its stream ends (RTCP BYE).
    virtual void left(Endpoint& from, core::Time now) = 0;
    // Anything authentic has come from the radio: it is there, and perhaps under a new address.
    virtual void heard(Endpoint& from, core::Time now) = 0;
    // Its report is due, each 5 s: time to see whether it is still there.
    virtual void tend(Endpoint& endpoint, core::Time now) = 0;

    virtual void advance(core::Time now) = 0;
    virtual std::optional<core::Time> next_deadline() = 0;
};

}  // namespace crosspatch::media
