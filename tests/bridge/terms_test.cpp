#include "crosspatch/bridge/terms.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>

#include "crosspatch/record/canonical.hpp"
#include "crosspatch/record/consent.hpp"
#include "tests/core/config_reading.hpp"

namespace crosspatch::bridge {
namespace {

using tests::Reading;

const std::string kTown = R"(
agencies:
  - {id: northgate, key: gateway}
  - {id: metro-pd, key: gateway}
channels:
  - id: ng-ops
    agency: northgate
    sensitivity: GREEN
    outbound:
      - {id: joint, action: allow, when: {agency: metro-pd, kind: [voice, text], role: [supervisor, guard]}}
      - {id: rest, action: deny, reason: nobody else}
    inbound: [{id: in, action: allow, when: {not: {suite: none}}, effects: {gain: -3dB, max_talk: 20s}}]
  - id: pd-tac
    agency: metro-pd
    outbound: [{id: out, action: allow, when: {hours: ["Mon-Fri 06:00-22:00 America/Chicago"]}}]
    inbound: [{id: in, action: allow}]
bridges:
  - id: joint
    channels: [ng-ops, {channel: pd-tac, direction: listen, gain: -6dB}]
    agreement: {id: MOU, ceilings: [{agency: metro-pd, class: imminent_peril, priority: 5}]}
    preemption: [{role: [supervisor, dispatcher], agency: metro-pd, over: {agency: northgate}}, {emergency: true}]
)";

boost::json::object terms(const std::string& yaml, bool recordings = false) {
    Reading file{yaml};
    policy::Names names;
    policy::Zones zones{core::WallTime{}};
    const policy::Known known = known_names(file.at("agencies"), file.at("channels"));
    const policy::Vocabulary vocabulary{known};
    std::vector<Channel> channels;
    for (const auto& node : file.at("channels").list()) {
        auto map = node.map();
        channels.push_back(read_channel(map, vocabulary, names, zones).value());
    }
    const auto agencies = read_agencies(file.at("agencies"));
    auto bridges = read_bridges(file.at("bridges"), agencies, channels);
    auto root = file.root.map();
    JurisdictionRules rules;
    if (const auto list = root.find("jurisdiction")) rules = read_jurisdiction(*list, agencies, bridges);
    apply_jurisdiction(rules, bridges, file.problems);
    CHECK(file.complaints() == "");
    REQUIRE(bridges.size() == 1);
    auto terms = terms_of(bridges[0], channels, names, recordings);
    // However it is hashed, it is the same.
    TermsHashes hashes{channels, names, recordings};
    for (int again = 0; again < 2; ++again)
        CHECK(hashes.hash(bridges[0]).value() == record::hash_terms(terms).value());
    return terms;
}

std::string hash(const std::string& yaml, bool recordings = false) {
    return record::hash_terms(terms(yaml, recordings)).value();
}

std::string changed(std::string_view from, std::string_view to) {
    std::string text = kTown;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

TEST_CASE("the terms of a bridge are written down, each key as src/bridge/README.md has it") {
    CHECK(
        record::to_canonical(terms(kTown)).value() ==
        R"({"channels":{"ng-ops":"northgate","pd-tac":"metro-pd"},)"
        R"("directions":{"ng-ops":"both","pd-tac":"listen"},)"
        R"("inbound":{"ng-ops":[{"action":"allow","effects":{"gain":"-3dB","max_talk_ms":20000},"id":"in",)"
        R"("when":{"not":{"suite":["none"]}}}],"pd-tac":[{"action":"allow","id":"in"}]},)"
        R"("outbound":{"ng-ops":[{"action":"allow","id":"joint","when":{"agency":["metro-pd"],)"
        R"("kind":["voice","text"],"role":["guard","supervisor"]}},)"
        R"({"action":"deny","id":"rest","reason":"nobody else"}],)"
        R"("pd-tac":[{"action":"allow","id":"out","when":{"hours":["Mon-Fri 06:00-22:00 America/Chicago"]}}]},)"
        R"("preemption":{"ceilings":{"metro-pd":{"class":"imminent_peril","priority":5}},)"
        R"("rules":[{"agency":"metro-pd","over":{"agency":"northgate"},"role":["dispatcher","supervisor"]},)"
        R"({"emergency":true}]},)"
        R"("retention":{"recordings":false},"sensitivity":{"ng-ops":"GREEN","pd-tac":"AMBER"}})");
    // By `sha256sum`, of the line above.
    CHECK(hash(kTown) == "cd5a6e4d56d6ef68aca4cbd701e17bbb0fef865b939b0ba0a9bcffe28ec4a31a");
}

TEST_CASE("what is only written otherwise is the same terms") {
    const std::string before = hash(kTown);
    CHECK(hash("# a comment\n" + kTown) == before);
    CHECK(hash(changed("role: [supervisor, guard]", "role: [guard, supervisor, guard]")) == before);
    CHECK(hash(changed("kind: [voice, text]", "not: {kind: [picture, location]}")) == before);
    CHECK(hash(changed("agency: metro-pd, kind", "\"agency\": [\"metro-pd\"], kind")) == before);
    CHECK(hash(changed("max_talk: 20s", "max_talk: 20000ms")) == before);
    CHECK(hash(changed("role: [supervisor, dispatcher]", "role: [dispatcher, supervisor]")) == before);
    CHECK(hash(changed("[ng-ops, {channel: pd-tac, direction: listen, gain: -6dB}]",
                       "[{direction: listen, channel: pd-tac, gain: -6dB}, {channel: ng-ops}]")) == before);
    CHECK(hash(changed("sensitivity: GREEN", "sensitivity: GREEN\n    name: Other")) == before);
    CHECK(hash(changed("{id: in, action: allow}", "{id: in, action: allow, when: {}}")) == before);
}

TEST_CASE("every change of what may cross, who hears it and who goes first is other terms") {
    const std::string before = hash(kTown);
    const auto other = [&](std::string_view from, std::string_view to) {
        CAPTURE(from);
        CHECK(hash(changed(from, to)) != before);
    };
    other("sensitivity: GREEN", "sensitivity: CLEAR");
    other("direction: listen", "direction: talk");
    other("agency: northgate\n    sensitivity", "agency: metro-pd\n    sensitivity");
    other("id: joint, action: allow", "id: joint, action: deny");
    other("when: {agency: metro-pd, ", "when: {");
    other("kind: [voice, text]", "kind: voice");
    other("role: [supervisor, guard]", "role: guard");
    other("role: [supervisor, guard]", "not: {role: [supervisor, guard]}");
    other("reason: nobody else", "reason: nobody");
    other("{suite: none}", "{suite: AEAD_AES_128_GCM}");
    other("{not: {suite: none}}", "{suite: [AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80]}");
    other("gain: -3dB", "gain: -2.5dB");
    other("max_talk: 20s", "max_talk: 21s");
    other("max_talk: 20s", "max_talk: 20s, pseudonymise: true");
    other("max_talk: 20s", "max_talk: 20s, strip_tones: true");
    other("max_talk: 20s", "max_talk: 20s, announce: true");
    other("agreement:", "sensitivity: GREEN\n    agreement:");
    other("06:00-22:00", "06:00-23:00");
    other("hours: [", "not: {hours: [\"Sun 00:00-24:00 America/Chicago\"]}, hours: [");
    other("{id: in, action: allow}]", "{id: in, action: allow, when: {emergency: true}}]");
    other("{id: in, action: allow}]", "{id: in, action: allow, when: {sensitivity: RED}}]");
    other("{id: in, action: allow}]", "{id: in, action: allow, when: {talker: unit-7}}]");
    other("{id: in, action: allow}]", "{id: in, action: allow, when: {channel: ng-ops}}]");
    other("over: {agency: northgate}", "over: {role: guard}");
    other("{emergency: true}", "{emergency: true, role: guard}");
    other("class: imminent_peril", "class: normal");
    other("priority: 5", "priority: 6");
    CHECK(hash(kTown, true) != before);
}

TEST_CASE("the effects of a rule and the most confidential that a bridge carries are written down") {
    const auto written = terms(changed("max_talk: 20s", "pseudonymise: true, announce: true"));
    CHECK(boost::json::serialize(written.at("inbound").at("ng-ops").at(0).at("effects")) ==
          R"({"gain":"-3dB","pseudonymise":true,"strip_tones":true,"announce":true})");
    CHECK(hash(changed("max_talk: 20s", "pseudonymise: true")) ==
          hash(changed("max_talk: 20s", "pseudonymise: true, strip_tones: true")));
    CHECK(hash(changed("max_talk: 20s", "pseudonymise: true")) !=
          hash(changed("max_talk: 20s", "strip_tones: true")));
    CHECK(hash(changed("max_talk: 20s", "max_talk: 20s, announce: false")) == hash(kTown));
    const auto bound = terms(changed("agreement:", "sensitivity: GREEN\n    agreement:"));
    CHECK(boost::json::serialize(bound.at("sensitivity")) ==
          R"({"ng-ops":"GREEN","pd-tac":"AMBER","at_most":"GREEN"})");
    CHECK(hash(changed("agreement:", "sensitivity: GREEN\n    agreement:")) !=
          hash(changed("agreement:", "sensitivity: CLEAR\n    agreement:")));
}

TEST_CASE("the rules of jurisdiction that concern a bridge are part of its terms, if there are any") {
    const std::string before = hash(kTown);
    const std::string placed = changed("id: joint\n", "id: joint\n    place: stadium\n");
    CHECK(hash(placed) == before);  // that alone gives nobody a right
    const std::string rules =
        "jurisdiction:\n"
        "  - {id: police, may: [preempt, open], agency: metro-pd, role: [supervisor, dispatcher], place: "
        "stadium}\n"
        "  - {id: rest, may: command, action: deny, reason: Nobody}\n";
    const std::string with = placed + rules;
    CHECK(record::to_canonical(terms(with).at("preemption").at("jurisdiction").as_object()).value() ==
          R"({"place":"stadium","rules":[{"action":"allow","agency":["metro-pd"],"id":"police",)"
          R"("may":["open","preempt"],"role":["dispatcher","supervisor"]},)"
          R"({"action":"deny","id":"rest","may":["command"],"reason":"Nobody"}]})");
    CHECK(hash(with) != before);
    const auto otherwise = [&](std::string_view from, std::string_view to) {
        std::string text = with;
        return hash(text.replace(text.find(from), from.size(), to));
    };
    CHECK(otherwise("[preempt, open]", "[open, preempt, open]") == hash(with));
    CHECK(otherwise("place: stadium}", "bridge: [joint], place: stadium}") == hash(with));
    CHECK(otherwise("[preempt, open]", "[preempt]") != hash(with));
    CHECK(otherwise(", role: [supervisor, dispatcher], place", ", place") != hash(with));
    CHECK(otherwise("reason: Nobody", "reason: No") != hash(with));
    CHECK(otherwise("id: rest", "id: last") != hash(with));
}

TEST_CASE("the order of rules is part of the terms") {
    const std::string swapped = changed("inbound: [{id: in, action: allow}]",
                                        "inbound: [{id: a, action: deny, when: {role: guard}}, "
                                        "{id: b, action: allow}]");
    const std::string turned = changed("inbound: [{id: in, action: allow}]",
                                       "inbound: [{id: b, action: allow}, "
                                       "{id: a, action: deny, when: {role: guard}}]");
    CHECK(hash(swapped) != hash(turned));
}

// Bridges that join all of `channels`, whose lists have so many rules.
struct Large {
    policy::Names names;
    std::vector<Channel> channels;
    std::vector<Bridge> bridges;

    Large(std::size_t bridge_count, std::size_t channel_count, std::size_t rules) {
        policy::Rule rule{.id = "rule-with-a-name-of-32-characters", .action = policy::Action::Deny};
        rule.reason = std::string(60, 'x');
        for (std::size_t i = 0; i < channel_count; ++i) {
            Channel channel{.id = "channel-" + std::to_string(i), .agency = "metro-pd"};
            channel.outbound.rules.assign(rules, rule);
            channels.push_back(std::move(channel));
        }
        for (std::size_t i = 0; i < bridge_count; ++i) {
            Bridge bridge{.id = "bridge-" + std::to_string(i)};
            for (const Channel& channel : channels) bridge.legs.push_back({channel.id});
            bridges.push_back(std::move(bridge));
        }
    }
};

TEST_CASE(
    "terms that repeat more than anybody has are refused after a bounded time, and it says what helps") {
    const Large large{1000, 40, 500};  // 3 MiB each
    TermsHashes hashes{large.channels, large.names, true};
    const auto began = std::chrono::steady_clock::now();
    std::optional<core::Error> refused;
    std::size_t hashed = 0;
    for (const Bridge& bridge : large.bridges) {
        const auto hash = hashes.hash(bridge);
        if (!hash) {
            refused = hash.error();
            break;
        }
        ++hashed;
    }
    REQUIRE(refused);
    CHECK(refused->code == core::Error::Code::Exhausted);
    CHECK(refused->context.find("fewer channels on a bridge") != std::string::npos);
    CHECK(hashed > 100);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{60});
}

TEST_CASE("the terms of one bridge have an end, too") {
    const Large large{1, 200, 3000};
    TermsHashes hashes{large.channels, large.names, true};
    const auto hash = hashes.hash(large.bridges[0]);
    REQUIRE_FALSE(hash);
    CHECK(hash.error().code == core::Error::Code::Exhausted);
    CHECK(hash.error().context.find("64 MiB") != std::string::npos);
}

}  // namespace
}  // namespace crosspatch::bridge
