#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/bridge/config.hpp"

// Ways on which sound comes back to where it has been. Inside one gateway nothing is carried on from bridge to bridge,
// so a way round leads through something outside that endpoints share: an RF channel, a multicast group, a trunk.
namespace crosspatch::bridge {

// An endpoint as the search sees it.
struct LoopEnd {
    std::string_view id;
    std::string_view channel;
    std::string_view path;  // what lies beyond it and is shared; empty: nothing
    bool talks{};           // the endpoint's direction, seen from the radio
    bool listens{};
};

// Sound comes in at the first pass's `in`, goes out at its `out`, over what both are joined by into the next pass's
// `in`, and so on; the last pass's `out` leads to the first one's `in`.
struct Loop {
    struct Pass {
        std::size_t in;                     // of the ends
        std::size_t out;                    // of the ends, never `in` itself
        std::optional<std::size_t> bridge;  // nothing: both are on one channel
        bool operator==(const Pass&) const = default;
    };
    std::vector<Pass> passes;
};

// The loop of the fewest passes that could arise with every bridge open, if there is one. Policy may still deny a
// crossing on it; the bridge's word is taken.
//
// Shape    pure; 10,000 ends and as many legs take some tens of milliseconds.
std::optional<Loop> find_loop(std::span<const LoopEnd> ends, std::span<const Bridge> bridges);

// The loop in words: who hears what over which bridge and path, in the order in which the sound goes.
std::string describe(const Loop& loop, std::span<const LoopEnd> ends, std::span<const Bridge> bridges);

}  // namespace crosspatch::bridge
