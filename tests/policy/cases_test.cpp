#include "crosspatch/policy/cases.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/policy/configuration.hpp"

using namespace crosspatch;
using namespace crosspatch::policy;
using tests::Configuration;
using tests::kToday;
using tests::Lines;

namespace {

Lines problems_with(const std::string& table) {
    core::config::Problems problems{"table.yaml"};
    const auto document = core::config::Document::parse(table + "\n", problems);
    (void)read_cases(document.root());
    return problems.lines();
}

// A town whose guards are heard by the police at night, and a table of cases against it.
class Table {
public:
    Table() {
        Configuration configuration;
        configuration.pd_in =
            "[{id: night, action: allow, when: {agency: northgate, role: guard, hours: 'Mon-Sun 22:00-06:00 "
            "America/Chicago'}}, {id: sos, action: allow, when: {emergency: true}}]";
        layout_ = configuration.read(names_);
    }
    // What is said of the one case; "as expected" if nothing.
    std::string say(const std::string& one) {
        core::config::Problems problems{"table.yaml"};
        const auto document = core::config::Document::parse("- {" + one + "}\n", problems);
        const auto cases = read_cases(document.root());
        REQUIRE(Lines{problems.lines()} == Lines{});
        REQUIRE(cases.size() == 1);
        const auto outcome = decide_case(cases[0], layout_, names_, kToday);
        if (!outcome) return outcome.error().context;
        return difference(cases[0], *outcome).value_or("as expected");
    }

private:
    Names names_;
    Layout layout_;
};

constexpr const char* kNight = ", at: '2026-12-24T23:30:00-06:00'";
constexpr const char* kDay = ", at: '2026-12-24T12:00:00-06:00'";

}  // namespace

TEST_CASE("cases that are decided as expected say nothing, by whatever is asked of them") {
    Table table;
    const std::string guard = "from: gate-1, to: pd-tac-3";
    for (const std::string& one :
         {guard + kNight + ", expect: allow", guard + kNight + ", expect: allow, rule: joint",
          guard + kNight + ", expect: allow, rule: night",
          guard + kNight + ", expect: allow, rule: night, key: inbound", guard + kDay + ", expect: deny",
          guard + kDay + ", expect: deny, no_rule: true",
          guard + kDay + ", expect: deny, no_rule: true, key: inbound",
          guard + kDay + ", emergency: true, expect: allow, rule: sos",
          guard + kNight + ", role: officer, expect: deny",
          guard + kNight + ", listener: AES_CM_128_HMAC_SHA1_80, expect: allow",
          guard + kNight + ", listener: none, expect: deny, rule: night, key: inbound",
          guard + kNight + ", suite: none, expect: deny, rule: joint, key: outbound",
          guard + kNight + ", kind: text, expect: deny, no_rule: true, key: outbound",
          std::string{"from: old-1, to: pd-tac-3, expect: deny"},
          std::string{"from: pd-tac-3, to: ng-ops, expect: allow, rule: to-guards"},
          std::string{"from: ng-ops, to: ng-ops, expect: allow, no_rule: true"}}) {
        CAPTURE(one);
        CHECK(table.say(one) == "as expected");
    }
}

TEST_CASE("what decided instead is named, on both keys") {
    Table table;
    const std::string guard = "from: gate-1, to: pd-tac-3";
    CHECK(table.say(guard + kNight + ", expect: deny, rule: sos, key: inbound") ==
          "gate-1 to pd-tac-3: expected deny by rule 'sos' (inbound), but it is allowed; outbound: rule "
          "'joint' allows; "
          "inbound: rule 'night' allows");
    CHECK(table.say(guard + kDay + ", expect: allow") ==
          "gate-1 to pd-tac-3: expected allow, but it is denied; outbound: rule 'joint' allows; inbound: no "
          "rule matches, "
          "the default denies");
    CHECK(table.say(guard + kDay + ", expect: deny, key: outbound")
              .starts_with("gate-1 to pd-tac-3: expected deny (outbound), but it is denied;"));
    CHECK(table.say(guard + kNight + ", expect: allow, rule: sos").find("inbound: rule 'night' allows") !=
          std::string::npos);
    CHECK(table.say(guard + kNight + ", suite: none, expect: allow")
              .find("outbound: rule 'joint' does not name suite none") != std::string::npos);
    CHECK(table.say("from: gate-1, to: pd-tac-4, expect: allow")
              .ends_with("inbound: nobody on pd-tac-4 listens"));
    CHECK(table.say(guard + kNight + ", listener: AEAD_AES_256_GCM, expect: allow")
              .ends_with("inbound: nobody on pd-tac-3 listens with suite AEAD_AES_256_GCM"));
    CHECK(table.say("from: gate-2, to: pd-tac-3, expect: deny") ==
          "'gate-2' is not an endpoint or a channel; did you mean 'gate-1'?");
    CHECK(table.say("from: gate-1, to: gate-1, expect: deny").starts_with("'gate-1' is not a channel"));
}

TEST_CASE("a table's mistakes are named with line and column, all of them in one go") {
    const std::string good = "from: a, to: b, expect: deny";
    CHECK(problems_with("- {" + good + "}") == Lines{});
    CHECK(problems_with("[]") == Lines{});
    CHECK(problems_with("- {from: a, to: b}\n- {from: a, expect: allow}\n- {to: b, expect: allow}").size() ==
          3);
    const auto one = [&](const std::string& more) {
        const Lines lines = problems_with("- {" + good + ", " + more + "}");
        REQUIRE(lines.size() == 1);
        return lines[0];
    };
    CHECK(one("rle: x") == "table.yaml:1:34: [0].rle: unknown key; did you mean 'role'?");
    CHECK(one("role: gaurd").ends_with("did you mean 'guard'?"));
    CHECK(one("kind: vioce").ends_with("did you mean 'voice'?"));
    CHECK(one("suite: api").starts_with("table.yaml:1:41: [0].suite: "));
    CHECK(one("emergency: yes").starts_with("table.yaml:1:45: [0].emergency: "));
    CHECK(one("key: outbond").ends_with("did you mean 'outbound'?"));
    CHECK(one("rule: 'No Rule'").starts_with("table.yaml:1:40: [0].rule: "));
    CHECK(one("rule: x, no_rule: true").ends_with("leave out one of the two"));
    CHECK(one("kind: text, suite: none").find("what is no voice travels by the API") != std::string::npos);
    CHECK(one("at: '2026-12-24 23:30'") ==
          "table.yaml:1:38: [0].at: '2026-12-24 23:30' is not a time; write it as "
          "'2026-12-24T23:30:00-06:00' or with Z for UTC");
    CHECK(problems_with("- {from: a, to: b, expect: perhaps}").size() == 1);
    CHECK(problems_with("{from: a}").size() == 1);
    CHECK(problems_with("- a").size() == 1);
    CHECK(problems_with("- {from: [a], to: {}, expect: allow, at: 5, rule: [x]}").size() == 4);
    CHECK(problems_with("- {from: a, to: b, expect: deny, expect: allow}").size() == 1);
}

TEST_CASE("a table has at most 10,000 cases") {
    std::string yaml;
    for (int i = 0; i < 10'001; ++i) yaml += "- {from: a, to: b, expect: deny}\n";
    CHECK(problems_with(yaml) ==
          Lines{"table.yaml:1:1: 10001 cases are too many; a table has at most 10000"});
}
