#include "crosspatch/policy/grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "src/policy/week.hpp"

namespace crosspatch::policy {
namespace {

using core::WallTime;
using std::chrono::minutes;

constexpr std::size_t kMaxSpans = 1000;
constexpr std::array<const char*, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

// `Mon-Wed,Fri`, `every day`
std::string days_text(unsigned days) {
    if (days == 0x7F) return "every day";
    std::string text;
    for (unsigned day = 0; day < 7; ++day) {
        if ((days >> day & 1U) == 0) continue;
        unsigned last = day;
        while (last < 6 && (days >> (last + 1) & 1U) != 0) ++last;
        text += fmt::format("{}{}", text.empty() ? "" : ",", kDays[day]);
        if (last > day) text += fmt::format("-{}", kDays[last]);
        day = last;
    }
    return text;
}

std::string clock_text(minutes since_midnight) {
    return fmt::format("{:02}:{:02}", since_midnight.count() / 60, since_midnight.count() % 60);
}

// A stretch of the week on the wall clock.
struct Stretch {
    minutes begin, length;  // since Monday 00:00
};

// Stretches of the same length that begin at the same time of the day are told together.
std::string stretches_text(const std::vector<Stretch>& stretches) {
    constexpr minutes kDay{24 * 60};
    std::map<std::pair<minutes, minutes>, unsigned> alike;  // time of day, length -> days
    std::vector<std::string> texts;
    for (const Stretch& one : stretches) {
        if (one.length <= kDay) {
            alike[{one.begin % kDay, one.length}] |= 1U << (one.begin / kDay);
            continue;
        }
        const minutes end = (one.begin + one.length) % kWeekLength;
        texts.push_back(fmt::format("from {} {} to {} {}", kDays[static_cast<std::size_t>(one.begin / kDay)],
                                    clock_text(one.begin % kDay), kDays[static_cast<std::size_t>(end / kDay)],
                                    clock_text(end % kDay)));
    }
    for (const auto& [span, days] : alike) {
        const minutes end = (span.first + span.second) % kDay;
        texts.push_back(fmt::format("{} {}-{}", days_text(days), clock_text(span.first),
                                    clock_text(end == minutes{0} ? kDay : end)));
    }
    return joined(texts);
}

template <typename F>
void for_each_hours(const std::vector<const RuleList*>& lists, const F& look_at) {
    for (const RuleList* list : lists)
        for (const Rule& rule : list->rules)
            for (const auto* hours : {&rule.when.hours.any_of, &rule.when.hours.none_of})
                for (const auto& one : *hours)
                    if (!one->toggles().empty()) look_at(*one);
}

// The suites that come into question, or one for all of them where nothing tells them apart.
std::vector<Suite> suites_in(SuiteSet set, bool told_apart) {
    std::vector<Suite> suites;
    for (std::size_t i = 0; i < kSuites; ++i)
        if (set.contains(static_cast<Suite>(i))) suites.push_back(static_cast<Suite>(i));
    if (suites.empty()) suites.push_back(Suite::AeadAes256Gcm);
    if (!told_apart && !set.contains(Suite::None)) suites.resize(1);
    return suites;
}

std::string suites_text(const std::vector<Suite>& all, const std::vector<std::size_t>& chosen) {
    std::vector<std::string> words;
    for (const std::size_t i : chosen) words.emplace_back(word(all[i]));
    return joined(words);
}

}  // namespace

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
    return text;
}

Grid::Grid(const std::vector<Way>& ways, const Names& names, WallTime week) : names_{names} {
    std::vector<const RuleList*> lists;
    SuiteSet talking;
    SuiteSet listening;
    for (const Way& way : ways) {
        lists.push_back(&way.from->outbound);
        lists.push_back(&way.to->inbound);
        for (std::size_t i = 0; i < kSuites; ++i) {
            const auto suite = static_cast<Suite>(i);
            if (way.from->talking().contains(suite)) talking.insert(suite);
            if (way.to->listening().contains(suite)) listening.insert(suite);
        }
    }
    add_names(kRole, lists, &Conditions::role);
    add_names(kTalker, lists, &Conditions::talker);
    const bool suites = tells_apart(lists, field::kSuite, kSuites);
    suites_ = suites_in(talking, suites);
    listeners_ = suites_in(listening, suites);
    kinds_ = {Kind::Voice};
    if (suites || tells_apart(lists, field::kKind, 4) || talking.contains(Suite::None) ||
        listening.contains(Suite::None))
        kinds_ = {Kind::Voice, Kind::Text, Kind::Picture, Kind::Location};
    emergencies_ = {false};
    if (tells_apart(lists, field::kEmergency, 2)) emergencies_ = {false, true};
    add_times(lists, week);
    sizes_ = {roles_.size(),  talkers_.size(),   kinds_.size(), emergencies_.size(),
              suites_.size(), listeners_.size(), spans_.size()};
}

bool Grid::tells_apart(const std::vector<const RuleList*>& lists, unsigned first_bit, unsigned width) const {
    const std::uint32_t mask = ((1U << width) - 1U) << first_bit;
    return std::any_of(lists.begin(), lists.end(), [&](const RuleList* list) {
        return std::any_of(list->rules.begin(), list->rules.end(),
                           [&](const Rule& rule) { return (rule.when.fields & mask) != mask; });
    });
}

void Grid::add_names(Axis axis, const std::vector<const RuleList*>& lists, NameSet Conditions::*condition) {
    std::set<NameId> named;
    for (const RuleList* list : lists)
        for (const Rule& rule : list->rules)
            for (const NameId id : (rule.when.*condition).ids)
                if (named.size() <= kMaxCells) named.insert(id);
    std::vector<NameId>& into = axis == kRole ? roles_ : talkers_;
    into.assign(named.begin(), named.end());
    into.push_back(NameId::None);
}

// Cuts the week at every moment at which any hours begin or end.
void Grid::add_times(const std::vector<const RuleList*>& lists, WallTime week) {
    std::set<WallTime> cuts{week};
    const WallTime end = week + std::chrono::weeks{1};
    std::set<std::string> seen;
    for_each_hours(lists, [&](const Hours& hours) {
        if (!zone_) zone_ = hours.zone();
        if (!seen.insert(hours.text()).second) return;
        for (auto next = hours.next_change(week); next && *next < end; next = hours.next_change(*next))
            if (cuts.size() <= kMaxSpans) cuts.insert(*next);
    });
    for (auto cut = cuts.begin(); cut != cuts.end(); ++cut)
        spans_.push_back({*cut, std::next(cut) == cuts.end() ? end : *std::next(cut)});
}

std::size_t Grid::cells() const {
    std::size_t cells = 1;
    if (spans_.size() > kMaxSpans) return kMaxCells + 1;
    for (const std::size_t size : sizes_) cells = std::min(cells * size, kMaxCells + 1);
    return cells;
}

Grid::Cell Grid::cell(std::size_t index) const {
    std::array<std::size_t, kAxes> at{};
    for (std::size_t axis = kAxes; axis-- > 0; index /= sizes_[axis]) at[axis] = index % sizes_[axis];
    Cell cell{
        roles_[at[kRole]],   talkers_[at[kTalker]],     kinds_[at[kKind]],      emergencies_[at[kEmergency]],
        suites_[at[kSuite]], listeners_[at[kListener]], spans_[at[kTime]].begin};
    if (cell.kind != Kind::Voice) cell.suite = cell.listener = Suite::Api;
    return cell;
}

std::optional<std::vector<Grid::Box>> Grid::boxes(const std::vector<std::uint32_t>& of, std::uint32_t number,
                                                  Budget& budget) const {
    return boxes_from(0, 0, of, number, budget);
}

// `offset`: which block of the cells on the axes before.
std::optional<std::vector<Grid::Box>> Grid::boxes_from(std::size_t axis, std::size_t offset,
                                                       const std::vector<std::uint32_t>& of,
                                                       std::uint32_t number, Budget& budget) const {
    std::size_t block = 1;
    for (std::size_t i = axis; i < kAxes; ++i) block *= sizes_[i];
    const auto first = of.begin() + static_cast<std::ptrdiff_t>(offset * block);
    const auto last = first + static_cast<std::ptrdiff_t>(block);
    if (!budget.spend(block)) return std::nullopt;
    if (std::find(first, last, number) == last) return std::vector<Box>{};
    if (axis == kAxes) return std::vector<Box>{Box{}};
    // Values behind which the same is found go together.
    std::vector<std::pair<std::vector<Box>, std::vector<std::size_t>>> alike;
    std::size_t count = 0;
    for (std::size_t value = 0; value < sizes_[axis]; ++value) {
        auto behind = boxes_from(axis + 1, offset * sizes_[axis] + value, of, number, budget);
        if (!behind || !budget.spend(50 * (count + 1))) return std::nullopt;
        if (behind->empty()) continue;
        const auto same = [&](const auto& one) {
            return std::equal(one.first.begin(), one.first.end(), behind->begin(), behind->end(),
                              [](const Box& a, const Box& b) { return a.values == b.values; });
        };
        const auto known = std::find_if(alike.begin(), alike.end(), same);
        if (known != alike.end()) {
            known->second.push_back(value);
            continue;
        }
        count += behind->size();
        if (count > kMaxBoxes) return std::nullopt;  // what is told apart here stays so
        alike.emplace_back(std::move(*behind), std::vector{value});
    }
    std::vector<Box> boxes;
    for (auto& [behind, values] : alike)
        for (Box& box : behind) {
            box.values[axis] = values;
            boxes.push_back(std::move(box));
        }
    return boxes;
}

// `guards and officers`, `everybody but guards`; empty for everybody. `ending`: `s` for roles.
std::string Grid::names(const Box& box, Axis axis, std::string_view ending) const {
    const auto& all = axis == kRole ? roles_ : talkers_;
    const auto& chosen = box.values[axis];
    if (chosen.size() == all.size()) return {};
    const bool others = chosen.back() + 1 == all.size();  // those that no rule names
    std::vector<std::string> words;
    for (std::size_t i = 0; i + 1 < all.size(); ++i)
        if (std::binary_search(chosen.begin(), chosen.end(), i) != others)
            words.push_back(fmt::format("{}{}", names_.text(all[i]), ending));
    return (others ? "everybody but " : "") + joined(words);
}

std::string Grid::who(const Box& box) const {
    const std::string roles = names(box, kRole, "s");
    const std::string talkers = names(box, kTalker, "");
    if (roles.empty() && talkers.empty()) return "everybody";
    if (roles.empty()) return talkers;
    return talkers.empty() ? roles : fmt::format("{} ({})", roles, talkers);
}

bool Grid::is_several(const Box& box) const {
    const std::string text = who(box);
    if (text.starts_with("everybody")) return false;
    return box.values[kRole].size() < roles_.size() || box.values[kTalker].size() > 1;
}

std::string Grid::times(const Box& box) const {
    const auto& chosen = box.values[kTime];
    if (chosen.size() == spans_.size()) return {};
    std::vector<Span> runs;
    for (const std::size_t i : chosen) {
        if (!runs.empty() && runs.back().end == spans_[i].begin)
            runs.back().end = spans_[i].end;
        else
            runs.push_back(spans_[i]);
    }
    // Over the end of the week.
    if (runs.size() > 1 && runs.front().begin == spans_.front().begin &&
        runs.back().end == spans_.back().end) {
        runs.back().end += runs.front().end - runs.front().begin;
        runs.erase(runs.begin());
    }
    std::vector<Stretch> stretches;
    for (const Span& run : runs) {
        const auto offset = zone_ ? zone_->offset_at(run.begin) : std::chrono::seconds{0};
        stretches.push_back({std::chrono::floor<minutes>(since_monday(run.begin + offset)),
                             std::chrono::floor<minutes>(run.end - run.begin)});
    }
    return fmt::format("{} {}", stretches_text(stretches), zone_ ? zone_->name() : "UTC");
}

std::string Grid::conditions(const Box& box) const {
    std::vector<std::string> parts;
    if (box.values[kKind].size() < kinds_.size()) {
        std::vector<std::string> words;
        for (const std::size_t i : box.values[kKind]) words.emplace_back(word(kinds_[i]));
        parts.push_back(joined(words));
    }
    if (box.values[kEmergency].size() < emergencies_.size())
        parts.emplace_back(box.values[kEmergency].front() == 1 ? "in an emergency" : "not in an emergency");
    if (box.values[kSuite].size() < suites_.size())
        parts.push_back("talkers with " + suites_text(suites_, box.values[kSuite]));
    if (box.values[kListener].size() < listeners_.size())
        parts.push_back("listeners with " + suites_text(listeners_, box.values[kListener]));
    if (const std::string when = times(box); !when.empty()) parts.push_back(when);
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
    return text;
}

}  // namespace crosspatch::policy
