// The `jurisdiction:` section: read_jurisdiction() of config.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/core/text.hpp"

namespace crosspatch::bridge {
namespace {

using core::config::Map;
using core::config::Node;
using core::config::Word;

constexpr std::size_t kMaxRules = 200;
constexpr std::size_t kMaxNames = 1000;  // in one condition

template <std::size_t kCount>
std::vector<Word> words_of(const std::array<std::string_view, kCount>& texts) {
    std::vector<Word> words;
    for (const std::string_view text : texts) words.push_back({text, static_cast<int>(words.size())});
    return words;
}

void sort_once(std::vector<std::string_view>& names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
}

class JurisdictionReader {
public:
    JurisdictionReader(const std::vector<Agency>& agencies, const std::vector<Bridge>& bridges,
                       bool incidents)
        : incidents_{incidents} {
        for (const Agency& agency : agencies) agencies_.push_back(agency.id);
        for (const Bridge& bridge : bridges) {
            bridges_.push_back(bridge.id);
            if (!bridge.place.empty()) places_.push_back(bridge.place);
        }
        for (auto* names : {&agencies_, &bridges_, &places_}) sort_once(*names);
    }

    // Nothing if anything about it was not understood.
    std::shared_ptr<const JurisdictionRule> read(const Node& node) {
        Map map = node.map();
        if (!map.present()) return nullptr;
        understood_ = true;
        auto rule = std::make_shared<JurisdictionRule>();
        rule->mark = node.mark();
        rule->path = node.path();
        const auto id = map.require("id");
        const auto text = id ? core::config::identifier(*id) : std::nullopt;
        understood_ &= text.has_value();
        rule->id = text.value_or("");
        read_action(map, *rule);
        const auto may = map.require("may");
        understood_ &= may.has_value();
        if (may) read_words(*may, "right", words_of(kRights), rule->rights);
        read_names(map, "agency", agencies_, "an agency", rule->agencies);
        read_names(map, "bridge", bridges_, "a bridge", rule->bridges);
        read_names(map, "place", places_, "the place of a bridge", rule->places);
        if (const auto roles = map.find("role"))
            read_words(*roles, "role", words_of(policy::kRoles), rule->roles);
        read_incidents(map, *rule);
        map.finish();
        return understood_ ? rule : nullptr;
    }

private:
    void read_action(Map& map, JurisdictionRule& rule) {
        constexpr std::array kActions{Word{"allow", 1}, Word{"deny", 0}};
        if (const auto action = map.find("action")) {
            const auto allows = core::config::choice(*action, "action", kActions);
            understood_ &= allows.has_value();
            rule.allows = allows.value_or(1) == 1;
        }
        if (const auto reason = map.find("reason")) {
            const auto text = core::config::display_name(*reason);
            understood_ &= text.has_value();
            rule.reason = text.value_or("");
            if (text && rule.allows)
                reason->warning(
                    "nobody will see this: `reason` is shown to whoever is refused, and this rule allows");
        }
    }

    void read_incidents(Map& map, JurisdictionRule& rule) {
        if (!incidents_) {
            understood_ &= !map.find("incident").has_value();
            map.not_yet("incident", "conditions on incidents");
        } else if (const auto kinds = map.find("incident")) {
            read_words(*kinds, "kind of incident", words_of(kIncidentKinds), rule.incidents);
        }
    }

    std::vector<Node> values_of(const Node& node) {
        std::vector<Node> values = node.one_or_list();
        understood_ &= !values.empty() && values.size() <= kMaxNames;
        if (values.empty() && node.kind() == Node::Kind::List)
            node.problem("an empty list matches nothing; leave the key out to match everything");
        if (values.size() > kMaxNames) {
            node.problem(fmt::format("{} values are too many; at most {} fit in one condition", values.size(),
                                     kMaxNames));
            values.clear();
        }
        return values;
    }

    template <typename Set>
    void read_words(const Node& node, std::string_view what, const std::vector<Word>& words, Set& into) {
        into.reset();
        for (const Node& value : values_of(node)) {
            const auto which = core::config::choice(value, what, words);
            understood_ &= which.has_value();
            if (which) into.set(static_cast<std::size_t>(*which));
        }
    }

    void read_names(Map& map, std::string_view key, const std::vector<std::string_view>& known,
                    std::string_view what, std::vector<std::string>& into) {
        const auto node = map.find(key);
        if (!node) return;
        for (const Node& value : values_of(*node)) {
            const auto text = value.text();
            const bool is_known = text && std::binary_search(known.begin(), known.end(), *text);
            understood_ &= is_known;
            if (is_known) into.push_back(*text);
            if (!text || is_known) continue;
            const auto meant = core::config::nearest(*text, known);
            value.problem(fmt::format("'{}' is not {} of this file{}", core::escape(*text), what,
                                      meant ? fmt::format("; did you mean '{}'?", *meant) : ""));
        }
        std::sort(into.begin(), into.end());
        into.erase(std::unique(into.begin(), into.end()), into.end());
    }

    bool incidents_;
    std::vector<std::string_view> agencies_;
    std::vector<std::string_view> bridges_;
    std::vector<std::string_view> places_;
    bool understood_{true};  // the rule that is being read
};

}  // namespace

JurisdictionRules read_jurisdiction(const Node& list, const std::vector<Agency>& agencies,
                                    const std::vector<Bridge>& bridges, bool incidents) {
    JurisdictionRules rules;
    const std::vector<Node> nodes = list.list();
    if (nodes.size() > kMaxRules) {
        list.problem(
            fmt::format("{} rules are too many; at most {} say who may do what", nodes.size(), kMaxRules));
        return rules;
    }
    JurisdictionReader reader{agencies, bridges, incidents};
    std::map<std::string, std::size_t> lines;  // where each id was seen first
    for (const Node& node : nodes) {
        auto rule = reader.read(node);
        if (!rule) continue;
        const auto [first, fresh] = lines.emplace(rule->id, rule->mark.line);
        if (fresh)
            rules.push_back(std::move(rule));
        else
            node.problem(
                fmt::format("there is a rule '{}' already, in line {}; give this one an id of its own",
                            rule->id, first->second));
    }
    return rules;
}

}  // namespace crosspatch::bridge
