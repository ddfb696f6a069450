#pragma once
#include <netinet/in.h>

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace crosspatch::core {

// Room for a socket address of either family: 28 octets, where sockaddr_storage has 128.
union SocketAddress {
    sockaddr_in v4;
    sockaddr_in6 v6;
};

// An IPv4 or IPv6 address with a UDP or TCP port; a value of 20 octets, compared octet by octet.
//
// Units    port in host order; octets in network order, an IPv4 address in the first four.
class Address {
public:
    enum class Family : std::uint8_t { None, V4, V6 };

    Address() = default;
    // Takes what recvmsg() and getsockname() give; anything but AF_INET and AF_INET6 is Family::None.
    explicit Address(const sockaddr_storage& from);

    // `192.0.2.1:40000` or `[2001:db8::1]:40000`, decimal port 1 to 65535 (0 too if `any_port`).
    static std::optional<Address> parse(std::string_view text, bool any_port = false);

    Family family() const { return family_; }
    std::uint16_t port() const { return port_; }
    Address with_port(std::uint16_t port) const;
    bool is_loopback() const;
    bool is_multicast() const;
    bool is_unspecified() const;
    explicit operator bool() const { return family_ != Family::None; }

    // Fills `to` for sendmsg() and bind(); the length that goes with it.
    socklen_t fill(sockaddr_storage& to) const;
    socklen_t fill(SocketAddress& to) const;
    std::string to_string() const;

    auto operator<=>(const Address&) const = default;
    std::size_t hash() const;

private:
    std::array<std::uint8_t, 16> octets_{};
    std::uint16_t port_{};
    Family family_{Family::None};
};

}  // namespace crosspatch::core

template <>
struct std::hash<crosspatch::core::Address> {
    std::size_t operator()(const crosspatch::core::Address& address) const { return address.hash(); }
};
