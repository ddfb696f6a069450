#pragma once
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "message.hpp"

namespace crosspatch::api {

class Gateway;
class Routes;

// Limits of one connection. Source: threats and bad-input lists; 1 MiB for any network input.
inline constexpr std::size_t kMaxBody = 1 << 20;
inline constexpr std::uint32_t kMaxHeader = 16 << 10;
inline constexpr int kMaxConnections = 64;

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

// Serves one connection until it is closed, idle for 60 s, or sends what is no HTTP.
boost::asio::awaitable<void> serve(boost::asio::local::stream_protocol::socket socket, Routes& routes,
                                   Gateway& gateway, std::optional<Actor> actor, std::string peer, Slot slot);
boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket, Routes& routes, Gateway& gateway,
                                   std::string peer, Slot slot);

}  // namespace crosspatch::api
