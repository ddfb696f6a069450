#include "crosspatch/bridge/loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <map>
#include <unordered_map>

namespace crosspatch::bridge {
namespace {

using Index = std::uint32_t;
constexpr Index kNone = std::numeric_limits<Index>::max();

struct Leg {
    Index channel;
    Index bridge;
    bool talks;
    bool listens;
};

// The endpoints of one channel on one path. But for a loop of a single pass, which is looked for first, they do not
// differ: whoever leads on must be on another path or another channel.
struct Place {
    Index channel;
    Index path;
    std::vector<std::size_t> talkers;    // of the ends
    std::vector<std::size_t> listeners;  // of the ends
};

struct Plan {
    std::vector<Place> places;
    std::vector<std::vector<Index>> on_channel;  // places
    std::vector<std::vector<Index>> on_path;     // places
    std::vector<Leg> legs;
    std::vector<std::vector<Index>> of_channel;  // legs
    std::vector<std::vector<Index>> of_bridge;   // legs
};

Plan make_plan(std::span<const LoopEnd> ends, std::span<const Bridge> bridges) {
    Plan plan;
    std::unordered_map<std::string_view, Index> channels;
    std::unordered_map<std::string_view, Index> paths;
    std::map<std::pair<Index, Index>, Index> places;
    const auto number = [](auto& of, const auto& key, auto& lists) {
        const auto [found, added] = of.emplace(key, static_cast<Index>(of.size()));
        if (added) lists.emplace_back();
        return found->second;
    };
    for (std::size_t i = 0; i < ends.size(); ++i) {
        if (ends[i].path.empty()) continue;
        const Index channel = number(channels, ends[i].channel, plan.on_channel);
        const Index path = number(paths, ends[i].path, plan.on_path);
        const Index place = number(places, std::pair{channel, path}, plan.places);
        Place& into = plan.places[place];
        if (into.talkers.empty() && into.listeners.empty()) {
            into.channel = channel;
            into.path = path;
            plan.on_channel[channel].push_back(place);
            plan.on_path[path].push_back(place);
        }
        if (ends[i].talks) into.talkers.push_back(i);
        if (ends[i].listens) into.listeners.push_back(i);
    }
    plan.of_channel.resize(plan.on_channel.size());
    plan.of_bridge.resize(bridges.size());
    for (Index bridge = 0; bridge < bridges.size(); ++bridge)
        for (const auto& leg : bridges[bridge].legs) {
            const auto channel = channels.find(leg.channel);
            if (channel == channels.end()) continue;  // nothing outside is shared there
            const auto index = static_cast<Index>(plan.legs.size());
            plan.legs.push_back({channel->second, bridge, leg.direction != Direction::Listen,
                                 leg.direction != Direction::Talk});
            plan.of_channel[channel->second].push_back(index);
            plan.of_bridge[bridge].push_back(index);
        }
    return plan;
}

// One pass: what comes in from a path is heard by another endpoint of the same path.
class SinglePass {
public:
    explicit SinglePass(const Plan& plan) : plan_{plan}, heard_(plan.of_bridge.size()) {}

    std::optional<Loop> find() {
        for (const std::vector<Index>& places : plan_.on_path) {
            for (const Index place : places) mark(place);
            for (const Index place : places)
                if (auto pass = close(plan_.places[place])) return Loop{{*pass}};
            for (const Index bridge : marked_) heard_[bridge] = {};
            marked_.clear();
        }
        return std::nullopt;
    }

private:
    using Places = std::array<Index, 2>;  // two are enough: one of them is on another channel

    // Each bridge remembers who of this path hears it.
    void mark(Index place) {
        if (plan_.places[place].listeners.empty()) return;
        for (const Index index : plan_.of_channel[plan_.places[place].channel]) {
            const Leg& leg = plan_.legs[index];
            if (!leg.listens) continue;
            Heard& heard = heard_[leg.bridge];
            if (heard.count == 0) marked_.push_back(leg.bridge);
            if (heard.count < heard.places.size()) heard.places[heard.count++] = place;
        }
    }
    std::optional<Loop::Pass> close(const Place& place) const {
        if (place.talkers.empty()) return std::nullopt;
        const std::size_t talker = place.talkers.front();
        for (const std::size_t in : place.talkers)
            for (const std::size_t out : place.listeners)
                if (in != out) return Loop::Pass{in, out, std::nullopt};
        for (const Index index : plan_.of_channel[place.channel]) {
            const Leg& leg = plan_.legs[index];
            if (!leg.talks) continue;
            const Heard& heard = heard_[leg.bridge];
            for (std::size_t i = 0; i < heard.count; ++i)
                if (const Place& other = plan_.places[heard.places[i]]; other.channel != place.channel)
                    return Loop::Pass{talker, other.listeners.front(), leg.bridge};
        }
        return std::nullopt;
    }

    struct Heard {
        Places places{};
        std::size_t count{};
    };
    const Plan& plan_;
    std::vector<Heard> heard_;  // by bridge
    std::vector<Index> marked_;
};

// Nodes and edges; an edge counts one if it leads out of the gateway. "Everybody but me" is a chain of helper nodes
// from either side, so that the graph stays as small as the configuration.
class Graph {
public:
    Index node() {
        edges_.emplace_back();
        return static_cast<Index>(edges_.size() - 1);
    }
    void edge(Index from, Index to, bool leaves = false) {
        if (to != kNone) edges_[from].push_back({to, leaves});
    }

    class AllBut {
    public:
        AllBut(Graph& graph, const std::vector<Index>& nodes)
            : before_(nodes.size(), kNone), after_(nodes.size(), kNone) {
            for (std::size_t i = 1; i < nodes.size(); ++i)
                before_[i] = graph.link(before_[i - 1], nodes[i - 1]);
            for (std::size_t i = nodes.size(); i-- > 1;) after_[i - 1] = graph.link(after_[i], nodes[i]);
        }
        void lead(Graph& graph, Index from, std::size_t but, bool leaves = false) const {
            graph.edge(from, before_[but], leaves);
            graph.edge(from, after_[but], leaves);
        }

    private:
        std::vector<Index> before_;  // those in front of each
        std::vector<Index> after_;   // those behind each
    };

    // Call when all edges are there. Takes away what no cycle can pass: whatever nothing leads to, or that leads nowhere.
    void trim() {
        back_.resize(edges_.size());
        for (Index from = 0; from < edges_.size(); ++from)
            for (const Edge& edge : edges_[from]) back_[edge.to].push_back({from, edge.leaves});
        for (Index node = 0; node < edges_.size(); ++node) {
            leading_in_.push_back(back_[node].size());
            leading_out_.push_back(edges_[node].size());
        }
        alive_.assign(edges_.size(), true);
        distance_.assign(edges_.size(), kNone);
        from_.assign(edges_.size(), kNone);
        for (Index node = 0; node < edges_.size(); ++node)
            if (leading_in_[node] == 0 || leading_out_[node] == 0) remove(node);
    }

    // The nodes of the way from `start` back to itself that leaves the gateway least often, if it does less than
    // `most` times; `start` stands first and not again. Takes `start` away: no better way passes it.
    std::vector<Index> way_round(Index start, std::size_t most) {
        if (!alive_[start]) return {};
        for (const Index node : touched_) distance_[node] = from_[node] = kNone;
        touched_.clear();
        std::deque<std::pair<Index, Index>> open{{start, 0}};
        while (!open.empty()) {
            const auto [node, distance] = open.front();
            open.pop_front();
            if (distance > distance_[node]) continue;  // a shorter way was found since
            for (const Edge& edge : edges_[node]) {
                const Index there = distance + (edge.leaves ? 1 : 0);
                if (!alive_[edge.to] || there >= most || there >= distance_[edge.to]) continue;
                distance_[edge.to] = there;
                touched_.push_back(edge.to);
                from_[edge.to] = node;
                if (edge.to == start) continue;
                if (edge.leaves)
                    open.emplace_back(edge.to, there);
                else
                    open.emplace_front(edge.to, there);
            }
        }
        std::vector<Index> way;
        if (from_[start] != kNone) way = trace(start);
        remove(start);
        return way;
    }

private:
    struct Edge {
        Index to;
        bool leaves;
    };
    Index link(Index rest, Index node) {
        const Index helper = this->node();
        edge(helper, rest);
        edge(helper, node);
        return helper;
    }
    // Together with all that no cycle can pass without it.
    void remove(Index first) {
        std::vector<Index> gone;
        const auto take = [&](Index node) {
            if (!alive_[node]) return;
            alive_[node] = false;
            gone.push_back(node);
        };
        take(first);
        while (!gone.empty()) {
            const Index node = gone.back();
            gone.pop_back();
            for (const Edge& edge : edges_[node])
                if (--leading_in_[edge.to] == 0) take(edge.to);
            for (const Edge& edge : back_[node])
                if (--leading_out_[edge.to] == 0) take(edge.to);
        }
    }
    std::vector<Index> trace(Index start) const {
        std::vector<Index> way;
        for (Index node = from_[start]; node != start; node = from_[node]) way.push_back(node);
        way.push_back(start);
        std::reverse(way.begin(), way.end());
        return way;
    }

    std::vector<std::vector<Edge>> edges_;
    std::vector<std::vector<Edge>> back_;
    std::vector<std::size_t> leading_in_;   // edges, from nodes that are there
    std::vector<std::size_t> leading_out_;  // edges, to such
    std::vector<bool> alive_;
    std::vector<Index> distance_;
    std::vector<Index> from_;
    std::vector<Index> touched_;
};

// Several passes: from place to place. Since no single pass closes a loop, an endpoint of the path that the sound has
// come from can hear it only if it is the one that it came in at; and what goes out at one comes in elsewhere.
class ManyPasses {
public:
    explicit ManyPasses(const Plan& plan) : plan_{plan} {
        for (std::size_t i = 0; i < plan.places.size(); ++i) in_.push_back(graph_.node());
        for (std::size_t i = 0; i < plan.places.size(); ++i) out_.push_back(graph_.node());
        link_channels();
        link_bridges();
        link_paths();
    }

    std::optional<Loop> find() {
        graph_.trim();
        std::vector<Index> best;
        std::size_t most = kNone;
        for (const Index start : in_) {
            std::vector<Index> way = graph_.way_round(start, most);
            if (way.empty()) continue;
            best = std::move(way);
            most = passes_of(best).size();
        }
        if (best.empty()) return std::nullopt;
        return Loop{passes_of(best)};
    }

private:
    void link_channels() {
        for (const std::vector<Index>& places : plan_.on_channel) {
            heard_.push_back(graph_.node());
            talk_.push_back(graph_.node());
            std::vector<Index> outs;
            for (const Index place : places)
                if (!plan_.places[place].listeners.empty()) outs.push_back(out_[place]);
            for (const Index out : outs) graph_.edge(heard_.back(), out);
            const Graph::AllBut others{graph_, outs};
            std::size_t at = 0;
            for (const Index place : places) {
                const bool listens = !plan_.places[place].listeners.empty();
                if (!plan_.places[place].talkers.empty()) {
                    graph_.edge(in_[place], talk_.back());
                    if (listens)
                        others.lead(graph_, in_[place], at);
                    else
                        graph_.edge(in_[place], heard_.back());
                }
                if (listens) ++at;
            }
        }
    }
    void link_bridges() {
        for (const std::vector<Index>& legs : plan_.of_bridge) {
            std::vector<Index> heard;
            for (const Index leg : legs)
                heard.push_back(plan_.legs[leg].listens ? heard_[plan_.legs[leg].channel] : kNone);
            const Graph::AllBut others{graph_, heard};
            for (std::size_t i = 0; i < legs.size(); ++i)
                if (plan_.legs[legs[i]].talks) others.lead(graph_, talk_[plan_.legs[legs[i]].channel], i);
        }
    }
    void link_paths() {
        for (const std::vector<Index>& places : plan_.on_path) {
            std::vector<Index> ins;
            for (const Index place : places)
                ins.push_back(plan_.places[place].talkers.empty() ? kNone : in_[place]);
            const Graph::AllBut others{graph_, ins};
            for (std::size_t i = 0; i < places.size(); ++i)
                if (!plan_.places[places[i]].listeners.empty()) others.lead(graph_, out_[places[i]], i, true);
        }
    }

    std::vector<Loop::Pass> passes_of(const std::vector<Index>& way) const {
        std::vector<Loop::Pass> passes;
        const Place* in = nullptr;
        for (const Index node : way) {
            if (node < plan_.places.size())
                in = &plan_.places[node];
            else if (node < 2 * plan_.places.size())
                passes.push_back(pass(*in, plan_.places[node - plan_.places.size()]));
        }
        return passes;
    }
    Loop::Pass pass(const Place& in, const Place& out) const {
        Loop::Pass pass{in.talkers.front(), out.listeners.front(), std::nullopt};
        if (in.channel == out.channel) return pass;
        for (const Index mine : plan_.of_channel[in.channel])
            for (const Index other : plan_.of_channel[out.channel])
                if (plan_.legs[mine].bridge == plan_.legs[other].bridge && plan_.legs[mine].talks &&
                    plan_.legs[other].listens) {
                    pass.bridge = plan_.legs[mine].bridge;
                    return pass;
                }
        return pass;
    }

    const Plan& plan_;
    Graph graph_;
    std::vector<Index> in_;     // by place: sound comes in there
    std::vector<Index> out_;    // by place: sound goes out there
    std::vector<Index> heard_;  // by channel: everybody there hears it
    std::vector<Index> talk_;   // by channel: its bridges carry it
};

}  // namespace

std::optional<Loop> find_loop(std::span<const LoopEnd> ends, std::span<const Bridge> bridges) {
    const Plan plan = make_plan(ends, bridges);
    if (auto loop = SinglePass{plan}.find()) return loop;
    return ManyPasses{plan}.find();
}

std::string describe(const Loop& loop, std::span<const LoopEnd> ends, std::span<const Bridge> bridges) {
    std::string text;
    for (std::size_t i = 0; i < loop.passes.size(); ++i) {
        const Loop::Pass& pass = loop.passes[i];
        const LoopEnd& next = ends[loop.passes[(i + 1) % loop.passes.size()].in];
        if (i == 0) text = fmt::format("in at '{}'", ends[pass.in].id);
        text += pass.bridge ? fmt::format(", over bridge '{}'", bridges[*pass.bridge].id)
                            : fmt::format(", on channel '{}'", ends[pass.in].channel);
        text += fmt::format(" out at '{}', through path '{}' in at '{}'", ends[pass.out].id,
                            ends[pass.out].path, next.id);
    }
    return text + " again";
}

}  // namespace crosspatch::bridge
