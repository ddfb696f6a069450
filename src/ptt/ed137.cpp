#include "crosspatch/ptt/ed137.hpp"

#include <algorithm>
#include <cassert>

namespace crosspatch::ptt {
using floor::Class;
using rtp::ed137::Extension;
using rtp::ed137::Ptt;
using Kind = Ed137::Change::Kind;

namespace {

constexpr std::uint16_t kMisorder = 128;  // packets; the SRTP replay window lets nothing older in

std::optional<Class> class_of(Ptt key) {
    switch (key) {
        case Ptt::Normal:
        case Ptt::Coupling:
            return Class::Normal;
        case Ptt::Priority:
            return Class::ImminentPeril;
        case Ptt::Emergency:
            return Class::Emergency;
        case Ptt::Off:
        case Ptt::Test:
        case Ptt::Reserved6:
        case Ptt::Reserved7:
            break;
    }
    return std::nullopt;
}

Ptt key_for(Class level) {
    switch (level) {
        case Class::Normal:
            break;
        case Class::ImminentPeril:
            return Ptt::Priority;
        case Class::Emergency:
            return Ptt::Emergency;
    }
    return Ptt::Normal;
}

void add(Ed137::Changes& changes, Kind kind, Class level = Class::Normal) {
    const auto place = std::ranges::find_if(changes, [](const auto& change) { return !change.has_value(); });
    assert(place != changes.end());
    *place = Ed137::Change{kind, level};
}

}  // namespace

Ed137::Ed137(const Ed137Settings& settings) : settings_{settings} {
    assert(settings.period.count() > 0 && settings.multiplier > 0);
    assert(settings.ptt_id <= rtp::ed137::kMaxPttId);
}

Ed137::Changes Ed137::on_packet(const rtp::Header& header, core::Time now) {
    Changes changes = on_time(now);
    const auto extension = rtp::ed137::read(header);
    if (!extension || is_overtaken(header)) return changes;
    if (!found_) add(changes, Kind::Found);
    found_ = true;
    ssrc_ = header.ssrc;
    sequence_ = header.sequence;
    heard_at_ = now;

    const bool opens = extension->squelch_open && !heard_.squelch_open;
    const bool keys = said_.ptt != Ptt::Off || now < unkeyed_at_ + kEcho;
    echo_ = settings_.role == Ed137Role::Vcs && extension->squelch_open && (echo_ || (opens && keys));
    heard_ = *extension;
    if (!echo_) set_key(key_of(*extension), changes);
    say(to_say());
    return changes;
}

// What came out of order would press a key that is up. A new SSRC, or numbers from far away, are of a sender that
// began anew.
bool Ed137::is_overtaken(const rtp::Header& header) const {
    const auto behind = static_cast<std::uint16_t>(sequence_ - header.sequence);
    return found_ && header.ssrc == ssrc_ && behind < kMisorder;
}

std::optional<Class> Ed137::key_of(const Extension& extension) const {
    if (settings_.role == Ed137Role::Grs) return class_of(extension.ptt);
    return extension.squelch_open ? std::optional{Class::Normal} : std::nullopt;
}

void Ed137::set_key(std::optional<Class> key, Changes& changes) {
    key_ = settings_.role == Ed137Role::Grs ? heard_.ptt : Ptt::Off;
    if (key == pressed_) return;
    if (!key) {
        add(changes, Kind::Released, *pressed_);
        answer_ = Answer::None;
    } else {
        add(changes, pressed_ ? Kind::Claimed : Kind::Pressed, *key);
    }
    pressed_ = key;
}

Ed137::Changes Ed137::on_time(core::Time now) {
    Changes changes;
    if (!found_) return changes;
    if (now >= lost_at()) {
        found_ = false;
        heard_ = {};
        echo_ = false;
        set_key(std::nullopt, changes);
        add(changes, Kind::Lost);
    } else if (awaits_echo() && now >= unkeyed_at_ + kEcho) {
        echo_ = false;
        set_key(key_of(heard_), changes);
    }
    say(to_say());
    return changes;
}

void Ed137::forget_press() {
    pressed_.reset();
    key_ = Ptt::Off;
    answer_ = Answer::None;
    say(to_say());
}

bool Ed137::awaits_echo() const { return echo_ && said_.ptt == Ptt::Off; }

core::Time Ed137::lost_at() const { return heard_at_ + patience(); }

void Ed137::talk_begins(Class level, core::Time) {
    talk_ = level;
    say(to_say());
    owed_ = 0;  // the talk's own packets say it
}

void Ed137::talk_ends(core::Time now) {
    if (!talk_) return;
    talk_.reset();
    unkeyed_at_ = now;
    say(to_say());
}

void Ed137::press_granted(core::Time, Class as) {
    if (!pressed_) return;
    answer_ = Answer::Granted;
    counts_as_ = as;
    say(to_say());
}

void Ed137::press_refused(core::Time) {
    if (!pressed_) return;
    answer_ = Answer::Refused;
    say(to_say());
}

Extension Ed137::to_say() const {
    Extension extension;
    if (settings_.role == Ed137Role::Vcs) {
        if (talk_) extension.ptt = key_for(*talk_);
    } else {
        const bool is_less = pressed_ && counts_as_ < *pressed_;
        if (answer_ == Answer::Granted) extension.ptt = is_less ? key_for(counts_as_) : key_;
        extension.squelch_open = talk_.has_value();
        extension.muted = answer_ == Answer::Refused;
    }
    if (extension.ptt != Ptt::Off) extension.ptt_id = settings_.ptt_id;
    return extension;
}

// What has changed is told at once, and the end of a key again, since a transmitter hangs on it. A key that flutters
// without end is told with the keep-alives that go out anyway.
void Ed137::say(const Extension& extension) {
    if (extension == said_) return;
    const bool unkeys = extension.ptt == Ptt::Off && said_.ptt != Ptt::Off;
    said_ = extension;
    owed_ = static_cast<std::uint8_t>(unkeys ? 1 + settings_.repeats : std::max<int>(owed_, 1));
}

bool Ed137::keep_alive_due(core::Time now) const {
    const bool at_once = owed_ > 0 && (hurried_ < kHurried || now >= hurried_since_ + kHurryTime);
    return at_once || !sent_at_ || now >= *sent_at_ + settings_.period;
}

void Ed137::sent(core::Time now) {
    sent_at_ = now;
    if (owed_ == 0) return;
    --owed_;
    if (now >= hurried_since_ + kHurryTime) {
        hurried_since_ = now;
        hurried_ = 0;
    }
    if (hurried_ < kHurried) ++hurried_;
}

// Half a period back: then no two packets are further apart than a period and a half.
void Ed137::sent_meanwhile(core::Time now) {
    const core::Time about = now - settings_.period / 2;
    if (!sent_at_ || about > *sent_at_) sent_at_ = about;
}

core::Time Ed137::next_deadline() const {
    if ((owed_ > 0 && hurried_ < kHurried) || !sent_at_) return core::Time::min();
    core::Time next = *sent_at_ + settings_.period;
    if (owed_ > 0) next = std::min(next, hurried_since_ + kHurryTime);
    if (found_) next = std::min(next, lost_at());
    if (found_ && awaits_echo()) next = std::min(next, unkeyed_at_ + kEcho);
    return next;
}

}  // namespace crosspatch::ptt
