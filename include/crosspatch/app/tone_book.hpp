#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "crosspatch/bridge/topology.hpp"
#include "crosspatch/codec/format.hpp"

namespace crosspatch::app {

// Talkers' tones as packets: made once for each codec, its settings, packet time and choice of tones, shared by all radios
// that have the same. And the marks that announce crossings, as samples.
//
// Thread   control.
class ToneBook {
public:
    // Nothing for an empty set.
    std::shared_ptr<const bridge::Topology::Tones> tones(const codec::Format& format,
                                                         std::chrono::milliseconds ptime,
                                                         bridge::TalkerToneSet set);
    // What announces talkers of the agency that stands at `place` in the configuration: two tones of its own, and a third,
    // high with encryption and low without. 240 ms, at -24 dBov. Lives as long as the book.
    const media::Mark& mark(std::size_t place, bool encrypted);

private:
    struct Made {
        codec::Format format;
        std::chrono::milliseconds ptime;
        bridge::TalkerToneSet set;
        std::weak_ptr<const bridge::Topology::Tones> tones;
    };
    std::vector<Made> made_;
    std::map<std::pair<std::size_t, bool>, media::Mark> marks_;
};

}  // namespace crosspatch::app
