#include "crosspatch/api/actor.hpp"

#include <algorithm>

#include "crosspatch/bridge/jurisdiction.hpp"

namespace crosspatch::api {
namespace {

namespace json = boost::json;

std::string_view text_in(const json::object* object, std::string_view key) {
    const json::value* found = object ? object->if_contains(key) : nullptr;
    return found && found->is_string() ? std::string_view{found->as_string()} : std::string_view{};
}

const json::object* object_in(const json::object& record, std::string_view key) {
    const json::value* found = record.if_contains(key);
    return found ? found->if_object() : nullptr;
}

}  // namespace

bool commands(const Actor& actor) { return bridge::is_commanding(actor.role); }

json::object actor_json(const Actor& actor) {
    json::object json{{"principal", actor.name}, {"role", actor.role}, {"auth", "unix"}, {"uid", actor.uid}};
    if (!actor.agency.empty()) json["agency"] = actor.agency;
    return json;
}

bool concerns(const json::object& record, const Actor& actor,
              const std::function<bool(std::string_view channel)>& sees) {
    if (actor.agency.empty()) return true;
    if (text_in(object_in(record, "actor"), "agency") == actor.agency) return true;
    const json::object* object = object_in(record, "object");
    if (!object) return false;
    for (const char* key : {"channel", "to_channel"})
        if (const auto channel = text_in(object, key); !channel.empty() && sees(channel)) return true;
    const json::value* found = object->if_contains("channels");
    const json::array* channels = found ? found->if_array() : nullptr;
    return channels && std::any_of(channels->begin(), channels->end(), [&](const json::value& channel) {
               return channel.is_string() && sees(channel.as_string());
           });
}

}  // namespace crosspatch::api
