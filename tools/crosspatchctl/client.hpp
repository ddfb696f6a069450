#pragma once
#include <boost/json.hpp>
#include <functional>
#include <optional>
#include <string>

// Talks to the daemon over its control socket or by HTTP.
namespace crosspatch::ctl {

// The daemon cannot be reached: exit code 69.
struct Unreachable {
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
    // `http://127.0.0.1:8470` or the path of a Unix socket.
    explicit Client(std::string where) : where_{std::move(where)} {}

    // One request; throws Unreachable.
    Reply get(const std::string& target) const { return send("GET", target, {}); }
    Reply post(const std::string& target, const boost::json::object& body) const {
        return send("POST", target, body);
    }
    // Calls `event` for each until it says false; throws Unreachable when the daemon ends the stream.
    void follow(const std::string& target, const std::function<bool(const std::string&)>& event) const;

private:
    Reply send(const std::string& method, const std::string& target, const boost::json::object& body) const;
    std::string where_;
};

// Encodes one value of a query.
std::string encode(const std::string& text);

}  // namespace crosspatch::ctl
