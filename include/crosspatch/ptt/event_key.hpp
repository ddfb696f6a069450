#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "crosspatch/core/time.hpp"
#include "crosspatch/rtp/telephone_event.hpp"

namespace crosspatch::ptt {

// A telephone event as a key: `ptt: event`. While it lasts the key is pressed.
//
// Shape    about 50 octets.
// Time     `now` is the arrival time. A key whose end was lost is up after TelephoneEvents::kPatience.
// Errors   none; events that are not the key press nothing, but each one ends it: a sender has one event at a time.
// Thread   its owner's; no allocation.
// Source   RFC 4733, see rtp::TelephoneEvents.
class EventKey {
public:
    enum class Change : std::uint8_t { Pressed, Released };
    using Changes = std::array<std::optional<Change>, 3>;  // in order; empty places anywhere

    // Nothing: every event is the key.
    explicit EventKey(std::optional<std::uint8_t> event) : key_{event} {}

    // Each event packet of the peer that has proved to be authentic.
    Changes on_packet(const rtp::TelephoneEvent& event, std::uint32_t timestamp, core::Time now);
    // Call at next_deadline() or later.
    std::optional<Change> on_time(core::Time now);
    // The sender has begun anew: its timestamps, too. What was pressed is not any more.
    void restart() { *this = EventKey{key_}; }
    std::optional<core::Time> next_deadline() const { return events_.deadline(); }
    bool pressed() const { return pressed_; }

private:
    std::optional<Change> heed(const std::optional<rtp::TelephoneEvents::Change>& change);

    std::optional<std::uint8_t> key_;
    bool pressed_{};
    rtp::TelephoneEvents events_;
};

}  // namespace crosspatch::ptt
