#include "crosspatch/app/placement.hpp"

#include <doctest/doctest.h>

namespace crosspatch::app {
namespace {

// Channels with so many endpoints each, and bridges between them.
struct Map {
    explicit Map(const std::vector<std::size_t>& sizes) {
        for (const std::size_t size : sizes) {
            bridge::Topology::Channel channel;
            channel.outbound = &rules;
            channel.endpoints.resize(size);
            topology.channels.push_back(channel);
        }
    }
    Map& bridge(std::vector<std::uint32_t> channels) {
        bridge::Topology::Bridge made;
        for (const std::uint32_t channel : channels) made.legs.push_back({channel, true, true, 0});
        topology.bridges.push_back(std::move(made));
        return *this;
    }
    std::vector<std::uint8_t> where(const Placement& placement, const std::vector<bool>& open) const {
        const bridge::Topology* const one = &topology;
        return placement.where({&one, 1}, open);
    }

    policy::RuleList rules;
    bridge::Topology topology;
};

using Places = std::vector<std::uint8_t>;

}  // namespace

TEST_CASE("channels are spread by their endpoints, each where the fewest are") {
    const Map map{{8, 2, 2, 2}};
    Placement placement{2};
    placement.settle(map.topology);
    const Places places = map.where(placement, {});
    CHECK(places == Places{0, 1, 1, 1});
    CHECK(placement.take_up(places).empty());  // nothing was anywhere before
    CHECK(placement.worker(0) == 0);
    CHECK(placement.worker(3) == 1);
    CHECK(placement.worker(4) == Placement::kNone);
}

TEST_CASE(
    "what an open bridge joins, by way of others too, lives with its largest channel, and goes home after "
    "it") {
    Map map{{4, 3, 3, 9}};
    map.bridge({0, 1}).bridge({1, 3});
    Placement placement{2};
    placement.settle(map.topology);
    const Places home = map.where(placement, {});
    CHECK(home == Places{0, 1, 1, 0});
    placement.take_up(home);
    const Places together = map.where(placement, {true, true});
    CHECK(together == Places{0, 0, 1, 0});
    const auto moves = placement.take_up(together);
    REQUIRE(moves.size() == 1);
    CHECK(moves[0].from == 1);
    CHECK(moves[0].to == 0);
    CHECK(moves[0].channels == std::vector<std::uint32_t>{1});
    const auto back = placement.take_up(map.where(placement, {true, false}));
    CHECK(back.empty());  // still joined to channel 0, which is at home there
    const auto apart = placement.take_up(map.where(placement, {false, false}));
    REQUIRE(apart.size() == 1);
    CHECK(apart[0].channels == std::vector<std::uint32_t>{1});
    CHECK(apart[0].to == 1);
}

TEST_CASE("a channel that leaves keeps its place until everything that lived with it has been seen to") {
    Map before{{4, 3}};
    before.bridge({0, 1});
    Placement placement{2};
    placement.settle(before.topology);
    placement.take_up(before.where(placement, {true}));
    CHECK(placement.worker(0) == placement.worker(1));

    Map after{{4, 3}};
    after.topology.channels[0] = {};
    placement.settle(after.topology);
    const bridge::Topology* const both[] = {&after.topology, &before.topology};
    const Places places = placement.where(both, {true});
    CHECK(places[0] == places[1]);
    for (const auto& move : placement.take_up(places)) CHECK(move.channels.size() == 2);
    placement.forget(after.topology);
    CHECK(placement.worker(0) == Placement::kNone);
    CHECK(after.where(placement, {false})[1] != Placement::kNone);
}

}  // namespace crosspatch::app
