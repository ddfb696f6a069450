#include "event_sender.hpp"

#include <algorithm>

#include "crosspatch/rtp/sequence.hpp"

namespace crosspatch::radio {
namespace {
constexpr std::uint32_t kLongest = 0xFFFF;
constexpr std::uint8_t kMinusDbm0 = 10;  // as loud as a telephone's key
}  // namespace

EventSender::EventSender(const Options::Event& event, std::uint32_t clock, Sender& sender, Send send)
    : event_{event}, shortest_{clock / 100}, sender_{sender}, send_{std::move(send)} {}

void EventSender::press(core::Time now) {
    if (down_) return;
    send_ends();  // of the press before
    down_ = true;
    marker_ = true;
    begun_ = sender_.next_timestamp(now);
    due_ = now + kUpdate;
    send(duration(now), false);
}

void EventSender::let_go(core::Time now) {
    if (!down_) return;
    begin_segments(now);
    down_ = false;
    said_ = std::max(said_, duration(now));
    ends_ = kEnds;
    send_end();
    due_ = now + kUpdate;
}

void EventSender::on_time(core::Time now) {
    if (!next() || now < due_) return;
    if (down_) {
        begin_segments(now);
        send(std::max(said_, duration(now)), false);
    } else {
        send_end();
    }
    due_ = std::max(due_, now - kUpdate) + kUpdate;
}

std::optional<core::Time> EventSender::next() const {
    return down_ || ends_ > 0 ? std::optional{due_} : std::nullopt;
}

void EventSender::end(core::Time now) {
    let_go(now);
    send_ends();
}

// An event that outgrows its duration goes on as a segment with a timestamp of its own; the last packet of each is
// sent as often as an end.
void EventSender::begin_segments(core::Time now) {
    while (lasted(now) > kLongest) {
        for (int copy = 0; copy < kEnds; ++copy) send(kLongest, false);
        begun_ += kLongest;
        send(static_cast<std::uint16_t>(shortest_), false);  // the first of a segment is never its end
    }
}

void EventSender::send_end() {
    send(said_, true);
    --ends_;
}

void EventSender::send_ends() {
    while (ends_ > 0) send_end();
}

// Of the present segment, which begin_segments() has kept short enough.
std::uint16_t EventSender::duration(core::Time now) const {
    return static_cast<std::uint16_t>(std::clamp(lasted(now), shortest_, kLongest));
}

void EventSender::send(std::uint16_t duration, bool end) {
    said_ = duration;
    const auto payload = rtp::write_telephone_event({event_.number, end, kMinusDbm0, duration});
    send_(sender_.packet(Sender::Soundless{event_.payload_type, marker_, begun_, payload}));
    marker_ = false;
    ++sent_;
}

std::uint32_t EventSender::lasted(core::Time now) const {
    return static_cast<std::uint32_t>(
        std::max(rtp::timestamp_distance(begun_, sender_.timestamp_at(now)), 0));
}

}  // namespace crosspatch::radio
