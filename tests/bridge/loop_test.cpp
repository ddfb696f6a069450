#include "crosspatch/bridge/loop.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <random>

namespace crosspatch::bridge {
namespace {

// Endpoints on channels, and bridges between these.
struct Country {
    // `way`: b talks and listens, t talks only, l listens only.
    void end(const std::string& channel, const std::string& path, char way = 'b') {
        texts.push_back({fmt_id("e", texts.size()), channel, path});
        const auto& [id, on, over] = texts.back();
        ends.push_back({id, on, over, way != 'l', way != 't'});
    }
    void bridge(const std::vector<std::pair<std::string, Direction>>& legs) {
        Bridge one;
        one.id = fmt_id("b", bridges.size());
        for (const auto& [channel, direction] : legs) one.legs.push_back({channel, direction, 0});
        bridges.push_back(std::move(one));
    }
    void bridge(const std::string& one, const std::string& other) {
        bridge({{one, Direction::Both}, {other, Direction::Both}});
    }
    std::optional<Loop> find() const { return find_loop(ends, bridges); }
    std::string told() const {
        const auto loop = find();
        return loop ? describe(*loop, ends, bridges) : "";
    }
    // The bridge over which `out` hears `in`; ends() of none, nothing if it does not.
    bool hears(std::size_t in, std::size_t out, std::optional<std::size_t> over) const {
        if (in == out || !ends[in].talks || !ends[out].listens) return false;
        if (!over) return ends[in].channel == ends[out].channel;
        const auto leg = [&](std::string_view channel) {
            const auto& legs = bridges[*over].legs;
            return std::find_if(legs.begin(), legs.end(),
                                [&](const auto& l) { return l.channel == channel; });
        };
        const auto from = leg(ends[in].channel), to = leg(ends[out].channel);
        const auto none = bridges[*over].legs.end();
        return from != none && to != none && from != to && from->direction != Direction::Listen &&
               to->direction != Direction::Talk;
    }
    bool hears(std::size_t in, std::size_t out) const {
        bool any = hears(in, out, std::nullopt);
        for (std::size_t b = 0; b < bridges.size(); ++b) any = any || hears(in, out, b);
        return any;
    }
    bool joined(std::size_t out, std::size_t in) const {
        return out != in && !ends[out].path.empty() && ends[out].path == ends[in].path && ends[in].talks;
    }
    bool is_sound(const Loop& loop) const {
        for (std::size_t i = 0; i < loop.passes.size(); ++i) {
            const Loop::Pass& pass = loop.passes[i];
            if (!hears(pass.in, pass.out, pass.bridge)) return false;
            if (!joined(pass.out, loop.passes[(i + 1) % loop.passes.size()].in)) return false;
        }
        return !loop.passes.empty();
    }
    // The plain search: every endpoint beside every other one, breadth first from each.
    std::size_t shortest() const {
        const std::size_t n = ends.size();
        std::vector<std::vector<std::size_t>> next(n);
        for (std::size_t in = 0; in < n; ++in)
            for (std::size_t out = 0; out < n; ++out)
                for (std::size_t again = 0; hears(in, out) && again < n; ++again)
                    if (joined(out, again)) next[in].push_back(again);
        std::size_t best = 0;
        for (std::size_t start = 0; start < n; ++start) {
            std::vector<std::size_t> distance(n, 0);
            std::deque<std::size_t> open{start};
            while (!open.empty()) {
                const std::size_t node = open.front();
                open.pop_front();
                for (const std::size_t there : next[node])
                    if (distance[there] == 0) {
                        distance[there] = distance[node] + 1;
                        if (there != start) open.push_back(there);
                    }
            }
            if (distance[start] != 0 && (best == 0 || distance[start] < best)) best = distance[start];
        }
        return best;
    }

    static std::string fmt_id(const char* what, std::size_t number) { return what + std::to_string(number); }
    std::deque<std::array<std::string, 3>> texts;  // what the ends point to
    std::vector<LoopEnd> ends;
    std::vector<Bridge> bridges;
};

TEST_CASE("two endpoints of one channel on one path hear themselves") {
    Country country;
    country.end("a", "rf");
    country.end("a", "rf");
    CHECK(country.told() == "in at 'e0', on channel 'a' out at 'e1', through path 'rf' in at 'e0' again");
}

TEST_CASE(
    "one that only listens and one that only talks are no loop unless sound gets from the one to the other") {
    Country apart;
    apart.end("a", "rf", 'l');
    apart.end("b", "rf", 't');
    CHECK(apart.told() == "");
    apart.bridge("a", "b");
    CHECK(apart.told() == "in at 'e1', over bridge 'b0' out at 'e0', through path 'rf' in at 'e1' again");

    Country one_way;
    one_way.end("a", "rf", 'l');
    one_way.end("b", "rf", 't');
    one_way.bridge({{"a", Direction::Talk}, {"b", Direction::Both}});
    CHECK(one_way.told() == "");
}

TEST_CASE("two channels on one path are no loop, nor is a channel with two paths, nor a chain of bridges") {
    Country country;
    country.end("a", "rf");
    country.end("b", "rf");
    country.end("b", "trunk");
    country.end("c", "other");
    country.bridge("b", "c");
    CHECK(country.told() == "");
    country.bridge("a", "c");  // a to c and c to b: bridges do not carry on
    CHECK(country.told() == "");
    country.end("d", "other");
    country.bridge("d", "a");  // but over `other` they do
    CHECK(country.find()->passes.size() == 2);
    CHECK(country.is_sound(*country.find()));
}

TEST_CASE("two gateways in parallel: a trunk for each of two channels that a bridge joins here and there") {
    Country country;
    country.end("one", "trunk");
    country.end("two", "trunk");
    country.bridge("one", "two");
    CHECK(country.told() ==
          "in at 'e0', over bridge 'b0' out at 'e1', through path 'trunk' in at 'e0' again");
}

TEST_CASE("the loop found is real and none is shorter: beside the plain search") {
    std::mt19937 random{20261128};
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
    std::array<std::size_t, 6> lengths{};
    for (int round = 0; round < 4000; ++round) {
        Country country;
        const std::size_t channels = 1 + below(8), paths = 1 + below(8);
        const auto name = [](const char* what, std::size_t i) { return what + std::to_string(i); };
        const auto channel = [&] { return name("c", below(channels)); };
        // A ring that may have gaps, in every other round, so that long loops occur; and anything beside it.
        const std::size_t ring = below(2) ? channels : 0;
        for (std::size_t i = 0; i < ring; ++i) {
            if (below(20)) country.end(name("c", i), name("r", i), 'l');
            if (below(20)) country.end(name("c", (i + 1) % ring), name("r", i), 't');
        }
        for (std::size_t n = below(ring ? 4 : 14); n-- > 0;)
            country.end(channel(), below(8) ? name("p", below(paths)) : "", "btl"[below(3)]);
        for (std::size_t n = below(ring ? 2 : 5); n-- > 0;) {
            std::vector<std::pair<std::string, Direction>> legs;
            for (std::size_t i = 2 + below(2); i-- > 0;) {
                const std::string one = channel();
                const auto same = [&](const auto& leg) { return leg.first == one; };
                if (std::none_of(legs.begin(), legs.end(), same))
                    legs.emplace_back(one, static_cast<Direction>(below(3)));
            }
            country.bridge(legs);
        }
        const auto loop = country.find();
        const std::size_t length = loop ? loop->passes.size() : 0;
        REQUIRE(length == country.shortest());
        if (loop) REQUIRE(country.is_sound(*loop));
        ++lengths[std::min<std::size_t>(length, 5)];
    }
    for (std::size_t length = 0; length < lengths.size(); ++length) CHECK(lengths[length] > 0);
}

TEST_CASE("ten thousand endpoints and a thousand bridges are searched at once, with and without a loop") {
    const auto took = [](const Country& country, bool loop) {
        const std::clock_t begin = std::clock();  // of this process: others on the machine do not count
        CHECK(country.find().has_value() == loop);
        return std::chrono::milliseconds{1000 * (std::clock() - begin) / CLOCKS_PER_SEC};
    };
    const auto name = [](const char* what, int i) { return what + std::to_string(i); };
    // A chain through all of them: each channel's way out is the next one's way in.
    Country chain;
    for (int i = 0; i < 5000; ++i) {
        chain.end(name("c", i), name("p", i), 'l');
        chain.end(name("c", i + 1), name("p", i), 't');
    }
    for (int i = 0; i < 1000; ++i) chain.bridge(name("c", 5 * i), name("far", i));
    CHECK(took(chain, false) < std::chrono::milliseconds{900});
    chain.end("c0", "back", 't');
    chain.end("c5000", "back", 'l');
    CHECK(took(chain, true) < std::chrono::milliseconds{900});
    // One path that everybody is on, and bridges with many legs that let nobody be heard.
    Country crowd;
    for (int i = 0; i < 10'000; ++i) crowd.end(name("c", i), "air");
    for (int i = 0; i < 1000; ++i) {
        std::vector<std::pair<std::string, Direction>> legs;
        for (int k = 0; k < 100; ++k)
            legs.emplace_back(name("c", (i * 7 + k * 31) % 10'000), Direction::Talk);
        crowd.bridge(legs);
    }
    CHECK(took(crowd, false) < std::chrono::milliseconds{900});
}

}  // namespace
}  // namespace crosspatch::bridge
