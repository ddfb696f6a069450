#pragma once
#include <string>
#include <string_view>

#include "crosspatch/app/config.hpp"
#include "crosspatch/policy/facts.hpp"

// What the rules look at, from the configuration: for answers to people. On the packet path bridge::Exchange does the same.
namespace crosspatch::app {

const bridge::Channel* find_channel(const Config& config, std::string_view id);

// Of the channel's listeners.
policy::SuiteSet suites_on(const Config& config, const std::string& channel);

// When `talker` (nothing: somebody on the channel) speaks on `from` towards `to`.
policy::Facts facts_of(const policy::Names& names, const bridge::Channel& from, const bridge::Channel& to,
                       const endpoint::Settings* talker);

}  // namespace crosspatch::app
