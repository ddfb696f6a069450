// What the terms of all bridges cost at load: 200 channels, bridges that join all of them, lists of rules.
#include <fmt/format.h>

#include <chrono>
#include <string>
#include <vector>

#include "crosspatch/bridge/terms.hpp"

using namespace crosspatch;

namespace {

void measure(std::size_t bridge_count, std::size_t rules) {
    const policy::Names names;
    policy::Rule rule{.id = "night-hours", .action = policy::Action::Deny};
    rule.reason = "after 22:00 only the supervisor";
    std::vector<bridge::Channel> channels;
    bridge::Bridge all;
    for (int i = 0; i < 200; ++i) {
        channels.push_back({.id = fmt::format("channel-{}", i), .agency = "metro-pd"});
        channels.back().outbound.rules.assign(rules, rule);
        all.legs.push_back({channels.back().id});
    }
    const auto began = std::chrono::steady_clock::now();
    bridge::TermsHashes hashes{channels, names, true};
    std::size_t hashed = 0;
    while (hashed < bridge_count && hashes.hash(all)) ++hashed;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    fmt::print("{:>6} bridges x 200 channels x {:>5} rules: {:.2f} s{}\n", bridge_count, rules, took.count(),
               hashed < bridge_count ? fmt::format(", refused at bridge {}", hashed + 1) : "");
}

}  // namespace

int main() {
    measure(200, 10);
    measure(200, 50);
    measure(200, 1000);
    measure(10'000, 1);
    measure(10'000, 10);
}
