// The `bridges:` and `templates:` sections: read_bridges() and read_templates() of config.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "crosspatch/bridge/ad_hoc.hpp"
#include "crosspatch/bridge/config.hpp"
#include "crosspatch/core/text.hpp"
#include "src/bridge/preemption_checks.hpp"

namespace crosspatch::bridge {
namespace {

using core::config::Map;
using core::config::Node;
using core::config::Word;
using namespace std::chrono_literals;

constexpr std::size_t kMaxPreemption = 200;

class BridgeReader {
public:
    // `legs_key`: `channels`, or `choose` of a template.
    BridgeReader(const std::vector<Agency>& agencies, const std::vector<Channel>& channels,
                 std::string_view legs_key)
        : agencies_{agencies}, channels_{channels}, legs_key_{legs_key} {
        for (const Agency& agency : agencies) agency_ids_.push_back(agency.id);
        for (const Channel& channel : channels) channel_ids_.push_back(channel.id);
        for (const std::string_view role : policy::kRoles) roles_.push_back(role);
    }

    std::optional<Bridge> read(const Node& node) {
        Map map = node.map();
        if (!map.present()) return std::nullopt;
        Bridge bridge{.mark = node.mark()};
        if (const auto id = map.require("id")) bridge.id = core::config::identifier(*id).value_or("");
        if (const auto place = map.find("place"))
            bridge.place = core::config::identifier(*place).value_or("");
        if (const auto legs = map.require(legs_key_)) read_legs(*legs, bridge);
        read_opening(map, bridge);
        ceiling_lines_.clear();
        if (const auto agreement = map.find("agreement")) read_agreement(*agreement, bridge);
        std::vector<Node> preemption;
        if (const auto rules = map.find("preemption")) preemption = rules->list();
        if (preemption.size() > kMaxPreemption) {
            map.find("preemption")
                ->problem(fmt::format("{} rules are too many; at most {} say who may take the "
                                      "floor from whom",
                                      preemption.size(), kMaxPreemption));
            preemption.clear();
        }
        for (const Node& rule : preemption) read_preemption(rule, bridge);
        map.finish();
        bridge.agencies = agencies_on(bridge.legs, channels_);
        check_preemption(bridge, preemption, ceiling_lines_);
        check(node, bridge);
        return bridge.id.empty() ? std::nullopt : std::optional{std::move(bridge)};
    }

private:
    std::string known(const Node& node, const std::vector<std::string_view>& ids,
                      std::string_view what) const {
        const auto text = node.text();
        if (!text) return {};
        if (std::find(ids.begin(), ids.end(), *text) != ids.end()) return *text;
        const auto meant = core::config::nearest(*text, ids);
        node.problem(fmt::format("'{}' is not {} of this file{}", core::escape(*text), what,
                                 meant ? fmt::format("; did you mean '{}'?", *meant) : ""));
        return {};
    }

    void read_legs(const Node& list, Bridge& bridge) {
        for (const Node& node : list.list()) {
            Leg leg;
            if (node.kind() == Node::Kind::Map) {
                Map map = node.map();
                if (const auto channel = map.require("channel"))
                    leg.channel = known(*channel, channel_ids_, "a channel");
                if (const auto direction = map.find("direction"))
                    leg.direction = read_direction(*direction).value_or(Direction::Both);
                if (const auto gain = map.find("gain"))
                    leg.gain_db = core::config::decibels(*gain, -40, 20).value_or(0);
                map.finish();
            } else {
                leg.channel = known(node, channel_ids_, "a channel");
            }
            if (leg.channel.empty()) continue;
            const auto same = [&](const Leg& other) { return other.channel == leg.channel; };
            if (std::any_of(bridge.legs.begin(), bridge.legs.end(), same))
                node.problem(fmt::format(
                    "channel '{}' is on this bridge already; a channel cannot be joined to itself",
                    leg.channel));
            else
                bridge.legs.push_back(std::move(leg));
        }
        if (list.kind() == Node::Kind::List && list.list().size() < 2)
            list.problem("a bridge joins two or more channels");
        if (list.kind() == Node::Kind::List && list.list().size() > 200)
            list.problem("more than 200 channels on one bridge");
    }

    void read_opening(Map& map, Bridge& bridge) {
        constexpr std::array kOpens{Word{"on_request", static_cast<int>(Opens::OnRequest)},
                                    Word{"always", static_cast<int>(Opens::Always)},
                                    Word{"on_emergency", static_cast<int>(Opens::OnEmergency)}};
        if (const auto opens = map.find("opens"))
            bridge.opens =
                core::config::choice_of<Opens>(*opens, "way to open a bridge", kOpens).value_or(bridge.opens);
        constexpr std::array kBusy{Word{"skip", static_cast<int>(floor::WhenBusy::Skip)},
                                   Word{"wait", static_cast<int>(floor::WhenBusy::Wait)}};
        if (const auto busy = map.find("when_busy"))
            bridge.when_busy =
                core::config::choice_of<floor::WhenBusy>(*busy, "way to treat a busy channel", kBusy)
                    .value_or(bridge.when_busy);
        if (const auto expires = map.find("expires")) {
            bridge.expires = core::config::duration(*expires, 1s, 24h * 366);
            if (bridge.opens == Opens::Always)
                expires->problem(
                    "a bridge that is always open does not expire; leave it out or use opens: on_request");
        }
        if (const auto label = map.find("sensitivity")) bridge.sensitivity = read_sensitivity(*label);
        if (const auto consents = map.find("standing_consent")) read_standing(*consents, bridge);
    }

    void read_standing(const Node& list, Bridge& bridge) {
        for (const Node& node : list.list()) {
            const std::string id = known(node, agency_ids_, "an agency");
            if (id.empty()) continue;
            const auto agency =
                std::find_if(agencies_.begin(), agencies_.end(), [&](const Agency& a) { return a.id == id; });
            if (!agency->key_kept_here)
                node.problem(fmt::format(
                    "agency '{}' keeps its key itself, so only it can consent; standing consent is "
                    "for agencies with key: gateway",
                    id));
            else
                bridge.standing_consent.push_back(id);
        }
    }

    void read_agreement(const Node& node, Bridge& bridge) {
        Map map = node.map();
        if (const auto id = map.require("id"))
            if (const auto text = core::config::display_name(*id)) bridge.agreement = *text;
        if (const auto ceilings = map.find("ceilings"))
            for (const Node& ceiling : ceilings->list()) read_ceiling(ceiling, bridge);
        if (const auto until = map.find("until")) {
            const auto text = until->text();
            constexpr std::string_view kShape = "dddd-dd-dd";
            const bool shaped =
                text && text->size() == kShape.size() &&
                std::equal(text->begin(), text->end(), kShape.begin(), [](char c, char shape) {
                    return shape == 'd' ? c >= '0' && c <= '9' : c == shape;
                });
            const auto number = [&](std::size_t at, std::size_t count) {
                return shaped ? std::stoi(text->substr(at, count)) : 0;
            };
            const std::chrono::year_month_day date{std::chrono::year{number(0, 4)},
                                                   std::chrono::month{static_cast<unsigned>(number(5, 2))},
                                                   std::chrono::day{static_cast<unsigned>(number(8, 2))}};
            if (!shaped || !date.ok())
                until->problem("is not a date; write it as 2027-06-30");
            else
                bridge.agreement_until = *text;
        }
        map.finish();
    }

    void read_ceiling(const Node& node, Bridge& bridge) {
        constexpr std::array kClasses{Word{"normal", static_cast<int>(floor::Class::Normal)},
                                      Word{"imminent_peril", static_cast<int>(floor::Class::ImminentPeril)},
                                      Word{"emergency", static_cast<int>(floor::Class::Emergency)}};
        Map map = node.map();
        Ceiling<std::string> ceiling;
        if (const auto agency = map.require("agency")) {
            ceiling.agency = known(*agency, agency_ids_, "an agency");
            const auto on_bridge = agencies_on(bridge.legs, channels_);
            const auto same = [&](const auto& other) { return other.agency == ceiling.agency; };
            if (!ceiling.agency.empty() &&
                std::find(on_bridge.begin(), on_bridge.end(), ceiling.agency) == on_bridge.end())
                agency->problem(fmt::format("agency '{}' has no channel on this bridge", ceiling.agency));
            else if (std::any_of(bridge.ceilings.begin(), bridge.ceilings.end(), same))
                agency->problem(fmt::format("agency '{}' has a ceiling here already", ceiling.agency));
        }
        if (const auto level = map.find("class"))
            ceiling.most.level = core::config::choice_of<floor::Class>(*level, "class of a press", kClasses)
                                     .value_or(ceiling.most.level);
        if (const auto priority = map.find("priority"))
            if (const auto value = core::config::integer(*priority, 0, 255))
                ceiling.most.priority = static_cast<std::uint8_t>(*value);
        map.finish();
        ceiling_lines_.emplace(ceiling.agency, node.mark().line);
        bridge.ceilings.push_back(std::move(ceiling));
    }

    void read_preemption(const Node& node, Bridge& bridge) {
        Map map = node.map();
        Preemption rule{.mark = node.mark()};
        if (const auto roles = map.find("role"))
            for (const Node& role : roles->one_or_list()) rule.roles.push_back(known(role, roles_, "a role"));
        if (const auto agency = map.find("agency")) rule.agency = known(*agency, agency_ids_, "an agency");
        if (const auto emergency = map.find("emergency"))
            rule.emergency = core::config::boolean(*emergency).value_or(false);
        if (const auto over = map.find("over")) {
            Map whom = over->map();
            if (const auto agency = whom.find("agency"))
                rule.over_agency = known(*agency, agency_ids_, "an agency");
            if (const auto roles = whom.find("role"))
                for (const Node& role : roles->one_or_list())
                    rule.over_roles.push_back(known(role, roles_, "a role"));
            whom.finish();
        }
        map.finish();
        bridge.preemption.push_back(std::move(rule));
    }

    // Who keeps its key itself is waited for: such a bridge opens when its consent is there.
    void check(const Node& node, const Bridge& bridge) const {
        if (bridge.opens != Opens::Always) return;
        const auto stands = [&](const std::string& agency) {
            return std::find(bridge.standing_consent.begin(), bridge.standing_consent.end(), agency) !=
                   bridge.standing_consent.end();
        };
        for (const Agency& agency : agencies_)
            if (agency.key_kept_here && !stands(agency.id) &&
                std::find(bridge.agencies.begin(), bridge.agencies.end(), agency.id) != bridge.agencies.end())
                node.problem(fmt::format(
                    "opens: always needs the standing consent of every agency on the bridge whose key "
                    "the gateway keeps; '{}' is missing from standing_consent",
                    agency.id));
    }

    const std::vector<Agency>& agencies_;
    const std::vector<Channel>& channels_;
    std::string_view legs_key_;
    std::vector<std::string_view> agency_ids_;
    std::vector<std::string_view> channel_ids_;
    std::vector<std::string_view> roles_;
    std::map<std::string, std::size_t> ceiling_lines_;  // of the bridge that is being read, by agency
};

std::vector<Bridge> read_list(const Node& list, BridgeReader reader, std::string_view what) {
    std::vector<Bridge> bridges;
    for (const Node& node : list.list()) {
        auto bridge = reader.read(node);
        if (!bridge) continue;
        const auto same = [&](const Bridge& other) { return other.id == bridge->id; };
        if (std::any_of(bridges.begin(), bridges.end(), same))
            node.problem(fmt::format("{} '{}' stands here a second time", what, bridge->id));
        else
            bridges.push_back(std::move(*bridge));
    }
    return bridges;
}

}  // namespace

std::vector<Bridge> read_bridges(const Node& list, const std::vector<Agency>& agencies,
                                 const std::vector<Channel>& channels) {
    return read_list(list, {agencies, channels, "channels"}, "bridge");
}

std::vector<Bridge> read_templates(const Node& list, const std::vector<Agency>& agencies,
                                   const std::vector<Channel>& channels) {
    return read_list(list, {agencies, channels, "choose"}, "template");
}

}  // namespace crosspatch::bridge
