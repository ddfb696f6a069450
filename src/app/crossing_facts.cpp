#include "src/app/crossing_facts.hpp"

#include <algorithm>

namespace crosspatch::app {
namespace {

policy::Suite suite_of(rtp::Suite suite) {
    return policy::suite_of(rtp::info(suite).name).value_or(policy::Suite::None);
}

}  // namespace

const bridge::Channel* find_channel(const Config& config, std::string_view id) {
    const auto found = std::find_if(config.channels.begin(), config.channels.end(),
                                    [&](const auto& c) { return c.id == id; });
    return found == config.channels.end() ? nullptr : &*found;
}

policy::SuiteSet suites_on(const Config& config, const std::string& channel) {
    policy::SuiteSet suites;
    for (const endpoint::Config& one : config.endpoints)
        if (one.settings.channel == channel && one.settings.direction != bridge::Direction::Talk)
            suites.insert(suite_of(one.settings.suite));
    return suites;
}

policy::Facts facts_of(const policy::Names& names, const bridge::Channel& from, const bridge::Channel& to,
                       const endpoint::Settings* talker) {
    return {.own_agency = names.find(from.agency),
            .own_channel = names.find(from.id),
            .other_agency = names.find(to.agency),
            .other_channel = names.find(to.id),
            .talker = names.find(talker ? talker->talker.id : ""),
            .role = names.find(talker ? talker->talker.role : "guard"),
            .sensitivity = from.sensitivity,
            .suite = talker ? suite_of(talker->suite) : policy::Suite::AeadAes256Gcm};
}

}  // namespace crosspatch::app
