#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "crosspatch/policy/matrix.hpp"
#include "src/policy/ways.hpp"

namespace crosspatch::policy {
namespace {

// A way as one of the configurations has it.
struct Version {
    Grid::Way way{};
    std::string bridge;  // empty: none
};

// What changes for a situation: from which answer to which.
struct Change {
    enum class Kind { None, Heard, NotHeard, Effects } kind{Kind::None};
    std::string effects;  // those after it
    std::string reason;
    bool operator==(const Change&) const = default;
};

class Comparer {
public:
    Comparer(const Layout& before, const Layout& after, const Names& names, core::WallTime now)
        : before_{before}, after_{after}, names_{names}, week_{week_after(now)} {}

    Told compare() {
        const auto old_ways = open_ways(before_, kMaxWays);
        const auto new_ways = open_ways(after_, kMaxWays);
        if (!old_ways || !new_ways) {
            stop(fmt::format("the bridges open more than {} ways between channels", kMaxWays));
            return std::move(told_);
        }
        std::set<std::pair<std::string, std::string>> all;
        for (const Ways* ways : {&*old_ways, &*new_ways})
            for (const auto& [way, bridge] : *ways) all.insert(way);
        const ChannelIndex old_channels = index_of(before_);
        const ChannelIndex new_channels = index_of(after_);
        for (const auto& way : all) {
            compare_way(way.first, way.second, side(old_channels, way, *old_ways),
                        side(new_channels, way, *new_ways));
            if (budget_.spent())
                stop(fmt::format("comparing {} to {} and the rest would take too long", way.first,
                                 way.second));
            if (stopped_) break;
        }
        return std::move(told_);
    }

private:
    static Version side(const ChannelIndex& channels, const std::pair<std::string, std::string>& way,
                        const Ways& ways) {
        const auto channel = [&](const std::string& id) {
            const auto found = channels.find(id);
            return found == channels.end() ? nullptr : found->second;
        };
        const auto bridge = ways.find(way);
        return {{channel(way.first), channel(way.second)},
                bridge == ways.end() ? std::string{} : bridge->second};
    }
    void stop(const std::string& why) {
        told_.complete = false;
        stopped_ = true;
        told_.lines.push_back(fmt::format(
            "? stopped: {}. Compare files with fewer bridges, those in question, or ask for one way in "
            "each by `crosspatchctl policy test`",
            why));
    }
    void compare_way(const std::string& from, const std::string& to, const Version& before,
                     const Version& after);
    Change change_at(const Version& before, const Version& after, const Grid::Cell& cell) const;
    std::string why(const Version& after, const Answer& answer) const;
    std::string why_unbridged(const Version& after) const;
    std::string sentence(const std::string& from, const std::string& to, const Grid& grid,
                         const Grid::Box& box, const Change& change) const;

    const Layout& before_;
    const Layout& after_;
    const Names& names_;
    core::WallTime week_;
    Costs costs_;
    Budget budget_{kMaxWork};
    Told told_;
    std::size_t situations_{};
    bool stopped_{};
};

std::string Comparer::why_unbridged(const Version& after) const {
    for (const Layout::Bridge& bridge : after_.bridges) {
        const auto joins = [&](const Layout::Channel* channel, bool Layout::Leg::*way) {
            return std::ranges::any_of(
                bridge.legs, [&](const Layout::Leg& leg) { return leg.channel == channel->id && leg.*way; });
        };
        if (joins(after.way.from, &Layout::Leg::heard) && joins(after.way.to, &Layout::Leg::hears))
            return too_confidential(*after.way.from, bridge);
    }
    return "no bridge joins them any more";
}

// `rule night-hours, outbound of ng-ops`
std::string Comparer::why(const Version& after, const Answer& answer) const {
    if (!after.way.from || !after.way.to) return "one of the channels is gone";
    if (after.bridge.empty()) return why_unbridged(after);
    if (!answer.outbound.allowed)
        return fmt::format("{}, outbound of {}", rule_text(answer.outbound), after.way.from->id);
    if (!answer.inbound.allowed)
        return fmt::format("{}, inbound of {}", rule_text(answer.inbound), after.way.to->id);
    return fmt::format("{}, outbound of {}; {}, inbound of {}", rule_text(answer.outbound),
                       after.way.from->id, rule_text(answer.inbound), after.way.to->id);
}

Change Comparer::change_at(const Version& before, const Version& after, const Grid::Cell& cell) const {
    const auto answer = [&](const Version& side) {
        return side.bridge.empty() ? Answer{} : answer_of(side.way, cell, names_);
    };
    const Answer was = answer(before);
    const Answer is = answer(after);
    if (was.allowed == is.allowed && was.effects == is.effects) return {};
    Change change{Change::Kind::Effects, effects_text(is.effects), why(after, is)};
    if (was.allowed != is.allowed) change.kind = is.allowed ? Change::Kind::Heard : Change::Kind::NotHeard;
    if (before.bridge.empty() && is.allowed)
        change.reason += fmt::format("; bridge {} joins them now", after.bridge);
    return change;
}

std::string Comparer::sentence(const std::string& from, const std::string& to, const Grid& grid,
                               const Grid::Box& box, const Change& change) const {
    const std::string who = grid.who(box);
    const std::string conditions = grid.conditions(box);
    const char* what = change.kind == Change::Kind::NotHeard ? "no longer heard"
                       : change.kind == Change::Kind::Heard  ? "now heard"
                                                             : "heard otherwise";
    std::string text = fmt::format("{} {} {} {} {} on {}", who, who == "everybody" ? "on" : "of", from,
                                   grid.is_several(box) ? "are" : "is", what, to);
    if (!conditions.empty()) text += ": " + conditions;
    if (change.kind == Change::Kind::Effects)
        text += fmt::format(", now with {}", change.effects.empty() ? "no effect" : change.effects);
    else if (!change.effects.empty())
        text += ", with " + change.effects;
    return fmt::format("{} ({})", text, change.reason);
}

void Comparer::compare_way(const std::string& from, const std::string& to, const Version& before,
                           const Version& after) {
    std::vector<Grid::Way> ways;
    std::uint64_t cost = 0;
    for (const Version* side : {&before, &after})
        if (!side->bridge.empty()) {
            ways.push_back(side->way);
            cost += costs_.situation(side->way);
            if (!budget_.spend(costs_.grid(side->way))) return;
        }
    const Grid grid{ways, names_, week_};
    const auto too_many = [&](std::string_view what) {
        told_.complete = false;
        told_.lines.push_back(fmt::format("? {} to {}: too many {} to compare", from, to, what));
    };
    if (grid.too_large() || situations_ + grid.cells() > kMaxSituations) return too_many("situations");
    situations_ += grid.cells();
    std::vector<Change> changes{Change{}};
    std::vector<std::uint32_t> numbers;
    for (std::size_t i = 0; i < grid.cells(); ++i) {
        if (!budget_.spend(2 * cost + 50 * changes.size())) return;
        Change change = change_at(before, after, grid.cell(i));
        const auto known = std::find(changes.begin(), changes.end(), change);
        numbers.push_back(static_cast<std::uint32_t>(known - changes.begin()));
        if (known == changes.end()) changes.push_back(std::move(change));
        if (changes.size() > kMaxAnswers) return too_many("changes");
    }
    for (std::uint32_t number = 1; number < changes.size(); ++number) {
        const auto boxes = grid.boxes(numbers, number, budget_);
        if (budget_.spent()) return;
        if (!boxes) return too_many("situations");
        for (const Grid::Box& box : *boxes) {
            if (told_.lines.size() >= kMaxSentences)
                return stop(fmt::format("{} differences are told", kMaxSentences));
            told_.lines.push_back(sentence(from, to, grid, box, changes[number]));
        }
    }
}

}  // namespace

Told differences(const Layout& before, const Layout& after, const Names& names, core::WallTime now) {
    return Comparer{before, after, names, now}.compare();
}

}  // namespace crosspatch::policy
