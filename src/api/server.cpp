#include "crosspatch/api/server.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <thread>

#include "routes.hpp"
#include "session.hpp"

namespace crosspatch::api {
namespace {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;
using Tcp = asio::ip::tcp;
using namespace std::chrono_literals;

std::optional<ucred> peer_of(Local::socket& socket) {
    ucred credentials{};
    socklen_t length = sizeof credentials;
    if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return std::nullopt;
    return credentials;
}

core::Unexpected<core::Error> refused(const std::string& what, const boost::system::error_code& failed) {
    return core::unexpected(core::Error::Code::Io,
                            fmt::format("cannot listen on {}: {}", what, failed.message()));
}

}  // namespace

struct Server::Impl {
    Impl(Gateway& to, Options from, core::Log& to_log)
        : gateway{to}, options{std::move(from)}, log{to_log}, routes{to, options.data_dir} {}

    core::Result<void> open_local();
    core::Result<void> open_tcp();
    bool has_room(std::uint32_t uid);
    asio::awaitable<void> accept_local();
    asio::awaitable<void> accept_tcp();
    // After an accept that failed for want of descriptors: a moment's rest instead of a busy loop.
    asio::awaitable<void> rest();

    Gateway& gateway;
    Options options;
    core::Log& log;
    // Connections refer to both of these, and end with the loop.
    std::atomic<int> connections{0};                    // on the control socket
    std::map<std::uint32_t, std::atomic<int>> of_user;  // the same, by user
    std::atomic<int> tcp_connections{0};  // counted apart: whoever fills TCP locks no operator out
    Routes routes;
    asio::io_context loop;
    Local::acceptor local{loop};
    Tcp::acceptor tcp{loop};
    std::thread thread;
};

core::Result<void> Server::Impl::open_local() {
    const std::string path = options.socket.string();
    struct stat there {};
    if (lstat(path.c_str(), &there) == 0) {
        if (!S_ISSOCK(there.st_mode))
            return core::unexpected(core::Error::Code::Io,
                                    fmt::format("{} is there already and is no socket; move it away", path));
        unlink(path.c_str());  // of a run before; a running daemon holds the lock on the data directory
    }
    boost::system::error_code failed;
    local.open(Local{}, failed);
    if (!failed) local.bind(Local::endpoint{path}, failed);
    if (!failed) local.listen(kMaxConnections, failed);
    if (failed) return refused(path, failed);
    if (!options.group.empty()) {
        const group* entry = getgrnam(options.group.c_str());
        if (!entry || chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0)
            return core::unexpected(
                core::Error::Code::Io,
                fmt::format("cannot give {} to group '{}': {}", path, options.group, std::strerror(errno)));
    }
    chmod(path.c_str(), 0660);
    return {};
}

core::Result<void> Server::Impl::open_tcp() {
    if (!options.listen) return {};
    sockaddr_storage address;
    const socklen_t length = options.listen.fill(address);
    Tcp::endpoint endpoint;
    std::memcpy(endpoint.data(), &address, length);
    endpoint.resize(length);
    boost::system::error_code failed;
    tcp.open(endpoint.protocol(), failed);
    if (!failed) tcp.set_option(Tcp::acceptor::reuse_address{true}, failed);
    if (!failed) tcp.bind(endpoint, failed);
    if (!failed) tcp.listen(kMaxConnections, failed);
    if (failed) return refused(options.listen.to_string(), failed);
    return {};
}

asio::awaitable<void> Server::Impl::rest() {
    asio::steady_timer timer{loop, 100ms};
    co_await timer.async_wait(asio::use_awaitable);
}

bool Server::Impl::has_room(std::uint32_t uid) {
    std::erase_if(of_user, [](const auto& one) { return one.second == 0; });
    const bool first = uid == 0 || uid == geteuid();
    const auto used = of_user.find(uid);
    return connections < (first ? kMaxConnections : kMaxConnections - kKept) &&
           (used == of_user.end() || used->second < kMaxOfOneUser);
}

asio::awaitable<void> Server::Impl::accept_local() {
    for (;;) {
        boost::system::error_code failed;
        Local::socket socket = co_await local.async_accept(asio::redirect_error(asio::use_awaitable, failed));
        if (failed == asio::error::operation_aborted) co_return;
        if (failed) {
            co_await rest();
            continue;
        }
        const auto peer = peer_of(socket);
        if (!peer || !has_room(peer->uid)) continue;  // closed at once
        asio::co_spawn(loop,
                       serve(std::move(socket),
                             {routes, gateway, options.times, peer->uid, fmt::format("unix:{}", peer->uid),
                              Slot{connections}, Slot{of_user[peer->uid]}}),
                       asio::detached);
    }
}

asio::awaitable<void> Server::Impl::accept_tcp() {
    for (;;) {
        boost::system::error_code failed;
        Tcp::socket socket = co_await tcp.async_accept(asio::redirect_error(asio::use_awaitable, failed));
        if (failed == asio::error::operation_aborted) co_return;
        if (failed) {
            co_await rest();
            continue;
        }
        if (tcp_connections >= kMaxConnections) continue;
        boost::system::error_code unknown;
        const auto from = socket.remote_endpoint(unknown);
        asio::co_spawn(loop,
                       serve(std::move(socket), {routes, gateway, options.times, std::nullopt,
                                                 "tcp:" + (unknown ? "?" : from.address().to_string()),
                                                 Slot{tcp_connections}, std::nullopt}),
                       asio::detached);
    }
}

Server::Server(Gateway& gateway, Options options, core::Log& log)
    : impl_{std::make_unique<Impl>(gateway, std::move(options), log)} {}

Server::~Server() { stop(); }

core::Result<void> Server::start() {
    if (const auto opened = impl_->open_local(); !opened) return opened;
    if (const auto opened = impl_->open_tcp(); !opened) return opened;
    asio::co_spawn(impl_->loop, impl_->accept_local(), asio::detached);
    if (impl_->options.listen) asio::co_spawn(impl_->loop, impl_->accept_tcp(), asio::detached);
    impl_->thread = std::thread{[this] { impl_->loop.run(); }};
    pthread_setname_np(impl_->thread.native_handle(), "api");
    return {};
}

void Server::stop() {
    if (!impl_->thread.joinable()) return;
    impl_->loop.stop();
    impl_->thread.join();
    impl_->routes.finish();
    unlink(impl_->options.socket.c_str());
}

core::Address Server::tcp_address() const {
    if (!impl_->tcp.is_open()) return {};
    boost::system::error_code failed;
    const auto endpoint = impl_->tcp.local_endpoint(failed);
    return impl_->options.listen.with_port(endpoint.port());
}

}  // namespace crosspatch::api
