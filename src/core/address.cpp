#include "crosspatch/core/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace crosspatch::core {

Address::Address(const sockaddr_storage& from) {
    if (from.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
        std::memcpy(octets_.data(), &v4.sin_addr, 4);
        port_ = ntohs(v4.sin_port);
        family_ = Family::V4;
    } else if (from.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
        std::memcpy(octets_.data(), &v6.sin6_addr, 16);
        port_ = ntohs(v6.sin6_port);
        family_ = Family::V6;
    }
}

std::optional<Address> Address::parse(std::string_view text, bool any_port) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    // inet_pton() reads up to a NUL and would not see what comes after it.
    if (text.find('\0') != std::string_view::npos) return std::nullopt;
    std::string host{text.substr(0, colon)};
    const auto port = text.substr(colon + 1);
    Address address;
    // Leading zeros are refused: 011614 is octal to some readers and decimal to others.
    if (port.empty() || port.size() > 5 || (port.size() > 1 && port[0] == '0')) return std::nullopt;
    const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), address.port_);
    if (failure != std::errc{} || end != port.data() + port.size()) return std::nullopt;
    if (address.port_ == 0 && !any_port) return std::nullopt;
    if (host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        if (inet_pton(AF_INET6, host.c_str(), address.octets_.data()) != 1) return std::nullopt;
        address.family_ = Family::V6;
    } else {
        if (inet_pton(AF_INET, host.c_str(), address.octets_.data()) != 1) return std::nullopt;
        address.family_ = Family::V4;
    }
    return address;
}

Address Address::with_port(std::uint16_t port) const {
    Address other = *this;
    other.port_ = port;
    return other;
}

bool Address::is_loopback() const {
    if (family_ == Family::V4) return octets_[0] == 127;
    return family_ == Family::V6 && octets_[15] == 1 &&
           std::all_of(octets_.begin(), octets_.end() - 1, [](auto octet) { return octet == 0; });
}

bool Address::is_multicast() const {
    return family_ == Family::V4 ? (octets_[0] & 0xF0) == 0xE0 : octets_[0] == 0xFF;
}

bool Address::is_unspecified() const {
    return std::all_of(octets_.begin(), octets_.end(), [](auto octet) { return octet == 0; });
}

socklen_t Address::fill(sockaddr_storage& to) const {
    to = {};
    return fill(reinterpret_cast<SocketAddress&>(to));
}

socklen_t Address::fill(SocketAddress& to) const {
    if (family_ == Family::V4) {
        to.v4 = {.sin_family = AF_INET, .sin_port = htons(port_)};
        std::memcpy(&to.v4.sin_addr, octets_.data(), 4);
        return sizeof to.v4;
    }
    to.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port_)};
    std::memcpy(&to.v6.sin6_addr, octets_.data(), 16);
    return sizeof to.v6;
}

std::string Address::to_string() const {
    char text[INET6_ADDRSTRLEN] = "none";
    if (family_ == Family::V4) {
        inet_ntop(AF_INET, octets_.data(), text, sizeof text);
        return fmt::format("{}:{}", text, port_);
    }
    if (family_ == Family::V6) inet_ntop(AF_INET6, octets_.data(), text, sizeof text);
    return fmt::format("[{}]:{}", text, port_);
}

std::size_t Address::hash() const {
    std::uint64_t high;
    std::uint64_t low;
    std::memcpy(&high, octets_.data(), 8);
    std::memcpy(&low, octets_.data() + 8, 8);
    std::uint64_t mixed = (high ^ (low * 0x9E3779B97F4A7C15ULL)) + port_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
    return mixed ^ (mixed >> 31);
}

}  // namespace crosspatch::core
