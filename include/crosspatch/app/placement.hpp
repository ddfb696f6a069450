#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "crosspatch/bridge/switchboard.hpp"

namespace crosspatch::app {

// On which media worker each channel lives. A channel has a home, where the fewest endpoints were when it came; those
// that open bridges join live together, at the home of the largest of them, and go home when the bridges close.
//
// Shape    by channel index. Pure: knows no thread.
// Thread   control's.
class Placement {
public:
    static constexpr std::uint8_t kNone = 0xFF;  // no such channel

    explicit Placement(std::size_t workers) : workers_{workers} {}

    // Channels that are new get a home. Those that are gone keep theirs until forget(): what lives with them must not
    // leave while they are there.
    void settle(const bridge::Topology& topology);
    void forget(const bridge::Topology& topology);
    // Where every channel of the newest Topology ought to be while these bridges are open, by bridge index. Several
    // Topologies: a bridge joins what it joins in any of them.
    std::vector<std::uint8_t> where(std::span<const bridge::Topology* const> topologies,
                                    const std::vector<bool>& open) const;
    // What has to move, and from now on is there.
    std::vector<bridge::Switchboard::Move> take_up(const std::vector<std::uint8_t>& places);

    std::size_t workers() const { return workers_; }
    std::uint8_t worker(std::uint32_t channel) const { return channel < now_.size() ? now_[channel] : kNone; }

private:
    std::size_t workers_;
    std::vector<std::uint8_t> homes_;
    std::vector<std::uint8_t> now_;
    std::vector<std::size_t> endpoints_;  // of each channel
};

}  // namespace crosspatch::app
