#include "src/policy/coverage.hpp"

#include <algorithm>
#include <iterator>

namespace crosspatch::policy {
namespace {

struct FieldSpan {
    unsigned first_bit, width;
};
constexpr std::array kFieldSpans{FieldSpan{field::kKind, 4},        FieldSpan{field::kEmergency, 2},
                                 FieldSpan{field::kSensitivity, 5}, FieldSpan{field::kSuite, kSuites},
                                 FieldSpan{field::kIncident, 3},    FieldSpan{field::kSeverity, 6}};

std::uint32_t mask_of(FieldSpan span) { return ((1U << span.width) - 1U) << span.first_bit; }

NameSet common(const NameSet& one, const NameSet& other) {
    NameSet both{{}, one.except && other.except};
    const auto into = std::back_inserter(both.ids);
    const auto& a = one.ids;
    const auto& b = other.ids;
    if (both.except) {
        std::set_union(a.begin(), a.end(), b.begin(), b.end(), into);
    } else if (one.except) {
        std::set_difference(b.begin(), b.end(), a.begin(), a.end(), into);
    } else if (other.except) {
        std::set_difference(a.begin(), a.end(), b.begin(), b.end(), into);
    } else {
        std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), into);
    }
    return both;
}

NameSet without(const NameSet& one, const NameSet& other) { return common(one, {other.ids, !other.except}); }

// Is there a name that both contain? Of two that leave some out, always: names have no end.
bool meet(const NameSet& one, const NameSet& other) {
    if (one.except && other.except) return true;
    const NameSet& listed = one.except ? other : one;
    const NameSet& set = one.except ? one : other;
    return std::any_of(listed.ids.begin(), listed.ids.end(), [&](NameId id) { return set.contains(id); });
}

const NameSet& names_of(const Conditions& conditions, std::size_t i) {
    const std::array all{&conditions.agency, &conditions.channel, &conditions.role, &conditions.talker};
    return *all[i];
}

}  // namespace

bool Coverage::spend(std::size_t steps) {
    const bool enough = steps <= steps_left_;
    steps_left_ -= enough ? steps : steps_left_;
    return enough;
}

bool Coverage::meets(const Box& box, const Conditions& conditions) {
    for (const FieldSpan span : kFieldSpans)
        if ((box.fields & conditions.fields & mask_of(span)) == 0) return false;
    for (std::size_t i = 0; i < kNameConditions; ++i)
        if (!meet(box.names[i], names_of(conditions, i))) return false;
    return true;
}

// `all but these` of agencies and channels as a list, where the configuration has few enough: a channel is there with
// its agency only.
Coverage::Box Coverage::start(const Conditions& conditions) {
    Box box{conditions.fields, {conditions.agency, conditions.channel, conditions.role, conditions.talker}};
    NameSet& agencies = box.names[0];
    NameSet& channels = box.names[1];
    const Known& known = vocabulary_.known();
    const auto close = [&](NameSet& names, std::vector<NameId> all) {
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
        if (names.except) names = without({std::move(all), false}, {names.ids, false});
    };
    std::vector<NameId> all;
    if (known.agencies.size() <= kMaxClosed) {
        for (const std::string& agency : known.agencies) all.push_back(names_.intern(agency));
        close(agencies, std::move(all));
    }
    all.clear();
    if (known.channels.size() <= kMaxClosed) {
        for (const Known::Channel& channel : known.channels)
            if (agencies.contains(names_.intern(channel.agency))) all.push_back(names_.intern(channel.id));
        close(channels, std::move(all));
    }
    return box;
}

// Takes what the candidates from `from` on match away from `box`: true if nothing is left.
bool Coverage::covered(Box box, std::vector<Candidate>& candidates, std::size_t from) {
    std::size_t names = 0;
    for (const NameSet& one : box.names) names += one.ids.size();
    while (true) {
        if (from == candidates.size() || !spend(1 + names / 8)) return false;
        if (meets(box, candidates[from].rule->when)) break;
        ++from;
    }
    const Conditions& taker = candidates[from].rule->when;
    for (const FieldSpan span : kFieldSpans) {
        const std::uint32_t left = box.fields & ~taker.fields & mask_of(span);
        if (left == 0) continue;
        Box piece = box;
        piece.fields = (box.fields & ~mask_of(span)) | left;
        if (!covered(std::move(piece), candidates, from + 1)) return false;
        box.fields &= ~left;
    }
    for (std::size_t i = 0; i < kNameConditions; ++i) {
        NameSet left = without(box.names[i], names_of(taker, i));
        if (left.empty()) continue;
        Box piece = box;
        piece.names[i] = std::move(left);
        if (!covered(std::move(piece), candidates, from + 1)) return false;
        box.names[i] = common(box.names[i], names_of(taker, i));
    }
    candidates[from].used = true;
    return true;
}

// Leaves as few candidates as are found to do.
void Coverage::drop_needless(const Box& box, std::vector<Candidate>& candidates) {
    std::erase_if(candidates, [](const Candidate& candidate) { return !candidate.used; });
    for (std::size_t i = candidates.size(); i-- > 0 && candidates.size() > 1;) {
        std::vector<Candidate> fewer = candidates;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        if (covered(box, fewer, 0)) candidates = std::move(fewer);
    }
}

std::vector<const Rule*> Coverage::of(const Rule& rule, const std::vector<Rule>& earlier) {
    for (const Rule& before : earlier)
        if (before.when.covers(rule.when)) return {&before};
    if (earlier.size() < 2) return {};
    const Box box = start(rule.when);
    std::vector<Candidate> candidates;
    for (const Rule& before : earlier)
        if (spend(1) && meets(box, before.when) && before.when.hours.covers(rule.when.hours))
            candidates.push_back({&before});
    if (candidates.size() < 2) return {};
    if (!covered(box, candidates, 0)) return {};
    drop_needless(box, candidates);
    std::vector<const Rule*> together;
    for (const Candidate& candidate : candidates) together.push_back(candidate.rule);
    return together;
}

}  // namespace crosspatch::policy
