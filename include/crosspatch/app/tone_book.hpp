#pragma once
#include <chrono>
#include <memory>
#include <vector>

#include "crosspatch/bridge/topology.hpp"
#include "crosspatch/codec/format.hpp"

namespace crosspatch::app {

// Talkers' tones as packets: made once for each codec, its settings, packet time and choice of tones, shared by all radios
// that have the same.
//
// Thread   control.
class ToneBook {
public:
    // Nothing for an empty set.
    std::shared_ptr<const bridge::Topology::Tones> tones(const codec::Format& format,
                                                         std::chrono::milliseconds ptime,
                                                         bridge::TalkerToneSet set);

private:
    struct Made {
        codec::Format format;
        std::chrono::milliseconds ptime;
        bridge::TalkerToneSet set;
        std::weak_ptr<const bridge::Topology::Tones> tones;
    };
    std::vector<Made> made_;
};

}  // namespace crosspatch::app
