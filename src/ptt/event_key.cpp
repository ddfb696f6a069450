#include "crosspatch/ptt/event_key.hpp"

#include <algorithm>

namespace crosspatch::ptt {

EventKey::Changes EventKey::on_packet(const rtp::TelephoneEvent& event, std::uint32_t timestamp,
                                      core::Time now) {
    Changes changes;
    std::ranges::transform(events_.on_packet(event, timestamp, now), changes.begin(),
                           [this](const auto& change) { return heed(change); });
    return changes;
}

std::optional<EventKey::Change> EventKey::on_time(core::Time now) { return heed(events_.on_time(now)); }

std::optional<EventKey::Change> EventKey::heed(const std::optional<rtp::TelephoneEvents::Change>& change) {
    if (!change || (key_ && change->event != *key_)) return std::nullopt;
    pressed_ = change->kind == rtp::TelephoneEvents::Change::Kind::Pressed;
    return pressed_ ? Change::Pressed : Change::Released;
}

}  // namespace crosspatch::ptt
