#pragma once
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>

#include "crosspatch/core/address.hpp"
#include "crosspatch/core/counter.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/core/unique_fd.hpp"

namespace crosspatch::media {

// One datagram as it came in; the octets belong to the batch and may be decrypted in place.
struct Datagram {
    std::span<std::byte> octets;
    core::Address from;
    std::chrono::nanoseconds received;  // kernel receive stamp, CLOCK_REALTIME
    bool truncated;                     // longer than any packet that we take
};

// Room for what one readable event brings; one per worker, used by all its sockets in turn.
//
// Shape    32 datagrams of up to 2,048 octets (we take 1,200; the rest shows that a longer one came).
// Thread   its worker only; no allocation after construction.
class ReceiveBatch {
public:
    static constexpr std::size_t kDatagrams = 32;
    static constexpr std::size_t kOctets = 2048;

    ReceiveBatch();
    // Takes up to kDatagrams that are waiting on `fd`; empty when there are none. Valid until the next call.
    std::span<Datagram> receive(int fd);

private:
    void describe(std::size_t index);
    std::array<Datagram, kDatagrams> datagrams_{};
    std::array<mmsghdr, kDatagrams> headers_{};
    std::array<iovec, kDatagrams> vectors_{};
    std::array<sockaddr_storage, kDatagrams> sources_{};
    struct alignas(cmsghdr) Control {
        std::array<std::byte, 64> octets;
    };
    std::array<Control, kDatagrams> controls_{};
    std::unique_ptr<std::byte[]> memory_;
};

// Opens a non-blocking UDP socket on `local`, with kernel receive stamps and DSCP EF (RFC 3246) for voice.
// Errors name the address and what would help.
core::Result<core::UniqueFd> open_udp(const core::Address& local);

// The address that a socket really has, after the kernel picked a port.
core::Address local_address(int fd);

// What the packets of one batch caused: filled packet by packet, sent in one flush.
//
// Shape    64 datagrams of up to 1,280 octets (1,200 and the longest trailer); flushes itself when full.
// Errors   what the system refuses is dropped and counted by cause; an unreachable peer ends nothing.
// Thread   its worker only; no allocation after construction.
class Outbox {
public:
    static constexpr std::size_t kDatagrams = 64;
    static constexpr std::size_t kOctets = 1280;

    struct Counters {
        core::Counter sent;
        core::Counter would_block;  // the socket's send buffer is full
        core::Counter unreachable;  // ICMP told us that nobody listens
        core::Counter failed;       // everything else
    };

    Outbox();

    // Room for the next datagram; write into it, then call commit(). Valid until the next call of prepare().
    std::span<std::byte> prepare();
    void commit(int fd, const core::Address& to, std::size_t octets);

    // Sends everything. Call when a batch is done, before waiting.
    void flush();
    const Counters& counters() const { return counters_; }

private:
    void send_run(std::size_t first, std::size_t last);
    std::unique_ptr<std::byte[]> memory_;
    std::array<mmsghdr, kDatagrams> headers_{};
    std::array<iovec, kDatagrams> vectors_{};
    std::array<core::SocketAddress, kDatagrams> destinations_{};
    std::array<int, kDatagrams> sockets_{};
    std::size_t used_{};
    Counters counters_;
};

}  // namespace crosspatch::media
