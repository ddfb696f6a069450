#include "crosspatch/bridge/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crosspatch/core/text.hpp"

namespace crosspatch::bridge {
namespace {

using core::config::Map;
using core::config::Node;
using core::config::Word;

constexpr std::array kAgencyKinds{Word{"private_security", static_cast<int>(AgencyKind::PrivateSecurity)},
                                  Word{"police", static_cast<int>(AgencyKind::Police)},
                                  Word{"fire", static_cast<int>(AgencyKind::Fire)},
                                  Word{"medical", static_cast<int>(AgencyKind::Medical)},
                                  Word{"other", static_cast<int>(AgencyKind::Other)}};
constexpr std::array kSensitivities{Word{"RED", static_cast<int>(policy::Sensitivity::Red)},
                                    Word{"AMBER+STRICT", static_cast<int>(policy::Sensitivity::AmberStrict)},
                                    Word{"AMBER", static_cast<int>(policy::Sensitivity::Amber)},
                                    Word{"GREEN", static_cast<int>(policy::Sensitivity::Green)},
                                    Word{"CLEAR", static_cast<int>(policy::Sensitivity::Clear)}};
constexpr std::array kDirections{Word{"both", static_cast<int>(Direction::Both)},
                                 Word{"talk", static_cast<int>(Direction::Talk)},
                                 Word{"listen", static_cast<int>(Direction::Listen)}};

void read_key(const Node& node, Agency& agency) {
    const auto text = node.text();
    if (!text) return;
    if (*text == "gateway") {
        agency.key_kept_here = true;
        return;
    }
    if (text->starts_with("ed25519:")) {
        const auto key = record::read_public_key(*text);
        if (key)
            agency.public_key = *key;
        else
            node.problem(key.error().context);
        return;
    }
    node.problem(
        "is neither 'gateway' (the gateway keeps the key) nor 'ed25519:BASE64' (the agency's public key)");
}

std::optional<Agency> read_agency(const Node& node) {
    Map map = node.map();
    if (!map.present()) return std::nullopt;
    Agency agency{.mark = node.mark()};
    if (const auto id = map.require("id")) agency.id = core::config::identifier(*id).value_or("");
    if (const auto name = map.find("name")) agency.name = core::config::display_name(*name).value_or("");
    if (const auto kind = map.find("kind"))
        agency.kind =
            core::config::choice_of<AgencyKind>(*kind, "kind of agency", kAgencyKinds).value_or(agency.kind);
    if (const auto key = map.require("key")) read_key(*key, agency);
    map.finish();
    if (agency.name.empty()) agency.name = agency.id;
    return agency.id.empty() ? std::nullopt : std::optional{std::move(agency)};
}

std::optional<std::string> known_agency(const Node& node, const std::vector<std::string>& agencies) {
    const auto id = node.text();
    if (!id) return std::nullopt;
    if (std::find(agencies.begin(), agencies.end(), *id) != agencies.end()) return id;
    const std::vector<std::string_view> known{agencies.begin(), agencies.end()};
    const auto meant = core::config::nearest(*id, known);
    node.problem(fmt::format("'{}' is not an agency of this file{}", core::escape(*id),
                             meant ? fmt::format("; did you mean '{}'?", *meant) : ""));
    return std::nullopt;
}

}  // namespace

std::vector<Agency> read_agencies(const Node& list) {
    std::vector<Agency> agencies;
    for (const Node& node : list.list()) {
        auto agency = read_agency(node);
        if (!agency) continue;
        const auto same = [&](const Agency& other) { return other.id == agency->id; };
        if (const auto first = std::find_if(agencies.begin(), agencies.end(), same);
            first != agencies.end()) {
            node.problem(fmt::format("agency '{}' stands here a second time; the first is in line {}",
                                     agency->id, first->mark.line));
            continue;
        }
        const auto same_key = [&](const Agency& other) {
            return other.public_key && other.public_key == agency->public_key;
        };
        if (const auto first = std::find_if(agencies.begin(), agencies.end(), same_key);
            first != agencies.end())
            node.problem(fmt::format("agency '{}' has the same key as '{}': one hand would consent for both",
                                     agency->id, first->id));
        agencies.push_back(std::move(*agency));
    }
    return agencies;
}

std::optional<policy::Sensitivity> read_sensitivity(const Node& node) {
    return core::config::choice_of<policy::Sensitivity>(node, "TLP 2.0 label", kSensitivities);
}

std::optional<Direction> read_direction(const Node& node) {
    return core::config::choice_of<Direction>(node, "direction", kDirections);
}

std::optional<Channel> read_channel(Map& map, const policy::Vocabulary& known, policy::Names& names,
                                    policy::Zones& zones) {
    Channel channel{.mark = map.node().mark()};
    if (const auto id = map.require("id")) channel.id = core::config::identifier(*id).value_or("");
    if (const auto name = map.find("name")) channel.name = core::config::display_name(*name).value_or("");
    if (const auto agency = map.require("agency"))
        channel.agency = known_agency(*agency, known.known().agencies).value_or("");
    if (const auto label = map.find("sensitivity"))
        channel.sensitivity = read_sensitivity(*label).value_or(channel.sensitivity);
    if (const auto settings = map.find("floor"))
        if (const auto read = floor::read_settings(*settings)) channel.floor = *read;
    if (const auto rules = map.find("outbound"))
        channel.outbound =
            policy::read_rules(*rules, policy::Side::Outbound, channel.id, known, names, zones);
    if (const auto rules = map.find("inbound"))
        channel.inbound = policy::read_rules(*rules, policy::Side::Inbound, channel.id, known, names, zones);
    map.finish();
    if (channel.name.empty()) channel.name = channel.id;
    return channel.id.empty() || channel.agency.empty() ? std::nullopt : std::optional{std::move(channel)};
}

Talker read_talker(const Node& node, const std::string& default_id, bool authenticated) {
    // contract.md, Floor: `may` is [emergency] with SRTP and [] without.
    Talker talker{.id = default_id, .may_emergency = authenticated};
    Map map = node.map();
    if (const auto id = map.find("id")) talker.id = core::config::identifier(*id).value_or(default_id);
    if (const auto role = map.find("role")) {
        std::vector<Word> words;
        for (std::size_t i = 0; i < policy::kRoles.size(); ++i)
            words.push_back({policy::kRoles[i], static_cast<int>(i)});
        if (const auto index = core::config::choice(*role, "role", words))
            talker.role = policy::kRoles[static_cast<std::size_t>(*index)];
    }
    if (const auto priority = map.find("priority"))
        if (const auto value = core::config::integer(*priority, 0, 255))
            talker.priority = static_cast<std::uint8_t>(*value);
    if (const auto may = map.find("may")) {
        talker.may_emergency = false;
        constexpr std::array kClaims{Word{"emergency", 0}, Word{"imminent_peril", 1}, Word{"broadcast", 2}};
        for (const Node& claim : may->list()) {
            const auto which = core::config::choice(claim, "claim", kClaims);
            talker.may_emergency |= which == 0;
            talker.may_imminent_peril |= which == 1;
            talker.may_broadcast |= which == 2;
        }
    }
    map.finish();
    return talker;
}

policy::Known known_names(const Node& agencies, const Node& channels) {
    policy::Known known;
    const auto scalar = [](Map& map, std::string_view key) {
        const auto node = map.find(key);
        return node && node->kind() == Node::Kind::Scalar ? node->text().value_or("") : std::string{};
    };
    if (agencies.kind() == Node::Kind::List)
        for (const Node& node : agencies.list())
            if (node.kind() == Node::Kind::Map) {
                Map map = node.map();
                known.agencies.push_back(scalar(map, "id"));
            }
    if (channels.kind() == Node::Kind::List)
        for (const Node& node : channels.list())
            if (node.kind() == Node::Kind::Map) {
                Map map = node.map();
                known.channels.push_back({scalar(map, "id"), scalar(map, "agency")});
            }
    return known;
}

}  // namespace crosspatch::bridge
