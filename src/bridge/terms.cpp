#include "crosspatch/bridge/terms.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "crosspatch/core/text.hpp"
#include "crosspatch/record/canonical.hpp"

namespace crosspatch::bridge {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

array sorted(std::vector<std::string> texts) {
    std::sort(texts.begin(), texts.end());
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
    return array(texts.begin(), texts.end());
}

std::string_view word(Direction direction) {
    switch (direction) {
        case Direction::Talk:
            return "talk";
        case Direction::Listen:
            return "listen";
        case Direction::Both:
            break;
    }
    return "both";
}

// Writes down one rule's `when` from its compiled sets.
class When {
public:
    explicit When(const policy::Names& names) : names_{names} {}

    object of(const policy::Conditions& conditions) {
        put_names("agency", conditions.agency);
        put_names("channel", conditions.channel);
        put_names("role", conditions.role);
        put_names("talker", conditions.talker);
        put_words("kind", conditions.fields, policy::field::kKind, 4,
                  [](unsigned i) { return value(policy::word(static_cast<policy::Kind>(i))); });
        put_words("emergency", conditions.fields, policy::field::kEmergency, 2,
                  [](unsigned i) { return value(i == 1); });
        put_words("sensitivity", conditions.fields, policy::field::kSensitivity, 5,
                  [](unsigned i) { return value(policy::word(static_cast<policy::Sensitivity>(i))); });
        put_suites(conditions.fields);
        put_hours("hours", conditions.hours.any_of, when_);
        put_hours("hours", conditions.hours.none_of, not_);
        if (!not_.empty()) when_["not"] = std::move(not_);
        return std::move(when_);
    }

private:
    void put_names(const char* key, const policy::NameSet& set) {
        if (set.any()) return;
        std::vector<std::string> texts;
        for (const policy::NameId id : set.ids) texts.emplace_back(names_.text(id));
        (set.except ? not_ : when_)[key] = sorted(std::move(texts));
    }

    template <typename Word>
    void put_words(const char* key, std::uint32_t fields, unsigned first, unsigned count, Word word) {
        array words;
        for (unsigned i = 0; i < count; ++i)
            if ((fields >> (first + i) & 1U) != 0) words.push_back(word(i));
        if (words.size() < count) when_[key] = std::move(words);
    }

    // What has no SRTP at all (Api) has a bit and no word: a list leaves it out, `not` leaves it in.
    void put_suites(std::uint32_t fields) {
        array in;
        array out;
        for (unsigned i = 0; i < policy::kSuites; ++i) {
            const auto suite = static_cast<policy::Suite>(i);
            if (suite == policy::Suite::Api) continue;
            const bool has = (fields >> (policy::field::kSuite + i) & 1U) != 0;
            (has ? in : out).emplace_back(policy::word(suite));
        }
        const auto api = static_cast<unsigned>(policy::Suite::Api);
        const bool is_list = (fields >> (policy::field::kSuite + api) & 1U) == 0;
        if (is_list)
            when_["suite"] = std::move(in);
        else if (!out.empty())
            not_["suite"] = std::move(out);
    }

    static void put_hours(const char* key, const std::vector<std::shared_ptr<const policy::Hours>>& hours,
                          object& into) {
        std::vector<std::string> texts;
        for (const auto& one : hours) texts.push_back(one->text());
        if (!texts.empty()) into[key] = sorted(std::move(texts));
    }

    const policy::Names& names_;
    object when_;
    object not_;
};

array rules_json(const policy::RuleList& list, const policy::Names& names) {
    array rules;
    for (const policy::Rule& rule : list.rules) {
        object one{{"id", rule.id}, {"action", rule.action == policy::Action::Allow ? "allow" : "deny"}};
        if (object when = When{names}.of(rule.when); !when.empty()) one["when"] = std::move(when);
        object effects;
        if (rule.effects.gain_db < 0 || rule.effects.gain_db > 0)
            effects["gain"] = fmt::format("{}dB", rule.effects.gain_db);
        if (rule.effects.max_talk) effects["max_talk_ms"] = rule.effects.max_talk->count();
        if (rule.effects.pseudonymise) effects["pseudonymise"] = true;
        if (rule.effects.strip_tones) effects["strip_tones"] = true;
        if (rule.effects.announce) effects["announce"] = true;
        if (!effects.empty()) one["effects"] = std::move(effects);
        if (!rule.reason.empty()) one["reason"] = rule.reason;
        rules.push_back(std::move(one));
    }
    return rules;
}

// In the order of their names, as every list that has none of its own.
template <typename Set, typename Words>
array words_in(const Set& set, const Words& words) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < words.size(); ++i)
        if (set.test(i)) texts.emplace_back(words[i]);
    return sorted(std::move(texts));
}

array preemption_json(const std::vector<Preemption>& rules) {
    array list;
    for (const Preemption& rule : rules) {
        object one;
        if (!rule.roles.empty()) one["role"] = sorted(rule.roles);
        if (!rule.agency.empty()) one["agency"] = rule.agency;
        if (rule.emergency) one["emergency"] = true;
        object over;
        if (!rule.over_agency.empty()) over["agency"] = rule.over_agency;
        if (!rule.over_roles.empty()) over["role"] = sorted(rule.over_roles);
        if (!over.empty()) one["over"] = std::move(over);
        list.push_back(std::move(one));
    }
    return list;
}

object ceilings_json(const std::vector<Ceiling<std::string>>& ceilings) {
    object all;
    for (const Ceiling<std::string>& ceiling : ceilings) {
        const auto level = ceiling.most.level;
        all[ceiling.agency] = {{"class", level == floor::Class::Emergency       ? "emergency"
                                         : level == floor::Class::ImminentPeril ? "imminent_peril"
                                                                                : "normal"},
                               {"priority", ceiling.most.priority}};
    }
    return all;
}

// What fits the bridge fits it by its place or its name, so only the place is told.
object jurisdiction_json(const Jurisdiction& jurisdiction) {
    array rules;
    for (const auto& rule : jurisdiction.rules()) {
        object one{{"id", rule->id}, {"action", rule->allows ? "allow" : "deny"}};
        one["may"] = words_in(rule->rights, kRights);
        if (!rule->agencies.empty()) one["agency"] = sorted(rule->agencies);
        if (!rule->roles.all()) one["role"] = words_in(rule->roles, policy::kRoles);
        if (!rule->incidents.all()) one["incident"] = words_in(rule->incidents, kIncidentKinds);
        if (!rule->reason.empty()) one["reason"] = rule->reason;
        rules.push_back(std::move(one));
    }
    object all{{"rules", std::move(rules)}};
    if (!jurisdiction.place().empty()) all["place"] = jurisdiction.place();
    return all;
}

object preemption_terms(const Bridge& bridge) {
    object all{{"rules", preemption_json(bridge.preemption)}, {"ceilings", ceilings_json(bridge.ceilings)}};
    // Not an empty one: bridges without it keep their hash.
    if (!bridge.jurisdiction.rules().empty()) all["jurisdiction"] = jurisdiction_json(bridge.jurisdiction);
    return all;
}

}  // namespace

namespace {

// All but the rules, whose texts are long.
object terms_without_rules(const Bridge& bridge, const std::map<std::string_view, const Channel*>& channels,
                           bool recordings) {
    object owners;
    object directions;
    object sensitivity;
    for (const Leg& leg : bridge.legs) {
        directions[leg.channel] = word(leg.direction);
        const auto channel = channels.find(leg.channel);
        if (channel == channels.end()) continue;
        owners[leg.channel] = channel->second->agency;
        sensitivity[leg.channel] = policy::word(channel->second->sensitivity);
    }
    if (bridge.sensitivity) sensitivity["at_most"] = policy::word(*bridge.sensitivity);
    return {{"channels", std::move(owners)},
            {"directions", std::move(directions)},
            {"preemption", preemption_terms(bridge)},
            {"retention", object{{"recordings", recordings}}},
            {"sensitivity", std::move(sensitivity)}};
}

std::map<std::string_view, const Channel*> channels_by_id(const std::vector<Channel>& channels) {
    std::map<std::string_view, const Channel*> by_id;
    for (const Channel& channel : channels) by_id.emplace(channel.id, &channel);
    return by_id;
}

// Texts that together are one, into its hash.
class Hasher {
public:
    Hasher() { crypto_hash_sha256_init(&state_); }
    void add(std::string_view text) {
        octets_ += text.size();
        crypto_hash_sha256_update(&state_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    }
    std::uint64_t octets() const { return octets_; }
    std::string hex() {
        std::array<std::byte, crypto_hash_sha256_BYTES> hash;
        crypto_hash_sha256_final(&state_, reinterpret_cast<unsigned char*>(hash.data()));
        return core::to_hex(hash);
    }

private:
    crypto_hash_sha256_state state_{};
    std::uint64_t octets_{};
};

core::Unexpected<core::Error> too_much(std::string_view what, std::uint64_t most) {
    return core::unexpected(
        core::Error::Code::Exhausted,
        fmt::format(
            "{} more than {} MiB, since a bridge repeats the rules of each channel on it: put fewer "
            "channels on a bridge, or say the same in fewer rules (groups, several values in one `when`)",
            what, most >> 20U));
}

}  // namespace

object terms_of(const Bridge& bridge, const std::vector<Channel>& channels, const policy::Names& names,
                bool recordings) {
    const auto by_id = channels_by_id(channels);
    object terms = terms_without_rules(bridge, by_id, recordings);
    object outbound;
    object inbound;
    for (const Leg& leg : bridge.legs) {
        const auto channel = by_id.find(leg.channel);
        if (channel == by_id.end()) continue;
        outbound[leg.channel] = rules_json(channel->second->outbound, names);
        inbound[leg.channel] = rules_json(channel->second->inbound, names);
    }
    terms["outbound"] = std::move(outbound);
    terms["inbound"] = std::move(inbound);
    return terms;
}

TermsHashes::TermsHashes(const std::vector<Channel>& channels, const policy::Names& names, bool recordings)
    : names_{names}, recordings_{recordings}, by_id_{channels_by_id(channels)} {}

const TermsHashes::Rules& TermsHashes::rules_of(const Channel& channel) {
    const auto [found, is_new] = rules_.try_emplace(channel.id);
    if (!is_new) return found->second;
    const auto write = [&](const policy::RuleList& list, std::string& into) {
        auto text = record::to_canonical(value(rules_json(list, names_)), kMostOfBridge);
        if (text)
            into = std::move(*text);
        else
            found->second.refused = text.error();
    };
    write(channel.outbound, found->second.outbound);
    write(channel.inbound, found->second.inbound);
    return found->second;
}

core::Result<std::string> TermsHashes::hash(const Bridge& bridge) {
    std::map<std::string_view, const Rules*> rules;  // in the order of canonical JSON, for ids are ASCII
    std::uint64_t octets = 0;
    for (const Leg& leg : bridge.legs)
        if (const auto channel = by_id_.find(leg.channel); channel != by_id_.end()) {
            const Rules& of = rules_of(*channel->second);
            if (of.refused) return core::Unexpected{*of.refused};
            if (rules.emplace(channel->first, &of).second) octets += of.outbound.size() + of.inbound.size();
        }
    if (octets > kMostOfBridge) return too_much("they have", kMostOfBridge);
    octets_ += octets;
    if (octets_ > kMostOfAll) return too_much("the terms of all bridges up to this one have", kMostOfAll);
    Hasher hasher;
    const auto add_rules = [&](std::string_view key, std::string Rules::*list) {
        hasher.add(fmt::format("\"{}\":{{", key));
        bool first = true;
        for (const auto& [channel, of] : rules) {
            hasher.add(fmt::format("{}\"{}\":", std::exchange(first, false) ? "" : ",", channel));
            hasher.add(of->*list);
        }
        hasher.add("},");
    };
    // The keys in the order of canonical JSON: channels, directions, inbound, outbound, preemption, retention, sensitivity.
    const object rest = terms_without_rules(bridge, by_id_, recordings_);
    std::string_view between = "{";
    for (const char* key : {"channels", "directions", "preemption", "retention", "sensitivity"}) {
        const auto text = record::to_canonical(rest.at(key), kMostOfBridge);
        if (!text) return core::Unexpected{text.error()};
        hasher.add(between);
        if (std::string_view{key} == "preemption") {
            add_rules("inbound", &Rules::inbound);
            add_rules("outbound", &Rules::outbound);
        }
        hasher.add(fmt::format("\"{}\":{}", key, *text));
        between = ",";
    }
    hasher.add("}");
    return hasher.hex();
}

}  // namespace crosspatch::bridge
