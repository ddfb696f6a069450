#pragma once
#include <boost/json.hpp>
#include <functional>
#include <optional>
#include <string>

#include "crosspatch/core/result.hpp"

// Talks to the daemon over its control socket or by HTTP.
namespace crosspatch::ctl {

// The daemon cannot be reached: exit code 69.
struct Unreachable {
    std::string why;
};

// It ended a stream because of who reads it: exit code 77.
struct NotPermitted {
    std::string why;
};

struct Reply {
    unsigned status{};
    std::string type;
    std::string body;
    // The body; throws std::runtime_error if it is not JSON.
    boost::json::value json() const;
};

class Client {
public:
    // `where`: a URL that check_url() has found good, or the path of a Unix socket. `token` goes with every
    // request; empty: none.
    explicit Client(std::string where, std::string token = {})
        : where_{std::move(where)}, token_{std::move(token)} {}

    // One request; throws Unreachable.
    Reply get(const std::string& target) const { return send("GET", target, {}); }
    Reply post(const std::string& target, const boost::json::object& body) const {
        return send("POST", target, body);
    }
    Reply remove(const std::string& target, const boost::json::object& body) const {
        return send("DELETE", target, body);
    }
    // Calls `event` for each. What comes back is what the daemon answered in place of a stream; throws
    // Unreachable or NotPermitted when it ends the stream.
    Reply follow(const std::string& target, const std::function<void(const std::string&)>& event) const;

private:
    Reply send(const std::string& method, const std::string& target, const boost::json::object& body) const;
    std::string where_;
    std::string token_;
};

// What is wrong with an address for --api, as `http://127.0.0.1:8470`; empty if nothing is.
std::string check_url(const std::string& url);
// A token may go there in clear: it does not leave this machine.
bool is_loopback(const std::string& url);
// The one line of a token file, or why it is none.
core::Result<std::string> read_token(const std::string& path);

// Encodes one value of a query.
std::string encode(const std::string& text);

}  // namespace crosspatch::ctl
