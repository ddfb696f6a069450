#include "crosspatch/policy/explain.hpp"

#include <doctest/doctest.h>

#include "tests/policy/desk.hpp"

using namespace crosspatch;
using namespace crosspatch::policy;
using tests::Desk;
using tests::kToday;
using tests::Lines;

namespace {

struct Question {
    Desk desk;
    SuiteSet listeners{Suite::AeadAes256Gcm};

    Lines answer(std::string_view outbound, std::string_view inbound, const Facts& facts) {
        const RuleList out = desk.read(outbound);
        const RuleList in = desk.read(inbound, Side::Inbound, "pd-tac-3");
        return explain(facts, decide_crossing(out, in, facts, listeners, kToday), desk.names);
    }
    Lines answer(std::string_view outbound, std::string_view inbound) {
        return answer(outbound, inbound, desk.guard_to_police());
    }
};

}  // namespace

TEST_CASE("an explanation names the channel, the key, the rule and what it says") {
    Question question;
    CHECK(question.answer("[{id: joint, action: allow}]", "[]") ==
          Lines{"outbound of ng-ops: rule 'joint' allows voice to metro-pd",
                "inbound of pd-tac-3: no rule matched; between agencies the default is deny"});
    CHECK(question.answer("[]", "[{id: shut, action: deny, reason: Ask dispatch first}]") ==
          Lines{"outbound of ng-ops: no rule matched; between agencies the default is deny",
                "inbound of pd-tac-3: rule 'shut' denies voice from northgate: 'Ask dispatch first'"});
    Facts facts = question.desk.guard_to_police();
    facts.emergency = true;
    facts.kind = Kind::Location;
    CHECK(question.answer("[{id: joint, action: allow}]", "[{id: no, action: deny}]", facts) ==
          Lines{"outbound of ng-ops: rule 'joint' allows emergency location to metro-pd",
                "inbound of pd-tac-3: rule 'no' denies emergency location from northgate"});
    CHECK(question.answer("[]", "[]", question.desk.guard_to_guard()) ==
          Lines{"outbound of ng-ops: no rule matched; inside one agency the default is allow",
                "inbound of ng-gate: no rule matched; inside one agency the default is allow"});
}

TEST_CASE("an explanation says which effects apply and how long it stands") {
    Question question;
    CHECK(question.answer("[{id: a, action: allow, when: {hours: 'Wed 00:00-06:00 UTC'}, effects: {gain: "
                          "-4.5dB, max_talk: 30s}}]",
                          "[{id: b, action: allow, when: {hours: 'Wed 01:00-06:00 UTC'}}]") ==
          Lines{"outbound of ng-ops: rule 'a' allows voice to metro-pd, gain -4.5 dB, talk limit 30 s, at "
                "least until "
                "2026-07-01T06:00:00Z",
                "inbound of pd-tac-3: no rule matched; between agencies the default is deny, at least until "
                "2026-07-01T01:00:00Z"});
}

TEST_CASE("an explanation says what is done to the sound and to the name") {
    Question question;
    CHECK(question.answer("[{id: a, action: allow, effects: {pseudonymise: true, announce: true}}]",
                          "[{id: b, action: allow, effects: {strip_tones: true}}]") ==
          Lines{"outbound of ng-ops: rule 'a' allows voice to metro-pd, under a pseudonym and without "
                "signalling tones, announced by a mark",
                "inbound of pd-tac-3: rule 'b' allows voice from northgate, without signalling tones"});
}

TEST_CASE("listeners with different suites are told apart only where their answers differ") {
    Question question;
    question.listeners = {Suite::AeadAes256Gcm, Suite::AesCm128HmacSha1_80, Suite::None};
    CHECK(question.answer("[{id: a, action: allow}]",
                          "[{id: b, action: allow, when: {suite: [AEAD_AES_256_GCM, none]}}]") ==
          Lines{"outbound of ng-ops: rule 'a' allows voice to metro-pd",
                "inbound of pd-tac-3, listeners with AEAD_AES_256_GCM or none: rule 'b' allows voice from "
                "northgate",
                "inbound of pd-tac-3, listeners with AES_CM_128_HMAC_SHA1_80: no rule matched; between "
                "agencies the "
                "default is deny"});
    CHECK(question.answer("[{id: a, action: allow}]", "[{id: b, action: deny}]").size() == 2);
    CHECK(question.answer("[{id: a, action: allow}]", "[{id: b, action: allow}]")[2] ==
          "inbound of pd-tac-3, listeners with none: rule 'b' matches but does not name suite none, and "
          "between "
          "agencies suite none crosses only where the rule that allows it names it");
    question.listeners = {};
    CHECK(question.answer("[{id: a, action: allow}]", "[{id: b, action: allow}]")[1] ==
          "inbound of pd-tac-3: nobody is listening there");
}

TEST_CASE("what nobody knows is called unknown, and a reason stays on its line") {
    Names names;
    const Rule rule{"r", Action::Deny, {}, {}, "two\nlines"};
    Decision decision;
    decision.cause = Decision::Cause::Rule;
    decision.rule = &rule;
    CHECK(explain(Side::Outbound, Facts{}, decision, names) ==
          "outbound of an unknown channel: rule 'r' denies voice to an unknown agency: 'two\\nlines'");
}
