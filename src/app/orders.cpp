#include "crosspatch/app/orders.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace crosspatch::app {
namespace {

namespace json = boost::json;
using Standing = bridge::Exchange::Standing;
constexpr core::Duration kLongAgo = std::chrono::years{1};
constexpr std::int64_t kLongestWait = 24LL * 3600 * 1000;         // ms
constexpr std::int64_t kLongestLabel = 366LL * 24 * 3600 * 1000;  // ms

bool read_names(const json::object& object, std::string_view key, std::set<std::string>& into) {
    const json::value* list = object.if_contains(key);
    if (!list || !list->is_array()) return false;
    for (const json::value& name : list->get_array()) {
        if (!name.is_string()) return false;
        into.insert(std::string{name.get_string()});
    }
    return true;
}

// `at_mono` is as long ago as `at` is by the wall clock. One that is still to come says that the clock is wrong, and not
// how long ago it was: so long that whatever expires has expired.
std::optional<bridge::BridgeCommand> read_command(const json::value& value, core::WallTime wall,
                                                  core::Time mono) {
    const json::object* object = value.if_object();
    if (!object) return std::nullopt;
    const json::value* open = object->if_contains("open");
    const json::value* at = object->if_contains("at_ns");
    const json::value* by = object->if_contains("by");
    if (!open || !open->is_bool() || !at || !at->is_int64() || !by || !by->is_string()) return std::nullopt;
    const core::WallTime then{std::chrono::nanoseconds{std::max<std::int64_t>(at->get_int64(), 0)}};
    const core::Duration ago = then > wall ? kLongAgo : wall - then;
    const json::value* waits = object->if_contains("waits_ms");
    if (waits && !waits->is_int64()) return std::nullopt;
    return bridge::BridgeCommand{
        .open = open->get_bool(),
        .at = then,
        .at_mono = mono - ago,
        .by = std::string{by->get_string()},
        .waits = std::chrono::milliseconds{
            waits ? std::clamp<std::int64_t>(waits->get_int64(), 0, kLongestWait) : 0}};
}

std::optional<MadeBridge> read_made(const json::value& value) {
    const json::object* object = value.if_object();
    if (!object) return std::nullopt;
    const json::value* from = object->if_contains("template");
    const json::value* channels = object->if_contains("channels");
    const json::value* at = object->if_contains("at_ns");
    const json::value* by = object->if_contains("by");
    if (!from || !from->is_string() || !channels || !channels->is_array() || !at || !at->is_int64() || !by ||
        !by->is_string())
        return std::nullopt;
    MadeBridge made{.from = std::string{from->get_string()}, .by = std::string{by->get_string()}};
    made.at = core::WallTime{std::chrono::nanoseconds{std::max<std::int64_t>(at->get_int64(), 0)}};
    for (const json::value& channel : channels->get_array()) {
        if (!channel.is_string()) return std::nullopt;
        made.channels.emplace_back(channel.get_string());
    }
    return made;
}

// As long ago as the wall clock says; if it says that this is still to come, it begins now: too long rather than too short.
std::optional<RaisedLabel> read_label(const json::value& value, core::WallTime wall, core::Time mono) {
    const json::object* object = value.if_object();
    if (!object) return std::nullopt;
    const json::value* label = object->if_contains("label");
    const json::value* at = object->if_contains("at_ns");
    const json::value* lasts = object->if_contains("lasts_ms");
    const json::value* by = object->if_contains("by");
    if (!label || !label->is_string() || !at || !at->is_int64() || !by || !by->is_string())
        return std::nullopt;
    const auto sensitivity = policy::sensitivity_of(std::string_view{label->get_string()});
    if (!sensitivity || (lasts && !lasts->is_int64())) return std::nullopt;
    RaisedLabel raised{.label = *sensitivity, .by = std::string{by->get_string()}};
    raised.at = core::WallTime{std::chrono::nanoseconds{std::max<std::int64_t>(at->get_int64(), 0)}};
    raised.at_mono = raised.at > wall ? mono : mono - std::min<core::Duration>(wall - raised.at, kLongAgo);
    if (lasts)
        raised.lasts =
            std::chrono::milliseconds{std::clamp<std::int64_t>(lasts->get_int64(), 0, kLongestLabel)};
    return raised;
}

}  // namespace

core::Result<Orders> Orders::parse(std::string_view text, core::WallTime wall, core::Time mono) {
    boost::system::error_code failed;
    const json::value value = json::parse(text, failed);
    const json::object* object = failed ? nullptr : value.if_object();
    const json::value* bridges = object ? object->if_contains("bridges") : nullptr;
    Orders orders;
    bool good = bridges && bridges->is_object() && read_names(*object, "disabled", orders.disabled_) &&
                read_names(*object, "revoked_keys", orders.revoked_keys_) &&
                read_names(*object, "revoked", orders.revoked_ids_);
    if (good)
        for (const auto& [id, one] : bridges->get_object()) {
            auto command = read_command(one, wall, mono);
            good = good && command;
            if (command) orders.bridges_[std::string{id}] = std::move(*command);
        }
    // Versions before labels could be raised did not write them.
    const json::value* labels = object ? object->if_contains("labels") : nullptr;
    good = good && (!labels || labels->is_object());
    if (good && labels)
        for (const auto& [id, one] : labels->get_object()) {
            auto raised = read_label(one, wall, mono);
            good = good && raised;
            if (raised) orders.labels_[std::string{id}] = std::move(*raised);
        }
    // The same of bridges that people made.
    const json::value* made = object ? object->if_contains("made") : nullptr;
    good = good && (!made || (made->is_object() && made->get_object().size() <= kMostMade));
    if (good && made)
        for (const auto& [id, one] : made->get_object()) {
            auto bridge = read_made(one);
            good = good && bridge;
            if (bridge) orders.made_[std::string{id}] = std::move(*bridge);
        }
    if (!good)
        return core::unexpected(core::Error::Code::Invalid, "this is not what crosspatchd writes there");
    return orders;
}

std::string Orders::text() const {
    const auto names = [](const std::set<std::string>& of) { return json::array(of.begin(), of.end()); };
    json::object bridges;
    for (const auto& [id, command] : bridges_) {
        json::object one{
            {"open", command.open}, {"at_ns", command.at.time_since_epoch().count()}, {"by", command.by}};
        if (command.waits.count() > 0) one["waits_ms"] = command.waits.count();
        bridges[id] = std::move(one);
    }
    json::object made;
    for (const auto& [id, bridge] : made_)
        made[id] = {{"template", bridge.from},
                    {"channels", json::array(bridge.channels.begin(), bridge.channels.end())},
                    {"at_ns", bridge.at.time_since_epoch().count()},
                    {"by", bridge.by}};
    json::object labels;
    for (const auto& [id, raised] : labels_) {
        json::object one{{"label", policy::word(raised.label)},
                         {"at_ns", raised.at.time_since_epoch().count()},
                         {"by", raised.by}};
        if (raised.lasts) one["lasts_ms"] = raised.lasts->count();
        labels[id] = std::move(one);
    }
    return json::serialize(json::object{{"disabled", names(disabled_)},
                                        {"revoked", names(revoked_ids_)},
                                        {"revoked_keys", names(revoked_keys_)},
                                        {"bridges", std::move(bridges)},
                                        {"labels", std::move(labels)},
                                        {"made", std::move(made)}}) +
           "\n";
}

Standing Orders::standing(const endpoint::Config& endpoint) const {
    const auto keys = endpoint.fingerprints();
    const auto is_revoked = [&](const auto& key) { return revoked_keys_.contains(rtp::to_string(key)); };
    if (revoked_ids_.contains(endpoint.settings.id) || std::any_of(keys.begin(), keys.end(), is_revoked))
        return Standing::Revoked;
    return disabled_.contains(endpoint.settings.id) ? Standing::Disabled : Standing::Enabled;
}

void Orders::revoke(const endpoint::Config& endpoint) {
    const auto keys = endpoint.fingerprints();
    for (const auto& key : keys) revoked_keys_.insert(rtp::to_string(key));
    if (keys.empty()) revoked_ids_.insert(endpoint.settings.id);
}

bool Orders::enable(const endpoint::Config& endpoint) {
    const auto keys = endpoint.fingerprints();
    if (std::any_of(keys.begin(), keys.end(),
                    [&](const auto& key) { return revoked_keys_.contains(rtp::to_string(key)); }))
        return false;
    revoked_ids_.erase(endpoint.settings.id);
    disabled_.erase(endpoint.settings.id);
    return true;
}

const bridge::BridgeCommand* Orders::bridge(const std::string& id) const {
    const auto found = bridges_.find(id);
    return found == bridges_.end() ? nullptr : &found->second;
}

void Orders::keep_open_only(const std::set<std::string>& bridges) {
    std::erase_if(bridges_, [&](const auto& one) { return one.second.open && !bridges.contains(one.first); });
}

}  // namespace crosspatch::app
