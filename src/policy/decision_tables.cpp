#include "crosspatch/policy/decision_tables.hpp"

#include <algorithm>
#include <map>

#include "crosspatch/policy/rule.hpp"

namespace crosspatch::policy {
namespace {

// Hours of which no moment is an end or a beginning hold always or never.
bool begins_and_ends(const TimeSet& hours) {
    const auto changes = [](const auto& one) { return !one->toggles().empty(); };
    return std::any_of(hours.any_of.begin(), hours.any_of.end(), changes) ||
           std::any_of(hours.none_of.begin(), hours.none_of.end(), changes);
}

}  // namespace

DecisionTables::DecisionTables(const std::vector<Rule>& rules) : words_{(rules.size() + 63) / 64} {
    const TimeSet always;
    std::vector<const TimeSet*> hours;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const bool timed = begins_and_ends(rules[i].when.hours);
        hours.push_back(timed ? &rules[i].when.hours : &always);
        if (timed) timed_.insert(i);
        // What is never in its hours matches nothing.
        if (timed || rules[i].when.hours.contains({})) all_.insert(i);
    }
    if (timed_.first(words_)) hours_ = HoursTable::make(hours);
    add_fields(rules);
    add_names(agency_, rules, &Conditions::agency);
    add_names(channel_, rules, &Conditions::channel);
    add_names(role_, rules, &Conditions::role);
    add_names(talker_, rules, &Conditions::talker);
    rows_.shrink_to_fit();
    flips_.shrink_to_fit();
}

std::uint32_t DecisionTables::add_row(const RuleBits& bits) {
    const auto row = static_cast<std::uint32_t>(rows_.size());
    rows_.insert(rows_.end(), bits.words.begin(), bits.words.begin() + static_cast<std::ptrdiff_t>(words_));
    return row;
}

void DecisionTables::add_fields(const std::vector<Rule>& rules) {
    for (unsigned bit = 0; bit < field::kWidth; ++bit) {
        RuleBits accepting;
        bool all = true;
        for (std::size_t i = 0; i < rules.size(); ++i) {
            const bool accepts = (rules[i].when.fields >> bit & 1U) != 0;
            if (accepts) accepting.insert(i);
            all &= accepts;
        }
        fields_[bit] = all ? kNoRow : add_row(accepting);
    }
}

void DecisionTables::add_names(NameTable& table, const std::vector<Rule>& rules,
                               NameSet Conditions::*condition) {
    RuleBits others;
    std::map<NameId, std::vector<std::uint16_t>> listed;  // by which rules
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const NameSet& names = rules[i].when.*condition;
        if (names.except) others.insert(i);
        table.asked |= !names.any();
        for (const NameId id : names.ids) listed[id].push_back(static_cast<std::uint16_t>(i));
    }
    if (!table.asked) return;
    table.others = add_row(others);
    table.names.reserve(listed.size());
    for (const auto& [id, by] : listed) {
        // Many flips are a row's worth.
        if (by.size() * sizeof(std::uint16_t) < words_ * sizeof(std::uint64_t)) {
            table.names.push_back(
                {id, static_cast<std::uint32_t>(flips_.size()), static_cast<std::uint32_t>(by.size())});
            flips_.insert(flips_.end(), by.begin(), by.end());
        } else {
            RuleBits row = others;
            for (const std::uint16_t rule : by) row.flip(rule);
            table.names.push_back({id, add_row(row), 0});
        }
    }
}

std::size_t DecisionTables::memory() const {
    const std::size_t names =
        agency_.names.size() + channel_.names.size() + role_.names.size() + talker_.names.size();
    return sizeof *this + rows_.size() * sizeof(std::uint64_t) + flips_.size() * sizeof(std::uint16_t) +
           names * sizeof(Entry) + (hours_ ? sizeof *hours_ + hours_->memory() : 0);
}

void DecisionTables::keep_row(RuleBits& bits, std::uint32_t row) const noexcept {
    const std::uint64_t* words = rows_.data() + row;
    for (std::size_t w = 0; w < words_; ++w) bits.words[w] &= words[w];
}

void DecisionTables::keep_named(RuleBits& bits, const NameTable& table, NameId id) const noexcept {
    if (!table.asked) return;
    const auto entry = std::lower_bound(table.names.begin(), table.names.end(), id,
                                        [](const Entry& one, NameId wanted) { return one.id < wanted; });
    if (entry == table.names.end() || entry->id != id) return keep_row(bits, table.others);
    if (entry->count == 0) return keep_row(bits, entry->at);
    RuleBits row;
    std::copy_n(rows_.data() + table.others, words_, row.words.begin());
    for (std::uint32_t i = 0; i < entry->count; ++i) row.flip(flips_[entry->at + i]);
    for (std::size_t w = 0; w < words_; ++w) bits.words[w] &= row.words[w];
}

RuleBits DecisionTables::match_apart_from_time(const Facts& facts) const noexcept {
    RuleBits matching = all_;
    for (std::uint32_t bits = field::bits_of(facts); bits != 0; bits &= bits - 1) {
        const std::uint32_t row = fields_[static_cast<std::size_t>(std::countr_zero(bits))];
        if (row != kNoRow) keep_row(matching, row);
    }
    keep_named(matching, agency_, facts.other_agency);
    keep_named(matching, channel_, facts.other_channel);
    keep_named(matching, role_, facts.role);
    keep_named(matching, talker_, facts.talker);
    return matching;
}

// Without a table: one rule after the other, as they come to be asked.
DecisionTables::Found DecisionTables::find_by_hours(const std::vector<Rule>& rules, const RuleBits& matching,
                                                    core::WallTime now) const noexcept {
    Found found;
    for (std::size_t w = 0; w < words_; ++w) {
        for (std::uint64_t word = matching.words[w]; word != 0; word &= word - 1) {
            const std::size_t rule = w * 64 + static_cast<std::size_t>(std::countr_zero(word));
            if (timed_.contains(rule)) {
                const TimeSet& hours = rules[rule].when.hours;
                found.valid_until = std::min(found.valid_until, hours.steady_until(now));
                if (!hours.contains(now)) continue;
            }
            found.rule = rule;
            return found;
        }
    }
    return found;
}

DecisionTables::Found DecisionTables::find(const std::vector<Rule>& rules, const Facts& facts,
                                           core::WallTime now) const noexcept {
    const RuleBits matching = match_apart_from_time(facts);
    RuleBits concerned;  // those whose hours the answer rests on
    for (std::size_t w = 0; w < words_; ++w) concerned.words[w] = matching.words[w] & timed_.words[w];
    const auto first = matching.first(words_);
    const auto first_timed = concerned.first(words_);
    // Nothing that has hours stands before the rule that decides.
    if (!first_timed || *first < *first_timed) return {first, core::WallTime::max()};
    if (!hours_) return find_by_hours(rules, matching, now);
    const RuleBits open = hours_->open_at(now);
    RuleBits left;
    for (std::size_t w = 0; w < words_; ++w)
        left.words[w] = matching.words[w] & (~timed_.words[w] | open.words[w]);
    const auto decider = left.first(words_);
    if (decider) concerned.keep_up_to(*decider, words_);
    return {decider, hours_->steady_until(concerned, now)};
}

}  // namespace crosspatch::policy
