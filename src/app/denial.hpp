#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/floor/cause.hpp"
#include "crosspatch/floor/request.hpp"

namespace crosspatch::app {

// A press that did not get the floor, and how things stood when it came: what `crosspatchctl why` tells in words.
//
// Shape    names as the configuration has them.
// Thread   any; pure.
struct Denial {
    struct Party {
        std::string talker;
        std::string endpoint;
        std::string role;
        std::string channel;
        std::string agency;
        floor::Claim claim;  // as it counts
    };
    floor::Cause cause{};
    Party asked;
    floor::Class claimed{floor::Class::Normal};  // before it was cut down to what the talker may
    bool in_words{};                             // asked by a floor message: could have been queued
    std::optional<Party> holder;
    // Bridges that were open when it came; nothing: there were more than the worker tells.
    std::optional<std::vector<std::string>> open;
    unsigned places{};                 // of the channel's queue
    std::chrono::milliseconds wait{};  // until it may ask again
};

// Who had the floor, and why it was not taken from him; empty if the cause says it all.
std::string explain(const Denial& denial, const std::vector<bridge::Bridge>& bridges);

}  // namespace crosspatch::app
