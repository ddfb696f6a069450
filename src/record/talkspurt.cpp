#include "crosspatch/record/talkspurt.hpp"

#include <algorithm>

#include "crosspatch/core/text.hpp"
#include "crosspatch/record/merkle.hpp"
#include "position.hpp"

namespace crosspatch::record {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxListeners = 256;  // ids of at most 32 octets each: they fit one record

Hash listeners_root(std::vector<std::string> listeners) {
    std::sort(listeners.begin(), listeners.end());
    return root_of([&](std::uint64_t index) { return leaf_hash(listeners[index]); }, listeners.size());
}

json::array names(const std::vector<std::string>& from, std::size_t most) {
    json::array out;
    for (std::size_t i = 0; i < std::min(most, from.size()); ++i) out.emplace_back(from[i]);
    return out;
}

std::vector<std::string> names(const json::object& from, std::string_view key) {
    std::vector<std::string> out;
    const auto* value = from.if_contains(key);
    const auto* array = value ? value->if_array() : nullptr;
    if (!array) return out;
    for (const auto& name : *array) {
        if (const auto* text = name.if_string()) out.emplace_back(*text);
    }
    return out;
}

void add_text(json::object& to, std::string_view key, std::string_view text) {
    if (!text.empty()) to[key] = text;
}

std::int64_t in_ms(core::Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

json::object detail_of(const Talkspurt& talkspurt) {
    json::object detail{{"started", core::rfc3339(talkspurt.started)},
                        {"ended", core::rfc3339(talkspurt.ended)},
                        {"duration_ms", in_ms(talkspurt.duration)},
                        {"end_cause", talkspurt.end_cause},
                        {"listeners", names(talkspurt.listeners, kMaxListeners)},
                        {"listeners_count", talkspurt.listeners.size()},
                        {"listeners_root", to_hex(listeners_root(talkspurt.listeners))},
                        {"packets_received", talkspurt.packets_received},
                        {"packets_lost", talkspurt.packets_lost},
                        {"frames_concealed", talkspurt.frames_concealed},
                        {"emergency", talkspurt.emergency},
                        {"priority", talkspurt.priority}};
    if (talkspurt.access_time) detail["access_time_ms"] = talkspurt.access_time->count();
    if (talkspurt.gateway_delay_p99) detail["gateway_delay_p99_us"] = talkspurt.gateway_delay_p99->count();
    json::array refused;
    for (const auto& refusal : talkspurt.refused) {
        json::object one{{"channel", refusal.channel}, {"reason", refusal.reason}};
        add_text(one, "rule", refusal.rule);
        refused.push_back(std::move(one));
    }
    if (!refused.empty()) detail["refused"] = std::move(refused);
    return detail;
}

std::vector<Talkspurt::Refusal> refusals_of(const json::object& detail) {
    std::vector<Talkspurt::Refusal> out;
    const auto* value = detail.if_contains("refused");
    const auto* array = value ? value->if_array() : nullptr;
    if (!array) return out;
    for (const auto& element : *array) {
        const auto* one = element.if_object();
        if (!one) continue;
        out.push_back({std::string{text_in(*one, "channel")}, std::string{text_in(*one, "rule")},
                       std::string{text_in(*one, "reason")}});
    }
    return out;
}

bool is_true(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value && value->is_bool() && value->get_bool();
}

std::int64_t to_number(std::string_view digits) {
    std::int64_t value = 0;
    for (const char c : digits.substr(0, 18)) value = c >= '0' && c <= '9' ? value * 10 + (c - '0') : value;
    return value;
}

}  // namespace

Entry to_entry(const Talkspurt& talkspurt) {
    Entry entry;
    entry.type = talkspurt.denied ? "floor.denied" : "talkspurt.ended";
    entry.outcome = talkspurt.denied ? Outcome::Denied : Outcome::Ok;
    entry.time = talkspurt.ended;
    entry.mono = talkspurt.ended_mono;
    entry.urgent = talkspurt.emergency;
    add_text(entry.actor, "principal", talkspurt.talker);
    add_text(entry.actor, "role", talkspurt.role);
    add_text(entry.actor, "agency", talkspurt.agency);
    add_text(entry.source, "device", talkspurt.endpoint);
    entry.object = {{"kind", "talkspurt"}, {"id", talkspurt.id}, {"channel", talkspurt.channel}};
    add_text(entry.object, "bridge", talkspurt.bridge);
    add_text(entry.object, "incident", talkspurt.incident);
    if (!talkspurt.channels.empty()) entry.object["channels"] = names(talkspurt.channels, 64);
    entry.detail = detail_of(talkspurt);
    if (!talkspurt.pseudonyms.empty()) entry.detail["pseudonyms"] = talkspurt.pseudonyms;
    return entry;
}

std::optional<Talkspurt> talkspurt_of(const json::object& record) {
    const auto type = text_in(record, "type");
    if (type != "talkspurt.ended" && type != "floor.denied") return std::nullopt;
    const auto& object = object_in(record, "object");
    const auto& detail = object_in(record, "detail");
    const auto started = parse_time(text_in(detail, "started"));
    const auto ended = parse_time(text_in(detail, "ended"));
    if (text_in(object, "kind") != "talkspurt" || text_in(object, "id").empty() || !started || !ended)
        return std::nullopt;
    Talkspurt out;
    out.id = text_in(object, "id");
    out.talker = text_in(object_in(record, "actor"), "principal");
    out.role = text_in(object_in(record, "actor"), "role");
    out.agency = text_in(object_in(record, "actor"), "agency");
    out.endpoint = text_in(object_in(record, "source"), "device");
    out.channel = text_in(object, "channel");
    out.bridge = text_in(object, "bridge");
    out.incident = text_in(object, "incident");
    out.channels = names(object, "channels");
    out.started = *started;
    out.ended = *ended;
    out.ended_mono = core::Time{std::chrono::nanoseconds{to_number(text_in(record, "mono_ns"))}};
    out.duration = std::chrono::milliseconds{number_in(detail, "duration_ms").value_or(0)};
    out.end_cause = text_in(detail, "end_cause");
    out.listeners = names(detail, "listeners");
    out.refused = refusals_of(detail);
    out.pseudonyms = object_in(detail, "pseudonyms");
    out.packets_received = number_in(detail, "packets_received").value_or(0);
    out.packets_lost = number_in(detail, "packets_lost").value_or(0);
    out.frames_concealed = number_in(detail, "frames_concealed").value_or(0);
    if (const auto ms = number_in(detail, "access_time_ms")) out.access_time = std::chrono::milliseconds{*ms};
    if (const auto us = number_in(detail, "gateway_delay_p99_us"))
        out.gateway_delay_p99 = std::chrono::microseconds{*us};
    out.denied = type == "floor.denied";
    out.emergency = is_true(detail, "emergency");
    out.priority = static_cast<int>(number_in(detail, "priority").value_or(0));
    return out;
}

std::string CallGrouper::place(const Spoken& spoken) {
    const auto found = open_.find(spoken.place);
    if (found != open_.end()) {
        auto& [last, call] = found->second;
        const bool same_boot = last.boot == spoken.boot;
        const auto silence =
            std::chrono::nanoseconds{same_boot ? spoken.mono_started_ns - last.mono_ended_ns
                                               : spoken.wall_started_ns - last.wall_ended_ns};
        if (silence < gap_) {
            // A short press inside a long one ends earlier; the call lasts until the later of the two.
            const auto ended =
                same_boot ? std::max(last.mono_ended_ns, spoken.mono_ended_ns) : spoken.mono_ended_ns;
            const auto wall_ended = std::max(last.wall_ended_ns, spoken.wall_ended_ns);
            last = spoken;
            last.mono_ended_ns = ended;
            last.wall_ended_ns = wall_ended;
            return call;
        }
    }
    auto call = to_hex(sha256(core::octets_of("crosspatch call " + spoken.talkspurt))).substr(0, 32);
    open_.insert_or_assign(spoken.place, Open{spoken, call});
    return call;
}

void CallGrouper::resume(Spoken last, std::string call) {
    auto place = last.place;
    open_.insert_or_assign(std::move(place), Open{std::move(last), std::move(call)});
}

}  // namespace crosspatch::record
