#include "air_ground.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace crosspatch::radio {
namespace {
using Kind = ptt::Ed137::Change::Kind;
namespace ed137 = rtp::ed137;

const char* name_of(ed137::Ptt ptt) {
    switch (ptt) {
        case ed137::Ptt::Off:
            return "off";
        case ed137::Ptt::Normal:
            return "normal";
        case ed137::Ptt::Coupling:
            return "coupling";
        case ed137::Ptt::Priority:
            return "priority";
        case ed137::Ptt::Emergency:
            return "emergency";
        case ed137::Ptt::Test:
            return "test";
        case ed137::Ptt::Reserved6:
        case ed137::Ptt::Reserved7:
            break;
    }
    return "reserved";
}
}  // namespace

AirGround::AirGround(const Options::AirGround& options, core::Time start, Sender& sender, Send send)
    : options_{options}, start_{start}, sender_{sender}, send_{std::move(send)}, session_{options.settings} {}

void AirGround::press(core::Time now) {
    session_.talk_begins(options_.level, now);
    if (options_.settings.role == ptt::Ed137Role::Vcs)
        key_ = options_.level == floor::Class::Emergency ? ed137::Ptt::Emergency : ed137::Ptt::Normal;
}

void AirGround::let_go(core::Time now) {
    session_.talk_ends(now);
    key_ = ed137::Ptt::Off;
    granted_ = false;
    send_keep_alives(now);
}

void AirGround::on_time(core::Time now) {
    const auto before = session_.heard();
    const auto changes = session_.on_time(now);
    show_changes(before, now);
    heed(changes, now);
    send_keep_alives(now);
}

void AirGround::end(core::Time now) {
    let_go(now);
    on_time(now);
}

void AirGround::on_packet(const rtp::Header& header, core::Time now) {
    counters_.keep_alives_received += header.payload_type == ed137::kKeepAlive;
    const auto before = session_.heard();
    heed(session_.on_packet(header, now), now);
    show_changes(before, now);
    send_keep_alives(now);
}

void AirGround::heed(const ptt::Ed137::Changes& changes, core::Time now) {
    for (const auto& change : changes) {
        if (!change) break;
        switch (change->kind) {
            case Kind::Found:
                ++counters_.found;
                show("found", now);
                break;
            case Kind::Lost:
                show("lost", now);
                break;
            case Kind::Pressed:
                ++counters_.pressed;
                if (options_.settings.role == ptt::Ed137Role::Grs) session_.press_granted(now);
                break;
            case Kind::Claimed:
            case Kind::Released:
                break;
        }
    }
}

void AirGround::send_keep_alives(core::Time now) {
    while (session_.keep_alive_due(now)) {
        before_sound();
        send_(sender_.packet(Sender::Soundless{ed137::kKeepAlive, false, sender_.idle_timestamp(now), {}}));
        session_.sent(now);
        ++counters_.keep_alives_sent;
    }
}

// With numbers on both sides, the ground station's says whose key is on air.
bool AirGround::is_ours(const Extension& heard) const {
    const auto id = options_.settings.ptt_id;
    const bool same_id = id == 0 || heard.ptt_id == 0 || heard.ptt_id == id;
    return key_ != ed137::Ptt::Off && heard.ptt == key_ && same_id && !heard.muted;
}

void AirGround::show_changes(const Extension& before, core::Time now) {
    const auto& heard = session_.heard();
    show_ptt(before, now);
    if (heard.squelch_open != before.squelch_open)
        show(heard.squelch_open ? "squelch_open" : "squelch_closed", now);
    if (heard.muted == before.muted) return;
    counters_.muted += heard.muted;
    show(heard.muted ? "muted" : "unmuted", now);
}

// A voice switch's PTT is its key; a ground station's is what it has on air, which may be our own.
void AirGround::show_ptt(const Extension& before, core::Time now) {
    const auto& heard = session_.heard();
    if (options_.settings.role == ptt::Ed137Role::Grs) {
        if (heard.ptt != before.ptt) show(heard.ptt != ed137::Ptt::Off ? "key_down" : "key_up", now);
        return;
    }
    const bool grants = is_ours(heard) && !granted_;
    granted_ = is_ours(heard);
    counters_.granted += grants;
    if (grants)
        show("granted", now);
    else if (heard.ptt != before.ptt)
        show(heard.ptt != ed137::Ptt::Off ? "on_air" : "off_air", now);
}

void AirGround::show(std::string_view event, core::Time now) {
    const auto ptt = session_.heard().ptt;
    std::string words{event};
    std::ranges::replace(words, '_', ' ');
    fmt::print(stderr, "ed137: {}{}\n", words,
               ptt == ed137::Ptt::Off ? "" : fmt::format(", PTT {}", name_of(ptt)));
    if (++kept_ > kMaxEvents) return;
    const auto ms = std::chrono::duration<double, std::milli>(now - start_).count();
    events_ += fmt::format(R"({}{{"ms":{:.3f},"event":"{}","ptt":"{}"}})", events_.empty() ? "" : ",", ms,
                           event, name_of(ptt));
}

std::string AirGround::json() const {
    const auto& heard = session_.heard();
    return fmt::format(
        R"({{"role":"{}","keep_alives_sent":{},"keep_alives_received":{},"found":{},"pressed":{},"granted":{},"muted":{},"ptt":"{}","ptt_id":{},"squelch":{},"events":[{}]}})",
        options_.settings.role == ptt::Ed137Role::Vcs ? "vcs" : "grs", counters_.keep_alives_sent,
        counters_.keep_alives_received, counters_.found, counters_.pressed, counters_.granted,
        counters_.muted, name_of(heard.ptt), heard.ptt_id, heard.squelch_open, events_);
}

}  // namespace crosspatch::radio
