#include "crosspatch/app/pending_cuts.hpp"

#include <doctest/doctest.h>

#include <set>
#include <utility>

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

TEST_CASE(
    "an opening that a cut has overtaken is not carried out on the worker, though control posted it before") {
    using api::Cut;
    for (const Cut cut : {Cut::CloseBridge, Cut::RevokeConsent, Cut::DisableEndpoint, Cut::RevokeEndpoint}) {
        PendingCuts cuts;
        int opened = 0;
        int enabled = 0;
        const auto open = cuts.unless_closed(7, [&](int by) { opened += by; });
        const auto enable = cuts.unless_silenced(7, [&](int by) { enabled += by; });
        const auto both = [&] { open(1), enable(1); };
        both();
        CHECK(std::pair{opened, enabled} == std::pair{1, 1});
        const auto place = cuts.add(cut, 7);
        cuts.add(cut, 8);
        both();
        const bool is_bridge = cut == Cut::CloseBridge || cut == Cut::RevokeConsent;
        CHECK(std::pair{opened, enabled} == (is_bridge ? std::pair{1, 2} : std::pair{2, 1}));
        cuts.remove(place);
        both();
        CHECK(std::pair{opened, enabled} == (is_bridge ? std::pair{2, 3} : std::pair{3, 2}));
    }
}

}  // namespace
}  // namespace crosspatch::app
