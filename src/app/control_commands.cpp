// What people command of radios, cuts, reload; bridges: control_bridges.cpp. control.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "crosspatch/app/control.hpp"

namespace crosspatch::app {
namespace {

using core::Error;

const endpoint::Config* find_endpoint(const Config& config, std::string_view id) {
    const auto found = std::find_if(config.endpoints.begin(), config.endpoints.end(),
                                    [&](const auto& one) { return one.settings.id == id; });
    return found == config.endpoints.end() ? nullptr : &*found;
}

}  // namespace

const bridge::Bridge* Control::bridge_config(std::string_view id) const {
    const auto& bridges = estate_.config->bridges;
    const auto found =
        std::find_if(bridges.begin(), bridges.end(), [&](const auto& b) { return b.id == id; });
    return found == bridges.end() ? nullptr : &*found;
}

core::Result<void> Control::cut(api::Cut what, std::string_view id, const api::Actor& actor,
                                const std::string& reason) {
    const std::shared_ptr<const Directory> directory = directory_.load();
    if (!directory) return core::unexpected(Error::Code::Unavailable, "the daemon is still starting");
    const bool is_bridge = what == api::Cut::CloseBridge || what == api::Cut::RevokeConsent;
    const auto& names = is_bridge ? directory->bridges : directory->endpoints;
    const auto found = names.find(std::string{id});
    if (found == names.end())
        return core::unexpected(Error::Code::NotFound,
                                fmt::format("there is no {} '{}'", is_bridge ? "bridge" : "endpoint", id));
    const auto permitted = may_cut(what, id, actor, *directory->config);
    if (!permitted) return core::Unexpected{permitted.error()};
    const std::uint32_t index = found->second;
    const std::size_t place = cuts_.add(what, index);
    // To all of them: where the channel lives, the worker alone knows that minds it.
    bool posted = false;
    for (std::size_t number = 0; number < crew_.size(); ++number)
        posted |= crew_.worker(number).post(media::Worker::Lane::Direct,
                                            cut_task(*switchboard_.exchanges()[number], what, index));
    if (!posted) {  // one that had no room is told again by note_cut()
        cuts_.drop(place);
        return core::unexpected(Error::Code::Busy, "the media worker does not take commands now; try again");
    }
    ++cuts_made_;
    boost::asio::post(loop_, [this, what, name = std::string{id}, actor, reason, config = directory->config,
                              place, index, command = *permitted] {
        note_cut(what, name, actor, reason, *config, command);
        cuts_.noted(place, what, index);
        ++cuts_noted_;
    });
    return {};
}

media::Worker::Task Control::cut_task(bridge::Exchange& exchange, api::Cut what, std::uint32_t index) {
    using Standing = bridge::Exchange::Standing;
    return [&exchange, what, index](core::Time now) {
        if (what == api::Cut::CloseBridge || what == api::Cut::RevokeConsent)
            exchange.set_open(index, false, now);
        else
            exchange.set_standing(
                index, what == api::Cut::RevokeEndpoint ? Standing::Revoked : Standing::Disabled, now);
    };
}

// On record, and in control's own state, after the fact: the audio has stopped already.
void Control::note_cut(api::Cut what, const std::string& id, const api::Actor& actor,
                       const std::string& reason, const Config& seen, const Command& command) {
    const bool is_bridge = what == api::Cut::CloseBridge || what == api::Cut::RevokeConsent;
    // The cut overtook what control had posted before it, perhaps an opening or a move to another worker: once more,
    // behind all that.
    if (const auto index = is_bridge ? estate_.bridges.find(id) : estate_.endpoints.find(id))
        for (std::uint8_t worker = 0; worker < crew_.size(); ++worker)
            post(worker, cut_task(*switchboard_.exchanges()[worker], what, *index));
    if (is_bridge) {
        const bridge::Bridge* bridge = bridge_config(id);
        if (what == api::Cut::RevokeConsent) note_revocation(id, actor, reason, seen);
        const bridge::BridgeCommand* before = orders_.bridge(id);
        const bool waited = what == api::Cut::CloseBridge && before && before->waiting(core::monotonic_now());
        if (what == api::Cut::CloseBridge && bridge)
            orders_.command(
                id,
                {.open = false, .at = core::wall_now(), .at_mono = core::monotonic_now(), .by = actor.name});
        keep_orders();
        note_closed(id, actor, what == api::Cut::CloseBridge ? reason : "", waited);
        if (what == api::Cut::RevokeConsent) settle_bridges();
        return;
    }
    // The radio that was meant, as it was when it was cut: a reload may have come between.
    const endpoint::Config* endpoint = find_endpoint(seen, id);
    if (what == api::Cut::DisableEndpoint && endpoint) orders_.disable(*endpoint);
    if (what == api::Cut::RevokeEndpoint && endpoint) orders_.revoke(*endpoint);
    keep_orders();
    for (const endpoint::Config& one : estate_.config->endpoints)
        if (what == api::Cut::RevokeEndpoint && orders_.standing(one) == bridge::Exchange::Standing::Revoked)
            post_all(
                [at = *estate_.endpoints.find(one.settings.id)](bridge::Exchange& exchange, core::Time now) {
                    exchange.set_standing(at, bridge::Exchange::Standing::Revoked, now);
                });
    record::Entry entry{.type = what == api::Cut::RevokeEndpoint ? "endpoint.revoked" : "endpoint.disabled",
                        .actor = actor_json(actor),
                        .object = {{"kind", "endpoint"}, {"id", id}},
                        .urgent = true};
    if (!reason.empty()) entry.personal.push_back({"reason", reason});
    note_command(command, entry);
    log_.info(entry.type, "cut by command", {{"id", id}, {"by", actor.name}});
    chronicle_.publish(std::move(entry));
}

core::Result<boost::json::object> Control::enable_endpoint(std::string_view id, const api::Actor& actor) {
    const auto index = estate_.endpoints.find(std::string{id});
    if (!index || !estate_.radios.contains(*index))
        return core::unexpected(Error::Code::NotFound, fmt::format("there is no endpoint '{}'", id));
    const Radio& radio = *estate_.radios.at(*index);
    const auto permitted = may_switch(id, true, actor, *estate_.config);
    if (!permitted) return core::Unexpected{permitted.error()};
    if (log_failing_too_long())
        return core::unexpected(
            Error::Code::Unavailable,
            "the log cannot be written, so no radio is let in; see `crosspatchctl status`");
    const endpoint::Config& endpoint = *find_endpoint(*estate_.config, id);
    // Command switches radios off and on; a radio that was revoked is for its owner.
    const bool is_foreign = !permitted->rule.empty();
    if (is_foreign && orders_.standing(endpoint) == bridge::Exchange::Standing::Revoked)
        return core::unexpected(
            Error::Code::NotPermitted,
            fmt::format("endpoint '{}' was revoked: only its own agency lets it in again", id));
    if (!orders_.enable(endpoint))
        return core::unexpected(
            Error::Code::NotPermitted,
            fmt::format("endpoint '{}' was revoked: its keys may be in wrong hands. Give it new keys in the "
                        "configuration, reload, and it is back",
                        id));
    keep_orders();
    const PendingCuts::Mark mark = cuts_.endpoint_mark(*index);
    for (std::uint8_t worker = 0; worker < crew_.size(); ++worker)
        post(worker, [this, at = *index, mark, worker](core::Time now) {
            if (cuts_.may_let_in(at, mark))
                switchboard_.exchanges()[worker]->set_standing(at, bridge::Exchange::Standing::Enabled, now);
        });
    record::Entry entry{.type = "endpoint.up",
                        .actor = actor_json(actor),
                        .object = {{"kind", "endpoint"}, {"id", id}},
                        .urgent = true};
    entry.detail["by"] = "endpoint enable";
    note_command(*permitted, entry);
    chronicle_.publish(std::move(entry));
    return endpoint_json(radio, actor).as_object();
}

api::Gateway::Done Control::reload(api::Actor actor) {
    if (!(actor.role == "administrator" || actor.role == "technician"))
        co_return core::unexpected(
            Error::Code::NotPermitted,
            fmt::format("{} may not reload; technicians and administrators do", actor.name));
    co_return co_await apply_file("crosspatchctl reload", actor_json(actor));
}

}  // namespace crosspatch::app
