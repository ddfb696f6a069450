#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

#include "crosspatch/core/config.hpp"

namespace crosspatch::floor {

// How one channel shares its floor: the `floor:` map of a channel.
//
// Units    in the types; `priority` 0 low to 255 high, `queue` counts waiting presses.
// Source   contract.md, Floor and Defaults; TS 24.380 names in brackets.
struct Settings {
    std::uint8_t priority{3};  // of a talker that says nothing else [Floor Priority]
    std::uint8_t queue{8};     // explicit presses that may wait; 0: nobody waits [mc_queueing]
    std::chrono::milliseconds max_talk{30'000};  // [T2]
    std::chrono::milliseconds warn{5'000};       // so long before max_talk the talker is told; 0: not at all
    std::chrono::milliseconds grace{3'000};      // from the talk limit until media is dropped [T3]
    std::chrono::milliseconds cooldown{3'000};   // after a talk limit: asking again is denied [T9]
    std::chrono::milliseconds hang{2'000};       // after a release: kept for an answer
    std::chrono::milliseconds lease{600};        // without media the floor is free again [T1]
    std::chrono::milliseconds dead_carrier{0};   // without a voice for so long it is taken back; 0: never
    bool both_heard{};  // who may pre-empt talks beside the holder, who goes on [dual floor]: `override`
    std::chrono::milliseconds dtx_lease{1'000};  // the same, after an Opus DTX packet; not a key of the file
    bool operator==(const Settings&) const = default;
};

// Reads a `floor:` map; what is left out keeps its default. Reports every problem at its place and then
// returns nothing.
std::optional<Settings> read_settings(const core::config::Node& node);

}  // namespace crosspatch::floor
