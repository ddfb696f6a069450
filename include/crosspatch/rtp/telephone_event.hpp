#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/rtp/packet.hpp"

namespace crosspatch::rtp {

// A key press or tone sent as a number. RFC 4733 section 2.3.
struct TelephoneEvent {
    std::uint8_t event{};  // 0-9, 10 *, 11 #, 12-15 A-D, 16 flash
    bool end{};
    std::uint8_t minus_dbm0{};  // 0 to 63
    std::uint16_t duration{};   // since the packet's timestamp, in the audio clock
    friend bool operator==(const TelephoneEvent&, const TelephoneEvent&) = default;
};
constexpr std::size_t kTelephoneEventSize = 4;  // octets

// What follows the four octets is left unread.
core::Result<TelephoneEvent, ParseError> parse_telephone_event(std::span<const std::byte> payload);
std::array<std::byte, kTelephoneEventSize> write_telephone_event(const TelephoneEvent& event);

// Makes presses and releases out of event packets, which repeat, get lost and come late.
//
// Shape    remembers one event, the one in progress or the last one.
// Time     `now` is the arrival time. An event whose end never comes is over kPatience after its last
//          packet, and kLongest after its duration last grew. If it then grows after all, its packets had been
//          lost on the way: it is pressed again.
// Errors   none; a late repeat of what is over changes nothing.
// Thread   its owner's; no allocation.
// Source   RFC 4733 sections 2.5.1.2 (one timestamp an event), 2.5.1.3 (a long one goes on under a new one),
//          2.5.1.4 (the end is sent three times).
class TelephoneEvents {
public:
    static constexpr std::chrono::milliseconds kPatience{500};
    static constexpr std::chrono::seconds kLongest{5};
    struct Change {
        enum class Kind : std::uint8_t { Pressed, Released } kind;
        std::uint8_t event;
        friend bool operator==(const Change&, const Change&) = default;
    };
    // In order, from the front. A new event whose predecessor's end was lost releases that one first, and one
    // of which only the end arrived is pressed and released at once.
    using Changes = std::array<std::optional<Change>, 3>;

    Changes on_packet(const TelephoneEvent& event, std::uint32_t timestamp, core::Time now);
    // Call at deadline() or later; the release of an event that has no end.
    std::optional<Change> on_time(core::Time now);
    std::optional<core::Time> deadline() const;

private:
    bool is_stale(std::uint32_t timestamp, core::Time now) const;
    bool continues(const TelephoneEvent& event, std::uint32_t timestamp) const;
    bool grows(const TelephoneEvent& event, std::uint32_t timestamp) const;
    Change press(const TelephoneEvent& event, core::Time now);
    Change release();

    std::uint8_t event_{};
    std::uint32_t timestamp_{};
    bool known_{};  // an event has been heard
    bool pressed_{};
    bool timed_out_{};  // released without its end
    std::uint16_t duration_{};
    core::Time grown_at_{};
    core::Time heard_at_{};
};

}  // namespace crosspatch::rtp
