#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/config.hpp"
#include "crosspatch/policy/conditions.hpp"
#include "crosspatch/policy/decision_tables.hpp"
#include "crosspatch/policy/groups.hpp"
#include "crosspatch/policy/names.hpp"
#include "crosspatch/policy/zone.hpp"

namespace crosspatch::policy {

enum class Action : std::uint8_t { Allow, Deny };
enum class Side : std::uint8_t { Outbound, Inbound };  // what may leave a channel; what may be heard on it

// What an allowed crossing is subjected to.
struct Effects {
    double gain_db{};
    std::optional<std::chrono::milliseconds> max_talk;  // nothing: the floor's own limit
    bool pseudonymise{};  // the other agency sees a pseudonym in place of who talks; strips tones, too
    bool strip_tones{};   // DTMF, selective calling, data and CTCSS are taken out
    bool announce{};      // who hears it hears a mark first
    // Of both keys: gains add up, the shorter talk limit counts, and whatever one of them wants done is done.
    friend Effects operator+(const Effects& one, const Effects& other);
    friend bool operator==(const Effects&, const Effects&) = default;
};

struct Rule {
    std::string id;
    Action action{Action::Deny};
    Conditions when;
    Effects effects;     // of an allow rule
    std::string reason;  // of a deny rule; may be empty
};

// One channel's `outbound` or `inbound` list, in order: the first rule that matches decides.
//
// Shape    at most kMaxRules; a Decision points into it, so it outlives its decisions. Copies share the tables.
// Thread   immutable after load: any.
struct RuleList {
    static constexpr std::size_t kMaxRules = 1000;
    std::vector<Rule> rules;
    std::shared_ptr<const DecisionTables> tables;  // of `rules` as they are; none: they are gone through
};

// The names that a rule may use. A rule that names another is refused with what was probably meant.
struct Known {
    struct Channel {
        std::string id;
        std::string agency;
    };
    std::vector<std::string> agencies;
    std::vector<Channel> channels;
    std::vector<std::string> roles{kRoles.begin(), kRoles.end()};
    bool incidents{};  // there are incidents: rules may ask for `incident` and `severity`
};

// The same names in order, for look-ups: made once for all the lists of a configuration.
//
// Thread   immutable: any. Points into its Known, which outlives it.
class Vocabulary {
public:
    Vocabulary(const Known& known);  // implicit: whoever reads one list only has nothing to share

    const Known& known() const { return known_; }
    // Those of one sort in order; empty for talkers: who talks is not known when the configuration is read.
    std::span<const std::string_view> names(NameSort sort) const;
    // The groups that its rules may name; without this there are none.
    void use(Groups groups) { groups_ = std::move(groups); }
    const Groups& groups() const { return groups_; }
    // The channels of that id: one, but for a file that names two alike.
    std::span<const Known::Channel* const> channels_named(std::string_view id) const;

private:
    const Known& known_;
    std::vector<std::string_view> agencies_;
    std::vector<std::string_view> channels_;
    std::vector<std::string_view> roles_;
    std::vector<const Known::Channel*> by_id_;
    Groups groups_;
};

// Reads the list at `node`; `own_channel` is the channel that it belongs to.
//
// Errors   every problem is reported at its place and the rule left out; the caller does not use the list of
// a
//          configuration with problems. Warnings: rules that can never match, with the one that stands in
//          their way.
// Source   contract.md, "Defaults and meanings"; src/policy/README.md.
RuleList read_rules(const core::config::Node& node, Side side, std::string_view own_channel,
                    const Vocabulary& vocabulary, Names& names, Zones& zones);

}  // namespace crosspatch::policy
