#include "crosspatch/app/placement.hpp"

#include <algorithm>
#include <numeric>

namespace crosspatch::app {
namespace {

// Which channels are joined, directly or by way of others.
class Groups {
public:
    explicit Groups(std::size_t channels) : above_(channels) { std::iota(above_.begin(), above_.end(), 0U); }
    std::uint32_t of(std::uint32_t channel) {
        while (above_[channel] != channel) channel = above_[channel] = above_[above_[channel]];
        return channel;
    }
    void join(std::uint32_t a, std::uint32_t b) { above_[of(a)] = of(b); }

private:
    std::vector<std::uint32_t> above_;
};

}  // namespace

void Placement::settle(const bridge::Topology& topology) {
    const std::size_t channels = topology.channels.size();
    homes_.resize(std::max(homes_.size(), channels), kNone);
    now_.resize(homes_.size(), kNone);
    endpoints_.assign(homes_.size(), 0);
    std::vector<std::size_t> load(workers_);
    for (std::uint32_t channel = 0; channel < channels; ++channel) {
        endpoints_[channel] = topology.channels[channel].endpoints.size();
        if (homes_[channel] != kNone) load[homes_[channel]] += endpoints_[channel] + 1;
    }
    for (std::uint32_t channel = 0; channel < channels; ++channel) {
        if (homes_[channel] != kNone || topology.channels[channel].outbound == nullptr) continue;
        const auto least = std::min_element(load.begin(), load.end());
        homes_[channel] = static_cast<std::uint8_t>(least - load.begin());
        *least += endpoints_[channel] + 1;
    }
}

void Placement::forget(const bridge::Topology& topology) {
    for (std::uint32_t channel = 0; channel < homes_.size(); ++channel)
        if (channel >= topology.channels.size() || topology.channels[channel].outbound == nullptr)
            homes_[channel] = now_[channel] = kNone;
}

std::vector<std::uint8_t> Placement::where(std::span<const bridge::Topology* const> topologies,
                                           const std::vector<bool>& open) const {
    Groups groups{homes_.size()};
    for (const bridge::Topology* topology : topologies)
        for (std::uint32_t bridge = 0; bridge < topology->bridges.size(); ++bridge) {
            const auto& legs = topology->bridges[bridge].legs;
            if (bridge >= open.size() || !open[bridge]) continue;
            for (const auto& leg : legs) groups.join(leg.channel, legs.front().channel);
        }
    std::vector<std::uint32_t> largest(homes_.size(), bridge::kNowhere);  // by group
    for (std::uint32_t channel = 0; channel < homes_.size(); ++channel) {
        if (homes_[channel] == kNone) continue;
        std::uint32_t& of_group = largest[groups.of(channel)];
        if (of_group == bridge::kNowhere || endpoints_[channel] > endpoints_[of_group]) of_group = channel;
    }
    std::vector<std::uint8_t> places(homes_.size(), kNone);
    for (std::uint32_t channel = 0; channel < homes_.size(); ++channel)
        if (homes_[channel] != kNone) places[channel] = homes_[largest[groups.of(channel)]];
    return places;
}

std::vector<bridge::Switchboard::Move> Placement::take_up(const std::vector<std::uint8_t>& places) {
    std::vector<bridge::Switchboard::Move> moves;
    for (std::uint32_t channel = 0; channel < places.size(); ++channel) {
        const std::uint8_t from = std::exchange(now_[channel], places[channel]);
        const std::uint8_t to = places[channel];
        if (from == to || from == kNone || to == kNone) continue;
        auto move = std::find_if(moves.begin(), moves.end(),
                                 [&](const auto& one) { return one.from == from && one.to == to; });
        if (move == moves.end()) move = moves.insert(moves.end(), {from, to, {}});
        move->channels.push_back(channel);
    }
    return moves;
}

}  // namespace crosspatch::app
