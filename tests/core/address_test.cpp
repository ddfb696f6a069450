#include "crosspatch/core/address.hpp"

#include <doctest/doctest.h>

#include <string>
#include <unordered_set>

using crosspatch::core::Address;

namespace {

std::string parsed(std::string_view text, bool any_port = false) {
    const auto address = Address::parse(text, any_port);
    return address ? address->to_string() : "refused";
}

}  // namespace

TEST_CASE("addresses are read and written in one form") {
    CHECK(parsed("192.0.2.1:40000") == "192.0.2.1:40000");
    CHECK(parsed("[2001:DB8:0:0::1]:1") == "[2001:db8::1]:1");
    CHECK(parsed("[::ffff:192.0.2.1]:65535") == "[::ffff:192.0.2.1]:65535");
    CHECK(parsed("0.0.0.0:0", true) == "0.0.0.0:0");
}

TEST_CASE("what is not quite an address and port is refused") {
    for (const char* text : {"",
                             ":",
                             ":1",
                             "192.0.2.1",
                             "192.0.2.1:",
                             "192.0.2.1:0",
                             "192.0.2.1:65536",
                             "192.0.2.1:4294967300",
                             "192.0.2.1:-1",
                             "192.0.2.1:+1",
                             "192.0.2.1: 1",
                             "192.0.2.1:1 ",
                             "192.0.2.1:0x138C",
                             "192.0.2.1:5e3",
                             "192.0.2.1:011614",
                             "192.0.2.1:00",
                             "192.0.2.256:1",
                             "192.0.2:1",
                             "3221225985:1",
                             "0300.0.2.1:1",
                             "192.000.002.001:1",
                             "radio.example:1",
                             "2001:db8::1:40010",
                             "[2001:db8::1]",
                             "[2001:db8::1:40010",
                             "2001:db8::1]:1",
                             "[]:1",
                             "[:1",
                             "]:1",
                             "[192.0.2.1]:1",
                             "[fe80::1%eth0]:1",
                             "[[::1]]:1"}) {
        CAPTURE(text);
        CHECK(parsed(text) == "refused");
    }
    CHECK(parsed("192.0.2.1:00", true) == "refused");
}

TEST_CASE("a NUL does not hide the rest of a host") {
    using namespace std::string_view_literals;
    CHECK(parsed("192.0.2.1\0.evil:1"sv) == "refused");
    CHECK(parsed("[::1\0]:1"sv) == "refused");
}

TEST_CASE("an address goes into a sockaddr and comes back") {
    for (const char* text : {"192.0.2.1:40000", "[2001:db8::1]:40010"}) {
        const auto address = Address::parse(text).value();
        sockaddr_storage storage;
        CHECK(address.fill(storage) ==
              (address.family() == Address::Family::V4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)));
        CHECK(Address{storage} == address);
        CHECK(Address{storage}.port() == address.port());
    }
}

TEST_CASE("a sockaddr of another family is no address") {
    sockaddr_storage storage{};
    storage.ss_family = AF_UNIX;
    const Address address{storage};
    CHECK_FALSE(address);
    CHECK(address == Address{});
}

TEST_CASE("special addresses are known as what they are") {
    const auto is = [](const char* text, bool (Address::*what)() const) {
        return (Address::parse(text, true).value().*what)();
    };
    CHECK(is("127.9.9.9:1", &Address::is_loopback));
    CHECK(is("[::1]:1", &Address::is_loopback));
    CHECK_FALSE(is("128.0.0.1:1", &Address::is_loopback));
    CHECK_FALSE(is("[::2]:1", &Address::is_loopback));
    CHECK(is("224.0.0.1:1", &Address::is_multicast));
    CHECK(is("239.255.255.255:1", &Address::is_multicast));
    CHECK(is("[ff02::1]:1", &Address::is_multicast));
    CHECK_FALSE(is("240.0.0.1:1", &Address::is_multicast));
    CHECK_FALSE(is("255.255.255.255:1", &Address::is_multicast));
    CHECK(is("0.0.0.0:1", &Address::is_unspecified));
    CHECK(is("[::]:1", &Address::is_unspecified));
    CHECK_FALSE(is("[::1]:1", &Address::is_unspecified));
}

TEST_CASE("addresses differ by host, port and family, and hash alike only when equal") {
    const auto address = [](const char* text) { return Address::parse(text, true).value(); };
    CHECK(address("192.0.2.1:1") != address("192.0.2.1:2"));
    CHECK(address("192.0.2.1:1").with_port(2) == address("192.0.2.1:2"));
    CHECK(address("0.0.0.0:1") != address("[::]:1"));
    std::unordered_set<Address> all;
    std::unordered_set<std::size_t> hashes;
    for (int host = 0; host < 50; ++host) {
        for (int port = 1; port <= 50; ++port) {
            const auto one = address(("10.0.0." + std::to_string(host) + ":" + std::to_string(port)).c_str());
            all.insert(one);
            hashes.insert(one.hash());
        }
    }
    CHECK(all.size() == 2'500);
    CHECK(hashes.size() > 2'490);
}
