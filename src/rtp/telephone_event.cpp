#include "crosspatch/rtp/telephone_event.hpp"

#include <algorithm>

#include "crosspatch/rtp/octets.hpp"
#include "crosspatch/rtp/sequence.hpp"

namespace crosspatch::rtp {

core::Result<TelephoneEvent, ParseError> parse_telephone_event(std::span<const std::byte> payload) {
    if (payload.size() < kTelephoneEventSize) return core::Unexpected{ParseError::TooShort};
    const std::uint8_t flags = load8(payload, 1);
    return TelephoneEvent{load8(payload), (flags & 0x80) != 0, static_cast<std::uint8_t>(flags & 0x3F),
                          load16(payload, 2)};
}

std::array<std::byte, kTelephoneEventSize> write_telephone_event(const TelephoneEvent& event) {
    std::array<std::byte, kTelephoneEventSize> payload{};
    store8(payload, 0, event.event);
    store8(payload, 1,
           static_cast<std::uint8_t>((event.end ? 0x80 : 0) | std::min<int>(event.minus_dbm0, 63)));
    store16(payload, 2, event.duration);
    return payload;
}

TelephoneEvents::Changes TelephoneEvents::on_packet(const TelephoneEvent& event, std::uint32_t timestamp,
                                                    core::Time now) {
    Changes changes;
    std::size_t count = 0;
    if (auto late = on_time(now)) changes[count++] = late;
    if (known_ && is_stale(timestamp, now)) return changes;

    const bool same = known_ && timestamp == timestamp_ && now - heard_at_ < kLongest;
    if (same || continues(event, timestamp)) {
        const bool grown = grows(event, timestamp);
        timestamp_ = timestamp;
        heard_at_ = now;
        if (grown) {
            duration_ = event.duration;
            grown_at_ = now;
            if (timed_out_ && !event.end) changes[count++] = press(event, now);
        }
        if (event.end) timed_out_ = false;
    } else {
        if (pressed_) changes[count++] = release();
        timestamp_ = timestamp;
        changes[count++] = press(event, now);
    }
    if (pressed_ && event.end) changes[count++] = release();
    return changes;
}

// A repeat that a later event overtook. After a long silence an older timestamp is a sender that began anew.
bool TelephoneEvents::is_stale(std::uint32_t timestamp, core::Time now) const {
    return timestamp_distance(timestamp_, timestamp) < 0 && now - heard_at_ < kLongest;
}

// A duration that would not fit 16 bits goes on from the next timestamp.
bool TelephoneEvents::continues(const TelephoneEvent& event, std::uint32_t timestamp) const {
    return known_ && event.event == event_ && timestamp == timestamp_ + 0xFFFF;
}

// Repeats and what comes out of order do not grow.
bool TelephoneEvents::grows(const TelephoneEvent& event, std::uint32_t timestamp) const {
    return timestamp != timestamp_ || event.duration > duration_;
}

TelephoneEvents::Change TelephoneEvents::press(const TelephoneEvent& event, core::Time now) {
    event_ = event.event;
    duration_ = event.duration;
    known_ = true;
    pressed_ = true;
    timed_out_ = false;
    grown_at_ = now;
    heard_at_ = now;
    return {Change::Kind::Pressed, event_};
}

TelephoneEvents::Change TelephoneEvents::release() {
    pressed_ = false;
    return {Change::Kind::Released, event_};
}

std::optional<TelephoneEvents::Change> TelephoneEvents::on_time(core::Time now) {
    const auto due = deadline();
    if (!due || now < *due) return std::nullopt;
    timed_out_ = true;
    return release();
}

std::optional<core::Time> TelephoneEvents::deadline() const {
    if (!pressed_) return std::nullopt;
    return std::min<core::Time>(heard_at_ + kPatience, grown_at_ + kLongest);
}

}  // namespace crosspatch::rtp
