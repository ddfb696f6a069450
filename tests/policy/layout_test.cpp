#include "crosspatch/policy/layout.hpp"

#include <doctest/doctest.h>

#include "tests/policy/configuration.hpp"

using namespace crosspatch;
using namespace crosspatch::policy;
using tests::Configuration;
using tests::kToday;

TEST_CASE("of a configuration is read what policy rests on, and nothing else is asked of it") {
    Configuration configuration;
    configuration.bridges =
        "[{id: joint, opens: what, channels: [ng-ops, {channel: pd-tac-3, direction: listen, gain: x}]}]";
    Names names;
    const Layout layout = configuration.read(names);
    REQUIRE(layout.channels.size() == 4);
    CHECK(layout.channels[0].sensitivity == Sensitivity::Green);
    CHECK(layout.channels[1].sensitivity == Sensitivity::Amber);
    CHECK(layout.channels[0].talking() == SuiteSet{Suite::AeadAes256Gcm, Suite::None});
    CHECK(layout.channels[1].talking() == SuiteSet{Suite::AesCm128HmacSha1_80});
    CHECK(layout.channels[1].listening() == SuiteSet{Suite::AesCm128HmacSha1_80, Suite::None});
    CHECK(layout.channels[3].listening().empty());
    const Layout::Channel* on = nullptr;
    const Layout::Endpoint* gate = layout.endpoint("gate-1", &on);
    REQUIRE(gate);
    CHECK(on == &layout.channels[0]);
    CHECK(gate->talker == "ng-unit-7");
    CHECK(gate->role == "guard");
    CHECK(layout.endpoint("tac-3", &on)->talker == "tac-3");
    CHECK_FALSE(layout.endpoint("ng-ops", &on));
    REQUIRE(layout.bridges.size() == 1);
    CHECK(layout.bridges[0].legs[0].heard);
    CHECK_FALSE(layout.bridges[0].legs[1].heard);
    CHECK(layout.bridges[0].legs[1].hears);
}

TEST_CASE("what rules, groups and bridges name wrongly is said at its place") {
    const auto problems = [](const std::string& text) {
        core::config::Problems found{"gateway.yaml"};
        const auto document = core::config::Document::parse(text + "\n", found);
        Names names;
        (void)read_layout(document.root(), names, kToday);
        return found.lines();
    };
    Configuration wrong;
    wrong.ng_out = "[{id: a, action: allow, when: {agency: metro-dp, talker: '@patrl'}}]";
    wrong.bridges = "[{id: joint, channels: [ng-ops, pd-tac-9]}]";
    const auto lines = problems(wrong.text());
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].find("'metro-dp' is not an agency of this configuration; did you mean 'metro-pd'?") !=
          std::string::npos);
    CHECK(lines[1].find("there is no group '@patrl'; did you mean '@patrol'?") != std::string::npos);
    CHECK(lines[2].find("bridges[0].channels[1]: this is not a channel of this file") != std::string::npos);
    CHECK(problems("[]").size() == 1);
    CHECK(problems("a: 1").size() == 2);  // no agencies, no channels
    // Wherever something else stands than is looked for, nothing is there.
    CHECK(problems("agencies: {a: 1}\nchannels: [x, {id: [], agency: {}}, {endpoints: [1, {srtp: 1, talker: "
                   "[]}]}]\nbridges: [1, {channels: 1}]")
              .size() <= 2);
}
