#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "crosspatch/api/gateway.hpp"
#include "crosspatch/app/cut_marks.hpp"

namespace crosspatch::app {

// The cuts that workers have been told of and control has not noted yet: until then control believes that what was cut is
// on, and a reload that it has under way would bring it back.
//
// Shape    kMost at a time; one more is carried out all the same, but not guarded against such a reload.
// Thread   add() and drop(): the API's. noted() and mark(): control. The others: any; no lock, no allocation.
class PendingCuts {
public:
    static constexpr std::size_t kMost = 64;
    static constexpr std::size_t kNoPlace = kMost;

    // Its place, for what becomes of it.
    std::size_t add(api::Cut what, std::uint32_t index);
    // No worker took it: it was none.
    void drop(std::size_t place);
    // Control knows of it now. What was posted before to bring on what it cut off is too old from here on.
    void noted(std::size_t place, api::Cut what, std::uint32_t index);
    bool has(api::Cut what, std::uint32_t index) const;

    bool closes(std::uint32_t bridge) const {
        return has(api::Cut::CloseBridge, bridge) || has(api::Cut::RevokeConsent, bridge);
    }
    bool silences(std::uint32_t endpoint) const {
        return has(api::Cut::DisableEndpoint, endpoint) || has(api::Cut::RevokeEndpoint, endpoint);
    }
    // What is posted to a worker to open a bridge or let a radio in: a cut goes past it, and it must not undo that, whether
    // control has noted the cut by then or not. So it takes a mark with it, and looks where and when it is carried out.
    using Mark = CutMarks::Mark;
    Mark bridge_mark(std::uint32_t bridge) const { return bridges_.of(bridge); }
    Mark endpoint_mark(std::uint32_t endpoint) const { return endpoints_.of(endpoint); }
    bool may_open(std::uint32_t bridge, Mark posted) const {
        return !closes(bridge) && bridges_.of(bridge) == posted;
    }
    bool may_let_in(std::uint32_t endpoint, Mark posted) const {
        return !silences(endpoint) && endpoints_.of(endpoint) == posted;
    }

    template <typename Do>
    void each(Do act) const {
        for (const auto& place : places_)
            if (const std::uint64_t cut = place.load(std::memory_order_acquire); cut != 0)
                act(static_cast<api::Cut>(cut & 0xFFU), static_cast<std::uint32_t>(cut >> 32U));
    }

private:
    static std::uint64_t packed(api::Cut what, std::uint32_t index);
    std::array<std::atomic<std::uint64_t>, kMost> places_{};  // 0: free
    CutMarks bridges_;
    CutMarks endpoints_;
};

}  // namespace crosspatch::app
