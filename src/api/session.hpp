#pragma once
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "crosspatch/api/server.hpp"
#include "message.hpp"

namespace crosspatch::api {

class Routes;

// Limits of one connection. Source: threats and bad-input lists; 1 MiB for any network input.
inline constexpr std::size_t kMaxBody = 1 << 20;
inline constexpr std::uint32_t kMaxHeader = 16 << 10;
inline constexpr int kMaxConnections = 64;
inline constexpr int kMaxOfOneUser = 16;  // so that no agency's people lock another's out
inline constexpr int kKept = 8;           // for root and the daemon's own user

// Counts a connection while it lives.
class Slot {
public:
    explicit Slot(std::atomic<int>& used) : used_{&used} { ++used; }
    ~Slot() {
        if (used_) --*used_;
    }
    Slot(Slot&& other) noexcept : used_{std::exchange(other.used_, nullptr)} {}
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

private:
    std::atomic<int>* used_;
};

// Who is at the other end, and what he is served with.
struct Connection {
    Routes& routes;
    Gateway& gateway;
    const Server::Times& times;
    std::optional<std::uint32_t> uid;  // the kernel's word on a Unix socket; nothing on TCP
    std::string peer;
    Slot slot;
    std::optional<Slot> of_user;  // on a Unix socket
};

// Serves one connection until it is closed, idle for too long, or sends what is no HTTP.
boost::asio::awaitable<void> serve(boost::asio::local::stream_protocol::socket socket, Connection connection);
boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket, Connection connection);

}  // namespace crosspatch::api
