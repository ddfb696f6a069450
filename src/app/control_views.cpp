// What the API shows, in contract.md's shapes. control.hpp.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "crosspatch/api/veil.hpp"
#include "crosspatch/app/control.hpp"
#include "crosspatch/policy/facts.hpp"

namespace crosspatch::app {
namespace {

constexpr std::array kRadioAlarms{kSourcesAlarm, kOverrunAlarm, kLoopAlarm};

constexpr std::array kBridgeAlarms{kConsentAlarm, kRequestAlarm, kUnarmedAlarm};

// The bridge that an alarm is about; empty if it is about something else. Ids have no dots.
std::string_view bridge_of(std::string_view alarm) {
    for (const std::string_view prefix : kBridgeAlarms) {
        if (!alarm.starts_with(prefix)) continue;
        alarm.remove_prefix(prefix.size());
        return alarm.substr(0, alarm.find('.'));
    }
    return {};
}

std::string_view word(bridge::Opens opens) {
    switch (opens) {
        case bridge::Opens::Always:
            return "always";
        case bridge::Opens::OnEmergency:
            return "on_emergency";
        case bridge::Opens::OnRequest:
            break;
    }
    return "on_request";
}

using boost::json::array;
using boost::json::object;
using boost::json::value;

std::string time_text(core::WallTime time) { return core::rfc3339(time, 3); }

// In decibels; whole ones, which most are, without a fraction.
value gain_json(double db) {
    const auto whole = static_cast<std::int64_t>(db);
    return static_cast<double>(whole) == db ? value(whole) : value(db);
}

std::string_view word(bridge::Direction direction) {
    switch (direction) {
        case bridge::Direction::Talk:
            return "talk";
        case bridge::Direction::Listen:
            return "listen";
        case bridge::Direction::Both:
            break;
    }
    return "both";
}

std::string_view state_of(const Chronicle::Radio* live) {
    if (!live) return "unknown";
    if (live->revoked) return "revoked";
    if (live->disabled) return "disabled";
    return live->up ? "up" : "down";
}

std::string_view word(endpoint::Rtcp rtcp) {
    switch (rtcp) {
        case endpoint::Rtcp::NextPort:
            return "next_port";
        case endpoint::Rtcp::Off:
            return "off";
        case endpoint::Rtcp::Mux:
            break;
    }
    return "mux";
}

}  // namespace

bool Control::is_own(const api::Actor& actor, std::string_view channel) const {
    const auto& channels = estate_.config->channels;
    return std::any_of(channels.begin(), channels.end(),
                       [&](const auto& c) { return c.id == channel && c.agency == actor.agency; });
}

// A person without an agency sees everything; others their own channels and those that an open bridge joins to them.
bool Control::may_see(const api::Actor& actor, std::string_view channel) const {
    if (actor.agency.empty()) return !actor.role.empty();
    if (is_own(actor, channel)) return true;
    for (const bridge::Bridge& bridge : estate_.config->bridges) {
        const auto state = bridge_states_.find(bridge.id);
        if (state == bridge_states_.end() || !state->second.open) continue;
        bool on_it = false;
        bool mine_on_it = false;
        for (const bridge::Leg& leg : bridge.legs) {
            on_it |= leg.channel == channel;
            mine_on_it |= is_own(actor, leg.channel);
        }
        if (on_it && mine_on_it) return true;
    }
    return false;
}

bool Control::may_see(const api::Actor& actor, const bridge::Bridge& bridge) const {
    if (actor.agency.empty()) return !actor.role.empty();
    return has_rights(actor, bridge) ||
           std::any_of(bridge.legs.begin(), bridge.legs.end(),
                       [&](const bridge::Leg& leg) { return is_own(actor, leg.channel); });
}

std::optional<api::Gateway::Own> Control::own(const api::Actor& actor) {
    if (actor.agency.empty() && !actor.role.empty()) return std::nullopt;
    Own own;
    for (const bridge::Channel& channel : estate_.config->channels)
        if (is_own(actor, channel.id)) own.channels.push_back(channel.id);
    own.known = own.channels;
    for (const bridge::Bridge& bridge : estate_.config->bridges)
        for (const bridge::Leg& leg : bridge.legs)
            if (may_see(actor, bridge)) own.known.push_back(leg.channel);
    for (const auto& [index, radio] : estate_.radios)
        if (is_own(actor, radio->settings.channel)) own.endpoints.push_back(radio->settings.id);
    return own;
}

object Control::status(const api::Actor& actor) {
    array alarms;
    const auto is_foreign = [&](const std::string& name) {
        if (actor.agency.empty()) return false;
        if (const std::string_view id = bridge_of(name); !id.empty()) {
            const bridge::Bridge* bridge = bridge_config(id);
            return !bridge || !may_see(actor, *bridge);
        }
        const auto about = std::find_if(kRadioAlarms.begin(), kRadioAlarms.end(),
                                        [&](std::string_view prefix) { return name.starts_with(prefix); });
        if (about == kRadioAlarms.end()) return false;
        const auto index = estate_.endpoints.find(name.substr(about->size()));
        const auto radio = index ? estate_.radios.find(*index) : estate_.radios.end();
        return radio == estate_.radios.end() || !is_own(actor, radio->second->settings.channel);
    };
    for (const auto& [name, alarm] : alarms_)
        if (!is_foreign(name))
            alarms.push_back(
                object{{"name", name}, {"since", time_text(alarm.first)}, {"detail", alarm.second}});
    const record::Health health = record_.health();
    for (const record::Alarm& alarm : health.alarms)
        alarms.push_back(
            object{{"name", alarm.name}, {"since", time_text(alarm.since)}, {"detail", alarm.detail}});
    std::size_t open = 0;
    for (const auto& [id, state] : bridge_states_) open += state.open ? 1 : 0;
    return {{"id", estate_.config->gateway.id},
            {"version", CROSSPATCH_VERSION},
            {"log", record_.id()},
            {"started", time_text(started_)},
            {"workers", crew_.size()},
            {"rt", rt_},
            {"alarms", std::move(alarms)},
            {"media", estate_.shared_address ? value(estate_.shared_address.to_string()) : value(nullptr)},
            {"configuration", estate_.config->digest},
            {"channels", estate_.config->channels.size()},
            {"endpoints", estate_.radios.size()},
            {"bridges_open", open},
            {"talkspurts", chronicle_.talkspurts().size()},
            {"records", health.size},
            {"log_durable", health.durable}};
}

// How it was raised; nothing while it is as configured.
value Control::label_json(const bridge::Channel& channel) const {
    const auto raised = orders_.labels().find(channel.id);
    if (raised == orders_.labels().end() || label_of(channel) == channel.sensitivity) return nullptr;
    object label{{"configured", policy::word(channel.sensitivity)},
                 {"by", raised->second.by},
                 {"since", time_text(raised->second.at)},
                 {"remaining_ms", nullptr}};
    if (raised->second.lasts) {
        const auto left = raised->second.at_mono + *raised->second.lasts - core::monotonic_now();
        label["remaining_ms"] =
            std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count(), 0);
    }
    return label;
}

array Control::channels(const api::Actor& actor) {
    array items;
    for (const bridge::Channel& channel : estate_.config->channels) {
        if (!may_see(actor, channel.id)) continue;
        array endpoints;
        for (const auto& [index, radio] : estate_.radios)
            if (radio->settings.channel == channel.id) endpoints.emplace_back(radio->settings.id);
        array bridges;
        for (const bridge::Bridge& bridge : estate_.config->bridges)
            for (const bridge::Leg& leg : bridge.legs)
                if (leg.channel == channel.id && may_see(actor, bridge)) bridges.emplace_back(bridge.id);
        items.push_back(object{{"id", channel.id},
                               {"name", channel.name},
                               {"agency", channel.agency},
                               {"sensitivity", policy::word(label_of(channel))},
                               {"label", label_json(channel)},
                               {"endpoints", std::move(endpoints)},
                               {"bridges", std::move(bridges)}});
        api::rename(items.back().at("endpoints"), hidden_from(actor));
    }
    return items;
}

object Control::endpoint_json(const Radio& radio) const {
    const endpoint::Settings& settings = radio.settings;
    const media::Source& source = radio.media->source;
    const media::Sink& sink = radio.media->sink;
    const Chronicle::Radio* live = chronicle_.radio(radio.index);
    object dropped;
    for (std::size_t i = 0; i < media::kDrops; ++i)
        if (const auto count = source.counters().dropped.read(static_cast<media::Drop>(i)); count > 0)
            dropped[media::name_of(static_cast<media::Drop>(i))] = count;
    const core::Address& address = live && live->address ? live->address : settings.remote;
    return {
        {"id", settings.id},
        {"channel", settings.channel},
        {"type", "rtp"},
        {"state", state_of(live)},
        {"since", live && live->since != core::WallTime{} ? value(time_text(live->since)) : value(nullptr)},
        {"listen", radio.rtp ? radio.local.to_string() : estate_.shared_address.to_string()},
        {"remote", address ? value(address.to_string()) : value(nullptr)},
        {"learn", !settings.remote},
        {"codec", settings.format.name()},
        {"payload_type", settings.payload_type},
        {"ptime_ms", settings.ptime.count()},
        {"rtcp", word(settings.rtcp)},
        {"direction", word(settings.direction)},
        {"suite", rtp::info(settings.suite).name},
        {"key", radio.send_key ? value(rtp::to_string(*radio.send_key)) : value(nullptr)},
        {"talker", settings.talker.id},
        {"role", settings.talker.role},
        {"packets_received", source.counters().packets.read()},
        {"packets_sent", sink.counters().packets.read()},
        {"packets_dropped", std::move(dropped)},
        {"reported_loss_percent", sink.reported_loss()},
        {"round_trip_ms", sink.round_trip().count() / 1000}};
}

// Who hears another agency's radio over a bridge learns that it is there, but not where and how.
value Control::endpoint_json(const Radio& radio, const api::Actor& actor) const {
    const endpoint::Settings& settings = radio.settings;
    value shown = object{{"id", settings.id},
                         {"channel", settings.channel},
                         {"state", state_of(chronicle_.radio(radio.index))},
                         {"talker", settings.talker.id}};
    if (actor.agency.empty() || is_own(actor, settings.channel)) shown = endpoint_json(radio);
    api::rename(shown, hidden_from(actor));
    return shown;
}

array Control::endpoints(const api::Actor& actor) {
    array items;
    for (const auto& [index, radio] : estate_.radios)
        if (may_see(actor, radio->settings.channel)) items.push_back(endpoint_json(*radio, actor));
    return items;
}

object Control::bridge_json(const bridge::Bridge& bridge, const api::Actor& actor) const {
    array legs;
    for (const bridge::Leg& leg : bridge.legs)
        legs.push_back(object{{"channel", leg.channel},
                              {"direction", word(leg.direction)},
                              {"gain_db", gain_json(leg.gain_db)}});
    const auto found = bridge_states_.find(bridge.id);
    const BridgeState state = found == bridge_states_.end() ? BridgeState{} : found->second;
    const auto missing = consents_.missing(bridge, agency_keys_, core::monotonic_now());
    array consents;
    for (const std::string& agency : bridge.agencies) consents.push_back(consent_json(bridge, agency));
    const std::string day = today();
    const bridge::BridgeCommand* command = orders_.bridge(bridge.id);
    const core::Time now = core::monotonic_now();
    const bridge::LifecycleFacts facts{
        .command = command, .missing = missing, .today = day, .now = now, .emergency = state.emergency};
    object json{
        {"id", bridge.id},
        {"state", state.open ? "open" : "closed"},
        {"since", state.since == core::WallTime{} ? value(nullptr) : value(time_text(state.since))},
        {"by", state.by.empty() ? value(nullptr) : value(state.by)},
        {"channels", std::move(legs)},
        {"place", bridge.place.empty() ? value(nullptr) : value(bridge.place)},
        {"may", rights_json(actor, bridge)},
        {"opens", word(bridge.opens)},
        {"stage", bridge::word(bridge::stage_of(bridge::decide_open(bridge, facts), missing.empty(),
                                                state.open, is_closing(state)))},
        {"armed", state.armed},
        {"template", bridge.made_from.empty() ? value(nullptr) : value(bridge.made_from)},
        {"also_joined_by", also_joined_by(bridge.id, &actor)},
        {"sensitivity", bridge.sensitivity ? value(policy::word(*bridge.sensitivity)) : value(nullptr)},
        {"when_busy", bridge.when_busy == floor::WhenBusy::Wait ? "wait" : "skip"},
        {"agreement", bridge.agreement.empty() ? value(nullptr) : value(bridge.agreement)},
        {"standing_consent", array(bridge.standing_consent.begin(), bridge.standing_consent.end())},
        {"missing_consent", array(missing.begin(), missing.end())},
        {"consents", std::move(consents)},
        {"terms", bridge.terms}};
    if (state.open && command && bridge.expires)
        json["remaining_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::max(command->at_mono, state.emergency) + *bridge.expires - now)
                                   .count();
    if (command && command->waiting(now) && !missing.empty())
        json["waits_ms"] =
            std::chrono::duration_cast<std::chrono::milliseconds>(command->at_mono + command->waits - now)
                .count();
    return json;
}

bool Control::is_closing(const BridgeState& state) const {
    return state.closing > *std::min_element(done_.begin(), done_.end());
}

array Control::bridges(const api::Actor& actor) {
    array items;
    for (const bridge::Bridge& bridge : estate_.config->bridges)
        if (may_see(actor, bridge)) items.push_back(bridge_json(bridge, actor));
    return items;
}

namespace {

void show_talker(const Chronicle::Live& talk, core::Time now, object& into) {
    const core::Time until = talk.revoking ? talk.grace_until : talk.granted + talk.max_talk;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - now).count();
    into["state"] = talk.revoking ? "revoking" : "taken";
    into["talker"] = talk.record.talker;
    into["endpoint"] = talk.record.endpoint;
    into["remaining_ms"] = std::max<std::int64_t>(left, 0);
}

}  // namespace

array Control::floor(const api::Actor& actor) {
    array items;
    const core::Time now = core::monotonic_now();
    for (const bridge::Channel& channel : estate_.config->channels) {
        if (!may_see(actor, channel.id)) continue;
        object item{{"id", channel.id},    {"channel", channel.id}, {"state", "idle"},   {"talker", nullptr},
                    {"endpoint", nullptr}, {"since", nullptr},      {"remaining_ms", 0}, {"queue", array{}}};
        const Chronicle::Floor* floor = chronicle_.floor(*estate_.channels.find(channel.id));
        if (floor && floor->since_wall != core::WallTime{}) item["since"] = time_text(floor->since_wall);
        const auto& talkspurts = chronicle_.talkspurts();
        const auto show = [&](std::optional<std::uint64_t> talkspurt, object& who) {
            const auto live = talkspurt ? talkspurts.find(*talkspurt) : talkspurts.end();
            if (live != talkspurts.end()) show_talker(live->second, now, who);
            return live != talkspurts.end();
        };
        if (floor) show(floor->talkspurt, item);
        if (object beside; floor && show(floor->beside, beside)) {
            beside["since"] = time_text(floor->beside_since_wall);
            item["beside"] = std::move(beside);
        }
        item["queue"] = queue_json(channel);
        for (const char* named : {"talker", "endpoint", "queue"})
            api::rename(item[named], hidden_from(actor));
        items.push_back(std::move(item));
    }
    return items;
}

array Control::queue_json(const bridge::Channel& channel) const {
    array waiting;
    for (const Chronicle::Waiting& one : chronicle_.queue(*estate_.channels.find(channel.id))) {
        const auto radio = estate_.radios.find(one.endpoint);
        if (radio == estate_.radios.end()) continue;
        waiting.push_back(object{{"talker", radio->second->settings.talker.id},
                                 {"endpoint", radio->second->settings.id},
                                 {"position", waiting.size() + 1},
                                 {"priority", one.priority}});
    }
    return waiting;
}

std::uint64_t Control::subscribe(Listener listener) {
    listeners_[next_listener_] = std::move(listener);
    dismiss_listeners();  // a reload may have come first
    return next_listener_++;
}

// An event goes to whom it concerns as things are now: a closed bridge takes the other side's events with it.
void Control::tell(const object& event) {
    const value* about = event.if_contains("object");
    const value* kind = about && about->is_object() ? about->get_object().if_contains("kind") : nullptr;
    // Whom a channel is bridged to, and what is kept from crossing, is for those whose bridge and crossing it is.
    const bool is_own_affair = (kind && *kind == "bridge") || event.at("type") == "policy.denied" ||
                               event.at("type") == "bridge.loop";
    for (const auto& [handle, listener] : listeners_) {
        const auto actor = actor_of(listener.uid);
        if (!actor) continue;
        const auto sees = [&](std::string_view channel) {
            return is_own_affair ? is_own(*actor, channel) : may_see(*actor, channel);
        };
        if (!concerns(event, *actor, sees)) continue;
        object shown = event;
        api::veil(shown, actor->agency, api::caused_by(event, actor->agency));
        listener.event(shown);
    }
}

// Whom a reload made a stranger.
void Control::dismiss_listeners() {
    std::erase_if(listeners_, [this](const auto& one) {
        if (actor_of(one.second.uid)) return false;
        one.second.end();
        return true;
    });
}

void Control::unsubscribe(std::uint64_t handle) { listeners_.erase(handle); }

void Control::record_alarm(const std::string& name, bool on, const std::string& detail) {
    if (on == alarms_.contains(name)) return;
    if (on) {
        alarms_[name] = {core::wall_now(), detail};
        log_.error(name, detail);
    } else {
        alarms_.erase(name);
        log_.info(name, "the alarm is over");
    }
}

std::optional<api::Actor> Control::actor_of(std::uint32_t uid) const {
    const std::shared_ptr<const Directory> directory = directory_.load();
    if (!directory) return std::nullopt;
    for (const Operator& person : directory->config->gateway.operators)
        if (person.uid == uid) return api::Actor{uid, person.name, person.agency, person.role};
    // contract.md: until there are accounts, root and the daemon's own uid administrate, for no agency.
    if (uid == 0 || uid == geteuid())
        return api::Actor{uid, uid == 0 ? "root" : "daemon", "", "administrator"};
    return std::nullopt;
}

}  // namespace crosspatch::app
