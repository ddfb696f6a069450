#include "crosspatch/app/chronicle.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>

#include "crosspatch/api/veil.hpp"
#include "crosspatch/core/text.hpp"
#include "crosspatch/floor/cause.hpp"
#include "src/app/denial.hpp"

namespace crosspatch::app {
namespace {

using bridge::Report;
constexpr unsigned kDenialsPerSecond = 5;  // contract.md, Floor

const bridge::Channel* channel_named(const Config& config, const std::string& id) {
    const auto found = std::find_if(config.channels.begin(), config.channels.end(),
                                    [&](const auto& c) { return c.id == id; });
    return found == config.channels.end() ? nullptr : &*found;
}

std::string cause_text(floor::Cause cause) { return std::string{floor::phrase(cause)}; }

// The channels that a bridge or an endpoint is about: by them it is known whom an event or record concerns.
void name_channels(const Estate& estate, boost::json::object& object) {
    if (object.contains("channel")) return;
    const auto text = [&](const char* key) {
        const boost::json::value* found = object.if_contains(key);
        return found && found->is_string() ? std::string{found->as_string()} : std::string{};
    };
    const std::string kind = text("kind");
    const std::string id = text("id");
    if (kind == "endpoint") {
        const auto index = estate.endpoints.find(id);
        const auto radio = index ? estate.radios.find(*index) : estate.radios.end();
        if (radio != estate.radios.end()) object["channel"] = radio->second->settings.channel;
        return;
    }
    for (const bridge::Bridge& bridge : estate.config->bridges) {
        if (kind != "bridge" || bridge.id != id) continue;
        boost::json::array channels;
        for (const bridge::Leg& leg : bridge.legs) channels.emplace_back(leg.channel);
        object["channels"] = std::move(channels);
    }
}

// What a report says of a talkspurt that is running; `channel` is the report's.
void follow(Chronicle::Live& live, const Report& report, const std::string& channel) {
    using Kind = Report::Kind;
    auto& channels = live.record.channels;
    switch (report.kind) {
        case Kind::Started:
            live.started = true;
            break;
        case Kind::Raised:
            live.record.priority = report.priority;
            live.claim.priority = report.priority;
            live.claim.level = std::max(live.claim.level, report.claimed);
            live.record.emergency |= report.emergency;
            break;
        case Kind::Joined:
        case Kind::Taken:  // a far channel's floor too: the grant holds them all
            if (std::find(channels.begin(), channels.end(), channel) == channels.end())
                channels.push_back(channel);
            break;
        case Kind::Skipped:
            live.record.refused.push_back({channel, "", "somebody else was talking there"});
            break;
        case Kind::Listeners:
            live.listeners.insert(report.listed.begin(), report.listed.begin() + report.listed_count);
            break;
        case Kind::Revoked:
            live.revoking = true;
            live.grace_until = report.at + report.left;
            break;
        default:
            break;
    }
}

}  // namespace

Chronicle::Chronicle(const Estate& estate, Outputs outputs) : estate_{estate}, out_{std::move(outputs)} {
    std::array<std::byte, 8> random;
    randombytes_buf(random.data(), random.size());
    run_ = core::to_hex(random);
}

core::WallTime Chronicle::wall(core::Time at) const {
    return core::wall_now() -
           std::chrono::duration_cast<std::chrono::nanoseconds>(core::monotonic_now() - at);
}

std::string Chronicle::talkspurt_id(std::uint64_t number) const {
    return fmt::format("{}{:016x}", run_, number);
}

const Chronicle::Floor* Chronicle::floor(std::uint32_t channel) const {
    const auto found = floors_.find(channel);
    return found == floors_.end() ? nullptr : &found->second;
}

std::span<const Chronicle::Waiting> Chronicle::queue(std::uint32_t channel) const {
    const auto found = queues_.find(channel);
    return found == queues_.end() ? std::span<const Waiting>{} : found->second;
}

const Chronicle::Radio* Chronicle::radio(std::uint32_t endpoint) const {
    const auto found = radios_.find(endpoint);
    return found == radios_.end() ? nullptr : &found->second;
}

void Chronicle::forget_endpoint(std::uint32_t endpoint) {
    radios_.erase(endpoint);
    denials_.erase(endpoint);
    asked_with_.erase(endpoint);
    refused_.erase(endpoint);
}

void Chronicle::forget_channel(std::uint32_t channel) {
    floors_.erase(channel);
    policy_denials_.erase(channel);
    doublings_.erase(channel);
    queues_.erase(channel);
    talk_times_.erase(channel);
}

void Chronicle::on(const Report& report) {
    using Kind = Report::Kind;
    const auto live = talkspurts_.find(report.talkspurt);
    if (live != talkspurts_.end()) follow(live->second, report, estate_.channels.name(report.channel));
    switch (report.kind) {
        case Kind::Requested:
            refused_[report.endpoint].clear();
            if (report.is_explicit) requested(report);
            break;
        case Kind::Queued: {
            record::Entry entry = floor_entry("floor.queued", report);
            entry.detail["position"] = report.position;
            return publish(std::move(entry), &report);
        }
        case Kind::Withdrawn:
            return publish(floor_entry("floor.released", report), &report);
        case Kind::Queue:
            queues_[report.channel].clear();
            for (std::size_t i = 0; i < report.listed_count; ++i)
                queues_[report.channel].push_back({report.listed[i], asked_with_[report.listed[i]].priority});
            break;
        case Kind::Granted:
            return granted(report);
        case Kind::Denied:
            return denied(report);
        case Kind::PolicyDenied:
            return policy_denied(report);
        case Kind::Started:
            if (live != talkspurts_.end()) publish(floor_entry("talkspurt.started", report), &report);
            break;
        case Kind::Revoked:
            return publish(floor_entry("floor.revoked", report), &report);
        case Kind::Released:
            return released(report);
        case Kind::Taken:
        case Kind::Idle:
            return floor_changed(report);
        case Kind::Overrun:
            return publish(floor_entry("floor.overrun", report), &report);
        case Kind::EndpointUp:
        case Kind::EndpointDown:
        case Kind::EndpointMoved:
        case Kind::FloorPortMoved:
        case Kind::Disabled:
        case Kind::Enabled:
        case Kind::LoopSuspected:
            return endpoint_changed(report);
        case Kind::Echo:
            return echoed(report);
        default:
            break;
    }
}

record::Talkspurt Chronicle::describe(const Report& report) const {
    record::Talkspurt talkspurt;
    talkspurt.id = talkspurt_id(report.talkspurt);
    talkspurt.started = wall(report.at);
    talkspurt.priority = report.priority;
    talkspurt.emergency = report.emergency;
    const auto radio = estate_.radios.find(report.endpoint);
    if (radio == estate_.radios.end()) return talkspurt;
    const endpoint::Settings& settings = radio->second->settings;
    talkspurt.endpoint = settings.id;
    talkspurt.talker = settings.talker.id;
    talkspurt.role = settings.talker.role;
    talkspurt.channel = settings.channel;
    talkspurt.channels = {settings.channel};
    if (const bridge::Channel* channel = channel_named(*estate_.config, settings.channel))
        talkspurt.agency = channel->agency;
    return talkspurt;
}

// A press in words, with what it claims; `cut_down`: the talker has no right to that, so it counts for less.
void Chronicle::requested(const Report& report) {
    static constexpr std::array kClasses{"normal", "imminent_peril", "emergency"};
    record::Entry entry = floor_entry("floor.requested", report);
    asked_with_[report.endpoint] = {report.claimed, report.priority};
    entry.detail["priority"] = report.priority;
    boost::json::object claimed{{"class", kClasses[static_cast<std::size_t>(report.claimed)]}};
    // contract.md, Floor: an identity from the air is logged as claimed, and used for nothing.
    if (const std::string_view user{report.user_id.data(), report.user_id_size}; !user.empty())
        claimed["user_id"] = core::is_utf8(user) ? std::string{user} : core::escape(user);
    entry.detail["claimed"] = std::move(claimed);
    if (report.cut_down) entry.detail["cut_down"] = true;
    publish(std::move(entry), &report);
}

// Which bridges were open for the channel when its press was decided; as many as a report has room for.
void Chronicle::name_bridges(const Report& report, boost::json::object& detail) const {
    boost::json::array open;
    for (std::size_t i = 0; i < report.listed_count; ++i)
        open.emplace_back(estate_.bridges.name(report.listed[i]));
    if (report.position > report.listed_count) detail["bridges_open_count"] = report.position;
    detail["bridges_open"] = std::move(open);
}

void Chronicle::granted(const Report& report) {
    Live live{.record = describe(report),
              .endpoint = report.endpoint,
              .channel = report.channel,
              .claim = claim_of(report),
              .granted = report.at,
              .max_talk = report.left};
    live.record.refused = std::move(refused_[report.endpoint]);
    refused_.erase(report.endpoint);
    talkspurts_[report.talkspurt] = std::move(live);
    record::Entry entry = floor_entry("floor.granted", report);
    if (report.beside) entry.detail["beside"] = true;
    name_bridges(report, entry.detail);
    publish(std::move(entry), &report);
}

// Who talked beside the holder has the floor alone when that one ends: the holder is told then, and nobody beside him.
void Chronicle::floor_changed(const Report& report) {
    const auto talkspurt =
        report.kind == Report::Kind::Taken ? std::optional{report.talkspurt} : std::nullopt;
    Floor& floor = floors_[report.channel];
    if (report.beside) {
        floor.beside = talkspurt;
        floor.beside_since_wall = wall(report.at);
        return;
    }
    if (floor.beside == talkspurt || !talkspurt) floor.beside.reset();
    floor.talkspurt = talkspurt;
    floor.since = report.at;
    floor.since_wall = wall(report.at);
}

void Chronicle::denied(const Report& report) {
    // Two who talk at once: what the second one says went out on his radio, but crosses nothing. Who asks first does not.
    const auto radio = estate_.radios.find(report.endpoint);
    const bool asked =
        radio != estate_.radios.end() && radio->second->settings.signal == endpoint::Signal::Mcptt;
    if (report.other != bridge::kNowhere && !asked) ++doublings_[report.channel];
    Denials& denials = denials_[report.endpoint];
    if (report.at > denials.since + std::chrono::seconds{1})
        denials = {.since = report.at, .left_out = denials.left_out};
    if (denials.recorded == kDenialsPerSecond) {
        ++denials.left_out;
        return;
    }
    ++denials.recorded;
    record::Talkspurt talkspurt = describe(report);
    talkspurt.ended = talkspurt.started;
    talkspurt.ended_mono = report.at;
    talkspurt.end_cause = cause_text(report.cause);
    talkspurt.denied = true;
    if (std::string reason = explain_denial(report); !reason.empty())
        talkspurt.refused.push_back({talkspurt.channel, "", std::move(reason)});
    record::Entry entry = record::to_entry(talkspurt);
    entry.detail["cause"] = floor::number(report.cause);
    name_bridges(report, entry.detail);
    if (report.other != bridge::kNowhere) {
        entry.detail["by"] = estate_.endpoints.name(report.other);
        if (const auto other = estate_.radios.find(report.other); other != estate_.radios.end())
            entry.detail["by_talker"] = other->second->settings.talker.id;
    }
    entry.mono = report.at;
    publish(std::move(entry), &report);
}

// What a report's press counts for. Reports name no class but emergencies; what else was said stands in its Requested.
floor::Claim Chronicle::claim_of(const Report& report) const {
    if (report.emergency) return {floor::Class::Emergency, report.priority};
    const auto radio = estate_.radios.find(report.endpoint);
    const auto asked = asked_with_.find(report.endpoint);
    const bool peril = asked != asked_with_.end() && asked->second.level == floor::Class::ImminentPeril &&
                       radio != estate_.radios.end() && radio->second->settings.talker.may_imminent_peril;
    return {peril ? floor::Class::ImminentPeril : floor::Class::Normal, report.priority};
}

std::string Chronicle::explain_denial(const Report& report) const {
    const auto party = [&](const record::Talkspurt& who, const floor::Claim& claim) {
        return Denial::Party{who.talker, who.endpoint, who.role, who.channel, who.agency, claim};
    };
    Denial denial{
        .cause = report.cause, .asked = party(describe(report), claim_of(report)), .wait = report.left};
    const auto radio = estate_.radios.find(report.endpoint);
    if (radio == estate_.radios.end()) return {};
    if (report.position == report.listed_count) {
        denial.open.emplace();
        for (std::size_t i = 0; i < report.listed_count; ++i)
            denial.open->push_back(estate_.bridges.name(report.listed[i]));
    }
    denial.in_words = radio->second->settings.signal == endpoint::Signal::Mcptt;
    if (const auto asked = asked_with_.find(report.endpoint); denial.in_words && asked != asked_with_.end())
        denial.claimed = asked->second.level;
    if (const bridge::Channel* channel = channel_named(*estate_.config, denial.asked.channel))
        denial.places = channel->floor.queue;
    if (const Floor* floor = this->floor(report.channel); floor && floor->talkspurt)
        if (const auto live = talkspurts_.find(*floor->talkspurt); live != talkspurts_.end())
            denial.holder = party(live->second.record, live->second.claim);
    return explain(denial, estate_.config->bridges);
}

void Chronicle::tick(core::Time now) {
    for (auto entry = denials_.begin(); entry != denials_.end();) {
        auto& [endpoint, denials] = *entry;
        if (now < denials.since + std::chrono::seconds{1}) {
            ++entry;
            continue;
        }
        if (denials.left_out > 0) {
            record::Entry counted = endpoint_entry("floor.denied", endpoint);
            counted.outcome = record::Outcome::Denied;
            counted.detail["count"] = denials.left_out;
            counted.detail["note"] = "presses denied beyond five a second, not recorded one by one";
            publish(std::move(counted));
        }
        entry = denials_.erase(entry);
    }
}

void Chronicle::policy_denied(const Report& report) {
    if (const auto radio = estate_.radios.find(report.endpoint); radio != estate_.radios.end())
        if (const auto channel = estate_.channels.find(radio->second->settings.channel))
            ++policy_denials_[*channel];
    record::Talkspurt::Refusal refusal{estate_.channels.name(report.channel), "", ""};
    if (explain_) refusal = explain_(report.endpoint, report.channel);
    record::Entry entry = endpoint_entry("policy.denied", report.endpoint);
    entry.outcome = record::Outcome::Denied;
    entry.object["to_channel"] = refusal.channel;
    entry.object["bridge"] = estate_.bridges.name(report.bridge);
    entry.detail["key"] = report.inbound ? "inbound" : "outbound";
    if (!refusal.rule.empty()) entry.detail["rule"] = refusal.rule;
    entry.detail["reason"] = refusal.reason;
    entry.detail["policy"] = estate_.config->digest;
    entry.mono = report.at;
    publish(std::move(entry), &report);
    refused_[report.endpoint].push_back(std::move(refusal));
}

void Chronicle::released(const Report& report) {
    const auto found = talkspurts_.find(report.talkspurt);
    if (found == talkspurts_.end()) return;
    Live& live = found->second;
    // Silence is how a press of `media` and `vox` ends; a key or a handset that falls silent has been lost.
    const bool timed_out = report.cause == floor::Cause::Timeout;
    publish(floor_entry(timed_out ? "floor.timeout" : "floor.released", report), &report);
    record::Talkspurt& talkspurt = live.record;
    talkspurt.ended = wall(report.at);
    talkspurt.ended_mono = report.at;
    talkspurt.duration = report.at - live.granted;
    talk_times_[live.channel] += report.at - live.granted;
    talkspurt.end_cause = cause_text(report.cause);
    for (const std::uint32_t listener : live.listeners)
        talkspurt.listeners.push_back(estate_.endpoints.name(listener));
    talkspurt.packets_received = report.numbers.packets_received;
    talkspurt.packets_lost = report.numbers.packets_lost;
    talkspurt.frames_concealed = report.numbers.frames_concealed;
    talkspurt.access_time = report.numbers.access_time;
    if (live.started) talkspurt.gateway_delay_p99 = report.numbers.delay_p99;
    // The bridge that carried it furthest: the first one that joins its own channel to another that heard it.
    for (const bridge::Bridge& one : estate_.config->bridges) {
        const auto on = [&](const std::string& channel) {
            return std::any_of(one.legs.begin(), one.legs.end(),
                               [&](const auto& leg) { return leg.channel == channel; });
        };
        const auto others =
            std::count_if(talkspurt.channels.begin(), talkspurt.channels.end(),
                          [&](const std::string& c) { return c != talkspurt.channel && on(c); });
        if (talkspurt.bridge.empty() && others > 0 && on(talkspurt.channel)) talkspurt.bridge = one.id;
    }
    record::Entry entry = record::to_entry(talkspurt);
    entry.mono = report.at;
    entry.detail["frames_recovered"] = report.numbers.frames_recovered;
    publish(std::move(entry), &report);
    talkspurts_.erase(found);
}

void Chronicle::echoed(const Report& report) {
    record::Entry entry = floor_entry("bridge.loop", report);
    const std::string& original = estate_.endpoints.name(report.other);
    entry.detail.erase("by");  // the original's radio has done nothing
    entry.detail["copy_of"] = original;
    entry.detail["lag_ms"] = report.lag.count();
    entry.detail["similarity_percent"] = report.similarity;
    entry.detail["ended"] = report.cut_off;
    name_bridges(report, entry.detail);
    if (const auto live = talkspurts_.find(report.talkspurt); live != talkspurts_.end()) {
        boost::json::array channels;
        for (const std::string& channel : live->second.record.channels) channels.emplace_back(channel);
        entry.detail["channels"] = std::move(channels);
    }
    out_.log.warning("bridge.loop",
                     "what comes from this radio is a copy of what was said before: look for a second path "
                     "between the two systems",
                     {{"endpoint", estate_.endpoints.name(report.endpoint)},
                      {"copy_of", original},
                      {"lag", fmt::format("{} ms", report.lag.count())},
                      {"shut_off_for", fmt::format("{} s", report.left.count() / 1000)}});
    publish(std::move(entry), &report);
}

void Chronicle::endpoint_changed(const Report& report) {
    using Kind = Report::Kind;
    Radio& radio = radios_[report.endpoint];
    if (report.kind != Kind::FloorPortMoved) radio.since = wall(report.at);
    const std::string& id = estate_.endpoints.name(report.endpoint);
    switch (report.kind) {
        case Kind::EndpointUp:
        case Kind::EndpointMoved: {
            const bool moved = report.kind == Kind::EndpointMoved;
            record::Entry entry = endpoint_entry(moved ? "endpoint.moved" : "endpoint.up", report.endpoint);
            if (moved) entry.source["from"] = radio.address.to_string();
            entry.source["address"] = report.address.to_string();
            radio.up = true;
            radio.address = report.address;
            out_.log.info(entry.type, moved ? "the radio has another address now" : "the radio is there",
                          {{"endpoint", id}, {"address", report.address.to_string()}});
            return publish(std::move(entry), &report);
        }
        case Kind::FloorPortMoved: {
            record::Entry entry = endpoint_entry("endpoint.moved", report.endpoint);
            entry.source["address"] = report.address.to_string();
            entry.detail["of"] = "floor messages";
            out_.log.info(entry.type, "the radio's floor messages come from another address now",
                          {{"endpoint", id}, {"address", report.address.to_string()}});
            return publish(std::move(entry), &report);
        }
        case Kind::EndpointDown:
            radio.up = false;
            out_.log.warning("endpoint.down",
                             "nothing heard from the radio any more: is it on, is the network up?",
                             {{"endpoint", id}, {"silent_for", fmt::format("{} ms", report.left.count())}});
            return publish(endpoint_entry("endpoint.down", report.endpoint), &report);
        case Kind::LoopSuspected:
            out_.log.warning(
                "bridge.loop",
                "our own audio comes back from this radio: look for a second path between the two systems",
                {{"endpoint", id}});
            return publish(endpoint_entry("bridge.loop", report.endpoint), &report);
        default:
            radio.disabled = report.kind == Kind::Disabled;
            radio.revoked = radio.disabled && report.inbound;
            return;  // put on record by whoever gave the command
    }
}

record::Entry Chronicle::endpoint_entry(std::string type, std::uint32_t endpoint) const {
    record::Entry entry;
    entry.type = std::move(type);
    entry.object = {{"kind", "endpoint"}, {"id", estate_.endpoints.name(endpoint)}};
    const auto radio = estate_.radios.find(endpoint);
    if (radio == estate_.radios.end()) return entry;
    const endpoint::Settings& settings = radio->second->settings;
    entry.object["channel"] = settings.channel;
    entry.actor = {{"principal", settings.talker.id}, {"role", settings.talker.role}};
    if (const bridge::Channel* channel = channel_named(*estate_.config, settings.channel))
        entry.actor["agency"] = channel->agency;
    return entry;
}

record::Entry Chronicle::floor_entry(std::string type, const Report& report) const {
    record::Entry entry = endpoint_entry(std::move(type), report.endpoint);
    if (report.talkspurt != 0) entry.object["talkspurt"] = talkspurt_id(report.talkspurt);
    entry.mono = report.at;
    entry.time = wall(report.at);
    if (report.cause != floor::Cause::None) {
        entry.detail["cause"] = floor::number(report.cause);
        entry.detail["phrase"] = cause_text(report.cause);
    }
    if (report.left.count() > 0) entry.detail["left_ms"] = report.left.count();
    if (report.other != bridge::kNowhere) entry.detail["by"] = estate_.endpoints.name(report.other);
    return entry;
}

void Chronicle::publish(record::Entry entry, const Report* report) {
    name_channels(estate_, entry.object);
    if (hidden_ && !hidden_().empty())
        if (auto named =
                api::named_in(hidden_(), {&entry.actor, &entry.source, &entry.object, &entry.detail});
            !named.empty())
            entry.detail["pseudonyms"] = std::move(named);
    const core::WallTime time = report ? wall(report->at) : core::wall_now();
    boost::json::object event{{"type", entry.type},
                              {"time", core::rfc3339(time, 3)},
                              {"outcome", record::to_string(entry.outcome)},
                              {"actor", entry.actor},
                              {"object", entry.object},
                              {"detail", entry.detail}};
    out_.event(event);
    out_.record(std::move(entry));
}

}  // namespace crosspatch::app
