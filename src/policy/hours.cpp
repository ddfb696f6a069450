#include "crosspatch/policy/hours.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cassert>

#include "crosspatch/core/config.hpp"
#include "crosspatch/core/text.hpp"
#include "src/policy/week.hpp"

namespace crosspatch::policy {
namespace {

using core::Result;
using core::WallTime;
using std::chrono::minutes;

constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::size_t kLongest = 128;  // octets; the longest sensible one has about 70
constexpr std::string_view kForm = "write it as 'Mon-Fri 06:00-22:00 America/Chicago'";

core::Unexpected<core::Error> refuse(std::string text) {
    return core::unexpected(core::Error::Code::Invalid, std::move(text));
}

// The text up to the first `separator`, which is taken away with it.
std::string_view take(std::string_view& rest, char separator) {
    const std::size_t end = rest.find(separator);
    const std::string_view first = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return first;
}

Result<unsigned> parse_day(std::string_view text) {
    const auto day = std::find(kDays.begin(), kDays.end(), text);
    if (day != kDays.end()) return static_cast<unsigned>(day - kDays.begin());
    const std::string shown = core::escape(text);
    // `mon`, `Monday`, `MON`: the first three letters say what was meant.
    for (const std::string_view known : kDays) {
        const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
        if (text.size() >= 3 && std::equal(known.begin(), known.end(), text.begin(), same)) {
            return refuse(fmt::format("'{}' is not a day; did you mean '{}'?", shown, known));
        }
    }
    return refuse(fmt::format("'{}' is not a day; the days are Mon Tue Wed Thu Fri Sat Sun", shown));
}

// `Mon-Wed,Fri` as a bit for each day, Monday first. A range may go over the end of the week.
Result<unsigned> parse_days(std::string_view text) {
    unsigned days = 0;
    std::string_view rest = text;
    while (true) {
        const bool last = rest.find(',') == std::string_view::npos;
        std::string_view range = take(rest, ',');
        const bool single = range.find('-') == std::string_view::npos;
        const auto first = parse_day(take(range, '-'));
        if (!first) return first;
        const auto until = single ? first : parse_day(range);
        if (!until) return until;
        for (unsigned day = *first;; day = (day + 1) % 7) {
            days |= 1U << day;
            if (day == *until) break;
        }
        if (last) return days;
    }
}

// `06:00` in minutes since midnight.
Result<unsigned> parse_clock(std::string_view text, unsigned latest) {
    const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
    if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) {
        return refuse(fmt::format("'{}' is not a time of day; write it as '06:00'", core::escape(text)));
    }
    const auto number = [&](std::size_t at) {
        return unsigned(text[at] - '0') * 10 + unsigned(text[at + 1] - '0');
    };
    const unsigned minute = number(0) * 60 + number(3);
    if (number(3) > 59 || minute > latest) {
        return refuse(fmt::format("'{}' is not a time of day: a day goes from 00:00 to {}", text,
                                  latest == 24 * 60 ? "24:00" : "23:59"));
    }
    return minute;
}

}  // namespace

Result<Hours> Hours::parse(std::string_view text, Zones& zones) {
    if (text.size() > kLongest) return refuse(fmt::format("too long for hours; {}", kForm));
    std::string_view rest = text;
    const std::string_view days_text = take(rest, ' ');
    const std::string_view clock_text = take(rest, ' ');
    if (days_text.empty() || clock_text.empty()) {
        return refuse(fmt::format("'{}' is not hours; {}", core::escape(text), kForm));
    }
    const auto days = parse_days(days_text);
    if (!days) return core::Unexpected{days.error()};
    std::string_view range = clock_text;
    if (range.find('-') == std::string_view::npos) {
        return refuse(
            fmt::format("'{}' is not a span of the day; write it as '06:00-22:00'", core::escape(range)));
    }
    const auto begin = parse_clock(take(range, '-'), kDay - 1U);
    if (!begin) return core::Unexpected{begin.error()};
    const auto end = parse_clock(range, kDay);
    if (!end) return core::Unexpected{end.error()};
    if (*begin == *end) {
        return refuse(fmt::format("'{}' is no time at all; the whole day is '00:00-24:00'", clock_text));
    }
    if (rest.empty()) return refuse(fmt::format("'{}' names no time zone; {}", core::escape(text), kForm));
    const auto zone = zones.find(rest);
    if (!zone) return core::Unexpected{zone.error()};
    return Hours{std::string{text}, *days, *begin, *end, *zone};
}

Hours::Hours(std::string text, unsigned days, unsigned begin, unsigned end, std::shared_ptr<const Zone> zone)
    : text_{std::move(text)}, zone_{std::move(zone)} {
    std::bitset<kWeek> inside;
    const unsigned length = begin < end ? end - begin : end + kDay - begin;
    for (unsigned day = 0; day < 7; ++day) {
        if ((days >> day & 1U) == 0) continue;
        for (unsigned minute = 0; minute < length; ++minute)
            inside.set((day * kDay + begin + minute) % kWeek);
    }
    at_week_start_ = inside[0];
    for (unsigned minute = 1; minute < kWeek; ++minute) {
        if (inside[minute] != inside[minute - 1]) toggles_.push_back(static_cast<std::uint16_t>(minute));
    }
}

bool Hours::contains_minute(std::uint16_t minute) const noexcept {
    const auto passed = std::upper_bound(toggles_.begin(), toggles_.end(), minute) - toggles_.begin();
    return at_week_start_ != (passed % 2 == 1);
}

bool Hours::contains(WallTime time) const noexcept {
    time = std::clamp(time, kFirst, kLast);
    const auto local = since_monday(time + zone_->offset_at(time));
    return contains_minute(static_cast<std::uint16_t>(std::chrono::floor<minutes>(local).count()));
}

std::optional<WallTime> Hours::next_change(WallTime time) const noexcept {
    if (toggles_.empty()) return std::nullopt;  // the whole week
    time = std::clamp(time, kFirst, kLast);
    const bool now_inside = contains(time);
    while (time < kLast) {
        // The next minute of the week at which it would change if the zone did not.
        const auto local = since_monday(time + zone_->offset_at(time));
        const auto passed =
            std::upper_bound(toggles_.begin(), toggles_.end(), local,
                             [](auto at, std::uint16_t toggle) { return at < minutes{toggle}; });
        WallTime next = time + (minutes{kWeek} - local);
        if (passed != toggles_.end()) next = time + (minutes{*passed} - local);
        // Until the clock itself is changed, which may or may not end it: then look again from there.
        const auto clock_change = zone_->next_change(time);
        time = clock_change ? std::min(next, *clock_change) : next;
        if (contains(time) != now_inside) return time;
    }
    return std::nullopt;
}

Result<std::shared_ptr<const Hours>> Hours::shared(std::string_view text, Zones& zones) {
    if (const auto known = zones.hours().find(text); known != zones.hours().end()) return known->second;
    auto parsed = parse(text, zones);
    if (!parsed) return core::Unexpected{parsed.error()};
    auto hours = std::make_shared<const Hours>(std::move(*parsed));
    zones.hours().emplace(std::string{text}, hours);
    return hours;
}

bool Hours::covers(const Hours& other) const noexcept {
    if (zone_->name() != other.zone_->name()) return false;
    const auto holds_at = [&](std::uint16_t minute) {
        return contains_minute(minute) || !other.contains_minute(minute);
    };
    // Between two toggles neither changes, so looking at each of them is looking at every minute.
    return holds_at(0) && std::all_of(toggles_.begin(), toggles_.end(), holds_at) &&
           std::all_of(other.toggles_.begin(), other.toggles_.end(), holds_at);
}

}  // namespace crosspatch::policy
