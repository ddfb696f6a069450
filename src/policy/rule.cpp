#include "crosspatch/policy/rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "src/policy/condition_reader.hpp"
#include "src/policy/coverage.hpp"

namespace crosspatch::policy {
namespace {

using core::config::Map;
using core::config::Node;
using core::config::Word;
using namespace std::chrono_literals;

constexpr std::array kActions{Word{"allow", static_cast<int>(Action::Allow)},
                              Word{"deny", static_cast<int>(Action::Deny)}};
constexpr double kMinGain = -40;  // dB; beyond these a mistake is likelier than a wish
constexpr double kMaxGain = 20;
constexpr auto kMinTalk = 1s;
constexpr auto kMaxTalk = 1h;

// An effect that is there or not.
bool read_switch(Map& map, std::string_view key, bool& into) {
    const auto node = map.find(key);
    if (!node) return true;
    const auto value = core::config::boolean(*node);
    into = value.value_or(false);
    return value.has_value();
}

bool read_effects(const Node& node, Action action, Effects& into) {
    Map map = node.map();
    if (!map.present()) return false;
    if (action == Action::Deny) {
        node.problem("a rule that denies has no effects; give them to the rules that allow");
        return false;
    }
    bool understood = true;
    if (const auto gain = map.find("gain")) {
        const auto value = core::config::decibels(*gain, kMinGain, kMaxGain);
        understood &= value.has_value();
        into.gain_db = value.value_or(0);
    }
    if (const auto max_talk = map.find("max_talk")) {
        into.max_talk = core::config::duration(*max_talk, kMinTalk, kMaxTalk);
        understood &= into.max_talk.has_value();
    }
    understood &= read_switch(map, "pseudonymise", into.pseudonymise);
    understood &= read_switch(map, "strip_tones", into.strip_tones);
    understood &= read_switch(map, "announce", into.announce);
    map.finish();
    // A tone that names the radio would undo it.
    if (into.pseudonymise && map.find("strip_tones") && !into.strip_tones && understood)
        node.warning("pseudonymise strips tones, too: some of them say which radio it is");
    into.strip_tones |= into.pseudonymise;
    return understood;
}

bool read_reason(const Node& node, Action action, std::string& into) {
    const auto text = core::config::display_name(node);
    if (text && action == Action::Allow) {
        node.warning("nobody will see this: `reason` is shown to whoever is refused, and this rule allows");
    }
    into = text.value_or("");
    return text.has_value();
}

// One rule, or nothing if anything about it was not understood.
std::optional<Rule> read_rule(const Node& node, ConditionReader& conditions) {
    Map map = node.map();
    if (!map.present()) return std::nullopt;
    Rule rule;
    const auto id_node = map.require("id");
    const auto id = id_node ? core::config::identifier(*id_node) : std::nullopt;
    const auto action_node = map.require("action");
    const auto action =
        action_node ? core::config::choice_of<Action>(*action_node, "action", kActions) : std::nullopt;
    bool understood = id && action;
    rule.id = id.value_or("");
    rule.action = action.value_or(Action::Allow);
    if (const auto when = map.find("when")) {
        auto read = conditions.read(*when);
        understood &= read.has_value();
        if (read) rule.when = std::move(*read);
    }
    if (const auto effects = map.find("effects"))
        understood &= read_effects(*effects, rule.action, rule.effects);
    if (const auto reason = map.find("reason")) understood &= read_reason(*reason, rule.action, rule.reason);
    map.finish();
    return understood ? std::optional{std::move(rule)} : std::nullopt;
}

// `before`: the rules that leave it nothing; none if something is left.
void warn_if_shadowed(const Node& node, const Rule& rule, const std::vector<const Rule*>& before) {
    constexpr std::size_t kNamed = 4;
    if (before.empty()) return;
    if (before.size() == 1) {
        node.warning(fmt::format(
            "rule '{}' can never match: rule '{}' stands before it and matches all that it would; "
            "put the exception first",
            rule.id, before[0]->id));
        return;
    }
    std::string ids;
    for (std::size_t i = 0; i < std::min(before.size(), kNamed); ++i)
        ids += fmt::format("{}'{}'", i == 0 ? "" : i + 1 == before.size() ? " and " : ", ", before[i]->id);
    if (before.size() > kNamed) ids += fmt::format(" and {} more", before.size() - kNamed);
    node.warning(fmt::format(
        "rule '{}' can never match: rules {} stand before it and together match all that it would; "
        "put the exception first",
        rule.id, ids));
}

std::string_view word(Side side) { return side == Side::Outbound ? "outbound" : "inbound"; }

}  // namespace

Effects operator+(const Effects& one, const Effects& other) {
    Effects both{.gain_db = one.gain_db + other.gain_db,
                 .max_talk = one.max_talk,
                 .pseudonymise = one.pseudonymise || other.pseudonymise,
                 .strip_tones = one.strip_tones || other.strip_tones,
                 .announce = one.announce || other.announce};
    if (other.max_talk) both.max_talk = std::min(*other.max_talk, one.max_talk.value_or(*other.max_talk));
    return both;
}

Vocabulary::Vocabulary(const Known& known)
    : known_{known},
      agencies_{known.agencies.begin(), known.agencies.end()},
      roles_{known.roles.begin(), known.roles.end()} {
    for (const Known::Channel& channel : known.channels) {
        channels_.push_back(channel.id);
        by_id_.push_back(&channel);
    }
    for (auto* words : {&agencies_, &channels_, &roles_}) std::sort(words->begin(), words->end());
    std::sort(by_id_.begin(), by_id_.end(),
              [](const Known::Channel* a, const Known::Channel* b) { return a->id < b->id; });
}

std::span<const std::string_view> Vocabulary::names(NameSort sort) const {
    switch (sort) {
        case NameSort::Agency:
            return agencies_;
        case NameSort::Channel:
            return channels_;
        case NameSort::Role:
            return roles_;
        case NameSort::Talker:
            break;
    }
    return {};
}

std::span<const Known::Channel* const> Vocabulary::channels_named(std::string_view id) const {
    const auto first = std::lower_bound(
        by_id_.begin(), by_id_.end(), id,
        [](const Known::Channel* channel, std::string_view name) { return channel->id < name; });
    auto last = first;
    while (last != by_id_.end() && (*last)->id == id) ++last;
    return {first, last};
}

RuleList read_rules(const Node& node, Side side, std::string_view own_channel, const Vocabulary& vocabulary,
                    Names& names, Zones& zones) {
    RuleList list;
    const std::vector<Node> nodes = node.list();
    if (nodes.size() > RuleList::kMaxRules) {
        node.problem(fmt::format("{} rules are too many; an {} list has at most {}", nodes.size(), word(side),
                                 RuleList::kMaxRules));
        return list;
    }
    ConditionReader conditions{own_channel, vocabulary, names, zones};
    Coverage coverage{vocabulary, names};
    std::map<std::string, std::size_t> lines;  // where each id was seen first
    for (const Node& rule_node : nodes) {
        auto rule = read_rule(rule_node, conditions);
        if (!rule) continue;
        const auto [first, fresh] = lines.emplace(rule->id, rule_node.mark().line);
        if (!fresh) {
            rule_node.problem(
                fmt::format("there is a rule '{}' already, in line {}; give this one an id of its own",
                            rule->id, first->second));
            continue;
        }
        warn_if_shadowed(rule_node, *rule, coverage.of(*rule, list.rules));
        list.rules.push_back(std::move(*rule));
    }
    list.rules.shrink_to_fit();
    if (list.rules.size() > DecisionTables::kScanned)
        list.tables = std::make_shared<const DecisionTables>(list.rules);
    return list;
}

}  // namespace crosspatch::policy
