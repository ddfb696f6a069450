#include "crosspatch/bridge/pseudonym.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/allocations.hpp"

namespace crosspatch::bridge {
namespace {

std::string made(int octet, int step, std::string_view talker) {
    core::Secret key{32};
    for (std::byte& one : key.writable()) {
        one = static_cast<std::byte>(octet);
        octet += step;
    }
    const Pseudonym pseudonym = bridge::pseudonym(key, talker);
    return std::string{text(pseudonym)};
}

// printf ng-unit-7 | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1e1f -binary | head -c5 | base32
TEST_CASE("a pseudonym is 40 bits of HMAC-SHA256 in base32, as openssl makes it") {
    CHECK(made(0, 1, "ng-unit-7") == "XRBQIGIQ");
    CHECK(made(0xFF, 0, "pd-unit-42") == "FY4KD27R");
    CHECK(made(0, 0, "") == "WYJWPGQI");
}

TEST_CASE(
    "within one opening a talker keeps his pseudonym; in the next, and at another agency, it is another") {
    const PseudonymKeys today{{"northgate", "metro-pd", "northgate"}};
    const PseudonymKeys tomorrow{{"northgate", "metro-pd"}};
    const auto before = tests::allocations();
    const auto guard = today.of("northgate", "unit-7");
    REQUIRE(guard);
    CHECK(today.of("northgate", "unit-7") == guard);
    CHECK(today.of("northgate", "unit-8") != guard);
    CHECK(today.of("metro-pd", "unit-7") != guard);
    CHECK(tomorrow.of("northgate", "unit-7") != guard);
    CHECK_FALSE(today.of("fire", "unit-7"));
    CHECK(tests::allocations() == before);
}

}  // namespace
}  // namespace crosspatch::bridge
