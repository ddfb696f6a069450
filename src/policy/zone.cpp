#include "crosspatch/policy/zone.hpp"

#include <fmt/format.h>
#include <unicode/basictz.h>
#include <unicode/strenum.h>
#include <unicode/timezone.h>
#include <unicode/tztrans.h>

#include <algorithm>
#include <cassert>

#include "crosspatch/core/config.hpp"
#include "crosspatch/core/text.hpp"

namespace crosspatch::policy {
namespace {

using core::WallTime;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kLongestName = 64;  // the database's longest has 32
constexpr std::chrono::years kPast{1};
constexpr std::chrono::years kFuture{20};

UDate to_icu(WallTime time) {
    return static_cast<UDate>(std::chrono::floor<milliseconds>(time).time_since_epoch().count());
}

WallTime from_icu(UDate date) { return WallTime{milliseconds{static_cast<std::int64_t>(date)}}; }

std::vector<std::string> all_names() {
    std::vector<std::string> names;
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::StringEnumeration> listed{icu::TimeZone::createEnumeration(status)};
    if (U_FAILURE(status) || !listed) return names;
    int32_t length = 0;
    for (const char* name = listed->next(&length, status); name && U_SUCCESS(status);
         name = listed->next(&length, status)) {
        names.emplace_back(name, static_cast<std::size_t>(length));
    }
    return names;
}

// `America/Chicago`, `Etc/GMT+6`, `UTC`; not `CST`, and not ICU's own inventions.
bool is_zone_name(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view{"/_+-"}.find(c) != std::string_view::npos;
    };
    // ICU reads a name up to its first NUL, so what it is given is checked here.
    if (!std::all_of(name.begin(), name.end(), allowed)) return false;
    return name == "UTC" || (name.find('/') != std::string_view::npos && !name.starts_with("SystemV/"));
}

// The zone that was probably meant: the same city, or the nearest spelling.
std::optional<std::string> probably_meant(std::string_view name, const std::vector<std::string>& known) {
    std::vector<std::string_view> candidates;
    for (const std::string& zone : known) {
        if (!is_zone_name(zone)) continue;
        if (zone.size() > name.size() && zone.ends_with(name) && zone[zone.size() - name.size() - 1] == '/')
            return zone;
        candidates.push_back(zone);
    }
    const auto near = core::config::nearest(name, candidates);
    return near ? std::optional<std::string>{*near} : std::nullopt;
}

std::vector<Zone::Change> changes_of(const icu::TimeZone& zone, WallTime begin, WallTime end) {
    UErrorCode status = U_ZERO_ERROR;
    int32_t raw = 0;
    int32_t summer = 0;
    zone.getOffset(to_icu(begin), false, raw, summer, status);
    std::vector<Zone::Change> changes{
        {begin, std::chrono::duration_cast<seconds>(milliseconds{raw + summer})}};
    const auto* detailed = dynamic_cast<const icu::BasicTimeZone*>(&zone);
    icu::TimeZoneTransition next;
    UDate from = to_icu(begin);
    while (detailed && detailed->getNextTransition(from, false, next) && from_icu(next.getTime()) < end) {
        from = next.getTime();
        const icu::TimeZoneRule& rule = *next.getTo();
        const milliseconds offset{rule.getRawOffset() + rule.getDSTSavings()};
        changes.push_back({from_icu(from), std::chrono::duration_cast<seconds>(offset)});
    }
    return changes;
}

}  // namespace

Zone::Zone(std::string name, std::vector<Change> changes)
    : name_{std::move(name)}, changes_{std::move(changes)} {
    assert(!changes_.empty());
}

std::chrono::seconds Zone::offset_at(WallTime time) const noexcept {
    const auto later = std::upper_bound(changes_.begin(), changes_.end(), time,
                                        [](WallTime at, const Change& change) { return at < change.at; });
    return later == changes_.begin() ? changes_.front().offset : std::prev(later)->offset;
}

std::optional<WallTime> Zone::next_change(WallTime after) const noexcept {
    // The first entry says how it was before, it changes nothing.
    const auto later = std::upper_bound(changes_.begin() + 1, changes_.end(), after,
                                        [](WallTime at, const Change& change) { return at < change.at; });
    return later == changes_.end() ? std::nullopt : std::optional{later->at};
}

std::string Zones::unknown(std::string_view name) {
    std::optional<std::string> meant;
    if (!name.empty() && name.size() <= kLongestName && suggestions_left_ > 0) {
        --suggestions_left_;
        meant = probably_meant(name, all_names());
    }
    const std::string shown = core::escape(name.substr(0, kLongestName));
    if (meant) return fmt::format("'{}' is not a time zone; did you mean '{}'?", shown, *meant);
    return fmt::format("'{}' is not a time zone; write it as a place, such as 'America/Chicago'", shown);
}

core::Result<std::shared_ptr<const Zone>> Zones::find(std::string_view name) {
    if (const auto known = compiled_.find(name); known != compiled_.end()) return known->second;
    if (name.size() > kLongestName || !is_zone_name(name)) {
        return core::unexpected(core::Error::Code::Invalid, unknown(name));
    }
    const auto text =
        icu::UnicodeString::fromUTF8(icu::StringPiece{name.data(), static_cast<int32_t>(name.size())});
    UErrorCode status = U_ZERO_ERROR;
    UBool from_database = false;  // not a made-up one such as GMT+05:17
    icu::UnicodeString canonical;
    icu::TimeZone::getCanonicalID(text, canonical, from_database, status);
    if (U_FAILURE(status) || !from_database || text == UNICODE_STRING_SIMPLE("Etc/Unknown")) {
        return core::unexpected(core::Error::Code::Invalid, unknown(name));
    }
    const std::unique_ptr<icu::TimeZone> zone{icu::TimeZone::createTimeZone(text)};
    const auto compiled =
        std::make_shared<const Zone>(std::string{name}, changes_of(*zone, now_ - kPast, now_ + kFuture));
    compiled_.emplace(std::string{name}, compiled);
    return compiled;
}

}  // namespace crosspatch::policy
