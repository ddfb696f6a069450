#include "crosspatch/policy/groups.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/policy/desk.hpp"

using namespace crosspatch;
using namespace crosspatch::policy;
using tests::Desk;
using tests::kToday;
using tests::Lines;

namespace {

constexpr const char* kGroups = R"(
patrol: {talkers: [ng-unit-7, ng-unit-8]}
downtown: {channels: [pd-tac-3, pd-tac-4]}
partners: {agencies: metro-pd}
command: {roles: [dispatcher, supervisor]}
everybody: {talkers: ['@patrol', ng-unit-1]}
)";

// The one problem of these groups, without the file's name; "" if there is none.
std::string problem(const std::string& yaml) {
    Desk desk;
    desk.read_groups(yaml);
    REQUIRE(desk.problems.size() <= 1);
    return desk.problems.empty() ? "" : desk.problems[0].substr(std::string{"rules.yaml:"}.size());
}

std::string rule_problem(const std::string& when) {
    Desk desk;
    desk.read_groups(kGroups);
    REQUIRE(desk.problems == Lines{});
    desk.read("- {id: r, action: allow, when: {" + when + "}}");
    REQUIRE(desk.problems.size() <= 1);
    return desk.problems.empty() ? "" : desk.problems[0].substr(std::string{"rules.yaml:1:"}.size());
}

}  // namespace

TEST_CASE("a group stands for its members in each condition on names, alone, beside names and under `not`") {
    Desk desk;
    desk.read_groups(kGroups);
    REQUIRE(desk.problems == Lines{});
    const Facts facts = desk.guard_to_police();  // ng-unit-7, a guard, to pd-tac-3 of metro-pd
    const auto matches = [&](const std::string& when) {
        const RuleList list = desk.read("- {id: r, action: allow, when: {" + when + "}}");
        CHECK(desk.problems == Lines{});
        return decide(list, facts, kToday).rule != nullptr;
    };
    for (const auto& [condition, holds] : {std::pair{"talker: '@patrol'", true},
                                           {"talker: ['@patrol', ng-unit-9]", true},
                                           {"talker: [ng-unit-9, '@everybody']", true},
                                           {"channel: '@downtown'", true},
                                           {"agency: ['@partners']", true},
                                           {"role: '@command'", false},
                                           {"role: [guard, '@command']", true}}) {
        CAPTURE(condition);
        CHECK(matches(condition) == holds);
        CHECK(matches(std::string{"not: {"} + condition + "}") == !holds);
    }
    Facts other = facts;
    other.talker = desk.names.find("ng-unit-1");
    const RuleList list = desk.read("- {id: r, action: allow, when: {talker: '@everybody'}}");
    CHECK(decide(list, other, kToday).rule);
    other.talker = desk.names.intern("ng-unit-2");
    CHECK_FALSE(decide(list, other, kToday).rule);
}

TEST_CASE("a rule that a group leaves nothing to is refused, and one that a group covers is doubted") {
    CHECK(rule_problem("talker: ng-unit-7, not: {talker: '@patrol'}") ==
          "32: [0].when: `not` takes away every talker that this could match");
    Desk desk;
    desk.read_groups(kGroups);
    desk.read(
        "- {id: a, action: deny, when: {talker: '@everybody'}}\n- {id: b, action: deny, when: {talker: "
        "ng-unit-8}}");
    REQUIRE(desk.warnings.size() == 1);
    CHECK(desk.warnings[0].find("rule 'b' can never match: rule 'a'") != std::string::npos);
}

TEST_CASE("a rule that names no group, or one of the wrong sort, is told which was meant") {
    CHECK(rule_problem("talker: '@patrlo'") ==
          "41: [0].when.talker: there is no group '@patrlo'; did you mean '@patrol'?");
    CHECK(rule_problem("talker: '@'") == "41: [0].when.talker: there is no group '@'");
    CHECK(rule_problem("role: [guard, '@patrol']") ==
          "47: [0].when.role[1]: '@patrol' is a group of talkers; write it as `talker: '@patrol'`");
    CHECK(rule_problem("kind: '@patrol'").find("'@patrol' is not a kind") != std::string::npos);
}

TEST_CASE("what is wrong with a group is said at its place") {
    CHECK(problem("a: {talkers: []}") ==
          "1:14: a.talkers: a group without members matches nothing; give it some or take it away");
    CHECK(problem("a: {}") ==
          "1:4: a: a group has members of one sort: agencies, channels, roles, talkers; this has none");
    CHECK(problem("a: {talkers: x-1, roles: guard}") ==
          "1:4: a: a group has members of one sort: agencies, channels, roles, talkers; this has several");
    CHECK(problem("a: [x-1]").starts_with("1:4: a: "));
    CHECK(problem("[a]").starts_with("1:1: "));
    CHECK(problem("A: {talkers: x-1}").find("'A' is not a name for a group") != std::string::npos);
    CHECK(problem("a: {roles: [guard, offcer]}") ==
          "1:20: a.roles[1]: 'offcer' is not a role; did you mean 'officer'?");
    CHECK(problem("a: {channels: ng-opps}").find("did you mean 'ng-ops'?") != std::string::npos);
    CHECK(problem("a: {agencies: northgat}").find("did you mean 'northgate'?") != std::string::npos);
    CHECK(problem("a: {talkers: [X]}").starts_with("1:15: a.talkers[0]: "));
    CHECK(problem("patrol: {talkers: x-1}\nb: {talkers: ['@patrl']}") ==
          "2:15: b.talkers[0]: there is no group '@patrl'; did you mean '@patrol'?");
    CHECK(problem("a: {talkers: x-1}\nb: {roles: ['@a']}") ==
          "2:13: b.roles[0]: '@a' is a group of talkers, and 'b' is one of roles");
}

TEST_CASE("a group that contains itself is refused with the whole way round") {
    CHECK(problem("a: {talkers: ['@a']}") ==
          "1:15: a.talkers[0]: group 'a' contains itself: a > a; take one of them out");
    CHECK(problem("a: {talkers: ['@b', x-1]}\nb: {talkers: ['@c']}\nc: {talkers: ['@b']}") ==
          "3:15: c.talkers[0]: group 'b' contains itself: b > c > b; take one of them out");
}

TEST_CASE("groups have limits, and what reaches them is read in short order") {
    const auto members = [](std::size_t count, std::size_t from = 0) {
        std::string yaml = "{talkers: [";
        for (std::size_t i = 0; i < count; ++i) yaml += fmt::format("u-{}, ", from + i);
        return yaml + "]}\n";
    };
    CHECK(problem("a: " + members(1000)) == "");
    CHECK(problem("a: " + members(1001)) == "1:14: a.talkers: a group has at most 1000 members");
    CHECK(problem("a: " + members(600) + "b: " + members(600, 600) + "c: {talkers: ['@a', '@b', x-1]}") ==
          "3:21: c.talkers[1]: with '@b' this group has 1201 members; at most 1000");
    CHECK(problem("a: " + members(600) + "b: " + members(600) + "c: {talkers: ['@a', '@b']}") == "");
    std::string many;
    for (int i = 0; i <= 256; ++i) many += fmt::format("g-{}: {{talkers: x}}\n", i);
    CHECK(problem(many) == "1:1: 257 groups are too many; at most 256");
    // Each of the largest number of groups contains all those before it.
    many = "g-0: " + members(990);
    for (int i = 1; i < 256; ++i) {
        many += fmt::format("g-{}: {{talkers: [", i);
        for (int k = 0; k < i; ++k) many += fmt::format("'@g-{}', ", k);
        many += "]}\n";
    }
    CHECK(problem(many) == "");
}

TEST_CASE("groups that put too many names into rules are refused before memory is short") {
    Desk desk;
    std::string yaml = "a: {talkers: [";
    for (int i = 0; i < 1000; ++i) yaml += fmt::format("u-{}, ", i);
    desk.read_groups(yaml + "]}");
    std::string rules;
    for (int i = 0; i < 1000; ++i)
        rules += fmt::format("- {{id: r-{}, action: deny, when: {{talker: '@a', role: guard}}}}\n", i);
    Vocabulary vocabulary{desk.known};
    vocabulary.use(desk.groups);
    const auto read = [&] {
        core::config::Problems found{"rules.yaml"};
        const auto document = core::config::Document::parse(rules, found);
        (void)read_rules(document.root(), Side::Outbound, "ng-ops", vocabulary, desk.names, desk.zones);
        return found.lines();
    };
    CHECK(read().empty());
    CHECK(read().empty());
    const auto third = read();
    REQUIRE(third.size() == 1000);
    CHECK(third[0].find("groups put more than 2000000 names into the rules of this file") !=
          std::string::npos);
}
