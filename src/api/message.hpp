#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/api/gateway.hpp"
#include "crosspatch/core/result.hpp"

// One request and one answer, free of sockets.
namespace crosspatch::api {

using Status = boost::beast::http::status;

struct Request {
    boost::beast::http::verb method{};
    std::vector<std::string> path;             // segments, percent-decoded
    std::map<std::string, std::string> query;  // decoded; a name that stands twice is refused before
    boost::json::object body;                  // empty if there is none
    std::optional<Actor> actor;                // nothing on TCP
    std::string peer;                          // for records: `unix:1000`, `tcp:127.0.0.1`
};

struct Response {
    Status status{Status::ok};
    std::string type{"application/json"};
    std::string body;
    std::string allow;  // with 405
};

using Answer = boost::asio::awaitable<Response>;

Response json_response(const boost::json::value& value, Status status = Status::ok);
// RFC 9457.
Response problem(Status status, std::string_view detail);
Response problem(const core::Error& error);

// Splits and decodes a request target; nothing if it is not a plain path with an optional query.
bool parse_target(std::string_view target, Request& into);

// Why somebody commands it, in his words; empty if he does not say.
std::string reason_of(const Request& request);
// The same words for what is not there and for what the asker may not see.
std::string not_there(const std::string& id);

}  // namespace crosspatch::api
