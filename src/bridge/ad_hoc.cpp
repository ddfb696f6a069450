#include "crosspatch/bridge/ad_hoc.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "crosspatch/core/text.hpp"

namespace crosspatch::bridge {
namespace {

constexpr std::size_t kLongestId = 32;  // contract.md, Configuration

std::set<std::string_view> joined_by(const Bridge& bridge) {
    std::set<std::string_view> channels;
    for (const Leg& leg : bridge.legs) channels.insert(leg.channel);
    return channels;
}

core::Result<std::vector<Leg>> choose(const Bridge& pattern, const std::vector<std::string>& chosen) {
    std::vector<Leg> legs;
    for (const std::string& id : chosen) {
        const auto is_it = [&](const Leg& leg) { return leg.channel == id; };
        const auto offered = std::find_if(pattern.legs.begin(), pattern.legs.end(), is_it);
        if (offered == pattern.legs.end()) {
            std::vector<std::string_view> offers;
            for (const Leg& leg : pattern.legs) offers.push_back(leg.channel);
            return core::unexpected(core::Error::Code::Invalid,
                                    fmt::format("template '{}' does not offer channel '{}'; it offers {}",
                                                pattern.id, core::escape(id), fmt::join(offers, ", ")));
        }
        if (std::any_of(legs.begin(), legs.end(), is_it))
            return core::unexpected(core::Error::Code::Invalid,
                                    fmt::format("channel '{}' was chosen twice", id));
        legs.push_back(*offered);
    }
    if (legs.size() < 2)
        return core::unexpected(core::Error::Code::Invalid, "a bridge joins two or more channels");
    return legs;
}

}  // namespace

std::vector<std::string> agencies_on(const std::vector<Leg>& legs, const std::vector<Channel>& channels) {
    std::set<std::string> found;
    for (const Leg& leg : legs)
        for (const Channel& channel : channels)
            if (channel.id == leg.channel) found.insert(channel.agency);
    return {found.begin(), found.end()};
}

core::Result<Bridge> make_bridge(const Bridge& pattern, std::string id,
                                 const std::vector<std::string>& chosen,
                                 const std::vector<Channel>& channels) {
    auto legs = choose(pattern, chosen);
    if (!legs) return core::Unexpected{legs.error()};
    Bridge made = pattern;
    made.id = std::move(id);
    made.made_from = pattern.id;
    made.legs = std::move(*legs);
    made.agencies = agencies_on(made.legs, channels);
    made.terms.clear();
    const auto is_away = [&](const std::string& agency) {
        return !std::binary_search(made.agencies.begin(), made.agencies.end(), agency);
    };
    std::erase_if(made.standing_consent, is_away);
    std::erase_if(made.ceilings, [&](const auto& ceiling) { return is_away(ceiling.agency); });
    return made;
}

std::string free_id(const std::string& pattern, const std::vector<Bridge>& used) {
    for (std::size_t number = 1;; ++number) {
        const std::string end = fmt::format("-{}", number);
        const std::string id = pattern.substr(0, kLongestId - end.size()) + end;
        if (std::none_of(used.begin(), used.end(), [&](const Bridge& one) { return one.id == id; }))
            return id;
    }
}

bool join_the_same(const Bridge& one, const Bridge& other) {
    return one.legs.size() == other.legs.size() && joined_by(one) == joined_by(other);
}

}  // namespace crosspatch::bridge
