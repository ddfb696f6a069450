#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "crosspatch/api/gateway.hpp"
#include "crosspatch/core/address.hpp"
#include "crosspatch/core/log.hpp"
#include "crosspatch/core/result.hpp"

namespace crosspatch::api {

// The HTTP API: on a Unix socket with peer credentials, and what needs no identity on a TCP port.
//
// Shape    one thread with its own event loop. At most 64 connections, 1 MiB a request, 16 KiB of header.
// Errors   start() says which socket could not be opened; requests get RFC 9457 problem details.
// Thread   start() and stop(): the one that owns it.
class Server {
public:
    // How long a connection may take; who takes longer is closed.
    struct Times {
        std::chrono::milliseconds header{10'000};   // for a header, a body, and to take an answer: each
        std::chrono::milliseconds idle{60'000};     // between two requests
        std::chrono::milliseconds silence{60'000};  // to answer pings, for whoever follows the events
    };
    struct Options {
        std::filesystem::path socket;    // of the control socket; made 0660
        std::string group;               // its group; empty: the daemon's own
        core::Address listen;            // TCP for /metrics, /healthz and /readyz; none: no TCP
        std::filesystem::path data_dir;  // the log that calls are read from
        Times times{};
    };
    Server(Gateway& gateway, Options options, core::Log& log);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    core::Result<void> start();
    // Ends connections; returns when the thread has ended.
    void stop();
    // Where TCP really listens, the kernel's choice of port filled in.
    core::Address tcp_address() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace crosspatch::api
