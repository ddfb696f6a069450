#include "crosspatch/core/secret.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <type_traits>

#include "crosspatch/core/text.hpp"

using namespace crosspatch::core;

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);

TEST_CASE("a secret holds what it was given, and can be filled later") {
    const Secret copied{octets_of("master key")};
    CHECK(copied.equals(octets_of("master key")));
    Secret filled{4};
    CHECK(filled.octets().size() == 4);
    std::fill(filled.writable().begin(), filled.writable().end(), std::byte{0x5A});
    CHECK(filled.equals(octets_of("ZZZZ")));
}

TEST_CASE("secrets differ in one bit, and in length") {
    const Secret secret{octets_of("abcd")};
    CHECK_FALSE(secret.equals(octets_of("abce")));
    CHECK_FALSE(secret.equals(octets_of("abc")));
    CHECK_FALSE(secret.equals(octets_of("abcd!")));
    CHECK_FALSE(secret.equals({}));
}

TEST_CASE("an empty secret equals nothing but nothing") {
    const Secret none;
    CHECK(none.empty());
    CHECK(none.equals({}));
    CHECK_FALSE(none.equals(octets_of("x")));
    CHECK(Secret{0}.empty());
}

TEST_CASE("moving a secret leaves none behind") {
    Secret first{octets_of("one")};
    Secret second{std::move(first)};
    CHECK(second.equals(octets_of("one")));
    CHECK(first.empty());
    Secret third;
    third = std::move(second);
    CHECK(third.equals(octets_of("one")));
    CHECK(second.empty());
}

TEST_CASE("wiping leaves zeros") {
    std::array<std::byte, 16> octets;
    octets.fill(std::byte{0xFF});
    wipe(octets);
    CHECK(std::all_of(octets.begin(), octets.end(), [](std::byte octet) { return octet == std::byte{}; }));
    wipe({});
}
