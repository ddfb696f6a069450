// The life of a bridge: asked for, opened, closed, by people, by time and by emergencies. control.hpp.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "crosspatch/app/control.hpp"
#include "src/app/crossing_facts.hpp"

namespace crosspatch::app {
namespace {

using boost::json::object;
using core::Error;

constexpr std::string_view kEmergency = "emergency";  // who has opened it
constexpr std::chrono::hours kLongestWait{24};
constexpr std::chrono::seconds kLateEnd{
    30};  // after its talk limit no talkspurt goes on, whatever is known of it
constexpr std::chrono::minutes kKeepEmergency{1};  // how much of an emergency a restart may forget

}  // namespace

bridge::LifecycleFacts Control::lifecycle_facts(const bridge::Bridge& bridge, const std::string& day,
                                                core::Time now) const {
    static const BridgeState kNew;
    const auto found = bridge_states_.find(bridge.id);
    const BridgeState& state = found == bridge_states_.end() ? kNew : found->second;
    return {.command = orders_.bridge(bridge.id),
            .missing = state.missing,
            .today = day,
            .now = now,
            .emergency = state.emergency};
}

core::Result<object> Control::open_bridge(std::string_view id, const Opening& opening,
                                          const api::Actor& actor) {
    const bridge::Bridge* bridge = bridge_config(id);
    if (!bridge || !may_see(actor, *bridge))
        return core::unexpected(Error::Code::NotFound, fmt::format("there is no bridge '{}'", id));
    record::Entry entry{.type = "bridge.requested",
                        .actor = actor_json(actor),
                        .object = {{"kind", "bridge"}, {"id", bridge->id}}};
    if (!opening.reason.empty()) entry.personal.push_back({"reason", opening.reason});
    const auto refuse = [&](Error::Code code, std::string why) -> core::Result<object> {
        entry.outcome = record::Outcome::Denied;
        entry.detail["reason"] = why;
        chronicle_.publish(std::move(entry));
        return core::unexpected(code, std::move(why));
    };
    if (const auto allowed = may_open(*bridge, actor); !allowed)
        return refuse(Error::Code::NotPermitted, allowed.error().context);
    if (opening.waits < opening.waits.zero() || opening.waits > kLongestWait)
        return refuse(Error::Code::Invalid, "a request waits for consents for at most 24 hours");
    bridge::BridgeCommand command{.open = true,
                                  .at = core::wall_now(),
                                  .at_mono = core::monotonic_now(),
                                  .by = actor.name,
                                  .waits = opening.waits};
    const std::string day = today();
    const std::vector<std::string> missing = consents_.missing(*bridge, agency_keys_, command.at_mono);
    const bridge::Lifecycle answer = bridge::decide_open(
        *bridge, {.command = &command, .missing = missing, .today = day, .now = command.at_mono});
    const bool waits = answer.because == bridge::Lifecycle::Because::Waiting;
    if (!waits) command.waits = {};
    if (!missing.empty())
        entry.detail["missing_consent"] = boost::json::array(missing.begin(), missing.end());
    if (waits) entry.detail["waits_ms"] = command.waits.count();
    if (!answer.open() && !waits)
        return refuse(Error::Code::NotPermitted, bridge::explain(*bridge, answer, missing));
    if (log_failing_too_long())
        return refuse(Error::Code::Unavailable,
                      "the log cannot be written, so no crossing is opened; see `crosspatchctl status`");
    std::vector<bool> open = joined_bridges();
    if (!waits) open[estate_.bridges.of(bridge->id)] = true;
    if (!place_channels(open))
        return refuse(Error::Code::Busy, "the media workers do not take commands now; try again");
    chronicle_.publish(std::move(entry));
    orders_.command(bridge->id, command);
    keep_orders();
    if (waits) {
        bridge_states_[bridge->id].missing = missing;
        log_.info("bridge.requested", "somebody asks for the bridge; it opens when all agencies consent",
                  {{"bridge", bridge->id}, {"by", actor.name}});
        tell_requests();
    } else {
        set_open(*bridge, true, actor.name);
    }
    return bridge_json(*bridge, actor);
}

void Control::set_open(const bridge::Bridge& bridge, bool open, const std::string& by) {
    BridgeState& state = bridge_states_[bridge.id];
    const std::uint32_t index = estate_.bridges.of(bridge.id);
    if (state.open == open) return;
    // Not yet noted, but cut: it is not opened over that.
    if (open && cuts_.closes(index)) return;
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
    note_open(bridge, open, by, {});
}

// On record, and in control's own state: the workers know already, or have it before them.
void Control::note_open(const bridge::Bridge& bridge, bool open, const std::string& by, object detail) {
    BridgeState& state = bridge_states_[bridge.id];
    state.open = open;
    state.armed = false;
    state.since = core::wall_now();
    state.by = by;
    publish_open();
    if (!open) begin_closing(state);
    record::Entry entry{.type = open ? "bridge.opened" : "bridge.closed",
                        .object = {{"kind", "bridge"}, {"id", bridge.id}},
                        .detail = std::move(detail)};
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

// It is closed when every worker has come past what closes it.
void Control::begin_closing(BridgeState& state) {
    state.closing = next_token_++;
    ask_when_done(state.closing);
}

void Control::note_closed(const std::string& id, const api::Actor& actor, const std::string& reason,
                          bool waited) {
    BridgeState& state = bridge_states_[id];
    const bool was_armed = std::exchange(state.armed, false);
    const bool was_open = std::exchange(state.open, false);
    if (!was_open && !was_armed && !waited) return;
    state.since = core::wall_now();
    state.by = actor.name;
    publish_open();
    begin_closing(state);
    place_channels(joined_bridges());
    record::Entry entry{.type = "bridge.closed",
                        .actor = actor_json(actor),
                        .object = {{"kind", "bridge"}, {"id", id}},
                        .urgent = true};
    if (was_armed) entry.detail["armed"] = true;  // no emergency opens it from here on
    if (waited) entry.detail["requested"] = true;
    if (const auto joined = also_joined_by(id, nullptr); !joined.empty())
        entry.detail["also_joined_by"] = joined;
    if (!reason.empty()) entry.personal.push_back({"reason", reason});
    log_.info(entry.type, "cut by command", {{"id", id}, {"by", actor.name}});
    chronicle_.publish(std::move(entry));
}

// Opens and closes what is due: the configuration has changed, a time has come, or the daemon starts.
void Control::settle_bridges() {
    const core::Time now = core::monotonic_now();
    const std::string day = today();
    const Orders before = orders_;
    const bool may_open = !log_failing_too_long();
    std::vector<bool> joined = joined_bridges();
    std::vector<const bridge::Bridge*> opening;
    std::vector<const bridge::Bridge*> arming;
    for (const bridge::Bridge& bridge : estate_.config->bridges) {
        BridgeState& state = bridge_states_[bridge.id];
        state.missing = consents_.missing(bridge, agency_keys_, now);
        if (state.open && in_emergency(bridge)) keep_emergency(bridge, now);
        const bridge::LifecycleFacts facts = lifecycle_facts(bridge, day, now);
        const bridge::Lifecycle answer = bridge::decide_open(bridge, facts);
        if (!answer.open() && state.open) set_open(bridge, false, std::string{bridge::closed_by(answer)});
        const bool arms = may_open && !state.open && bridge::is_armed(bridge, facts);
        if (!arms && state.armed) set_armed(bridge, false);
        if (const auto index = estate_.bridges.find(bridge.id); index && !state.open && !state.armed)
            joined[*index] = false;
        if (may_open && answer.open() && !state.open) opening.push_back(&bridge);
        if (arms && !state.armed) arming.push_back(&bridge);
        if (!answer.open()) end_command(bridge, answer, now);
    }
    for (const auto* due : {&opening, &arming})
        for (const bridge::Bridge* bridge : *due) joined[estate_.bridges.of(bridge->id)] = true;
    // What finds no place now has its turn at the next tick.
    if (place_channels(joined)) {
        for (const bridge::Bridge* bridge : opening) open_by_order(*bridge, now);
        for (const bridge::Bridge* bridge : arming) set_armed(*bridge, true);
    }
    if (orders_ != before) keep_orders();
    tell_requests();
}

void Control::open_by_order(const bridge::Bridge& bridge, core::Time now) {
    const bridge::BridgeCommand* command = orders_.bridge(bridge.id);
    set_open(bridge, true, command ? command->by : "configuration");
    if (!command || command->waits.count() == 0) return;
    // What was waited for is no part of the time that it is open.
    orders_.command(bridge.id, {.open = true, .at = core::wall_now(), .at_mono = now, .by = command->by});
}

// What has ended does not come back by itself: that takes another word.
void Control::end_command(const bridge::Bridge& bridge, bridge::Lifecycle answer, core::Time now) {
    const bridge::BridgeCommand* command = orders_.bridge(bridge.id);
    if (!command || !command->open || bridge.opens == bridge::Opens::Always ||
        answer.because == bridge::Lifecycle::Because::Waiting)
        return;
    if (command->waits.count() > 0 && !command->waiting(now)) {
        record::Entry entry{.type = "bridge.requested",
                            .outcome = record::Outcome::Error,
                            .object = {{"kind", "bridge"}, {"id", bridge.id}}};
        entry.detail["by"] = command->by;
        entry.detail["reason"] = "not all agencies had consented in time";
        log_.warning("bridge.requested", "the request is over: not all agencies have consented in time",
                     {{"bridge", bridge.id}, {"by", command->by}});
        chronicle_.publish(std::move(entry));
    }
    orders_.drop_command(bridge.id);
}

// It expires so long after the last emergency, over a restart, too.
void Control::keep_emergency(const bridge::Bridge& bridge, core::Time now) {
    bridge_states_[bridge.id].emergency = now;
    const bridge::BridgeCommand* command = orders_.bridge(bridge.id);
    if (!command || !command->open || now < command->at_mono + kKeepEmergency) return;
    orders_.command(bridge.id, {.open = true, .at = core::wall_now(), .at_mono = now, .by = command->by});
}

// Somebody at home on the bridge talks in an emergency that would open it.
bool Control::in_emergency(const bridge::Bridge& bridge) const {
    if (bridge.opens != bridge::Opens::OnEmergency) return false;
    const core::Time now = core::monotonic_now();
    const auto& talking = chronicle_.talkspurts();
    return std::any_of(talking.begin(), talking.end(), [&](const auto& one) {
        const Chronicle::Live& live = one.second;
        // Its end may have been lost.
        if (!live.record.emergency || now > live.granted + live.max_talk + kLateEnd) return false;
        return std::any_of(bridge.legs.begin(), bridge.legs.end(), [&](const auto& leg) {
            const bridge::Channel* channel = find_channel(*estate_.config, leg.channel);
            return leg.channel == live.record.channel && leg.direction != bridge::Direction::Listen &&
                   channel &&
                   bridge::cut_down({floor::Class::Emergency, 255}, bridge.ceilings, channel->agency).level ==
                       floor::Class::Emergency;
        });
    });
}

void Control::set_armed(const bridge::Bridge& bridge, bool armed) {
    BridgeState& state = bridge_states_[bridge.id];
    const std::uint32_t index = estate_.bridges.of(bridge.id);
    if (armed && cuts_.closes(index)) return;
    state.armed = armed;
    if (armed) begin_pseudonyms(bridge);
    const PendingCuts::Mark mark = cuts_.bridge_mark(index);
    for (std::uint8_t worker = 0; armed && worker < crew_.size(); ++worker)
        post(worker, [this, index, mark, worker](core::Time now) {
            if (cuts_.may_open(index, mark)) switchboard_.exchanges()[worker]->arm(index, now);
        });
    // Closed as well: an emergency may have opened it that control has not heard of yet.
    if (!armed)
        post_all(
            [index](bridge::Exchange& exchange, core::Time now) { exchange.set_open(index, false, now); });
    log_.info("bridge.armed",
              armed ? "an emergency opens the bridge now" : "no emergency opens the bridge now",
              {{"bridge", bridge.id}});
}

// The worker has opened it already.
void Control::note_emergency(const bridge::Report& report) {
    const bridge::Bridge* bridge = nullptr;
    for (const bridge::Bridge& one : estate_.config->bridges)
        if (estate_.bridges.find(one.id) == report.bridge) bridge = &one;
    if (!bridge || bridge_states_[bridge->id].open) return;
    if (!bridge_states_[bridge->id].armed) return note_undone(*bridge, report);
    bridge_states_[bridge->id].emergency = report.at;
    note_open(*bridge, true, std::string{kEmergency},
              {{"endpoint", estate_.endpoints.name(report.endpoint)}});
    // A person's word that came in between holds.
    const bridge::BridgeCommand* command = orders_.bridge(bridge->id);
    if (!command || command->open)
        orders_.command(
            bridge->id,
            {.open = true, .at = core::wall_now(), .at_mono = report.at, .by = std::string{kEmergency}});
    keep_orders();
    settle_bridges();
}

// It was cut, revoked or disarmed before its opening was known, and is shut again: one record tells both.
void Control::note_undone(const bridge::Bridge& bridge, const bridge::Report& opened) {
    post_all([index = opened.bridge](bridge::Exchange& exchange, core::Time now) {
        exchange.set_open(index, false, now);
    });
    const core::Duration ago = core::monotonic_now() - opened.at;
    record::Entry entry{.type = "bridge.closed",
                        .object = {{"kind", "bridge"}, {"id", bridge.id}},
                        .detail = {{"by", kEmergency},
                                   {"endpoint", estate_.endpoints.name(opened.endpoint)},
                                   {"opened_at", core::rfc3339(core::wall_now() - ago, 3)},
                                   {"reason", "it was closed or disarmed while an emergency opened it"}},
                        .urgent = true};
    log_.warning(entry.type,
                 "an emergency opened the bridge in the moment in which it was closed or disarmed",
                 {{"bridge", bridge.id}});
    chronicle_.publish(std::move(entry));
}

// The open bridges that join two of this one's channels as well, in order: those that `actor` sees, or that every agency on
// this one does.
boost::json::array Control::also_joined_by(const std::string& id, const api::Actor* actor) const {
    const bridge::Bridge* bridge = bridge_config(id);
    boost::json::array others;
    if (!bridge) return others;
    for (const bridge::Bridge& other : estate_.config->bridges) {
        const auto state = bridge_states_.find(other.id);
        if (other.id == id || state == bridge_states_.end() || !state->second.open) continue;
        if (actor ? !may_see(*actor, other)
                  : !std::includes(other.agencies.begin(), other.agencies.end(), bridge->agencies.begin(),
                                   bridge->agencies.end()))
            continue;
        const auto shared = std::count_if(other.legs.begin(), other.legs.end(), [&](const auto& leg) {
            return std::any_of(bridge->legs.begin(), bridge->legs.end(),
                               [&](const auto& own) { return own.channel == leg.channel; });
        });
        if (shared >= 2) others.emplace_back(other.id);
    }
    return others;
}

// Why an emergency does not open a bridge that it should; empty if it does, or need not.
std::string Control::why_unarmed(const bridge::Bridge& bridge) const {
    const BridgeState& state = bridge_states_.at(bridge.id);
    if (bridge.opens != bridge::Opens::OnEmergency || state.open || state.armed) return {};
    const bridge::BridgeCommand* command = orders_.bridge(bridge.id);
    if (command && !command->open)
        return fmt::format(
            "{1} closed bridge '{0}', so no emergency opens it: `crosspatchctl bridge open {0}` "
            "when it may cross again",
            bridge.id, command->by);
    const std::string why = !state.missing.empty()
                                ? fmt::format("{} does not consent", fmt::join(state.missing, " and "))
                            : log_failing_too_long() ? "the log cannot be written"
                                                     : "its agreement has ended, or the media workers do not "
                                                       "take commands";
    return fmt::format("no emergency opens bridge '{}': {}", bridge.id, why);
}

// An alarm for each request that waits, and for each bridge that an emergency would not open.
void Control::tell_requests() {
    if (!estate_.config) return;
    const core::Time now = core::monotonic_now();
    std::map<std::string, std::string> due;
    for (const bridge::Bridge& bridge : estate_.config->bridges) {
        const bridge::BridgeCommand* command = orders_.bridge(bridge.id);
        const std::vector<std::string>& missing = bridge_states_[bridge.id].missing;
        if (command && command->waiting(now) && !missing.empty())
            due.emplace(fmt::format("{}{}", kRequestAlarm, bridge.id),
                        fmt::format("{1} asks for bridge '{0}', which waits for the consent of {2}: "
                                    "`crosspatchctl bridge terms {0}` there, then `bridge consent {0}`",
                                    bridge.id, command->by, fmt::join(missing, " and ")));
        if (std::string why = why_unarmed(bridge); !why.empty())
            due.emplace(fmt::format("{}{}", kUnarmedAlarm, bridge.id), std::move(why));
    }
    std::vector<std::string> over;
    for (const auto& [name, alarm] : alarms_)
        if ((name.starts_with(kRequestAlarm) || name.starts_with(kUnarmedAlarm)) && !due.contains(name))
            over.push_back(name);
    for (const std::string& name : over) record_alarm(name, false, "");
    for (const auto& [name, detail] : due) {
        if (const auto on = alarms_.find(name); on != alarms_.end()) on->second.second = detail;
        record_alarm(name, true, detail);
    }
}

}  // namespace crosspatch::app
