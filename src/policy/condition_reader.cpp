#include "src/policy/condition_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "crosspatch/core/text.hpp"

namespace crosspatch::policy {
namespace {

using core::config::Word;

constexpr std::size_t kMaxNames = 1000;  // in one condition
constexpr std::size_t kMaxHours = 16;    // each costs every decision that comes to it

constexpr std::array<std::string_view, 11> kKeys{"agency",      "channel",   "role",     "talker",
                                                 "kind",        "emergency", "incident", "severity",
                                                 "sensitivity", "hours",     "suite"};
constexpr std::array kKindWords{Word{"voice", 0}, Word{"text", 1}, Word{"picture", 2}, Word{"location", 3}};
constexpr std::array kSensitivityWords{Word{"RED", 0}, Word{"AMBER+STRICT", 1}, Word{"AMBER", 2},
                                       Word{"GREEN", 3}, Word{"CLEAR", 4}};
constexpr std::array kSuiteWords{Word{"AEAD_AES_256_GCM", 0}, Word{"AEAD_AES_128_GCM", 1},
                                 Word{"AES_CM_128_HMAC_SHA1_80", 2}, Word{"none", 3}};
constexpr std::array kIncidentWords{Word{"actual", 0}, Word{"exercise", 1}};
constexpr std::array kSeverityWords{Word{"Extreme", 0}, Word{"Severe", 1}, Word{"Moderate", 2},
                                    Word{"Minor", 3}, Word{"Unknown", 4}};
constexpr int kSuiteNone = static_cast<int>(Suite::None);

std::uint32_t bits(unsigned first, unsigned count) { return ((1U << count) - 1U) << first; }

// `not` comes after the conditions themselves, so it takes away from what is there already.
void exclude(std::vector<NameId> ids, NameSet& from) {
    if (from.except) {
        from.ids = std::move(ids);
        return;
    }
    std::vector<NameId> left;
    std::set_difference(from.ids.begin(), from.ids.end(), ids.begin(), ids.end(), std::back_inserter(left));
    from.ids = std::move(left);
}

}  // namespace

// Suite::Api, Incident::None and Severity::None have a bit and no word: a list leaves them out, `not` cannot
// take them away.
const std::span<const ConditionReader::Field> ConditionReader::kFields = [] {
    static constexpr std::array kAll{
        Field{"kind", "kind", field::kKind, 4, kKindWords},
        Field{"sensitivity", "sensitivity", field::kSensitivity, 5, kSensitivityWords},
        Field{"suite", "suite", field::kSuite, kSuites, kSuiteWords},
        Field{"incident", "status of an incident", field::kIncident, 3, kIncidentWords},
        Field{"severity", "severity", field::kSeverity, 6, kSeverityWords}};
    return std::span<const Field>{kAll};
}();

ConditionReader::ConditionReader(std::string_view own_channel, const Vocabulary& vocabulary, Names& names,
                                 Zones& zones)
    : own_channel_{own_channel},
      vocabulary_{vocabulary},
      names_{names},
      zones_{zones},
      reader_{vocabulary, names} {}

std::optional<Conditions> ConditionReader::read(const Node& when) {
    understood_ = true;
    Conditions conditions;
    Map map = when.map();
    if (!map.present()) return std::nullopt;
    check_keys(when, true);
    read_keys(map, false, conditions);
    if (const auto negated = map.find("not")) {
        Map inner = negated->map();
        if (inner.present()) {
            check_keys(*negated, false);
            read_keys(inner, true, conditions);
            inner.finish();
        } else {
            understood_ = false;
        }
    }
    map.finish();
    if (understood_) check_contradictions(when, conditions);
    if (understood_) check_channels(when, conditions);
    return understood_ ? std::optional{std::move(conditions)} : std::nullopt;
}

// finish() reports keys that are unknown; this only notices them.
void ConditionReader::check_keys(const Node& node, bool with_not) {
    Map map = node.map();
    for (const auto& [key, value] : map.entries()) {
        const bool known =
            std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end() || (with_not && key == "not");
        const bool later = !vocabulary_.known().incidents && (key == "incident" || key == "severity");
        if (!known || later) understood_ = false;
    }
}

void ConditionReader::read_keys(Map& map, bool negated, Conditions& into) {
    read_names(map, NameSort::Agency, negated, into.agency);
    read_names(map, NameSort::Channel, negated, into.channel);
    read_names(map, NameSort::Role, negated, into.role);
    read_names(map, NameSort::Talker, negated, into.talker);
    const bool incidents = vocabulary_.known().incidents;
    if (!incidents) {
        map.not_yet("incident", "conditions on incidents");
        map.not_yet("severity", "conditions on the severity of incidents");
    }
    for (const Field& field : kFields)
        if (incidents || field.first_bit < field::kIncident) read_words(map, field, negated, into);
    read_emergency(map, negated, into);
    read_hours(map, negated, into.hours);
}

void ConditionReader::problem(const Node& at, std::string text) {
    at.problem(std::move(text));
    understood_ = false;
}

// The values of a condition that is there and says something.
std::vector<core::config::Node> ConditionReader::values_of(Map& map, std::string_view key,
                                                           std::size_t limit) {
    const auto node = map.find(key);
    if (!node) return {};
    std::vector<Node> values = node->one_or_list();
    if (values.empty()) {
        understood_ = false;
        if (node->kind() == Node::Kind::List) {
            node->problem("an empty list matches nothing; leave the key out to match everything");
        }
    }
    if (values.size() > limit) {
        problem(*node,
                fmt::format("{} values are too many; at most {} fit in one condition", values.size(), limit));
        values.clear();
    }
    return values;
}

// The members of a group in place of its name.
bool ConditionReader::read_group(const Node& node, std::string_view name, NameSort sort,
                                 std::vector<NameId>& into) {
    const Groups& groups = vocabulary_.groups();
    const Groups::Group* group = groups.find(name);
    if (!group) {
        node.problem(fmt::format("there is no group '@{}'{}", core::escape(name),
                                 reader_.meant(name, groups.names(), "@")));
        return false;
    }
    if (group->sort != sort) {
        node.problem(fmt::format("'@{0}' is a group of {1}; write it as `{2}: '@{0}'`", name,
                                 plural(group->sort), word(group->sort)));
        return false;
    }
    if (!groups.take(group->members.size())) {
        node.problem(
            fmt::format("groups put more than {} names into the rules of this file; name smaller groups, or "
                        "fewer of them",
                        Groups::kMaxTaken));
        return false;
    }
    into.insert(into.end(), group->members.begin(), group->members.end());
    return true;
}

bool ConditionReader::read_name_or_group(const Node& node, NameSort sort, std::vector<NameId>& into) {
    if (node.kind() == Node::Kind::Scalar) {
        const auto text = node.text();
        if (const auto group = text ? group_name(*text) : std::nullopt)
            return read_group(node, *group, sort, into);
    }
    const auto id = reader_.read(node, sort);
    if (id) into.push_back(*id);
    return id.has_value();
}

void ConditionReader::read_names(Map& map, NameSort sort, bool negated, NameSet& into) {
    const std::vector<Node> values = values_of(map, word(sort), kMaxNames);
    if (values.empty()) return;
    std::vector<NameId> ids;
    for (const Node& value : values) {
        if (!read_name_or_group(value, sort, ids)) understood_ = false;
        // Written out as it goes: groups that hold the same names do not add up.
        if (ids.size() > kMaxNames) sort_once(ids);
        if (ids.size() > kMaxNames)
            return problem(value, fmt::format("with this there are {} names; at most {} fit in one condition",
                                              ids.size(), kMaxNames));
    }
    sort_once(ids);
    if (negated) {
        exclude(std::move(ids), into);
    } else {
        into = {std::move(ids), false};
    }
}

void ConditionReader::read_words(Map& map, const Field& field, bool negated, Conditions& into) {
    const std::vector<Node> values = values_of(map, field.key, kMaxNames);
    if (values.empty()) return;
    std::uint32_t named = 0;
    for (const Node& value : values) {
        const auto word = core::config::choice(value, field.what, field.words);
        if (!word) understood_ = false;
        if (word) named |= 1U << (field.first_bit + static_cast<unsigned>(*word));
        if (word == kSuiteNone && field.first_bit == field::kSuite && !negated) into.names_suite_none = true;
    }
    into.fields &= negated ? ~named : ~bits(field.first_bit, field.width) | named;
}

void ConditionReader::read_emergency(Map& map, bool negated, Conditions& into) {
    const std::vector<Node> values = values_of(map, "emergency", kMaxNames);
    if (values.empty()) return;
    std::uint32_t named = 0;
    for (const Node& value : values) {
        const auto yes = core::config::boolean(value);
        if (!yes) understood_ = false;
        if (yes) named |= 1U << (field::kEmergency + (*yes ? 1U : 0U));
    }
    into.fields &= negated ? ~named : ~bits(field::kEmergency, 2) | named;
}

void ConditionReader::read_hours(Map& map, bool negated, TimeSet& into) {
    for (const Node& value : values_of(map, "hours", kMaxHours)) {
        const auto text = value.text();
        if (!text) understood_ = false;
        if (!text) continue;
        const auto hours = Hours::shared(*text, zones_);
        if (!hours) {
            problem(value, hours.error().context);
            continue;
        }
        (negated ? into.none_of : into.any_of).push_back(*hours);
    }
}

void ConditionReader::check_contradictions(const Node& when, const Conditions& conditions) {
    const auto check = [&](bool nothing_left, std::string_view key) {
        if (nothing_left) problem(when, fmt::format("`not` takes away every {} that this could match", key));
    };
    const auto no_bit = [&](unsigned first, unsigned count) {
        return (conditions.fields & bits(first, count)) == 0;
    };
    check(conditions.agency.empty(), "agency");
    check(conditions.channel.empty(), "channel");
    check(conditions.role.empty(), "role");
    check(conditions.talker.empty(), "talker");
    check(no_bit(field::kEmergency, 2), "value of emergency");
    for (const Field& field : kFields) check(no_bit(field.first_bit, field.width), field.key);
}

// Channels that are named but never come into question: the list's own one, and those of other agencies than
// named.
void ConditionReader::check_channels(const Node& when, const Conditions& conditions) {
    if (conditions.channel.except) return;
    const auto possible = [&](NameId named) {
        const std::string_view id = names_.text(named);
        const auto channels = vocabulary_.channels_named(id);
        return id != own_channel_ &&
               std::any_of(channels.begin(), channels.end(), [&](const Known::Channel* channel) {
                   return conditions.agency.contains(names_.find(channel->agency));
               });
    };
    if (std::any_of(conditions.channel.ids.begin(), conditions.channel.ids.end(), possible)) return;
    const bool only_itself =
        conditions.channel.ids.size() == 1 && conditions.channel.contains(names_.find(own_channel_));
    when.warning(only_itself
                     ? "this rule can never match: `channel` is the other side, never the channel itself"
                     : "this rule can never match: no such channel belongs to such an agency");
}

}  // namespace crosspatch::policy
