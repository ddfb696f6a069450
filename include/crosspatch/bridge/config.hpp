#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/bridge/ceiling.hpp"
#include "crosspatch/bridge/jurisdiction.hpp"
#include "crosspatch/core/config.hpp"
#include "crosspatch/floor/request.hpp"
#include "crosspatch/floor/settings.hpp"
#include "crosspatch/policy/rule.hpp"
#include "crosspatch/record/agency_key.hpp"

// What the configuration says of agencies, channels, talkers and bridges. Source: contract.md, Configuration.
namespace crosspatch::bridge {

enum class AgencyKind : std::uint8_t { PrivateSecurity, Police, Fire, Medical, Other };

struct Agency {
    std::string id;
    std::string name;
    AgencyKind kind{AgencyKind::Other};
    bool key_kept_here{};                         // `key: gateway`: the gateway signs for it
    std::optional<record::PublicKey> public_key;  // where the key is kept elsewhere
    core::config::Mark mark;
};

enum class Direction : std::uint8_t { Both, Talk, Listen };

// Who talks where the wire does not say, and what may be claimed.
struct Talker {
    std::string id;
    std::string role{"guard"};
    std::optional<std::uint8_t> priority;  // nothing: the channel's
    bool may_emergency{};
    bool may_imminent_peril{};
    bool may_broadcast{};
    bool operator==(const Talker&) const = default;
};

struct Channel {
    std::string id;
    std::string name;
    std::string agency;
    policy::Sensitivity sensitivity{policy::Sensitivity::Amber};
    floor::Settings floor;
    policy::RuleList outbound;
    policy::RuleList inbound;
    core::config::Mark mark;
};

struct Leg {
    std::string channel;
    Direction direction{Direction::Both};  // the channel's: talk = heard by the others, hears nothing
    double gain_db{};                      // of what the channel hears
};

// Who may take the floor from whom on the bridge.
struct Preemption {
    std::vector<std::string> roles;  // of the talker; empty: any
    std::string agency;              // of the talker; empty: any
    std::string over_agency;         // of who talks now; empty: any
    std::vector<std::string> over_roles;
    bool emergency{};  // only emergencies
    core::config::Mark mark;
};

enum class Opens : std::uint8_t { OnRequest, Always, OnEmergency };

// A template of bridges has the same shape: its legs are those that may be chosen from.
struct Bridge {
    std::string id;
    std::string made_from;  // the template's id; empty: it stands in the configuration
    std::string place;      // empty: it says none
    std::vector<Leg> legs;
    Opens opens{Opens::OnRequest};
    floor::WhenBusy when_busy{floor::WhenBusy::Skip};
    std::optional<std::chrono::milliseconds> expires;
    std::string agreement;                       // its id; empty: none
    std::string agreement_until;                 // `YYYY-MM-DD`; empty: open-ended
    std::vector<Ceiling<std::string>> ceilings;  // that it sets
    std::vector<std::string> standing_consent;
    std::vector<Preemption> preemption;
    std::optional<policy::Sensitivity> sensitivity;  // the most restricted that may cross it; nothing: any
    std::vector<std::string> agencies;               // that have a channel on it, in order
    Jurisdiction jurisdiction;                       // who may do what there; set by apply_jurisdiction()
    std::string terms;  // record::hash_terms() of terms_of(); set when everything is read
    core::config::Mark mark;
};

// --- Readers of one section each. Problems are reported where they stand; what could not be read is left out. ---

std::vector<Agency> read_agencies(const core::config::Node& list);
// All keys of a channel but `endpoints`, which is the caller's: take it out of `map` before this finishes it.
std::optional<Channel> read_channel(core::config::Map& map, const policy::Vocabulary& known,
                                    policy::Names& names, policy::Zones& zones);
Talker read_talker(const core::config::Node& node, const std::string& default_id, bool authenticated);
std::vector<Bridge> read_bridges(const core::config::Node& list, const std::vector<Agency>& agencies,
                                 const std::vector<Channel>& channels);
// The `templates:` section: `choose` in place of `channels`.
std::vector<Bridge> read_templates(const core::config::Node& list, const std::vector<Agency>& agencies,
                                   const std::vector<Channel>& channels);
// At most 200 rules. `incidents`: there are some, so that rules may ask of what kind they are.
JurisdictionRules read_jurisdiction(const core::config::Node& list, const std::vector<Agency>& agencies,
                                    const std::vector<Bridge>& bridges, bool incidents = false);
// Gives each bridge the rules that concern it, none as well, and reports what contradicts itself: src/bridge/README.md.
void apply_jurisdiction(const JurisdictionRules& rules, std::vector<Bridge>& bridges,
                        core::config::Problems& problems);
std::optional<Direction> read_direction(const core::config::Node& node);
// A TLP 2.0 label.
std::optional<policy::Sensitivity> read_sensitivity(const core::config::Node& node);

// Ids and agencies of all channels, read ahead of the rules that name them.
policy::Known known_names(const core::config::Node& agencies, const core::config::Node& channels);

}  // namespace crosspatch::bridge
