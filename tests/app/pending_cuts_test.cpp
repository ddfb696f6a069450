#include "crosspatch/app/pending_cuts.hpp"

#include <doctest/doctest.h>

#include <set>

namespace crosspatch::app {
namespace {

TEST_CASE("a cut is pending from when it was made until it has been noted") {
    PendingCuts cuts;
    const auto first = cuts.add(api::Cut::CloseBridge, 0);
    const auto second = cuts.add(api::Cut::RevokeEndpoint, 4'000'000'000U);
    CHECK(cuts.has(api::Cut::CloseBridge, 0));
    CHECK(cuts.has(api::Cut::RevokeEndpoint, 4'000'000'000U));
    CHECK_FALSE(cuts.has(api::Cut::RevokeConsent, 0));
    CHECK_FALSE(cuts.has(api::Cut::CloseBridge, 1));
    std::set<std::uint32_t> seen;
    cuts.each([&](api::Cut, std::uint32_t index) { seen.insert(index); });
    CHECK(seen == std::set<std::uint32_t>{0, 4'000'000'000U});
    cuts.remove(first);
    CHECK_FALSE(cuts.has(api::Cut::CloseBridge, 0));
    cuts.remove(second);
    CHECK_FALSE(cuts.has(api::Cut::RevokeEndpoint, 4'000'000'000U));
}

TEST_CASE("one cut too many has no place, and taking that away does nothing") {
    PendingCuts cuts;
    for (std::uint32_t i = 0; i < PendingCuts::kMost; ++i)
        CHECK(cuts.add(api::Cut::CloseBridge, i) != PendingCuts::kNoPlace);
    const auto place = cuts.add(api::Cut::CloseBridge, 99);
    CHECK(place == PendingCuts::kNoPlace);
    cuts.remove(place);
    CHECK(cuts.has(api::Cut::CloseBridge, 63));
    cuts.remove(3);
    CHECK(cuts.add(api::Cut::CloseBridge, 99) == 3);
}

}  // namespace
}  // namespace crosspatch::app
