#include "crosspatch/app/pending_cuts.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <utility>
#include <vector>

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
    cuts.noted(first, api::Cut::CloseBridge, 0);
    CHECK_FALSE(cuts.has(api::Cut::CloseBridge, 0));
    cuts.drop(second);
    CHECK_FALSE(cuts.has(api::Cut::RevokeEndpoint, 4'000'000'000U));
}

TEST_CASE("one cut too many has no place, and taking that away does nothing") {
    PendingCuts cuts;
    for (std::uint32_t i = 0; i < PendingCuts::kMost; ++i)
        CHECK(cuts.add(api::Cut::CloseBridge, i) != PendingCuts::kNoPlace);
    const auto place = cuts.add(api::Cut::CloseBridge, 99);
    CHECK(place == PendingCuts::kNoPlace);
    cuts.drop(place);
    CHECK(cuts.has(api::Cut::CloseBridge, 63));
    cuts.drop(3);
    CHECK(cuts.add(api::Cut::CloseBridge, 99) == 3);
}

// One worker's lanes as control and the API fill them, and what the worker does with them.
struct Lanes {
    PendingCuts cuts;
    std::vector<std::function<void()>> control;
    bool on{};

    void post_opening(api::Cut cut, std::uint32_t index) {
        const bool is_bridge = cut == api::Cut::CloseBridge || cut == api::Cut::RevokeConsent;
        const auto mark = is_bridge ? cuts.bridge_mark(index) : cuts.endpoint_mark(index);
        control.emplace_back([this, is_bridge, index, mark] {
            if (is_bridge ? cuts.may_open(index, mark) : cuts.may_let_in(index, mark)) on = true;
        });
    }
    void work() {
        for (const auto& task : std::exchange(control, {})) task();
    }
};

TEST_CASE("an opening that a cut has overtaken is not carried out, before the cut was noted or after that") {
    using api::Cut;
    for (const Cut cut : {Cut::CloseBridge, Cut::RevokeConsent, Cut::DisableEndpoint, Cut::RevokeEndpoint})
        for (const bool noted : {false, true}) {
            Lanes lanes;
            lanes.post_opening(cut, 7);
            const auto place = lanes.cuts.add(cut, 7);  // carried out by the direct lane, past the opening
            if (noted) lanes.cuts.noted(place, cut, 7);
            lanes.work();
            CHECK_FALSE(lanes.on);
            if (!noted) lanes.cuts.noted(place, cut, 7);
            // What is commanded afterwards holds.
            lanes.post_opening(cut, 7);
            lanes.work();
            CHECK(lanes.on);
        }
}

TEST_CASE("a cut concerns what it cuts, and one that no worker took nothing") {
    using api::Cut;
    Lanes lanes;
    for (const auto& [cut, index] : {std::pair{Cut::CloseBridge, 8U}, std::pair{Cut::DisableEndpoint, 7U}}) {
        lanes.post_opening(Cut::CloseBridge, 7);
        lanes.cuts.noted(lanes.cuts.add(cut, index), cut, index);
        lanes.work();
        CHECK(std::exchange(lanes.on, false));
    }
    lanes.post_opening(Cut::CloseBridge, 7);
    lanes.cuts.drop(lanes.cuts.add(Cut::CloseBridge, 7));
    lanes.work();
    CHECK(lanes.on);
}

TEST_CASE("marks are kept apart over the whole range of indices") {
    CutMarks marks;
    for (const std::uint32_t index : {0U, 1023U, 1024U, 1'048'575U}) {
        CHECK(marks.of(index) == 0);
        marks.change(index);
        CHECK(marks.of(index) == 1);
    }
    CHECK(marks.of(1) == 0);
}

}  // namespace
}  // namespace crosspatch::app
