#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/bridge/exchange.hpp"
#include "crosspatch/bridge/lifecycle.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/endpoint/config.hpp"
#include "crosspatch/policy/facts.hpp"

namespace crosspatch::app {

// What is said on a channel is as confidential as that, by somebody's word.
struct RaisedLabel {
    policy::Sensitivity label{};
    core::WallTime at{};
    core::Time at_mono{};
    std::optional<std::chrono::milliseconds> lasts;  // nothing: until somebody says otherwise
    std::string by;

    bool over(core::Time now) const { return lasts && now >= at_mono + *lasts; }
    bool operator==(const RaisedLabel&) const = default;
};

// A bridge that somebody made of a template.
struct MadeBridge {
    std::string from;  // the template
    std::vector<std::string> channels;
    core::WallTime at{};
    std::string by;
    bool operator==(const MadeBridge&) const = default;
};

// What people commanded and must hold over reloads and restarts: radios that are cut off, bridges opened and
// closed by hand, bridges made of templates, labels of channels that were raised.
//
// Shape    disabled radios by id; revoked ones by their keys, so that no new name brings them back, and by id where they
//          have none. They stay until they are enabled, whatever leaves the configuration and comes back meanwhile.
// Errors   parse() says what the text is not; nothing is taken from such a text.
// Thread   control.
class Orders {
public:
    static core::Result<Orders> parse(std::string_view text, core::WallTime wall, core::Time mono);
    std::string text() const;

    bridge::Exchange::Standing standing(const endpoint::Config& endpoint) const;
    void disable(const endpoint::Config& endpoint) { disabled_.insert(endpoint.settings.id); }
    void revoke(const endpoint::Config& endpoint);
    // False: it was revoked for its keys, and has them still.
    bool enable(const endpoint::Config& endpoint);

    const bridge::BridgeCommand* bridge(const std::string& id) const;
    void command(const std::string& bridge, bridge::BridgeCommand command) {
        bridges_[bridge] = std::move(command);
    }
    void drop_command(const std::string& bridge) { bridges_.erase(bridge); }

    static constexpr std::size_t kMostMade = 64;
    const std::map<std::string, MadeBridge>& made() const { return made_; }
    // Requires that there are fewer than kMostMade.
    void make(const std::string& bridge, MadeBridge made) { made_[bridge] = std::move(made); }
    void unmake(const std::string& bridge) { made_.erase(bridge); }

    const std::map<std::string, RaisedLabel>& labels() const { return labels_; }
    void raise(const std::string& channel, RaisedLabel label) { labels_[channel] = std::move(label); }
    void lower(const std::string& channel) { labels_.erase(channel); }

    // A bridge that has left the configuration and comes back is opened by another word only.
    void keep_open_only(const std::set<std::string>& bridges);
    bool operator==(const Orders&) const = default;

private:
    std::set<std::string> disabled_;
    std::set<std::string> revoked_keys_;
    std::set<std::string> revoked_ids_;
    std::map<std::string, bridge::BridgeCommand> bridges_;
    std::map<std::string, MadeBridge> made_;
    std::map<std::string, RaisedLabel> labels_;
};

}  // namespace crosspatch::app
