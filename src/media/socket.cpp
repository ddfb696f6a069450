#include "crosspatch/media/socket.hpp"

#include <fmt/format.h>
#include <netinet/ip.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace crosspatch::media {
namespace {

core::Unexpected<core::Error> refused(const core::Address& local, const char* what) {
    const int reason = errno;
    std::string help;
    if (reason == EADDRINUSE) help = "; another program or endpoint has this port";
    if (reason == EADDRNOTAVAIL) help = "; no network interface of this machine has this address";
    if (reason == EACCES) help = "; ports below 1024 need a capability, pick a higher one";
    if (reason == EMFILE) help = "; too many open files, raise LimitNOFILE";
    return core::unexpected(core::Error::Code::Io, fmt::format("cannot {} {}: {}{}", what, local.to_string(),
                                                               std::strerror(reason), help));
}

}  // namespace

ReceiveBatch::ReceiveBatch() : memory_{std::make_unique_for_overwrite<std::byte[]>(kDatagrams * kOctets)} {
    for (std::size_t i = 0; i < kDatagrams; ++i) {
        vectors_[i] = {memory_.get() + i * kOctets, kOctets};
        headers_[i].msg_hdr.msg_name = &sources_[i];
        headers_[i].msg_hdr.msg_iov = &vectors_[i];
        headers_[i].msg_hdr.msg_iovlen = 1;
        headers_[i].msg_hdr.msg_control = controls_[i].octets.data();
    }
}

std::span<Datagram> ReceiveBatch::receive(int fd) {
    for (mmsghdr& header : headers_) {  // the kernel overwrote these with what it filled in
        header.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
        header.msg_hdr.msg_controllen = sizeof(Control);
    }
    const int count = recvmmsg(fd, headers_.data(), kDatagrams, MSG_DONTWAIT, nullptr);
    if (count <= 0) return {};
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) describe(i);
    return {datagrams_.data(), static_cast<std::size_t>(count)};
}

void ReceiveBatch::describe(std::size_t index) {
    const mmsghdr& header = headers_[index];
    Datagram& datagram = datagrams_[index];
    datagram.octets = {memory_.get() + index * kOctets, header.msg_len};
    datagram.from = core::Address{sources_[index]};
    datagram.truncated = (header.msg_hdr.msg_flags & MSG_TRUNC) != 0;
    datagram.received = {};
    for (const cmsghdr* control = CMSG_FIRSTHDR(&header.msg_hdr); control;
         control = CMSG_NXTHDR(const_cast<msghdr*>(&header.msg_hdr), const_cast<cmsghdr*>(control))) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_TIMESTAMPNS) continue;
        timespec stamp;
        std::memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
        datagram.received = std::chrono::seconds{stamp.tv_sec} + std::chrono::nanoseconds{stamp.tv_nsec};
    }
}

core::Result<core::UniqueFd> open_udp(const core::Address& local) {
    const bool v6 = local.family() == core::Address::Family::V6;
    core::UniqueFd fd{socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd) return refused(local, "open a socket for");
    const int on = 1;
    const int expedited_forwarding = 46 << 2;
    const int buffer = 1 << 20;  // a pause of some 100 ms at 10,000 packets/s is ridden out
    setsockopt(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (v6) {
        setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        setsockopt(fd.get(), IPPROTO_IPV6, IPV6_TCLASS, &expedited_forwarding, sizeof expedited_forwarding);
    } else {
        setsockopt(fd.get(), IPPROTO_IP, IP_TOS, &expedited_forwarding, sizeof expedited_forwarding);
    }
    sockaddr_storage address;
    const socklen_t length = local.fill(address);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0)
        return refused(local, "listen on");
    return fd;
}

core::Address local_address(int fd) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    return core::Address{address};
}

Outbox::Outbox() : memory_{std::make_unique_for_overwrite<std::byte[]>(kDatagrams * kOctets)} {
    for (std::size_t i = 0; i < kDatagrams; ++i) {
        vectors_[i].iov_base = memory_.get() + i * kOctets;
        headers_[i].msg_hdr.msg_name = &destinations_[i];
        headers_[i].msg_hdr.msg_iov = &vectors_[i];
        headers_[i].msg_hdr.msg_iovlen = 1;
    }
}

std::span<std::byte> Outbox::prepare() {
    if (used_ == kDatagrams) flush();
    return {memory_.get() + used_ * kOctets, kOctets};
}

void Outbox::commit(int fd, const core::Address& to, std::size_t octets) {
    headers_[used_].msg_hdr.msg_namelen = to.fill(destinations_[used_]);
    vectors_[used_].iov_len = octets;
    sockets_[used_] = fd;
    ++used_;
}

void Outbox::flush() {
    std::size_t first = 0;
    while (first < used_) {
        std::size_t last = first + 1;
        while (last < used_ && sockets_[last] == sockets_[first]) ++last;
        send_run(first, last);
        first = last;
    }
    used_ = 0;
}

void Outbox::send_run(std::size_t first, std::size_t last) {
    while (first < last) {
        const int sent = sendmmsg(sockets_[first], &headers_[first], static_cast<unsigned>(last - first), 0);
        if (sent > 0) {
            counters_.sent += static_cast<std::uint64_t>(sent);
            first += static_cast<std::size_t>(sent);
            continue;
        }
        if (errno == EINTR) continue;
        // An ICMP error of an earlier packet is reported by the next send, which then did not happen: try it once
        // more (reading the error cleared it), and drop the packet only if that fails too.
        if (errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH) {
            if (sendmmsg(sockets_[first], &headers_[first], 1, 0) == 1)
                ++counters_.sent;
            else
                ++counters_.unreachable;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            ++counters_.would_block;
        } else {
            ++counters_.failed;
        }
        ++first;
    }
}

}  // namespace crosspatch::media
