#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "crosspatch/api/gateway.hpp"

namespace crosspatch::app {

// The cuts that workers have been told of and control has not noted yet: until then control believes that what was cut is
// on, and a reload that it has under way would bring it back.
//
// Shape    kMost at a time; one more is carried out all the same, but not guarded against such a reload.
// Thread   add(): the API's. remove(): control. each() and has(): any; no lock, no allocation.
class PendingCuts {
public:
    static constexpr std::size_t kMost = 64;
    static constexpr std::size_t kNoPlace = kMost;

    // Its place, for remove().
    std::size_t add(api::Cut what, std::uint32_t index);
    void remove(std::size_t place);
    bool has(api::Cut what, std::uint32_t index) const;

    bool closes(std::uint32_t bridge) const {
        return has(api::Cut::CloseBridge, bridge) || has(api::Cut::RevokeConsent, bridge);
    }
    bool silences(std::uint32_t endpoint) const {
        return has(api::Cut::DisableEndpoint, endpoint) || has(api::Cut::RevokeEndpoint, endpoint);
    }
    // What is posted to a worker to open a bridge or let a radio in: a cut goes past it, and it must not undo that. So it looks
    // where and when it is carried out; the cuts must outlive it.
    template <typename Do>
    auto unless_closed(std::uint32_t bridge, Do act) const {
        return [this, bridge, act](auto&&... given) {
            if (!closes(bridge)) act(given...);
        };
    }
    template <typename Do>
    auto unless_silenced(std::uint32_t endpoint, Do act) const {
        return [this, endpoint, act](auto&&... given) {
            if (!silences(endpoint)) act(given...);
        };
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
};

}  // namespace crosspatch::app
