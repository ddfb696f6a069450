#include "crosspatch/policy/engine.hpp"

#include <doctest/doctest.h>

#include "tests/policy/desk.hpp"
#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::policy;
using namespace std::chrono_literals;
using tests::Desk;
using tests::kToday;
using tests::Lines;
using tests::utc;
using Cause = Decision::Cause;

namespace {

constexpr const char* kAllowAll = "[{id: all, action: allow}]";

// Whether the one rule `- {id: r, action: allow, when: {…}}` matches.
struct OneRule {
    Desk desk;
    bool matches(const std::string& when, const Facts& facts, core::WallTime now = kToday) {
        const RuleList list = desk.read("- {id: r, action: allow, when: {" + when + "}}");
        REQUIRE(desk.problems == Lines{});
        return decide(list, facts, now).rule != nullptr;
    }
};

}  // namespace

TEST_CASE("without a rule that matches, one agency is open to itself and closed to others") {
    Desk desk;
    for (const auto* yaml : {"[]", "[{id: a, action: deny, when: {kind: picture}}]"}) {
        const RuleList list = desk.read(yaml);
        const Decision across = decide(list, desk.guard_to_police(), kToday);
        CHECK_FALSE(across.allowed);
        CHECK(across.cause == Cause::NoRule);
        CHECK(across.rule == nullptr);
        CHECK(across.reason() == "no rule allows this between agencies");
        const Decision inside = decide(list, desk.guard_to_guard(), kToday);
        CHECK(inside.allowed);
        CHECK(inside.cause == Cause::InsideAgency);
        CHECK(inside.reason().empty());
    }
}

TEST_CASE("the first rule that matches decides, inside an agency and between two") {
    Desk desk;
    const RuleList list = desk.read(R"(
- {id: no-pictures, action: deny, when: {kind: picture}, reason: Pictures stay here}
- {id: joint, action: allow, when: {agency: metro-pd}, effects: {gain: 3dB}}
- {id: rest, action: deny}
)");
    Facts facts = desk.guard_to_police();
    CHECK(decide(list, facts, kToday).rule->id == "joint");
    CHECK(decide(list, facts, kToday).effects == Effects{3, {}});
    facts.kind = Kind::Picture;
    const Decision picture = decide(list, facts, kToday);
    CHECK_FALSE(picture.allowed);
    CHECK(picture.rule->id == "no-pictures");
    CHECK(picture.reason() == "Pictures stay here");
    CHECK(picture.effects == Effects{});
    const Decision inside = decide(list, desk.guard_to_guard(), kToday);
    CHECK_FALSE(inside.allowed);
    CHECK(inside.rule->id == "rest");
    CHECK(inside.reason() == "a rule of the channel forbids this");
}

TEST_CASE("each condition looks at its own fact, one value or several, and `not` turns it round") {
    OneRule rule;
    const Facts facts =
        rule.desk.guard_to_police();  // northgate/ng-ops to metro-pd/pd-tac-3, guard ng-unit-7, voice, GREEN
    struct Row {
        std::string condition;
        bool holds;
    };
    for (const Row& row : {Row{"agency: metro-pd", true},
                           Row{"agency: northgate", false},
                           Row{"agency: [northgate, metro-pd]", true},
                           Row{"channel: pd-tac-3", true},
                           Row{"channel: [pd-tac-4, ng-gate]", false},
                           Row{"role: guard", true},
                           Row{"role: officer", false},
                           Row{"role: [officer, guard]", true},
                           Row{"talker: ng-unit-7", true},
                           Row{"talker: ng-unit-8", false},
                           Row{"kind: voice", true},
                           Row{"kind: [text, picture]", false},
                           Row{"emergency: false", true},
                           Row{"emergency: true", false},
                           Row{"sensitivity: GREEN", true},
                           Row{"sensitivity: [RED, AMBER]", false},
                           Row{"suite: AEAD_AES_256_GCM", true},
                           Row{"suite: [AEAD_AES_128_GCM, none]", false},
                           Row{"hours: Wed 00:00-01:00 UTC", true},
                           Row{"hours: [Mon 00:00-01:00 UTC, Tue-Wed 23:00-00:30 UTC]", true},
                           Row{"hours: Thu 00:00-01:00 UTC", false}}) {
        CAPTURE(row.condition);
        CHECK(rule.matches(row.condition, facts) == row.holds);
        CHECK(rule.matches("not: {" + row.condition + "}", facts) == !row.holds);
    }
}

TEST_CASE(
    "incident and severity look at the incident, and what belongs to none matches no list and every `not`") {
    OneRule rule;
    rule.desk.known.incidents = true;
    Facts none = rule.desk.guard_to_police();
    Facts drill = none;
    drill.incident = Incident::Exercise;
    drill.severity = Severity::Severe;
    struct Row {
        std::string condition;
        bool in_drill;
    };
    for (const Row& row : {Row{"incident: exercise", true}, Row{"incident: actual", false},
                           Row{"incident: [actual, exercise]", true}, Row{"severity: Severe", true},
                           Row{"severity: [Extreme, Moderate]", false},
                           Row{"severity: [Extreme, Severe, Moderate, Minor, Unknown]", true}}) {
        CAPTURE(row.condition);
        CHECK(rule.matches(row.condition, drill) == row.in_drill);
        CHECK(rule.matches("not: {" + row.condition + "}", drill) == !row.in_drill);
        CHECK_FALSE(rule.matches(row.condition, none));
        CHECK(rule.matches("not: {" + row.condition + "}", none));
    }
    rule.desk.read("- {id: r, action: allow, when: {severity: severe}}");
    CHECK(rule.desk.problems ==
          Lines{"rules.yaml:1:43: [0].when.severity: 'severe' is not a severity; did you mean 'Severe'?"});
    rule.desk.read("- {id: r, action: allow, when: {incident: drill}}");
    CHECK(rule.desk.problems.size() == 1);
}

TEST_CASE("all conditions must hold, and none of those under `not`") {
    OneRule rule;
    const Facts facts = rule.desk.guard_to_police();
    CHECK(rule.matches("agency: metro-pd, role: guard, kind: voice", facts));
    CHECK_FALSE(rule.matches("agency: metro-pd, role: officer, kind: voice", facts));
    CHECK(rule.matches("agency: metro-pd, not: {role: officer, kind: text}", facts));
    // Each condition under `not` stands alone: one that holds is enough.
    CHECK_FALSE(rule.matches("agency: metro-pd, not: {role: officer, kind: voice}", facts));
}

TEST_CASE("agency and channel are the other side in both lists, and the talker stays the talker") {
    Desk desk;
    const Facts there = desk.guard_to_police().from_other_side(Suite::AeadAes256Gcm);
    const RuleList inbound = desk.read(
        "- {id: r, action: allow, when: {agency: northgate, channel: ng-ops, role: guard, talker: "
        "ng-unit-7}}",
        Side::Inbound, "pd-tac-3");
    CHECK(decide(inbound, there, kToday).allowed);
    CHECK_FALSE(decide(inbound, desk.guard_to_police(), kToday).allowed);
}

TEST_CASE("a talker whom nobody knows matches no list of talkers, and every `not`") {
    OneRule rule;
    Facts facts = rule.desk.guard_to_police();
    facts.talker = NameId::None;
    facts.role = rule.desk.names.find("never-written");
    CHECK_FALSE(rule.matches("talker: [ng-unit-7, ng-unit-8]", facts));
    CHECK(rule.matches("not: {talker: [ng-unit-7, ng-unit-8]}", facts));
    CHECK(rule.matches("not: {role: guard}", facts));
}

TEST_CASE("a crossing needs both keys") {
    Desk desk;
    const RuleList open = desk.read(kAllowAll);
    const RuleList closed = desk.read("[{id: shut, action: deny, reason: Not today}]");
    const RuleList silent = desk.read("[]");
    const Facts facts = desk.guard_to_police();
    const SuiteSet gcm{Suite::AeadAes256Gcm};
    for (const RuleList* outbound : {&open, &closed, &silent}) {
        for (const RuleList* inbound : {&open, &closed, &silent}) {
            const Crossing crossing = decide_crossing(*outbound, *inbound, facts, gcm, kToday);
            const bool both = outbound == &open && inbound == &open;
            CHECK(crossing.allowed == both);
            CHECK(crossing.listeners == (both ? gcm : SuiteSet{}));
            CHECK(crossing.reason().empty() == both);
            if (outbound == &closed) CHECK(crossing.reason() == "Not today");
            if (outbound == &open && inbound == &closed) CHECK(crossing.reason() == "Not today");
            if (outbound == &silent) CHECK(crossing.reason() == "no rule allows this between agencies");
        }
    }
    CHECK(decide_crossing(silent, silent, desk.guard_to_guard(), gcm, kToday).allowed);
    CHECK_FALSE(decide_crossing(silent, closed, desk.guard_to_guard(), gcm, kToday).allowed);
}

TEST_CASE("outbound looks at the talker's suite, inbound at each listener's own") {
    Desk desk;
    const RuleList strong =
        desk.read("[{id: strong, action: allow, when: {suite: [AEAD_AES_256_GCM, AEAD_AES_128_GCM]}}]");
    const RuleList open = desk.read(kAllowAll);
    Facts facts = desk.guard_to_police();
    const SuiteSet mixed{Suite::AeadAes128Gcm, Suite::AesCm128HmacSha1_80, Suite::None};
    const Crossing some = decide_crossing(open, strong, facts, mixed, kToday);
    CHECK(some.allowed);
    CHECK(some.listeners == SuiteSet{Suite::AeadAes128Gcm});
    facts.suite = Suite::AesCm128HmacSha1_80;
    CHECK_FALSE(decide_crossing(strong, open, facts, mixed, kToday).allowed);
    CHECK(decide_crossing(open, strong, facts, mixed, kToday)
              .allowed);  // the talker's suite is no matter of inbound
    const Crossing none = decide_crossing(open, strong, facts, {Suite::AesCm128HmacSha1_80}, kToday);
    CHECK_FALSE(none.allowed);
    CHECK(none.reason() == "no rule allows this between agencies");
}

TEST_CASE("between agencies suite none talks and listens only where the rule that allows it names it") {
    Desk desk;
    const RuleList open = desk.read(kAllowAll);
    const RuleList unnamed = desk.read("[{id: r, action: allow, when: {not: {suite: AEAD_AES_256_GCM}}}]");
    const RuleList named = desk.read("[{id: r, action: allow, when: {suite: [none, AEAD_AES_256_GCM]}}]");
    const SuiteSet both{Suite::None, Suite::AeadAes256Gcm};
    Facts facts = desk.guard_to_police();
    CHECK(decide_crossing(open, open, facts, both, kToday).listeners == SuiteSet{Suite::AeadAes256Gcm});
    CHECK(decide_crossing(open, named, facts, both, kToday).listeners == both);
    facts.suite = Suite::None;
    for (const RuleList* list : {&open, &unnamed}) {
        const Crossing crossing = decide_crossing(*list, named, facts, both, kToday);
        CHECK_FALSE(crossing.allowed);
        CHECK(crossing.outbound.cause == Cause::SuiteNotNamed);
        CHECK(crossing.outbound.rule == &list->rules[0]);
        CHECK(crossing.reason() == "without encryption this crosses only where a rule names suite none");
    }
    CHECK(decide_crossing(named, named, facts, both, kToday).listeners == both);
    CHECK(decide_crossing(named, open, facts, both, kToday).listeners == SuiteSet{Suite::AeadAes256Gcm});
    Facts at_home = desk.guard_to_guard();
    at_home.suite = Suite::None;
    CHECK(decide_crossing(open, open, at_home, both, kToday).listeners == both);
    const RuleList nothing;
    CHECK(decide_crossing(nothing, nothing, at_home, both, kToday).listeners == both);
}

TEST_CASE(
    "the rule that matches first decides for suite none too: a later rule that names it comes too late") {
    Desk desk;
    const RuleList late =
        desk.read("- {id: joint, action: allow}\n- {id: old-radios, action: allow, when: {suite: none}}\n");
    CHECK(desk.warnings.size() == 1);
    const RuleList early =
        desk.read("- {id: old-radios, action: allow, when: {suite: none}}\n- {id: joint, action: allow}\n");
    Facts facts = desk.guard_to_police();
    facts.suite = Suite::None;
    CHECK_FALSE(decide(late, facts, kToday).allowed);
    CHECK(decide(early, facts, kToday).allowed);
    CHECK(decide(early, facts, kToday).rule->id == "old-radios");
}

TEST_CASE("what travels by the API has no suite: no list of suites matches it, and every `not` does") {
    Desk desk;
    Facts facts = desk.guard_to_police();
    facts.kind = Kind::Text;
    facts.suite = Suite::Api;
    const SuiteSet api{Suite::Api};
    const RuleList open = desk.read(kAllowAll);
    const RuleList listed = desk.read(
        "[{id: r, action: allow, when: {suite: [AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80, "
        "none]}}]");
    const RuleList encrypted = desk.read("[{id: r, action: allow, when: {not: {suite: none}}}]");
    CHECK(decide_crossing(open, open, facts, api, kToday).allowed);
    CHECK_FALSE(decide_crossing(listed, open, facts, api, kToday).allowed);
    CHECK_FALSE(decide_crossing(open, listed, facts, api, kToday).allowed);
    CHECK(decide_crossing(encrypted, encrypted, facts, api, kToday).allowed);
}

TEST_CASE("gains of both keys add up, and the shorter talk limit counts, for each listener its own") {
    Desk desk;
    const RuleList outbound = desk.read("[{id: o, action: allow, effects: {gain: -6dB, max_talk: 30s}}]");
    const RuleList inbound = desk.read(R"(
- {id: strong, action: allow, when: {suite: AEAD_AES_256_GCM}, effects: {gain: 4.5dB, max_talk: 60s}}
- {id: weak, action: allow, when: {suite: AES_CM_128_HMAC_SHA1_80}, effects: {max_talk: 10s}}
)");
    const SuiteSet all{Suite::AeadAes256Gcm, Suite::AesCm128HmacSha1_80, Suite::None};
    const Crossing crossing = decide_crossing(outbound, inbound, desk.guard_to_police(), all, kToday);
    CHECK(crossing.effects_for(Suite::AeadAes256Gcm) == Effects{-1.5, 30s});
    CHECK(crossing.effects_for(Suite::AesCm128HmacSha1_80) == Effects{-6, 10s});
    CHECK(crossing.effects_for(Suite::None) == Effects{});  // does not hear it
    CHECK(crossing.max_talk == 10s);
    const Crossing strong =
        decide_crossing(outbound, inbound, desk.guard_to_police(), {Suite::AeadAes256Gcm}, kToday);
    CHECK(strong.max_talk == 30s);
    const RuleList open = desk.read(kAllowAll);
    CHECK_FALSE(decide_crossing(open, open, desk.guard_to_police(), all, kToday).max_talk);
}

TEST_CASE("what one of the two keys wants done to the sound is done, for each listener his own") {
    Desk desk;
    const RuleList outbound = desk.read("[{id: o, action: allow, effects: {announce: true}}]");
    const RuleList inbound = desk.read(R"(
- {id: strong, action: allow, when: {suite: AEAD_AES_256_GCM}, effects: {strip_tones: true}}
- {id: weak, action: allow, when: {suite: AES_CM_128_HMAC_SHA1_80}, effects: {pseudonymise: true}}
)");
    const SuiteSet all{Suite::AeadAes256Gcm, Suite::AesCm128HmacSha1_80, Suite::None};
    const Crossing crossing = decide_crossing(outbound, inbound, desk.guard_to_police(), all, kToday);
    CHECK(crossing.effects_for(Suite::AeadAes256Gcm) == Effects{.strip_tones = true, .announce = true});
    CHECK(crossing.effects_for(Suite::AesCm128HmacSha1_80) ==
          Effects{.pseudonymise = true, .strip_tones = true, .announce = true});
    CHECK(crossing.effects_for(Suite::None) == Effects{});
}

TEST_CASE("who may cross under a pseudonym at some hour, or in an emergency, counts as hidden at any") {
    Desk desk;
    const RuleList open = desk.read(kAllowAll);
    const SuiteSet listeners{Suite::AeadAes256Gcm};
    const Facts guard = desk.guard_to_police();
    const auto hidden = [&](const char* outbound, const char* inbound = kAllowAll) {
        return may_pseudonymise(desk.read(outbound), desk.read(inbound), guard, listeners);
    };
    CHECK_FALSE(hidden(kAllowAll));
    CHECK(hidden("[{id: a, action: allow, effects: {pseudonymise: true}}]"));
    CHECK(hidden(kAllowAll, "[{id: a, action: allow, effects: {pseudonymise: true}}]"));
    CHECK(hidden(
        "[{id: n, action: allow, when: {hours: 'Mon 01:00-02:00 UTC'}, effects: {pseudonymise: true}}, "
        "{id: o, action: allow}]"));
    CHECK(
        hidden("[{id: d, action: deny, when: {hours: 'Mon 01:00-02:00 UTC'}}, "
               "{id: o, action: allow, effects: {pseudonymise: true}}]"));
    CHECK(hidden("[{id: e, action: allow, when: {emergency: true}, effects: {pseudonymise: true}}]"));
    CHECK_FALSE(hidden("[{id: o, action: allow}, {id: p, action: allow, effects: {pseudonymise: true}}]"));
    CHECK_FALSE(hidden("[{id: p, action: allow, when: {role: dispatcher}, effects: {pseudonymise: true}}]"));
    CHECK_FALSE(
        hidden(kAllowAll, "[{id: p, action: allow, when: {suite: none}, effects: {pseudonymise: true}}]"));
}

TEST_CASE("a channel where nobody listens is not crossed to") {
    Desk desk;
    const RuleList open = desk.read(kAllowAll);
    const Crossing crossing = decide_crossing(open, open, desk.guard_to_police(), {}, kToday);
    CHECK_FALSE(crossing.allowed);
    CHECK(crossing.reason() == "nobody is listening there");
}

TEST_CASE("a decision that rests on the time says until when it stands") {
    Desk desk;
    const RuleList list = desk.read(R"(
- {id: night, action: deny, when: {hours: "Mon-Sun 22:00-06:00 America/Chicago"}}
- {id: lunch, action: deny, when: {agency: northgate, hours: "Mon-Sun 12:00-13:00 UTC"}}
- {id: joint, action: allow, when: {agency: metro-pd}}
)");
    const Facts facts = desk.guard_to_police();
    const Decision day = decide(list, facts, utc(2026, 7, 1, 12, 30));  // 07:30 in Chicago
    CHECK(day.allowed);
    CHECK(day.depends_on_time);
    CHECK(day.valid_until == utc(2026, 7, 2, 3));  // 22:00; the lunch rule has nothing to say about metro-pd
    const Decision night = decide(list, facts, utc(2026, 7, 2, 3));
    CHECK_FALSE(night.allowed);
    CHECK(night.valid_until == utc(2026, 7, 2, 11));
    const RuleList timeless = desk.read(kAllowAll);
    CHECK_FALSE(decide(timeless, facts, kToday).depends_on_time);
    CHECK(decide(timeless, facts, kToday).valid_until == core::WallTime::max());
    const Crossing crossing = decide_crossing(timeless, list, facts.from_other_side(facts.suite),
                                              {Suite::AeadAes256Gcm}, utc(2026, 7, 1, 12, 30));
    CHECK(crossing.depends_on_time);
    CHECK(crossing.valid_until == utc(2026, 7, 2, 3));  // the same list, now asked about what comes in
}

TEST_CASE("hours that never end do not make a decision depend on the time") {
    Desk desk;
    const RuleList list = desk.read("[{id: r, action: allow, when: {hours: 'Mon-Sun 00:00-24:00 UTC'}}]");
    const Decision decision = decide(list, desk.guard_to_police(), kToday);
    CHECK(decision.allowed);
    CHECK_FALSE(decision.depends_on_time);
}

TEST_CASE("deciding takes no memory") {
    Desk desk;
    const RuleList list = desk.read(R"(
- {id: night, action: deny, when: {hours: ["Mon-Sun 22:00-06:00 America/Chicago", "Sat 10:00-12:00 Europe/Berlin"]}}
- {id: some, action: deny, when: {talker: [a, b, c, d], not: {role: [officer, auditor]}}, reason: A reason longer than a short string}
- {id: joint, action: allow, when: {agency: metro-pd}, effects: {gain: 1dB, max_talk: 20s}}
)");
    const Facts facts = desk.guard_to_police();
    const auto before = tests::allocations();
    const Crossing crossing = decide_crossing(list, list, facts, SuiteSet::all(), utc(2026, 7, 1, 12));
    const auto reason = crossing.reason();
    const Effects effects = crossing.effects_for(Suite::AeadAes256Gcm);
    CHECK(tests::allocations() == before);
    CHECK(crossing.outbound.allowed);
    CHECK(reason == "no rule allows this between agencies");
    CHECK(effects == Effects{});
}
