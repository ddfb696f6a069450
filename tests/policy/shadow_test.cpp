#include <doctest/doctest.h>
#include <fmt/format.h>

#include "crosspatch/policy/rule.hpp"
#include "tests/policy/desk.hpp"

using namespace crosspatch;
using namespace crosspatch::policy;
using tests::Desk;
using tests::Lines;

namespace {

// Which rule is said to stand before the second: `first`, or nothing.
bool second_is_shadowed(const std::string& first_when, const std::string& second_when) {
    Desk desk;
    desk.read("- {id: first, action: deny" + (first_when.empty() ? "" : ", when: {" + first_when + "}") +
              "}\n- {id: second, action: allow, when: {" + second_when + "}}\n");
    REQUIRE(desk.problems == Lines{});
    const bool warned = !desk.warnings.empty();
    if (warned) {
        REQUIRE(desk.warnings.size() == 1);
        CHECK(desk.warnings[0] ==
              "rules.yaml:2:3: [1]: rule 'second' can never match: rule 'first' stands before it and "
              "matches all that it would; put the exception first");
    }
    return warned;
}

}  // namespace

TEST_CASE("a rule without `when` leaves nothing to those after it, and each of them is told") {
    Desk desk;
    desk.read(
        "- {id: a, action: allow, when: {kind: text}}\n- {id: all, action: deny}\n"
        "- {id: c, action: allow, when: {kind: voice}}\n- {id: d, action: allow}\n");
    REQUIRE(desk.warnings.size() == 2);
    CHECK(desk.warnings[0].starts_with(
        "rules.yaml:3:3: [2]: rule 'c' can never match: rule 'all' stands before it"));
    CHECK(desk.warnings[1].starts_with(
        "rules.yaml:4:3: [3]: rule 'd' can never match: rule 'all' stands before it"));
}

TEST_CASE("a rule with wider conditions leaves nothing to one with narrower ones") {
    CHECK(second_is_shadowed("", "kind: voice"));
    CHECK(second_is_shadowed("agency: metro-pd", "agency: metro-pd"));
    CHECK(second_is_shadowed("agency: metro-pd", "agency: metro-pd, kind: voice, role: guard"));
    CHECK(second_is_shadowed("kind: [voice, text]", "kind: voice"));
    CHECK(second_is_shadowed("role: [guard, officer]", "role: officer, emergency: true"));
    CHECK(second_is_shadowed("not: {role: guard}", "role: officer"));
    CHECK(second_is_shadowed("not: {role: guard}", "not: {role: [guard, officer]}"));
    CHECK(second_is_shadowed("not: {kind: text}", "kind: voice"));
    CHECK(second_is_shadowed("sensitivity: [GREEN, CLEAR]", "sensitivity: CLEAR"));
    CHECK(second_is_shadowed("agency: metro-pd", "agency: metro-pd, suite: none"));
    CHECK(second_is_shadowed("hours: Mon-Fri 06:00-22:00 UTC", "hours: Tue 07:00-08:00 UTC"));
    CHECK(second_is_shadowed("not: {hours: Tue 07:00-08:00 UTC}", "not: {hours: Mon-Fri 06:00-22:00 UTC}"));
    CHECK(second_is_shadowed("emergency: [true, false]", "kind: text"));
}

TEST_CASE("a rule that something is left to is not doubted") {
    CHECK_FALSE(second_is_shadowed("kind: voice", "kind: [voice, text]"));
    CHECK_FALSE(second_is_shadowed("kind: voice", "role: guard"));
    CHECK_FALSE(second_is_shadowed("agency: metro-pd, kind: voice", "agency: metro-pd"));
    CHECK_FALSE(second_is_shadowed("role: officer", "not: {role: guard}"));
    CHECK_FALSE(second_is_shadowed("not: {role: [guard, officer]}", "not: {role: guard}"));
    CHECK_FALSE(second_is_shadowed("emergency: true", "emergency: false"));
    CHECK_FALSE(second_is_shadowed("not: {suite: none}", "suite: none"));
    CHECK_FALSE(second_is_shadowed("hours: Mon-Fri 06:00-22:00 UTC", "kind: voice"));
    CHECK_FALSE(second_is_shadowed("hours: Mon-Fri 06:00-22:00 UTC", "hours: Mon-Sat 07:00-08:00 UTC"));
    CHECK_FALSE(second_is_shadowed("hours: Mon 06:00-22:00 UTC", "hours: Mon 07:00-08:00 Europe/Berlin"));
}

TEST_CASE("a channel that can never be the other side is doubted") {
    Desk desk;
    desk.read("- {id: a, action: allow, when: {channel: ng-ops}}");
    CHECK(desk.warnings == Lines{"rules.yaml:1:32: [0].when: this rule can never match: `channel` is the "
                                 "other side, never the channel itself"});
    desk.read("- {id: a, action: allow, when: {agency: metro-pd, channel: ng-gate}}");
    CHECK(desk.warnings == Lines{"rules.yaml:1:32: [0].when: this rule can never match: no such channel "
                                 "belongs to such an agency"});
    desk.read("- {id: a, action: allow, when: {channel: [ng-ops, ng-gate]}}");
    CHECK(desk.warnings.empty());
    desk.read("- {id: a, action: allow, when: {agency: metro-pd, channel: pd-tac-3}}");
    CHECK(desk.warnings.empty());
    desk.read("- {id: a, action: allow, when: {channel: ng-ops}}", Side::Inbound, "pd-tac-3");
    CHECK(desk.warnings.empty());
}

namespace {

// What is said about the last of these rules; "" if nothing.
std::string about_last(const std::string& yaml, Side side = Side::Outbound) {
    Desk desk;
    desk.read(yaml, side);
    REQUIRE(desk.problems == Lines{});
    if (desk.warnings.empty()) return "";
    REQUIRE(desk.warnings.size() == 1);
    const auto at = desk.warnings[0].find("rule '");
    return desk.warnings[0].substr(at, desk.warnings[0].find(" stand") - at);
}

std::string rule(const std::string& id, const std::string& when) {
    return "- {id: " + id + ", action: allow, when: {" + when + "}}\n";
}

}  // namespace

TEST_CASE("rules that only together leave nothing to a later one are named with it") {
    CHECK(about_last(rule("a", "kind: [voice, text]") + rule("b", "kind: [picture, location]") +
                     rule("c", "")) == "rule 'c' can never match: rules 'a' and 'b'");
    CHECK(about_last(rule("a", "emergency: true") + rule("b", "emergency: false, role: guard") +
                     rule("x", "talker: u-1") + rule("c", "role: guard")) ==
          "rule 'c' can never match: rules 'a' and 'b'");
    CHECK(about_last(rule("a", "role: guard") + rule("b", "not: {role: guard}") + rule("c", "talker: u-1")) ==
          "rule 'c' can never match: rules 'a' and 'b'");
    // Every agency and every channel of this configuration.
    CHECK(about_last(rule("a", "agency: metro-pd") + rule("b", "agency: northgate") +
                     rule("c", "kind: voice")) == "rule 'c' can never match: rules 'a' and 'b'");
    CHECK(about_last(rule("a", "channel: [ng-ops, ng-gate]") + rule("b", "channel: pd-tac-3") +
                     rule("d", "channel: pd-tac-4, emergency: true") +
                     rule("e", "channel: pd-tac-4, emergency: false") + rule("f", "agency: metro-pd")) ==
          "rule 'f' can never match: rules 'b', 'd' and 'e'");
    CHECK(about_last(rule("a", "sensitivity: RED") + rule("b", "sensitivity: AMBER+STRICT") +
                     rule("c", "sensitivity: AMBER") + rule("d", "sensitivity: GREEN") +
                     rule("e", "sensitivity: CLEAR") + rule("f", "")) ==
          "rule 'f' can never match: rules 'a', 'b', 'c', 'd' and 1 more");
}

TEST_CASE("what several rules leave over is not doubted, be it one kind, one name or one moment") {
    CHECK(about_last(rule("a", "kind: [voice, text]") + rule("b", "kind: picture") + rule("c", "")) == "");
    CHECK(about_last(rule("a", "role: guard") +
                     rule("b",
                          "role: [officer, dispatcher, supervisor, technician, auditor, "
                          "administrator]") +
                     rule("c", "")) == "");  // an unknown one
    CHECK(about_last(rule("a", "emergency: true, role: guard") +
                     rule("b", "emergency: false, role: officer") + rule("c", "role: [guard, officer]")) ==
          "");
    CHECK(about_last(rule("a", "hours: Mon-Sun 00:00-12:00 UTC") +
                     rule("b", "hours: Mon-Sun 12:00-24:00 UTC") + rule("c", "")) ==
          "");  // times are not added up
    CHECK(about_last(rule("a", "kind: voice, hours: Mon-Sun 06:00-22:00 UTC") +
                     rule("b", "not: {kind: voice}, hours: Mon-Sun 06:00-22:00 UTC") +
                     rule("c", "hours: Tue 07:00-08:00 UTC")) ==
          "rule 'c' can never match: rules 'a' and 'b'");
    // What has no suite by name.
    CHECK(about_last(rule("a", "suite: [AEAD_AES_256_GCM, AEAD_AES_128_GCM]") +
                     rule("b", "suite: [AES_CM_128_HMAC_SHA1_80, none]") + rule("c", "")) == "");
}

TEST_CASE("a long list of rules that almost cover one another is read in short order") {
    std::string yaml;
    std::string talkers;
    for (int i = 0; i < 999; ++i) {
        yaml += rule(fmt::format("r-{}", i),
                     fmt::format("talker: [u-{}, u-{}], kind: [voice, text], emergency: {}, role: guard", i,
                                 (i + 1) % 999, i % 2 ? "true" : "false"));
        talkers += fmt::format("u-{}, ", i);
    }
    CHECK(about_last(yaml + rule("last", "kind: voice, talker: [" + talkers + "]")) == "");
}
