#include "crosspatch/policy/hours_table.hpp"

#include <algorithm>
#include <map>

#include "src/policy/week.hpp"

namespace crosspatch::policy {

using core::WallTime;
using std::chrono::minutes;

// Goes through the week of each zone, minute by minute at which anything begins or ends.
class HoursTable::Builder {
public:
    explicit Builder(std::span<const TimeSet* const> hours) : hours_{hours} {}

    std::unique_ptr<const HoursTable> build();

private:
    // At `minute` one more (or one less) of the rule's hours holds.
    struct Event {
        std::uint16_t minute;
        std::uint16_t rule;
        bool under_not;
        bool begins;
        bool operator<(const Event& other) const { return minute < other.minute; }
    };
    // How many of a rule's hours hold.
    struct Inside {
        std::uint16_t any{};
        std::uint16_t none{};
    };

    void collect();
    void note(const Hours& hours, std::size_t rule, bool under_not);
    bool lay_out(Week& week);
    bool add_span(Week& week, std::uint16_t minute);

    std::span<const TimeSet* const> hours_;
    std::map<std::shared_ptr<const Zone>, std::vector<Event>>
        events_;  // of each zone; what holds on Monday begins at 0
    std::vector<Inside> inside_;
    std::map<std::vector<std::uint64_t>, std::uint16_t> known_;
    std::unique_ptr<HoursTable> table_;
};

void HoursTable::Builder::note(const Hours& hours, std::size_t rule, bool under_not) {
    auto& events = events_[hours.zone()];
    bool inside = hours.holds_at_week_start();
    if (inside) events.push_back({0, static_cast<std::uint16_t>(rule), under_not, true});
    for (const std::uint16_t minute : hours.toggles()) {
        inside = !inside;
        events.push_back({minute, static_cast<std::uint16_t>(rule), under_not, inside});
    }
}

void HoursTable::Builder::collect() {
    bool any_under_not = false;
    for (std::size_t rule = 0; rule < hours_.size(); ++rule) {
        if (hours_[rule]->always()) continue;
        for (const auto& one : hours_[rule]->any_of) note(*one, rule, false);
        for (const auto& one : hours_[rule]->none_of) note(*one, rule, true);
        any_under_not |= !hours_[rule]->none_of.empty();
        if (hours_[rule]->any_of.empty()) table_->free_.insert(rule);
    }
    table_->words_ = (hours_.size() + 63) / 64;
    table_->stride_ = table_->words_ * (any_under_not ? 2 : 1);
}

// The span that begins at `minute` has the rules that are inside now. False: the table becomes too large.
bool HoursTable::Builder::add_span(Week& week, std::uint16_t minute) {
    RuleBits any;
    RuleBits none;
    for (std::size_t rule = 0; rule < inside_.size(); ++rule) {
        if (inside_[rule].any > 0) any.insert(rule);
        if (inside_[rule].none > 0) none.insert(rule);
    }
    std::vector<std::uint64_t> pattern{any.words.begin(), any.words.begin() + table_->words_};
    if (table_->stride_ > table_->words_)
        pattern.insert(pattern.end(), none.words.begin(), none.words.begin() + table_->words_);
    const auto [known, fresh] = known_.emplace(pattern, static_cast<std::uint16_t>(known_.size()));
    if (fresh) table_->patterns_.insert(table_->patterns_.end(), pattern.begin(), pattern.end());
    week.begins.push_back(minute);
    week.patterns.push_back(known->second);
    return table_->memory() <= kMaxOctets;
}

bool HoursTable::Builder::lay_out(Week& week) {
    std::vector<Event>& events = events_[week.zone];
    std::stable_sort(events.begin(), events.end());
    inside_.assign(hours_.size(), {});
    std::uint16_t minute = 0;
    for (const Event& event : events) {
        if (event.minute != minute) {
            if (!add_span(week, minute)) return false;
            minute = event.minute;
        }
        std::uint16_t& count = event.under_not ? inside_[event.rule].none : inside_[event.rule].any;
        count = static_cast<std::uint16_t>(event.begins ? count + 1 : count - 1);
    }
    return add_span(week, minute);
}

std::unique_ptr<const HoursTable> HoursTable::Builder::build() {
    table_.reset(new HoursTable);
    collect();
    if (events_.size() > kMaxZones) return nullptr;
    for (const auto& [zone, events] : events_) {
        Week week{zone, {}, {}};
        if (!lay_out(week)) return nullptr;
        week.begins.shrink_to_fit();
        week.patterns.shrink_to_fit();
        table_->weeks_.push_back(std::move(week));
        if (table_->memory() > kMaxOctets) return nullptr;
    }
    table_->patterns_.shrink_to_fit();
    return std::move(table_);
}

std::unique_ptr<const HoursTable> HoursTable::make(std::span<const TimeSet* const> hours) {
    return Builder{hours}.build();
}

std::size_t HoursTable::memory() const {
    std::size_t octets = patterns_.size() * sizeof(std::uint64_t);
    for (const Week& week : weeks_) octets += week.begins.size() * 2 * sizeof(std::uint16_t);
    return octets;
}

HoursTable::Place HoursTable::place_at(const Week& week, WallTime time) const noexcept {
    const auto local = since_monday(time + week.zone->offset_at(time));
    const auto later = std::upper_bound(week.begins.begin(), week.begins.end(), local,
                                        [](auto at, std::uint16_t begin) { return at < minutes{begin}; });
    const minutes end = later == week.begins.end() ? kWeekLength : minutes{*later};
    // Until the clock itself is changed: then it is looked at again.
    const WallTime next = time + (end - local);
    const auto clock_change = week.zone->next_change(time);
    return {static_cast<std::size_t>(later - week.begins.begin()) - 1,
            clock_change ? std::min(next, *clock_change) : next};
}

RuleBits HoursTable::open_with(const std::array<Place, kMaxZones>& places) const noexcept {
    RuleBits open = free_;
    RuleBits shut;
    for (std::size_t i = 0; i < weeks_.size(); ++i) {
        const std::uint64_t* inside = pattern(weeks_[i], places[i].span);
        for (std::size_t w = 0; w < words_; ++w) open.words[w] |= inside[w];
        if (stride_ == words_) continue;
        for (std::size_t w = 0; w < words_; ++w) shut.words[w] |= inside[words_ + w];
    }
    for (std::size_t w = 0; w < words_; ++w) open.words[w] &= ~shut.words[w];
    return open;
}

RuleBits HoursTable::open_at(WallTime now) const noexcept {
    now = std::clamp(now, kFirst, kLast);
    std::array<Place, kMaxZones> places;
    for (std::size_t i = 0; i < weeks_.size(); ++i) places[i] = place_at(weeks_[i], now);
    return open_with(places);
}

WallTime HoursTable::steady_until(const RuleBits& of, WallTime now) const noexcept {
    now = std::clamp(now, kFirst, kLast);
    std::array<Place, kMaxZones> places;
    for (std::size_t i = 0; i < weeks_.size(); ++i) places[i] = place_at(weeks_[i], now);
    const RuleBits before = open_with(places);
    const auto same = [&](const RuleBits& after) {
        std::uint64_t different = 0;
        for (std::size_t w = 0; w < words_; ++w)
            different |= (before.words[w] ^ after.words[w]) & of.words[w];
        return different == 0;
    };
    WallTime next = now;
    for (int step = 0; step < kSteps; ++step) {
        next = kLast;
        for (std::size_t i = 0; i < weeks_.size(); ++i) next = std::min(next, places[i].next);
        if (next == kLast) return WallTime::max();
        for (std::size_t i = 0; i < weeks_.size(); ++i)
            if (places[i].next == next) places[i] = place_at(weeks_[i], next);
        if (!same(open_with(places))) return next;
    }
    return next;
}

}  // namespace crosspatch::policy
