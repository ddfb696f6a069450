#include "render.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "crosspatch/record/canonical.hpp"

namespace crosspatch::record {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxPersonal = 64 * 1024;  // octets a text
constexpr std::size_t kMaxType = 64;

// `null` says that there is nothing, and in a record nothing is a key that is not there.
void leave_out_null(json::value& value) {
    if (auto* array = value.if_array()) {
        for (auto& element : *array) leave_out_null(element);
    } else if (auto* object = value.if_object()) {
        for (auto pair = object->begin(); pair != object->end();) {
            leave_out_null(pair->value());
            pair = pair->value().is_null() ? object->erase(pair) : std::next(pair);
        }
    }
}

void add_part(json::object& record, std::string_view name, const json::object& part) {
    if (part.empty()) return;
    json::value tidy = part;
    leave_out_null(tidy);
    make_presentable(tidy);
    record[name] = std::move(tidy);
}

json::object outline(const Entry& entry, const Letterhead& head, const Position& position,
                     const ClockState& clock) {
    const auto mono = std::chrono::duration_cast<std::chrono::nanoseconds>(entry.mono.time_since_epoch());
    return {{"v", 1},
            {"log", head.log},
            {"seq", position.size()},
            {"prev", to_hex(position.last_leaf)},
            {"time", core::rfc3339(entry.time)},
            {"mono_ns", std::to_string(mono.count())},
            {"boot", head.boot},
            {"clock", {{"state", clock.state}, {"error_ms", clock.error_ms}}},
            {"type", presentable(std::string_view{entry.type}.substr(0, kMaxType))},
            {"outcome", to_string(entry.outcome)}};
}

// Seals the texts beside the line and gives what the record says of them; nothing if they cannot be sealed.
std::optional<json::array> seal_all(const Entry& entry, const Letterhead& head, Line& line,
                                    PersonalKeys* keys) {
    if (!keys) return std::nullopt;
    auto key = keys->make();
    if (!key) return std::nullopt;
    json::array commitments;
    for (const Personal& personal : entry.personal) {
        if (personal.text.size() > kMaxPersonal) return std::nullopt;
        // Two texts of one name would share a place, and the table has one row for each.
        const bool twice = std::any_of(line.sealed.begin(), line.sealed.end(),
                                       [&](const SealedText& other) { return other.name == personal.name; });
        if (twice) return std::nullopt;
        auto sealed = seal_text(*key, head.log, line.seq, personal.name, personal.text);
        if (!sealed) return std::nullopt;
        commitments.push_back({{"name", presentable(sealed->name)},
                               {"commitment", to_hex(sealed->commitment)},
                               {"key", sealed->key}});
        line.sealed.push_back(std::move(*sealed));
    }
    return commitments;
}

}  // namespace

Rendered render(const Entry& entry, const Letterhead& head, const Position& position, const ClockState& clock,
                PersonalKeys* keys) {
    Rendered out;
    out.line.seq = position.size();
    auto record = outline(entry, head, position, clock);
    const auto bare = record;
    add_part(record, "actor", entry.actor);
    add_part(record, "source", entry.source);
    add_part(record, "object", entry.object);
    add_part(record, "detail", entry.detail);
    if (!entry.personal.empty()) {
        if (auto commitments = seal_all(entry, head, out.line, keys)) {
            record["personal"] = std::move(*commitments);
        } else {
            out.line.sealed.clear();
            out.fault = "the personal texts could not be sealed and were left out";
            record["personal_left_out"] = out.fault;
        }
    }
    auto body = to_canonical(record);
    if (!body) {
        out.fault = body.error().context;
        record["detail"] = json::object{{"left_out", out.fault}};
        body = to_canonical(record);
    }
    if (!body) {
        out.line.sealed.clear();
        record = bare;
        record["detail"] = json::object{{"left_out", out.fault}};
        body = to_canonical(record);
    }
    out.line.body = std::move(*body);
    out.line.leaf = leaf_hash(out.line.body);
    return out;
}

}  // namespace crosspatch::record
