#include "crosspatch/policy/matrix.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "tests/policy/configuration.hpp"

using namespace crosspatch;
using namespace crosspatch::policy;
using tests::Configuration;
using tests::kToday;
using tests::Lines;

namespace {

Lines matrix(const Configuration& configuration) {
    Names names;
    const Layout layout = configuration.read(names);
    const Told told = who_hears_whom(layout, names, kToday);
    CHECK(told.complete);
    for (const std::string& line : told.lines) CHECK(line.size() <= 100);
    return told.lines;
}

Lines changes(const Configuration& before, const Configuration& after) {
    Names names;
    const Layout was = before.read(names);
    const Layout is = after.read(names);
    const Told told = differences(was, is, names, kToday);
    CHECK(told.complete);
    return told.lines;
}

constexpr const char* kNightHours = "hours: 'Mon-Sun 22:00-06:00 America/Chicago'";

}  // namespace

TEST_CASE("who hears whom is a table, and below it the rules of both keys") {
    CHECK(
        matrix({}) ==
        Lines{
            "bridge joint: who talks in a row is heard in a column",
            "            ng-ops    pd-tac-3",
            "  ng-ops    .         partly",
            "  pd-tac-3  partly    .",
            "  ng-ops to pd-tac-3",
            "    yes  everybody: voice, talkers with AEAD_AES_256_GCM, listeners with "
            "AES_CM_128_HMAC_SHA1_80",
            "         [outbound: rule joint; inbound: rule from-guards]",
            "    no   everybody: voice, talkers with AEAD_AES_256_GCM, listeners with none",
            "         [outbound: rule joint; inbound: rule from-guards without suite none]",
            "    no   everybody: voice, talkers with none, listeners with AES_CM_128_HMAC_SHA1_80",
            "         [outbound: rule joint without suite none; inbound: rule from-guards]",
            "    no   everybody: voice, talkers with none, listeners with none",
            "         [outbound: rule joint without suite none; inbound: rule from-guards without suite "
            "none]",
            "    no   everybody: text, picture and location  [outbound: no rule; inbound: rule from-guards]",
            "  pd-tac-3 to ng-ops",
            "    yes  everybody: voice, listeners with AEAD_AES_256_GCM",
            "         [outbound: rule to-guards; inbound: rule from-police]",
            "    yes  everybody: text, picture and location",
            "         [outbound: rule to-guards; inbound: rule from-police]",
            "    no   everybody: voice, listeners with none",
            "         [outbound: rule to-guards; inbound: rule from-police without suite none]",
            "",
            "on no bridge: ng-gate and pd-tac-4"});
}

TEST_CASE("where it depends on talker, role, kind or time the matrix says so in words") {
    Configuration configuration;
    configuration.ng_out = fmt::format(
        "[{{id: night, action: deny, when: {{role: guard, not: {{talker: '@patrol'}}, {}}}}}, "
        "{{id: joint, action: allow, when: {{suite: [AEAD_AES_256_GCM, none]}}, effects: {{gain: -3dB, "
        "max_talk: 20s}}}}]",
        kNightHours);
    configuration.pd_in = "[{id: in, action: allow, when: {suite: [AES_CM_128_HMAC_SHA1_80, none]}}]";
    configuration.bridges = "[{id: joint, channels: [ng-ops, {channel: pd-tac-3, direction: listen}]}]";
    CHECK(
        matrix(configuration) ==
        Lines{
            "bridge joint: who talks in a row is heard in a column",
            "            ng-ops    pd-tac-3",
            "  ng-ops    .         partly",
            "  pd-tac-3  -         .",
            "  ng-ops to pd-tac-3",
            "    yes  guards (ng-unit-7 and ng-unit-8): voice",
            "         [outbound: rule joint; inbound: rule in; gain -3 dB, at most 20 s]",
            "    yes  guards (everybody but ng-unit-7 and ng-unit-8): voice, every day 06:00-22:00",
            "         America/Chicago",
            "         [outbound: rule joint; inbound: rule in; gain -3 dB, at most 20 s]",
            "    yes  everybody but guards: voice",
            "         [outbound: rule joint; inbound: rule in; gain -3 dB, at most 20 s]",
            "    no   guards (ng-unit-7 and ng-unit-8): text, picture and location",
            "         [outbound: no rule; inbound: no rule]",
            "    no   guards (everybody but ng-unit-7 and ng-unit-8): text, picture and location, every day",
            "         06:00-22:00 America/Chicago",
            "         [outbound: no rule; inbound: no rule]",
            "    no   everybody but guards: text, picture and location  [outbound: no rule; inbound: no "
            "rule]",
            "    no   guards (everybody but ng-unit-7 and ng-unit-8): voice, every day 22:00-06:00",
            "         America/Chicago",
            "         [outbound: rule night; inbound: rule in]",
            "    no   guards (everybody but ng-unit-7 and ng-unit-8): text, picture and location, every day",
            "         22:00-06:00 America/Chicago",
            "         [outbound: rule night; inbound: no rule]",
            "",
            "on no bridge: ng-gate and pd-tac-4"});
}

TEST_CASE("effects on what crosses stand beside the rules, and what a bridge may not carry is said") {
    Configuration configuration;
    configuration.ng_out = "[{id: joint, action: allow, when: {kind: voice}, effects: {announce: true}}]";
    configuration.pd_in = "[{id: in, action: allow, when: {kind: voice}, effects: {pseudonymise: true}}]";
    configuration.bridges =
        "[{id: joint, sensitivity: CLEAR, channels: [ng-ops, {channel: pd-tac-3, direction: listen}]}]";
    Configuration green = configuration;
    green.bridges =
        "[{id: joint, sensitivity: GREEN, channels: [ng-ops, {channel: pd-tac-3, direction: listen}]}]";
    const Lines open = matrix(green);
    const auto has = [](const Lines& lines, const std::string& words) {
        return std::any_of(lines.begin(), lines.end(),
                           [&](const std::string& line) { return line.find(words) != std::string::npos; });
    };
    CHECK(has(open, "rule joint; inbound: rule in; pseudonym, tones stripped, mark]"));
    CHECK(matrix(configuration) ==
          Lines{"bridge joint: who talks in a row is heard in a column", "            ng-ops    pd-tac-3",
                "  ng-ops    .         no", "  pd-tac-3  -         .", "  ng-ops to pd-tac-3",
                "    no   everybody  [ng-ops is GREEN, bridge joint carries CLEAR at most]", "",
                "on no bridge: ng-gate and pd-tac-4"});
    // The same in a comparison.
    for (const std::string& line : changes(green, configuration))
        CHECK(line.find("no longer heard on pd-tac-3") != std::string::npos);
    CHECK(has(changes(green, configuration), "(ng-ops is GREEN, bridge joint carries CLEAR at most)"));
    Configuration plain = green;
    plain.ng_out = "[{id: joint, action: allow, when: {kind: voice}}]";
    plain.pd_in = "[{id: in, action: allow, when: {kind: voice}}]";
    CHECK(has(changes(plain, green), "now with pseudonym, tones stripped, mark (rule joint"));
    CHECK(has(changes(green, plain), "now with no effect (rule joint"));
}

TEST_CASE("ways that are alike are told together, and a large bridge has no table") {
    Configuration configuration;
    configuration.ng_out = "[{id: shut, action: deny}]";
    configuration.pd_in = "[]";
    configuration.bridges =
        "[{id: joint, channels: [ng-ops, pd-tac-3, pd-tac-4, {channel: ng-gate, direction: talk}]}]";
    Lines told = matrix(configuration);
    REQUIRE(told.size() > 8);
    told.resize(8);
    CHECK(told == Lines{"bridge joint: who talks in a row is heard in a column",
                        "            ng-ops    pd-tac-3  pd-tac-4  ng-gate",
                        "  ng-ops    .         no        no        -",
                        "  pd-tac-3  partly    .         yes       -",
                        "  pd-tac-4  no        yes       .         -",
                        "  ng-gate   yes       no        no        .", "  ng-ops to pd-tac-3 and pd-tac-4",
                        "    no   everybody  [outbound: rule shut; inbound: no rule]"});
    std::string legs;
    for (int i = 0; i < 9; ++i) {
        configuration.more += fmt::format("  - {{id: fire-{}, agency: metro-pd, endpoints: []}}\n", i);
        legs += fmt::format("fire-{}, ", i);
    }
    configuration.bridges = "[{id: large, channels: [" + legs + "]}]";
    const Lines large = matrix(configuration);
    REQUIRE(large.size() == 1 + 9 * 2 + 2);
    CHECK(large[1] == "  fire-0 to fire-1, fire-2, fire-3, fire-4, fire-5, fire-6, fire-7 and fire-8");
    CHECK(large[2] ==
          "    yes  everybody  [outbound: no rule, inside one agency; inbound: no rule, inside one agency]");
    CHECK(large.back() == "on no bridge: ng-ops, pd-tac-3, ng-gate and pd-tac-4");
}

TEST_CASE("what two configurations decide otherwise is said in sentences") {
    const Configuration before;
    CHECK(changes(before, before) == Lines{});
    Configuration after;
    after.ng_out = fmt::format(
        "[{{id: night-hours, action: deny, when: {{role: guard, {}}}}}, {{id: joint, action: allow, "
        "when: {{agency: metro-pd, kind: voice}}}}]",
        kNightHours);
    CHECK(changes(before, after) ==
          Lines{"guards of ng-ops are no longer heard on pd-tac-3: voice, talkers with AEAD_AES_256_GCM, "
                "listeners with AES_CM_128_HMAC_SHA1_80, every day 22:00-06:00 America/Chicago (rule "
                "night-hours, outbound of ng-ops)"});
    CHECK(changes(after, before) ==
          Lines{"guards of ng-ops are now heard on pd-tac-3: voice, talkers with AEAD_AES_256_GCM, listeners "
                "with AES_CM_128_HMAC_SHA1_80, every day 22:00-06:00 America/Chicago (rule joint, outbound "
                "of ng-ops; rule from-guards, inbound of pd-tac-3)"});
}

TEST_CASE("what is written otherwise and decides the same is no difference") {
    Configuration after;
    after.ng_out =
        "[{id: pictures, action: deny, when: {kind: [picture, text, location]}}, {id: other, action: allow, "
        "when: {agency: metro-pd}}]";
    after.ng_in = "[{id: rest, action: allow}]";
    CHECK(changes({}, after) == Lines{});
}

TEST_CASE("bridges that come and go, and effects, are differences") {
    Configuration after;
    after.bridges = "[]";
    CHECK(changes({}, after) ==
          Lines{"everybody on ng-ops is no longer heard on pd-tac-3: voice, talkers with AEAD_AES_256_GCM, "
                "listeners with AES_CM_128_HMAC_SHA1_80 (no bridge joins them any more)",
                "everybody on pd-tac-3 is no longer heard on ng-ops: voice, listeners with AEAD_AES_256_GCM "
                "(no bridge joins them any more)",
                "everybody on pd-tac-3 is no longer heard on ng-ops: text, picture and location (no bridge "
                "joins them any more)"});
    CHECK(changes(after, {}) ==
          Lines{"everybody on ng-ops is now heard on pd-tac-3: voice, talkers with AEAD_AES_256_GCM, "
                "listeners with AES_CM_128_HMAC_SHA1_80 (rule joint, outbound of ng-ops; rule from-guards, "
                "inbound of pd-tac-3; bridge joint joins them now)",
                "everybody on pd-tac-3 is now heard on ng-ops: voice, listeners with AEAD_AES_256_GCM (rule "
                "to-guards, outbound of pd-tac-3; rule from-police, inbound of ng-ops; bridge joint joins "
                "them now)",
                "everybody on pd-tac-3 is now heard on ng-ops: text, picture and location (rule to-guards, "
                "outbound of pd-tac-3; rule from-police, inbound of ng-ops; bridge joint joins them now)"});
    Configuration quiet;
    quiet.pd_out = "[{id: to-guards, action: allow, when: {agency: northgate}, effects: {gain: -6dB}}]";
    CHECK(
        changes({}, quiet) ==
        Lines{
            "everybody on pd-tac-3 is heard otherwise on ng-ops: voice, listeners with AEAD_AES_256_GCM, now "
            "with gain -6 dB (rule to-guards, outbound of pd-tac-3; rule from-police, inbound of ng-ops)"});
}

TEST_CASE("too many situations are not told, and that is said") {
    Configuration configuration;
    std::string rules = "[";
    for (int i = 0; i < 400; ++i)
        rules += fmt::format(
            "{{id: r-{0}, action: deny, when: {{talker: u-{0}, kind: voice, emergency: true, role: [guard, "
            "officer], hours: 'Mon 0{1}:{2:02}-12:00 UTC'}}}}, ",
            i, i % 10, i % 60);
    configuration.ng_out = rules + "]";
    Names names;
    const Layout layout = configuration.read(names);
    const Told told = who_hears_whom(layout, names, kToday);
    CHECK_FALSE(told.complete);
    CHECK(told.lines.back() == "not all of it could be told; the lines with ? say where");
    const Told compared = differences(layout, layout, names, kToday);
    CHECK_FALSE(compared.complete);
    REQUIRE(compared.lines.size() == 1);
    CHECK(compared.lines[0] == "? ng-ops to pd-tac-3: too many situations to compare");
}

namespace {

// Whether it is said in a bounded time that not all of it is said.
void check_stops(const Configuration& configuration, const Configuration& other, std::string_view what) {
    Names names;
    const Layout layout = configuration.read(names);
    const Layout changed = other.read(names);
    const auto began = std::chrono::steady_clock::now();
    const auto check = [&](const Told& told) {
        CHECK_FALSE(told.complete);
        const bool says = std::any_of(told.lines.begin(), told.lines.end(), [&](const std::string& line) {
            return line.find('?') != std::string::npos && line.find(what) != std::string::npos;
        });
        CHECK(says);
        CHECK(told.lines.size() < 200'000);
    };
    check(who_hears_whom(layout, names, kToday));
    check(differences(layout, changed, names, kToday));
    CHECK(std::chrono::steady_clock::now() - began <
          std::chrono::seconds{120});  // sanitizers; without, a few
}

}  // namespace

TEST_CASE("rules that all decide something of their own are not told one by one without end") {
    // A thousand answers on each of 870 ways, each of which is looked for among all others: minutes, if nothing stops it.
    Configuration configuration;
    std::string rules = "[";
    std::string otherwise = "[";
    for (int i = 0; i < 1000; ++i) {
        rules += fmt::format("{{id: r-{0}, action: allow, when: {{talker: u-{0}}}}},\n     ", i);
        otherwise += fmt::format("{{id: s-{0}, action: deny, when: {{talker: u-{0}}}}},\n     ", i);
    }
    const auto with = [](const std::string& list) {
        Configuration one;
        std::string legs;
        for (int i = 0; i < 30; ++i) {
            one.more += fmt::format(
                "  - {{id: c-{0}, agency: {1}, outbound: {2}], inbound: [{{id: in, action: allow}}], "
                "endpoints: []}}\n",
                i, i % 2 == 0 ? "northgate" : "metro-pd", list);
            legs += fmt::format("{}c-{}", i == 0 ? "" : ", ", i);
        }
        one.bridges = "[{id: joint, channels: [" + legs + "]}]";
        return one;
    };
    configuration = with(rules);
    const Configuration other = with(otherwise);
    check_stops(configuration, other, "too many");
}

TEST_CASE("bridges of many channels with many rules are told until that takes too long") {
    // 120 channels, 14,280 ways; on each 2 x 300 rules and hundreds of situations: minutes, if nothing stops it.
    Configuration configuration;
    std::string rules = "[";
    for (int i = 0; i < 300; ++i)
        rules += fmt::format(
            "{{id: r-{0}, action: deny, when: {{talker: u-{1}, role: guard, emergency: true}}}}, ", i,
            i % 60);
    rules += "{id: rest, action: allow}]";
    std::string legs = "ng-ops";
    for (int i = 0; i < 120; ++i) {
        configuration.more +=
            fmt::format("  - {{id: c-{0}, agency: {1}, outbound: {2}, inbound: {2}, endpoints: []}}\n", i,
                        i % 2 == 0 ? "northgate" : "metro-pd", rules);
        legs += fmt::format(", c-{}", i);
    }
    configuration.bridges = "[{id: joint, channels: [" + legs + "]}]";
    Configuration other = configuration;
    other.ng_out = "[]";
    check_stops(configuration, other, "take too long");
}
