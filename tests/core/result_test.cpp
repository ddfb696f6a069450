#include "crosspatch/core/result.hpp"

#include <doctest/doctest.h>

#include <memory>

using namespace crosspatch::core;

namespace {

Result<std::unique_ptr<int>> boxed(int value) {
    if (value < 0) return unexpected(Error::Code::Invalid, "a box holds no negative number");
    return std::make_unique<int>(value);
}

Result<void> agree(bool yes) {
    if (!yes) return unexpected(Error::Code::Busy, "ask again later");
    return {};
}

enum class Refusal { TooShort, TooLong };

}  // namespace

TEST_CASE("a result is true when it has a value, and gives it away when moved from") {
    auto result = boxed(7);
    REQUIRE(result);
    CHECK(result.has_value());
    CHECK(**result == 7);
    const std::unique_ptr<int> box = std::move(*result);
    CHECK(*box == 7);
}

TEST_CASE("a result without a value says why") {
    const auto result = boxed(-1);
    CHECK_FALSE(result);
    CHECK(result.error().code == Error::Code::Invalid);
    CHECK(result.error().context == "a box holds no negative number");
}

TEST_CASE("value_or gives the other value only where there is none") {
    CHECK(Result<int>{3}.value_or(4) == 3);
    CHECK(Result<int>{unexpected(Error::Code::Io, "")}.value_or(4) == 4);
}

TEST_CASE("a result of nothing is success or the reason") {
    CHECK(agree(true));
    const auto refused = agree(false);
    CHECK_FALSE(refused);
    CHECK(refused.error().code == Error::Code::Busy);
}

TEST_CASE("the error can be an enumeration, and the value may be of the same type") {
    const Result<int, Refusal> refused{Unexpected{Refusal::TooLong}};
    CHECK(refused.error() == Refusal::TooLong);
    const Result<Refusal, Refusal> held{Refusal::TooShort};
    REQUIRE(held);
    CHECK(*held == Refusal::TooShort);
}
