#include "crosspatch/app/made_bridges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "crosspatch/bridge/ad_hoc.hpp"
#include "crosspatch/bridge/terms.hpp"
#include "crosspatch/core/text.hpp"

namespace crosspatch::app {

using core::Error;

namespace {

// Sound would go round over paths outside, with this bridge open.
bool makes_loop(const Config& config, const bridge::Bridge& bridge) {
    const std::vector<bridge::LoopEnd> ends = loop_ends(config);
    if (std::all_of(ends.begin(), ends.end(), [](const auto& end) { return end.path.empty(); })) return false;
    std::vector<bridge::Bridge> bridges = config.bridges;
    bridges.push_back(bridge);
    return bridge::find_loop(ends, bridges).has_value();
}

core::Result<bridge::Bridge> make(const Config& config, const std::string& id, const MadeBridge& made,
                                  bridge::TermsHashes& hashes) {
    const auto pattern = std::find_if(config.templates.begin(), config.templates.end(),
                                      [&](const auto& one) { return one.id == made.from; });
    if (pattern == config.templates.end())
        return core::unexpected(Error::Code::NotFound,
                                fmt::format("there is no template '{}'", core::escape(made.from)));
    const auto same_id = [&](const auto& one) { return one.id == id; };
    if (std::any_of(config.bridges.begin(), config.bridges.end(), same_id))
        return core::unexpected(Error::Code::Invalid, fmt::format("there is a bridge '{}' already", id));
    auto bridge = bridge::make_bridge(*pattern, id, made.channels, config.channels);
    if (!bridge) return bridge;
    bridge->jurisdiction =
        bridge::Jurisdiction{pattern->id, bridge->place, bridge->agencies, config.jurisdiction};
    for (const bridge::Bridge& other : config.bridges)
        if (bridge::join_the_same(*bridge, other))
            return core::unexpected(
                Error::Code::Invalid,
                fmt::format("bridge '{}' joins these channels already; open that one", other.id));
    // Which way is not for everybody who may make a bridge: other agencies' radios are on it.
    if (makes_loop(config, *bridge))
        return core::unexpected(Error::Code::Invalid,
                                "sound would go round by a `path` that radios of these channels share "
                                "outside; with such a bridge in "
                                "the configuration `crosspatchd --check` names the way");
    auto terms = hashes.hash(*bridge);
    if (!terms) return core::Unexpected{terms.error()};
    bridge->terms = std::move(*terms);
    return bridge;
}

}  // namespace

core::Result<bridge::Bridge> make_bridge(const Config& config, const std::string& id,
                                         const MadeBridge& made) {
    bridge::TermsHashes hashes{config.channels, *config.names, config.gateway.record.recordings};
    return make(config, id, made, hashes);
}

Completed complete(std::shared_ptr<const Config> file, const std::map<std::string, MadeBridge>& made) {
    if (made.empty()) return {std::move(file), {}};
    auto config = std::make_shared<Config>(*file);
    Completed completed;
    bridge::TermsHashes hashes{config->channels, *config->names, config->gateway.record.recordings};
    for (const auto& [id, one] : made) {
        auto bridge = make(*config, id, one, hashes);
        if (bridge)
            config->bridges.push_back(std::move(*bridge));
        else
            completed.dropped.emplace(id, bridge.error().context);
    }
    completed.config = std::move(config);
    return completed;
}

}  // namespace crosspatch::app
