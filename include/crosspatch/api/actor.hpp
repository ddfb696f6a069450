#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace crosspatch::api {

// Who asks: the peer of a Unix connection, turned into an account by `gateway.operators`.
struct Actor {
    std::uint32_t uid{};
    std::string name;
    std::string
        agency;  // empty: bound to none (root and the daemon's own uid: they configure, they do not consent)
    std::string role;  // of contract.md's list; empty: may ask for nothing but /healthz and /readyz
};

// Opens and closes bridges, consents to them and cuts radios, all for his own agency (contract.md, API).
bool commands(const Actor& actor);

// As records name him.
boost::json::object actor_json(const Actor& actor);

// Whether a record or an event concerns `actor`: his agency caused it, or its `object` names a channel that
// `sees` says yes to. Everything concerns a person without an agency; what names no channel, only them.
bool concerns(const boost::json::object& record, const Actor& actor,
              const std::function<bool(std::string_view channel)>& sees);

}  // namespace crosspatch::api
