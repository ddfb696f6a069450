#include "crosspatch/policy/rule.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/policy/desk.hpp"

using namespace crosspatch;
using namespace crosspatch::policy;
using namespace std::chrono_literals;
using tests::Desk;

namespace {

using tests::Lines;

// The problems with one rule `- {id: r, action: allow, MORE}`.
Lines problems_with(const std::string& more) {
    Desk desk;
    desk.read("- {id: r, action: allow, " + more + "}");
    return desk.problems;
}
Lines problems_when(const std::string& when) { return problems_with("when: {" + when + "}"); }

}  // namespace

TEST_CASE("the rules of the contract's example are read as they are meant") {
    Desk desk;
    const RuleList list = desk.read(R"(
- {id: joint, action: allow, when: {agency: metro-pd, kind: [voice, text]}, effects: {gain: -6dB, max_talk: 30s}}
- id: night
  action: deny
  when: {hours: "Mon-Sun 22:00-06:00 America/Chicago", not: {role: [dispatcher, supervisor], emergency: true}}
  reason: Day shift only
- {id: rest, action: allow}
)");
    CHECK(desk.problems == Lines{});
    CHECK(desk.warnings == Lines{});
    REQUIRE(list.rules.size() == 3);
    const Rule& joint = list.rules[0];
    CHECK(joint.id == "joint");
    CHECK(joint.action == Action::Allow);
    CHECK(joint.effects == Effects{-6, 30s});
    CHECK(joint.when.agency.ids == std::vector{desk.names.find("metro-pd")});
    CHECK_FALSE(joint.when.agency.except);
    CHECK(joint.when.channel.any());
    CHECK((joint.when.fields & 0xF) == 0b0011);
    CHECK((joint.when.fields & ~0xFU) == (field::kAny & ~0xFU));
    const Rule& night = list.rules[1];
    CHECK(night.action == Action::Deny);
    CHECK(night.reason == "Day shift only");
    CHECK(night.when.role.except);
    CHECK(night.when.role.ids.size() == 2);
    CHECK((night.when.fields >> field::kEmergency & 3U) == 0b01);
    CHECK(night.when.hours.any_of.size() == 1);
    CHECK(list.rules[2].when.fields == field::kAny);
    CHECK(list.rules[2].when.hours.always());
}

TEST_CASE("`not` takes away from a list, and alone it means all others") {
    Desk desk;
    const RuleList list = desk.read(R"(
- {id: a, action: allow, when: {role: [guard, officer, auditor], suite: [none, AEAD_AES_128_GCM], not: {role: officer, suite: none}}}
- {id: b, action: allow, when: {not: {suite: none}}}
- {id: c, action: allow, when: {suite: none}}
)");
    CHECK(desk.problems == Lines{});
    const Conditions& a = list.rules[0].when;
    CHECK(a.role.contains(desk.names.find("guard")));
    CHECK_FALSE(a.role.contains(desk.names.find("officer")));
    CHECK((a.fields >> field::kSuite & 0x1F) == 0b00010);
    CHECK((list.rules[1].when.fields >> field::kSuite & 0x1F) ==
          0b10111);  // what has no SRTP at all stays in
    CHECK_FALSE(list.rules[1].when.names_suite_none);
    CHECK((list.rules[2].when.fields >> field::kSuite & 0x1F) == 0b01000);
    CHECK(list.rules[2].when.names_suite_none);
}

TEST_CASE("a rule needs an id and an action, and nothing that it does not know") {
    Desk desk;
    desk.read(
        "- {when: {kind: voice}}\n- {id: a, action: permit}\n- {id: B_1, action: deny}\n- {id: c, action: "
        "deny, wen: {}}\n- 7\n");
    REQUIRE(desk.problems.size() == 6);
    CHECK(desk.problems[0] == "rules.yaml:1:3: [0]: the key 'id' is missing");
    CHECK(desk.problems[1] == "rules.yaml:1:3: [0]: the key 'action' is missing");
    CHECK(desk.problems[2].starts_with("rules.yaml:2:19: [1].action: 'permit' is not "));
    CHECK(desk.problems[3].starts_with("rules.yaml:3:8: [2].id: "));
    CHECK(desk.problems[4] == "rules.yaml:4:25: [3].wen: unknown key; did you mean 'when'?");
    CHECK(desk.problems[5].starts_with("rules.yaml:5:3: [4]: "));
}

TEST_CASE("a name that the configuration does not have is refused with what was probably meant") {
    CHECK(problems_when("agency: metro-dp") == Lines{"rules.yaml:1:41: [0].when.agency: 'metro-dp' is not an "
                                                     "agency of this configuration; did you mean "
                                                     "'metro-pd'?"});
    CHECK(problems_when("channel: [ng-ops, pd-tac-33]") ==
          Lines{"rules.yaml:1:51: [0].when.channel[1]: 'pd-tac-33' is not a channel of this configuration; "
                "did you "
                "mean 'pd-tac-3'?"});
    CHECK(problems_when("not: {role: dispacher}") ==
          Lines{"rules.yaml:1:45: [0].when.not.role: 'dispacher' is not a role; did you mean 'dispatcher'?"});
    CHECK(problems_when("role: zzzzzzzzzzzz") ==
          Lines{"rules.yaml:1:39: [0].when.role: 'zzzzzzzzzzzz' is not a role"});
    CHECK(problems_when("talker: somebody-new") == Lines{});  // talkers also come from accounts
    REQUIRE(problems_when("talker: Unit 7").size() == 1);
    CHECK(problems_when("talker: Unit 7")[0].starts_with("rules.yaml:1:41: [0].when.talker: "));
}

TEST_CASE("a word that is not one of a condition's is refused at its place") {
    CHECK(problems_when("kind: [voice, vioce]")[0].starts_with(
        "rules.yaml:1:47: [0].when.kind[1]: 'vioce' is not a"));
    CHECK(problems_when("kind: vioce")[0].ends_with("did you mean 'voice'?"));
    CHECK(problems_when("sensitivity: amber")[0].starts_with(
        "rules.yaml:1:46: [0].when.sensitivity: 'amber' is not a"));
    CHECK(problems_when("suite: AEAD_AES_256_GMC")[0].ends_with("did you mean 'AEAD_AES_256_GCM'?"));
    CHECK(problems_when("suite: api").size() == 1);
    CHECK(problems_when("emergency: yes")[0].starts_with("rules.yaml:1:44: [0].when.emergency: "));
    CHECK(problems_when("agncy: metro-pd")[0] ==
          "rules.yaml:1:33: [0].when.agncy: unknown key; did you mean 'agency'?");
    CHECK(problems_when("not: {not: {}}")[0].starts_with("rules.yaml:1:39: [0].when.not.not: unknown key"));
}

TEST_CASE("what this version does not have is said to be missing from it, not to be a mistake") {
    for (const auto* key : {"incident", "severity"}) {
        const Lines direct = problems_when(fmt::format("{}: actual", key));
        REQUIRE(direct.size() == 1);
        CHECK(direct[0].starts_with(
            fmt::format("rules.yaml:1:33: [0].when.{}: this version does not have this yet", key)));
        const Lines negated = problems_when(fmt::format("not: {{{}: actual}}", key));
        REQUIRE(negated.size() == 1);
        CHECK(negated[0].starts_with(fmt::format("rules.yaml:1:39: [0].when.not.{}: this version", key)));
    }
}

TEST_CASE("pseudonymise, strip_tones and announce are true or false, and a pseudonym takes tones along") {
    for (const auto* key : {"pseudonymise", "strip_tones", "announce"}) {
        CHECK(problems_with(fmt::format("effects: {{{}: true}}", key)) == Lines{});
        const Lines wrong = problems_with(fmt::format("effects: {{{}: yes}}", key));
        REQUIRE(wrong.size() == 1);
        CHECK(wrong[0].find(fmt::format(": [0].effects.{}: ", key)) != std::string::npos);
    }
    const auto effects = [](const char* written) {
        Desk desk;
        const RuleList list = desk.read(fmt::format("- {{id: r, action: allow, effects: {{{}}}}}", written));
        REQUIRE(list.rules.size() == 1);
        return list.rules[0].effects;
    };
    CHECK(effects("pseudonymise: true") == Effects{.pseudonymise = true, .strip_tones = true});
    CHECK(effects("strip_tones: true") == Effects{.strip_tones = true});
    CHECK(effects("strip_tones: false, announce: true") == Effects{.announce = true});
    CHECK(effects("pseudonymise: false") == Effects{});
    Desk desk;
    desk.read("- {id: r, action: allow, effects: {pseudonymise: true, strip_tones: false}}");
    CHECK(desk.problems == Lines{});
    CHECK(desk.warnings == Lines{"rules.yaml:1:35: [0].effects: pseudonymise strips tones, too: some of "
                                 "them say which radio it is"});
}

TEST_CASE("effects are kept in their bounds, and belong to rules that allow") {
    CHECK(problems_with("effects: {gain: 60dB}").size() == 1);
    CHECK(problems_with("effects: {gain: 3}").size() == 1);
    CHECK(problems_with("effects: {max_talk: 200ms}").size() == 1);
    CHECK(problems_with("effects: {max_talk: 30}").size() == 1);
    CHECK(problems_with("effects: {gain: -3dB, max_talk: 1s}") == Lines{});
    CHECK(problems_with("effects: {gian: -3dB}")[0] ==
          "rules.yaml:1:36: [0].effects.gian: unknown key; did you mean 'gain'?");
    CHECK(problems_with("effects: loud").size() == 1);
    Desk desk;
    desk.read("- {id: r, action: deny, effects: {gain: 3dB}}");
    CHECK(desk.problems ==
          Lines{"rules.yaml:1:34: [0].effects: a rule that denies has no effects; give them to the rules "
                "that allow"});
}

TEST_CASE("hours are checked where they stand") {
    CHECK(problems_when("hours: Mon 06:00-22:00 Chicago") ==
          Lines{"rules.yaml:1:40: [0].when.hours: 'Chicago' is not a time zone; did you mean "
                "'America/Chicago'?"});
    CHECK(
        problems_when("not: {hours: [Mon 06:00-07:00 UTC, Tue]}") ==
        Lines{"rules.yaml:1:68: [0].when.not.hours[1]: 'Tue' is not hours; write it as 'Mon-Fri 06:00-22:00 "
              "America/Chicago'"});
    std::string many;
    for (int i = 0; i < 17; ++i) many += fmt::format("{}Mon 06:00-07:{:02} UTC", i ? ", " : "", i);
    CHECK(problems_when("hours: [" + many + "]") ==
          Lines{"rules.yaml:1:40: [0].when.hours: 17 values are too many; at most 16 fit in one condition"});
}

TEST_CASE(
    "empty conditions and contradictions are refused: a deny rule that matches nothing protects nobody") {
    CHECK(problems_when("agency: []") ==
          Lines{"rules.yaml:1:41: [0].when.agency: an empty list matches nothing; leave the "
                "key out to match everything"});
    CHECK(problems_when("agency: ").size() == 1);
    CHECK(problems_when("agency: metro-pd, not: {agency: metro-pd}") ==
          Lines{"rules.yaml:1:32: [0].when: `not` takes away every agency that this could match"});
    CHECK(
        problems_when("not: {emergency: [true, false]}") ==
        Lines{"rules.yaml:1:32: [0].when: `not` takes away every value of emergency that this could match"});
    CHECK(problems_when("kind: text, not: {kind: [text, voice]}") ==
          Lines{"rules.yaml:1:32: [0].when: `not` takes away every kind that this could match"});
    CHECK(problems_when("suite: none, not: {suite: none}").size() == 1);
    CHECK(problems_when("not: {kind: [text, voice]}") == Lines{});
    CHECK(problems_with("when: everything").size() == 1);
    CHECK(problems_when("not: voice").size() == 1);
}

TEST_CASE("two rules of one list do not share an id") {
    Desk desk;
    const RuleList list = desk.read(
        "- {id: a, action: allow, when: {kind: voice}}\n- {id: b, action: deny, when: {kind: text}}\n"
        "- {id: a, action: deny, when: {kind: picture}}\n");
    CHECK(
        desk.problems ==
        Lines{"rules.yaml:3:3: [2]: there is a rule 'a' already, in line 1; give this one an id of its own"});
    CHECK(list.rules.size() == 2);
}

TEST_CASE("a reason is text that can be shown, and one that nobody will see is doubted") {
    Desk desk;
    desk.read("- {id: a, action: deny, reason: \"turn \\u202e around\"}");
    REQUIRE(desk.problems.size() == 1);
    CHECK(desk.problems[0].starts_with("rules.yaml:1:33: [0].reason: "));
    desk.read("- {id: a, action: deny, reason: " + std::string(65, 'x') + "}");
    CHECK(desk.problems.size() == 1);
    const RuleList list = desk.read("- {id: a, action: deny, reason: \"Cafe\\u0301 closed\"}");
    CHECK(desk.problems == Lines{});
    CHECK(list.rules.at(0).reason == "Caf\u00e9 closed");  // NFC
    desk.read("- {id: a, action: allow, reason: because}");
    CHECK(desk.problems == Lines{});
    CHECK(desk.warnings ==
          Lines{"rules.yaml:1:34: [0].reason: nobody will see this: `reason` is shown to whoever is "
                "refused, and this rule allows"});
}

TEST_CASE("a list has at most 1,000 rules, and a condition at most 1,000 values") {
    Desk desk;
    std::string yaml;
    for (int i = 0; i < 1000; ++i)
        yaml += fmt::format("- {{id: r-{}, action: deny, when: {{talker: t-{}}}}}\n", i, i);
    CHECK(desk.read(yaml).rules.size() == 1000);
    CHECK(desk.problems == Lines{});
    CHECK(desk.warnings == Lines{});
    CHECK(desk.read(yaml + "- {id: last, action: deny}\n").rules.empty());
    CHECK(desk.problems ==
          Lines{"rules.yaml:1:1: 1001 rules are too many; an outbound list has at most 1000"});
    std::string talkers;
    for (int i = 0; i < 1001; ++i) talkers += fmt::format("{}t-{}", i ? ", " : "", i);
    desk.read("- {id: r, action: deny, when: {talker: [" + talkers + "]}}");
    REQUIRE(desk.problems.size() == 1);
    CHECK(desk.problems[0].ends_with("1001 values are too many; at most 1000 fit in one condition"));
}

TEST_CASE("something else than a list of rules is refused, and an empty list is fine") {
    Desk desk;
    CHECK(desk.read("{id: a, action: allow}").rules.empty());
    CHECK(desk.problems.size() == 1);
    CHECK(desk.read("[]").rules.empty());
    CHECK(desk.problems == Lines{});
}

TEST_CASE("a rule that was not understood neither counts nor stands in the way of others") {
    Desk desk;
    const RuleList list = desk.read(
        "- {id: a, action: allow, when: {agncy: metro-pd}}\n- {id: b, action: allow, when: {incident: "
        "actual}}\n"
        "- {id: c, action: deny, when: {agency: nobody}}\n- {id: d, action: deny}\n");
    CHECK(desk.problems.size() == 3);
    CHECK(desk.warnings == Lines{});
    REQUIRE(list.rules.size() == 1);
    CHECK(list.rules[0].id == "d");
}
