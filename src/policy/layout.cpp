#include "crosspatch/policy/layout.hpp"

#include <algorithm>
#include <array>

namespace crosspatch::policy {
namespace {

using core::config::Map;
using core::config::Node;

// A key's text, where it is one; what is wrong with it is not ours to say.
std::string text_of(Map& map, std::string_view key, std::string_view otherwise = {}) {
    const auto node = map.find(key);
    if (!node || node->kind() != Node::Kind::Scalar) return std::string{otherwise};
    return node->text().value_or(std::string{otherwise});
}

std::vector<Node> elements(const std::optional<Node>& node) {
    return node && node->kind() == Node::Kind::List ? node->list() : std::vector<Node>{};
}

bool is_map(const std::optional<Node>& node) { return node && node->kind() == Node::Kind::Map; }

class LayoutReader {
public:
    LayoutReader(Names& names, core::WallTime now) : names_{names}, zones_{now} {}

    Layout read(const Node& root) {
        Map map = root.map();
        if (!map.present()) return {};
        const auto agencies = map.require("agencies");
        const auto channels = map.require("channels");
        for (const std::string_view role : kRoles) names_.intern(role);
        const Known known = known_names(elements(agencies), elements(channels));
        Vocabulary vocabulary{known};
        if (const auto groups = map.find("groups")) vocabulary.use(read_groups(*groups, vocabulary, names_));
        Layout layout;
        for (const Node& node : elements(channels))
            if (node.kind() == Node::Kind::Map) read_channel(node, vocabulary, layout);
        for (const Node& node : elements(map.find("bridges")))
            if (node.kind() == Node::Kind::Map) read_bridge(node, layout);
        return layout;
    }

private:
    static Known known_names(const std::vector<Node>& agencies, const std::vector<Node>& channels) {
        Known known;
        for (const Node& node : agencies)
            if (node.kind() == Node::Kind::Map) {
                Map map = node.map();
                known.agencies.push_back(text_of(map, "id"));
            }
        for (const Node& node : channels)
            if (node.kind() == Node::Kind::Map) {
                Map map = node.map();
                known.channels.push_back({text_of(map, "id"), text_of(map, "agency")});
            }
        return known;
    }

    void read_channel(const Node& node, const Vocabulary& vocabulary, Layout& layout) {
        Map map = node.map();
        Layout::Channel channel;
        channel.id = text_of(map, "id");
        channel.agency = text_of(map, "agency");
        channel.sensitivity = sensitivity_of(text_of(map, "sensitivity", word(Sensitivity::Amber)))
                                  .value_or(Sensitivity::Amber);
        names_.intern(channel.id);
        names_.intern(channel.agency);
        if (const auto rules = map.find("outbound"))
            channel.outbound = read_rules(*rules, Side::Outbound, channel.id, vocabulary, names_, zones_);
        if (const auto rules = map.find("inbound"))
            channel.inbound = read_rules(*rules, Side::Inbound, channel.id, vocabulary, names_, zones_);
        for (const Node& endpoint : elements(map.find("endpoints")))
            if (endpoint.kind() == Node::Kind::Map) channel.endpoints.push_back(read_endpoint(endpoint));
        if (layout.channel(channel.id)) return node.problem("this channel stands here a second time");
        layout.channels.push_back(std::move(channel));
    }

    Layout::Endpoint read_endpoint(const Node& node) {
        Map map = node.map();
        Layout::Endpoint endpoint;
        endpoint.id = text_of(map, "id");
        endpoint.talker = endpoint.id;
        endpoint.role = "guard";  // contract.md: `talker` left out
        if (const auto talker = map.find("talker"); is_map(talker)) {
            Map inner = talker->map();
            endpoint.talker = text_of(inner, "id", endpoint.talker);
            endpoint.role = text_of(inner, "role", endpoint.role);
        }
        if (const auto srtp = map.find("srtp"); is_map(srtp)) {
            Map inner = srtp->map();
            endpoint.suite =
                suite_of(text_of(inner, "suite", word(Suite::AeadAes256Gcm))).value_or(Suite::AeadAes256Gcm);
        }
        const std::string direction = text_of(map, "direction");
        endpoint.talks = direction != "listen";
        endpoint.listens = direction != "talk";
        names_.intern(endpoint.talker);
        return endpoint;
    }

    static void read_bridge(const Node& node, Layout& layout) {
        Map map = node.map();
        Layout::Bridge bridge{text_of(map, "id"), {}, sensitivity_of(text_of(map, "sensitivity"))};
        for (const Node& leg : elements(map.find("channels"))) {
            std::string channel;
            std::string direction;
            if (leg.kind() == Node::Kind::Map) {
                Map inner = leg.map();
                channel = text_of(inner, "channel");
                direction = text_of(inner, "direction");
            } else if (leg.kind() == Node::Kind::Scalar) {
                channel = leg.text().value_or("");
            }
            if (!layout.channel(channel)) {
                leg.problem("this is not a channel of this file");
                continue;
            }
            bridge.legs.push_back({channel, direction != "listen", direction != "talk"});
        }
        layout.bridges.push_back(std::move(bridge));
    }

    Names& names_;
    Zones zones_;
};

SuiteSet suites_of(const std::vector<Layout::Endpoint>& endpoints, bool Layout::Endpoint::*which) {
    SuiteSet suites;
    for (const Layout::Endpoint& one : endpoints)
        if (one.*which) suites.insert(one.suite);
    return suites;
}

}  // namespace

SuiteSet Layout::Channel::talking() const { return suites_of(endpoints, &Endpoint::talks); }
SuiteSet Layout::Channel::listening() const { return suites_of(endpoints, &Endpoint::listens); }

const Layout::Channel* Layout::channel(std::string_view id) const {
    const auto found =
        std::find_if(channels.begin(), channels.end(), [&](const Channel& one) { return one.id == id; });
    return found == channels.end() ? nullptr : &*found;
}

const Layout::Endpoint* Layout::endpoint(std::string_view id, const Channel** on) const {
    for (const Channel& channel : channels)
        for (const Endpoint& one : channel.endpoints)
            if (one.id == id) {
                *on = &channel;
                return &one;
            }
    return nullptr;
}

std::vector<std::string_view> Layout::names(bool with_endpoints) const {
    std::vector<std::string_view> names;
    for (const Channel& channel : channels) {
        names.push_back(channel.id);
        for (const Endpoint& one : channel.endpoints)
            if (with_endpoints) names.push_back(one.id);
    }
    return names;
}

Layout read_layout(const Node& root, Names& names, core::WallTime now) {
    return LayoutReader{names, now}.read(root);
}

Facts facts_of(const Passage& passage, const Names& names) {
    return {.own_agency = names.find(passage.from->agency),
            .own_channel = names.find(passage.from->id),
            .other_agency = names.find(passage.to->agency),
            .other_channel = names.find(passage.to->id),
            .talker = passage.talker,
            .role = passage.role,
            .kind = passage.kind,
            .emergency = passage.emergency,
            .sensitivity = passage.from->sensitivity,
            .suite = passage.suite};
}

Crossing decide_passage(const Passage& passage, SuiteSet listeners, const Names& names, core::WallTime now) {
    return decide_crossing(passage.from->outbound, passage.to->inbound, facts_of(passage, names), listeners,
                           now);
}

}  // namespace crosspatch::policy
