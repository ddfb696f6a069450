#include <fmt/format.h>

#include <algorithm>
#include <set>

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
        const auto old_ways = open_ways(before_);
        const auto new_ways = open_ways(after_);
        std::set<std::pair<std::string, std::string>> all;
        for (const auto* ways : {&old_ways, &new_ways})
            for (const auto& [way, bridge] : *ways) all.insert(way);
        for (const auto& way : all) {
            const auto find = [&](const auto& ways) {
                const auto found = ways.find(way);
                return found == ways.end() ? std::string{} : found->second;
            };
            compare_way(way.first, way.second, {side(before_, way, find(old_ways))},
                        side(after_, way, find(new_ways)));
        }
        return std::move(told_);
    }

private:
    static Version side(const Layout& layout, const std::pair<std::string, std::string>& way,
                        std::string bridge) {
        return {{layout.channel(way.first), layout.channel(way.second)}, std::move(bridge)};
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
    Told told_;
    std::size_t situations_{};
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
    for (const Version* side : {&before, &after})
        if (!side->bridge.empty()) ways.push_back(side->way);
    const Grid grid{ways, names_, week_};
    if (grid.too_large() || situations_ + grid.cells() > kMaxSituations) {
        told_.complete = false;
        told_.lines.push_back(fmt::format("? {} to {}: too many situations to compare", from, to));
        return;
    }
    situations_ += grid.cells();
    std::vector<Change> changes{Change{}};
    std::vector<std::uint32_t> numbers;
    for (std::size_t i = 0; i < grid.cells(); ++i) {
        Change change = change_at(before, after, grid.cell(i));
        const auto known = std::find(changes.begin(), changes.end(), change);
        numbers.push_back(static_cast<std::uint32_t>(known - changes.begin()));
        if (known == changes.end()) changes.push_back(std::move(change));
    }
    for (std::uint32_t number = 1; number < changes.size(); ++number)
        for (const Grid::Box& box : grid.boxes(numbers, number)) {
            if (told_.lines.size() >= kMaxSentences) {
                if (told_.complete)
                    told_.lines.push_back(fmt::format("? stopped after {} differences", kMaxSentences));
                told_.complete = false;
                return;
            }
            told_.lines.push_back(sentence(from, to, grid, box, changes[number]));
        }
}

}  // namespace

Told differences(const Layout& before, const Layout& after, const Names& names, core::WallTime now) {
    return Comparer{before, after, names, now}.compare();
}

}  // namespace crosspatch::policy
