// Bridges that people make of templates, and take away again. control.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "crosspatch/app/control.hpp"
#include "crosspatch/app/made_bridges.hpp"
#include "crosspatch/bridge/ad_hoc.hpp"
#include "crosspatch/core/text.hpp"

namespace crosspatch::app {
namespace {

using boost::json::array;
using boost::json::object;
using core::Error;

constexpr std::chrono::milliseconds kBetween{500};  // each is a change of the whole configuration
constexpr std::chrono::hours kUnused{24};           // a bridge that was made and is closed so long goes away

}  // namespace

// The configuration of a file comes into force, with the bridges that people have made.
core::Result<void> Control::install_file(std::shared_ptr<const Config> file, LoadedKeys keys) {
    const Completed completed = complete(file, orders_.made());
    const Orders before = orders_;
    // First, for the file may have a bridge of the same id: what was commanded of the other one is not meant for it.
    for (const auto& [id, why] : completed.dropped) {
        if (const bridge::Bridge* bridge = bridge_config(id)) set_open(*bridge, false, "configuration");
        orders_.unmake(id);
        orders_.drop_command(id);
    }
    if (const auto installed = install(completed.config, std::move(keys)); !installed) {
        orders_ = before;
        return installed;
    }
    file_config_ = std::move(file);
    for (const auto& [id, why] : completed.dropped) {
        const std::vector<std::string> channels = before.made().at(id).channels;
        record::Entry entry{
            .type = "bridge.closed",
            .object = {{"kind", "bridge"}, {"id", id}, {"channels", array(channels.begin(), channels.end())}},
            .detail = {{"by", "configuration"}, {"removed", true}, {"reason", why}}};
        chronicle_.publish(std::move(entry));
        log_.warning("bridge.closed", "a bridge that was made of a template is gone with the configuration",
                     {{"bridge", id}, {"because", why}});
    }
    if (!completed.dropped.empty()) keep_orders();
    return {};
}

// The same file, with other bridges made of its templates.
core::Result<void> Control::install_made() {
    const Completed completed = complete(file_config_, orders_.made());
    if (!completed.dropped.empty())
        return core::unexpected(Error::Code::Invalid, completed.dropped.begin()->second);
    return install(completed.config, keys_);
}

array Control::templates(const api::Actor& actor) {
    array items;
    for (const bridge::Bridge& pattern : estate_.config->templates) {
        if (!may_see(actor, pattern)) continue;
        array choose;
        for (const bridge::Leg& leg : pattern.legs) choose.emplace_back(leg.channel);
        items.push_back(object{
            {"id", pattern.id},
            {"choose", std::move(choose)},
            {"agreement",
             pattern.agreement.empty() ? boost::json::value(nullptr) : boost::json::value(pattern.agreement)},
            {"standing_consent", array(pattern.standing_consent.begin(), pattern.standing_consent.end())}});
    }
    return items;
}

// Who may make it: as for opening it. The answer is the bridge, or why there is none.
core::Result<bridge::Bridge> Control::may_make(const Making& making, const std::string& id,
                                               const MadeBridge& made, const api::Actor& actor) const {
    const auto& patterns = estate_.config->templates;
    const auto pattern = std::find_if(patterns.begin(), patterns.end(),
                                      [&](const auto& one) { return one.id == making.from; });
    if (pattern == patterns.end() || !may_see(actor, *pattern))
        return core::unexpected(Error::Code::NotFound,
                                fmt::format("there is no template '{}'", core::escape(making.from)));
    // First whether he may: what is joined already is for those whose channels they are.
    auto wanted = bridge::make_bridge(*pattern, id, making.channels, estate_.config->channels);
    if (!wanted) return wanted;
    wanted->jurisdiction =
        bridge::Jurisdiction{pattern->id, wanted->place, wanted->agencies, estate_.config->jurisdiction};
    if (const auto allowed = may_open(*wanted, actor); !allowed) return core::Unexpected{allowed.error()};
    auto bridge = make_bridge(*estate_.config, id, made);
    if (!bridge) return bridge;
    if (core::monotonic_now() < made_at_ + kBetween)
        return core::unexpected(Error::Code::Busy, "a bridge was made this very moment; try again");
    if (orders_.made().size() >= Orders::kMostMade)
        return core::unexpected(Error::Code::Invalid,
                                fmt::format("there are {} bridges made of templates already; take one away "
                                            "first: `crosspatchctl bridge remove ID`",
                                            orders_.made().size()));
    if (log_failing_too_long())
        return core::unexpected(
            Error::Code::Unavailable,
            "the log cannot be written, so no bridge is made; see `crosspatchctl status`");
    return bridge;
}

core::Result<object> Control::create_bridge(const Making& making, const api::Actor& actor) {
    const std::string id =
        making.id.empty() ? bridge::free_id(making.from, estate_.config->bridges) : making.id;
    const MadeBridge made{making.from, making.channels, core::wall_now(), actor.name};
    record::Entry entry{.type = "bridge.requested",
                        .actor = actor_json(actor),
                        .object = {{"kind", "bridge"}, {"id", core::escape(id)}}};
    entry.detail = {{"template", core::escape(making.from)},
                    {"channels", array(making.channels.begin(), making.channels.end())}};
    if (!making.reason.empty()) entry.personal.push_back({"reason", making.reason});
    const auto refuse = [&](const Error& why) -> core::Result<object> {
        entry.outcome = record::Outcome::Denied;
        entry.detail["reason"] = why.context;
        chronicle_.publish(std::move(entry));
        return core::Unexpected{why};
    };
    if (const auto bridge = may_make(making, id, made, actor); !bridge) return refuse(bridge.error());
    const Orders before = orders_;
    orders_.drop_command(id);  // of another bridge that once had this id
    orders_.make(id, made);
    if (const auto installed = install_made(); !installed) {
        orders_ = before;
        return refuse(installed.error());
    }
    made_at_ = core::monotonic_now();
    keep_orders();
    log_.info("bridge.requested", "somebody has made a bridge of a template",
              {{"bridge", id}, {"template", making.from}, {"by", actor.name}});
    entry.detail["made"] = true;
    chronicle_.publish(std::move(entry));
    return bridge_json(*bridge_config(id), actor);
}

core::Result<object> Control::remove_bridge(std::string_view id, const api::Actor& actor,
                                            const std::string& reason) {
    const bridge::Bridge* bridge = bridge_config(id);
    if (!bridge || !may_see(actor, *bridge))
        return core::unexpected(Error::Code::NotFound, fmt::format("there is no bridge '{}'", id));
    if (bridge->made_from.empty())
        return core::unexpected(
            Error::Code::Invalid,
            fmt::format("bridge '{}' stands in the configuration and goes away with it; `crosspatchctl "
                        "bridge close {}` closes it",
                        id, id));
    if (const auto allowed = may_open(*bridge, actor); !allowed) return core::Unexpected{allowed.error()};
    if (const auto allowed = may_cut(api::Cut::CloseBridge, id, actor, *estate_.config); !allowed)
        return core::Unexpected{allowed.error()};
    return take_away(*bridge, actor_json(actor), actor.name, reason);
}

core::Result<object> Control::take_away(const bridge::Bridge& bridge, object actor, const std::string& by,
                                        const std::string& reason) {
    const std::string id = bridge.id;
    record::Entry entry{.type = "bridge.closed",
                        .actor = std::move(actor),
                        .object = {{"kind", "bridge"}, {"id", id}},
                        .detail = {{"by", by}, {"removed", true}, {"template", bridge.made_from}},
                        .urgent = true};
    if (!reason.empty()) entry.personal.push_back({"reason", reason});
    array channels;  // it will not be known any more whose it was
    for (const bridge::Leg& leg : bridge.legs) channels.emplace_back(leg.channel);
    entry.object["channels"] = std::move(channels);
    if (bridge_states_[id].armed) set_armed(bridge, false);
    set_open(bridge, false, by);
    const Orders before = orders_;
    orders_.unmake(id);
    orders_.drop_command(id);
    if (const auto installed = install_made(); !installed) {
        orders_ = before;
        // He has said that it is to be closed, and that it is.
        orders_.command(id,
                        {.open = false, .at = core::wall_now(), .at_mono = core::monotonic_now(), .by = by});
        keep_orders();
        return core::Unexpected{installed.error()};
    }
    keep_orders();
    chronicle_.publish(std::move(entry));
    log_.info("bridge.closed", "a bridge that was made of a template is gone", {{"bridge", id}, {"by", by}});
    return object{{"id", id}, {"removed", true}};
}

// One a tick: what nobody has used for a day.
void Control::drop_unused_bridge() {
    if (!estate_.config || loading_) return;
    const core::WallTime now = core::wall_now();
    for (const auto& [key, made] : orders_.made()) {
        const std::string id = key;  // which goes with the bridge
        const bridge::Bridge* bridge = bridge_config(id);
        const auto state = bridge_states_.find(id);
        const bridge::BridgeCommand* command = orders_.bridge(id);
        if (!bridge || state == bridge_states_.end() || state->second.open || state->second.armed ||
            (command && command->open))
            continue;
        if (now < std::max({made.at, state->second.since, command ? command->at : made.at}) + kUnused)
            continue;
        if (const auto gone = take_away(*bridge, {}, "time", ""); !gone)
            log_.warning("bridge.closed", "an unused bridge could not be taken away",
                         {{"bridge", id}, {"because", gone.error().context}});
        return;
    }
}

}  // namespace crosspatch::app
