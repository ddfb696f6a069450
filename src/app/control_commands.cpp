// What people command: bridges, cuts, reload. control.hpp.
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

core::Result<void> Control::may_command(const bridge::Bridge& bridge, const api::Actor& actor) const {
    if (actor.role == "administrator" && actor.agency.empty()) return {};
    if (!commands(actor))
        return core::unexpected(
            Error::Code::NotPermitted,
            fmt::format("{} is {} here; dispatchers and supervisors open and close bridges", actor.name,
                        actor.role.empty() ? "nobody" : actor.role));
    for (const bridge::Leg& leg : bridge.legs)
        for (const bridge::Channel& channel : estate_.config->channels)
            if (channel.id == leg.channel && channel.agency == actor.agency) return {};
    return core::unexpected(
        Error::Code::NotPermitted,
        fmt::format("agency '{}' of {} has no channel on bridge '{}'", actor.agency, actor.name, bridge.id));
}

core::Result<boost::json::object> Control::open_bridge(std::string_view id, const api::Actor& actor,
                                                       const std::string& reason) {
    const bridge::Bridge* bridge = bridge_config(id);
    if (!bridge || !may_see(actor, *bridge))
        return core::unexpected(Error::Code::NotFound, fmt::format("there is no bridge '{}'", id));
    record::Entry entry{.type = "bridge.requested",
                        .actor = actor_json(actor),
                        .object = {{"kind", "bridge"}, {"id", bridge->id}}};
    if (!reason.empty()) entry.personal.push_back({"reason", reason});
    const auto refuse = [&](Error::Code code, std::string why) -> core::Result<boost::json::object> {
        entry.outcome = record::Outcome::Denied;
        entry.detail["reason"] = why;
        chronicle_.publish(std::move(entry));
        return core::unexpected(code, std::move(why));
    };
    if (const auto allowed = may_command(*bridge, actor); !allowed)
        return refuse(Error::Code::NotPermitted, allowed.error().context);
    const bridge::BridgeCommand command{
        .open = true, .at = core::wall_now(), .at_mono = core::monotonic_now(), .by = actor.name};
    const std::vector<std::string> missing = consents_.missing(*bridge, agency_keys_, command.at_mono);
    const bridge::Lifecycle answer =
        bridge::decide_open(*bridge, &command, missing, today(), command.at_mono);
    if (!missing.empty())
        entry.detail["missing_consent"] = boost::json::array(missing.begin(), missing.end());
    if (!answer.open()) return refuse(Error::Code::NotPermitted, bridge::explain(*bridge, answer, missing));
    if (log_failing_too_long())
        return refuse(Error::Code::Unavailable,
                      "the log cannot be written, so no crossing is opened; see `crosspatchctl status`");
    std::vector<bool> open = open_bridges();
    open[estate_.bridges.of(bridge->id)] = true;
    if (!place_channels(open))
        return refuse(Error::Code::Busy, "the media workers do not take commands now; try again");
    chronicle_.publish(std::move(entry));
    orders_.command(bridge->id, command);
    keep_orders();
    set_open(*bridge, true, actor.name);
    return bridge_json(*bridge);
}

void Control::set_open(const bridge::Bridge& bridge, bool open, const std::string& by) {
    BridgeState& state = bridge_states_[bridge.id];
    const std::uint32_t index = estate_.bridges.of(bridge.id);
    if (state.open == open) return;
    // Not yet noted, but cut: it is not opened over that.
    if (open && cuts_.closes(index)) return;
    state.open = open;
    state.since = core::wall_now();
    state.by = by;
    if (open) begin_pseudonyms(bridge);
    // The cuts are looked at on the worker; 16 octets, so that the task needs no memory that the worker would have to free.
    const PendingCuts::Mark mark = cuts_.bridge_mark(index);
    for (std::uint8_t worker = 0; open && worker < crew_.size(); ++worker)
        post(worker, [this, index, mark, worker](core::Time now) {
            if (cuts_.may_open(index, mark)) switchboard_.exchanges()[worker]->set_open(index, true, now);
        });
    if (!open)
        post_all(
            [index](bridge::Exchange& exchange, core::Time now) { exchange.set_open(index, false, now); });
    record::Entry entry{.type = open ? "bridge.opened" : "bridge.closed",
                        .object = {{"kind", "bridge"}, {"id", bridge.id}}};
    entry.time = wall();  // an auditor holds the consents against it, and the writer may be slow
    entry.mono = core::monotonic_now();
    entry.detail["by"] = by;
    entry.detail["terms"] = bridge.terms;
    entry.urgent = true;
    if (!bridge.agreement.empty()) entry.detail["agreement"] = bridge.agreement;
    boost::json::array consents;
    for (const std::string& agency : bridge.agencies) consents.push_back(consent_json(bridge, agency));
    entry.detail["consents"] = std::move(consents);
    log_.info(entry.type, open ? "the channels hear each other now" : "the channels are separate again",
              {{"bridge", bridge.id}, {"by", by}});
    chronicle_.publish(std::move(entry));
}

// Opens and closes what is due: the configuration has changed, a time has come, or the daemon starts.
void Control::settle_bridges() {
    const core::Time now = core::monotonic_now();
    const std::string day = today();
    const Orders before = orders_;
    const bool may_open = !log_failing_too_long();
    std::vector<bool> open = open_bridges();
    std::vector<std::pair<const bridge::Bridge*, std::string>> opening;  // by whom
    for (const bridge::Bridge& bridge : estate_.config->bridges) {
        const bridge::BridgeCommand* command = orders_.bridge(bridge.id);
        BridgeState& state = bridge_states_[bridge.id];
        state.missing = consents_.missing(bridge, agency_keys_, now);
        const bridge::Lifecycle answer = bridge::decide_open(bridge, command, state.missing, day, now);
        if (!answer.open() && state.open) {
            set_open(bridge, false, std::string{bridge::closed_by(answer)});
            if (const auto index = estate_.bridges.find(bridge.id)) open[*index] = false;
        }
        if (answer.open() && !state.open && may_open) {
            opening.emplace_back(&bridge, command ? command->by : "configuration");
            open[estate_.bridges.of(bridge.id)] = true;
        }
        // What has ended does not come back by itself: that takes another word.
        if (!answer.open() && command && command->open && bridge.opens != bridge::Opens::Always)
            orders_.drop_command(bridge.id);
    }
    if (!place_channels(open)) opening.clear();  // at the next tick
    for (const auto& [bridge, by] : opening) set_open(*bridge, true, by);
    if (orders_ != before) keep_orders();
}

// Who may cut: an administrator without an agency, and the commanding roles of an agency that is concerned. Consent is taken
// back only by who may give it.
core::Result<void> Control::may_cut(api::Cut what, std::string_view id, const api::Actor& actor,
                                    const Config& config) const {
    const auto concerns = [&](const std::string& channel_id) {
        const auto channel = std::find_if(config.channels.begin(), config.channels.end(),
                                          [&](const auto& c) { return c.id == channel_id; });
        return channel != config.channels.end() && channel->agency == actor.agency;
    };
    const bool administrates = actor.role == "administrator" && actor.agency.empty();
    bool permitted = administrates && what != api::Cut::RevokeConsent;
    if (what == api::Cut::CloseBridge || what == api::Cut::RevokeConsent) {
        for (const bridge::Bridge& bridge : config.bridges)
            if (bridge.id == id)
                for (const bridge::Leg& leg : bridge.legs)
                    permitted |= commands(actor) && concerns(leg.channel);
    } else if (commands(actor) || actor.role == "technician") {
        for (const endpoint::Config& one : config.endpoints)
            if (one.settings.id == id) permitted |= concerns(one.settings.channel);
    }
    if (permitted) return {};
    if (what == api::Cut::RevokeConsent)
        return core::unexpected(
            Error::Code::NotPermitted,
            fmt::format("{} may not revoke a consent to '{}': dispatchers and supervisors of an agency on it "
                        "revoke their own; `crosspatchctl bridge close` closes it as fast",
                        actor.name, id));
    return core::unexpected(Error::Code::NotPermitted, fmt::format("{} may not cut '{}'", actor.name, id));
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
    if (const auto permitted = may_cut(what, id, actor, *directory->config); !permitted) return permitted;
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
    boost::asio::post(
        loop_, [this, what, name = std::string{id}, actor, reason, config = directory->config, place, index] {
            note_cut(what, name, actor, reason, *config);
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
                       const std::string& reason, const Config& seen) {
    const bool is_bridge = what == api::Cut::CloseBridge || what == api::Cut::RevokeConsent;
    // The cut overtook what control had posted before it, perhaps an opening or a move to another worker: once more,
    // behind all that.
    if (const auto index = is_bridge ? estate_.bridges.find(id) : estate_.endpoints.find(id))
        for (std::uint8_t worker = 0; worker < crew_.size(); ++worker)
            post(worker, cut_task(*switchboard_.exchanges()[worker], what, *index));
    if (is_bridge) {
        const bridge::Bridge* bridge = bridge_config(id);
        if (what == api::Cut::RevokeConsent) note_revocation(id, actor, reason);
        if (what == api::Cut::CloseBridge && bridge)
            orders_.command(
                id,
                {.open = false, .at = core::wall_now(), .at_mono = core::monotonic_now(), .by = actor.name});
        keep_orders();
        note_closed(id, actor, what == api::Cut::CloseBridge ? reason : "");
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
    log_.info(entry.type, "cut by command", {{"id", id}, {"by", actor.name}});
    chronicle_.publish(std::move(entry));
}

void Control::note_closed(const std::string& id, const api::Actor& actor, const std::string& reason) {
    BridgeState& state = bridge_states_[id];
    if (!state.open) return;
    state.open = false;
    state.since = core::wall_now();
    state.by = actor.name;
    place_channels(open_bridges());
    record::Entry entry{.type = "bridge.closed",
                        .actor = actor_json(actor),
                        .object = {{"kind", "bridge"}, {"id", id}},
                        .urgent = true};
    if (!reason.empty()) entry.personal.push_back({"reason", reason});
    log_.info(entry.type, "cut by command", {{"id", id}, {"by", actor.name}});
    chronicle_.publish(std::move(entry));
}

core::Result<boost::json::object> Control::enable_endpoint(std::string_view id, const api::Actor& actor) {
    const auto index = estate_.endpoints.find(std::string{id});
    if (!index || !estate_.radios.contains(*index))
        return core::unexpected(Error::Code::NotFound, fmt::format("there is no endpoint '{}'", id));
    const Radio& radio = *estate_.radios.at(*index);
    const auto& channels = estate_.config->channels;
    const auto channel = std::find_if(channels.begin(), channels.end(),
                                      [&](const auto& c) { return c.id == radio.settings.channel; });
    const bool own = channel != channels.end() && channel->agency == actor.agency &&
                     (commands(actor) || actor.role == "technician");
    if (!own && !(actor.role == "administrator" && actor.agency.empty()))
        return core::unexpected(Error::Code::NotPermitted,
                                fmt::format("{} may not enable '{}'", actor.name, id));
    if (log_failing_too_long())
        return core::unexpected(
            Error::Code::Unavailable,
            "the log cannot be written, so no radio is let in; see `crosspatchctl status`");
    if (!orders_.enable(*find_endpoint(*estate_.config, id)))
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
    chronicle_.publish(std::move(entry));
    return endpoint_json(radio);
}

api::Gateway::Done Control::reload(api::Actor actor) {
    if (!(actor.role == "administrator" || actor.role == "technician"))
        co_return core::unexpected(
            Error::Code::NotPermitted,
            fmt::format("{} may not reload; technicians and administrators do", actor.name));
    co_return co_await apply_file("crosspatchctl reload", actor_json(actor));
}

}  // namespace crosspatch::app
