#include <doctest/doctest.h>

#include "crosspatch/bridge/config.hpp"
#include "tests/core/config_reading.hpp"

namespace crosspatch::bridge {
namespace {

using tests::Reading;

// Northgate and the police share `joint` (lines 5 to 7 of the file) at the stadium, and `gate` elsewhere.
struct County {
    explicit County(const std::string& rules, const std::string& preemption = "", bool incidents = false)
        : file{
              "bridges:\n"
              "  - {id: gate, channels: [ng-ops, pd-tac]}\n"
              "  - {id: fire, channels: [ng-ops, fd-1, pd-tac], place: mall}\n"
              "  - id: joint\n"
              "    channels: [ng-ops, pd-tac]\n"
              "    place: stadium\n" +
              (preemption.empty() ? "\n" : "    preemption: [" + preemption + "]\n") + "jurisdiction:\n" +
              rules} {
        bridges = read_bridges(
            file.at("bridges"),
            {agency("northgate"), agency("metro-pd"), agency("city-fd"), agency("county-eoc")},
            {channel("ng-ops", "northgate"), channel("pd-tac", "metro-pd"), channel("fd-1", "city-fd")});
        const auto read = read_jurisdiction(
            file.at("jurisdiction"),
            {agency("northgate"), agency("metro-pd"), agency("city-fd"), agency("county-eoc")}, bridges,
            incidents);
        apply_jurisdiction(read, bridges, file.problems);
        complaints = file.complaints();
        warnings = file.warnings();
    }
    static Agency agency(std::string id) {
        Agency made;
        made.id = std::move(id);
        made.key_kept_here = true;
        return made;
    }
    static Channel channel(std::string id, std::string agency) {
        Channel made;
        made.id = std::move(id);
        made.agency = std::move(agency);
        return made;
    }
    const Jurisdiction& of(std::string_view id) const {
        for (const Bridge& bridge : bridges)
            if (bridge.id == id) return bridge.jurisdiction;
        FAIL("no such bridge");
        return bridges[0].jurisdiction;
    }
    Reading file;
    std::vector<Bridge> bridges;
    std::string complaints, warnings;
};
std::string complaints_of(const std::string& rules, const std::string& preemption = "") {
    return County{rules, preemption}.complaints;
}

TEST_CASE("a rule gives rights by agency, role, place and bridge, each a value or a list") {
    const County county{
        "  - {id: police, may: [open, command], agency: metro-pd, role: [supervisor, dispatcher], place: "
        "stadium}\n"
        "  - {id: eoc, may: close, agency: [county-eoc], bridge: [joint, gate]}\n"
        "  - {id: quiet, may: preempt, action: deny, role: guard, bridge: gate, reason: Guards wait}\n"};
    CHECK(county.complaints == "");
    CHECK(county.warnings == "");
    CHECK(county.of("joint").rules().size() == 2);
    CHECK(county.of("gate").rules().size() == 2);
    CHECK(county.of("fire").rules().empty());
    CHECK(county.of("joint").decide(Right::Command, "metro-pd", "dispatcher").allowed);
    CHECK(county.of("joint").decide(Right::Close, "county-eoc", "guard").allowed);
    CHECK_FALSE(county.of("joint").decide(Right::Open, "northgate", "dispatcher").allowed);
    CHECK(county.of("gate").decide(Right::Open, "northgate", "dispatcher").allowed);
    CHECK(explain(county.of("gate").decide(Right::Preempt, "northgate", "guard"), Right::Preempt) ==
          "jurisdiction rule 'quiet' denies it: Guards wait");
}

TEST_CASE("what is wrong with a rule is said where it stands, with what was meant") {
    CHECK(complaints_of("  - {may: open}\n").starts_with("9:5: jurisdiction[0]: the key 'id' is missing"));
    CHECK(complaints_of("  - {id: a}\n").starts_with("9:5: jurisdiction[0]: the key 'may' is missing"));
    CHECK(complaints_of("  - {id: a, may: [opne]}\n") ==
          "9:19: jurisdiction[0].may[0]: 'opne' is not a right; did you mean 'open'?");
    CHECK(complaints_of("  - {id: a, may: open, agency: metro-dp}\n") ==
          "9:32: jurisdiction[0].agency: 'metro-dp' is not an agency of this file; did you mean 'metro-pd'?");
    CHECK(complaints_of("  - {id: a, may: open, place: [stadum]}\n") ==
          "9:32: jurisdiction[0].place[0]: 'stadum' is not the place of a bridge of this file; did you mean "
          "'stadium'?");
    CHECK(complaints_of("  - {id: a, may: open, bridge: jiont}\n") ==
          "9:32: jurisdiction[0].bridge: 'jiont' is not a bridge of this file; did you mean 'joint'?");
    CHECK(complaints_of("  - {id: a, may: open, role: chief}\n")
              .starts_with("9:30: jurisdiction[0].role: 'chief' is not a role; one of guard"));
    CHECK(complaints_of("  - {id: a, may: open, action: forbid}\n")
              .starts_with("9:32: jurisdiction[0].action: 'forbid' is not an action"));
    CHECK(complaints_of("  - {id: a, may: []}\n")
              .starts_with("9:18: jurisdiction[0].may: an empty list matches"));
    CHECK(complaints_of("  - {id: a, may: open, palce: x}\n").find("did you mean 'place'?") !=
          std::string::npos);
    CHECK(complaints_of("  - {id: a, may: open}\n  - {id: a, may: command, agency: metro-pd}\n") ==
          "10:5: jurisdiction[1]: there is a rule 'a' already, in line 9; give this one an id of its own");
    CHECK(complaints_of("  a: b\n") != "");
    std::string many;
    for (int i = 0; i < 201; ++i) many += "  - {id: a, may: open}\n";
    CHECK(complaints_of(many).starts_with("9:3: jurisdiction: 201 rules are too many; at most 200"));
    CHECK(County{"  - {id: a, may: open, reason: x}\n"}.warnings.find("nobody will see this") !=
          std::string::npos);
}

TEST_CASE("a condition on incidents is refused until there are some, and read where there are") {
    const std::string rules = "  - {id: a, may: open, agency: metro-pd, incident: [fire, cbrne]}\n";
    CHECK(complaints_of(rules) ==
          "9:42: jurisdiction[0].incident: this version does not have this yet (conditions on incidents); "
          "leave the key "
          "out");
    const County county{rules, "", true};
    CHECK(county.complaints == "");
    CHECK(county.of("joint").decide(Right::Open, "northgate", "dispatcher").allowed);
    CHECK_FALSE(
        county.of("joint").decide(Right::Open, "northgate", "dispatcher", IncidentKind::Cbrne).allowed);
    CHECK(County("  - {id: a, may: open, incident: flood}\n", "", true)
              .complaints.find("'flood' is not a kind of incident") != std::string::npos);
}

TEST_CASE(
    "either side must be able to cut: a rule that takes `close` from an agency on the bridge is refused") {
    CHECK(complaints_of(
              "  - {id: mute, may: [open, close], action: deny, agency: northgate, place: stadium}\n") ==
          "9:5: jurisdiction[0]: rule 'mute' takes `close` from dispatcher, supervisor of northgate, which "
          "has a "
          "channel on bridge 'joint': either side must be able to cut alone; leave `close` out of it");
    CHECK(complaints_of("  - {id: mute, may: close, action: deny, role: dispatcher}\n")
              .starts_with("9:5: jurisdiction[0]: rule 'mute' takes `close` from dispatcher of "));
    CHECK(complaints_of("  - {id: mute, may: close, action: deny, role: officer}\n") == "");
    CHECK(complaints_of("  - {id: mute, may: close, action: deny, agency: county-eoc}\n") == "");
    // One that allows it adds somebody, and takes it from nobody.
    CHECK(complaints_of("  - {id: eoc, may: close, agency: county-eoc}\n") == "");
}

TEST_CASE("who has no channel on a bridge cannot be given its floor or its radios") {
    CHECK(
        complaints_of("  - {id: eoc, may: [open, preempt, command], agency: county-eoc, bridge: joint}\n") ==
        "9:5: jurisdiction[0]: rule 'eoc' gives preempt, command to county-eoc, which has no channel on "
        "bridge "
        "'joint': nobody but the agencies on a bridge can have that there");
    CHECK(complaints_of("  - {id: eoc, may: [open, close], agency: county-eoc, bridge: joint}\n") == "");
    // It is on one of them.
    CHECK(complaints_of("  - {id: fire, may: preempt, agency: city-fd}\n") == "");
}

TEST_CASE("command is one agency's in every situation: two rules that give it to two are both named") {
    CHECK(complaints_of("  - {id: police, may: command, agency: metro-pd, place: stadium}\n"
                        "  - {id: guards, may: [open, command], agency: northgate, role: supervisor}\n") ==
          "10:5: jurisdiction[1]: rule 'guards' gives `command` on bridge 'joint' to northgate, and rule "
          "'police' in "
          "line 9 gives it to metro-pd: command is one agency's; give one of them another bridge or place");
    CHECK(complaints_of("  - {id: all, may: command, bridge: joint}\n") ==
          "9:5: jurisdiction[0]: rule 'all' gives `command` on bridge 'joint' to metro-pd and northgate: "
          "command is "
          "one agency's; name it under `agency`");
    CHECK(complaints_of("  - {id: police, may: command, agency: metro-pd, place: stadium}\n"
                        "  - {id: guards, may: command, agency: northgate, bridge: gate}\n") == "");
    // What the first rule takes away the second does not give.
    CHECK(complaints_of("  - {id: not-guards, may: command, action: deny, agency: northgate, bridge: joint}\n"
                        "  - {id: all, may: command, bridge: joint}\n") == "");
    const std::string by_kind =
        "  - {id: police, may: command, agency: metro-pd, bridge: joint, incident: security}\n"
        "  - {id: guards, may: command, agency: northgate, bridge: joint, incident: ";
    CHECK(County(by_kind + "[fire, health]}\n", "", true).complaints == "");
    CHECK(County(by_kind + "[fire, security]}\n", "", true)
              .complaints.starts_with("10:5: jurisdiction[1]: rule 'guards' gives `command` on bridge "
                                      "'joint' to northgate, and rule 'police' in "
                                      "line 9 gives it to metro-pd"));
}

TEST_CASE("a rule that allows and one that denies the same to the same people are both named") {
    CHECK(complaints_of("  - {id: yes, may: [open, preempt], agency: [metro-pd, northgate], bridge: joint}\n"
                        "  - {id: no, may: [close, open], action: deny, role: [guard], place: stadium}\n") ==
          "");
    CHECK(complaints_of("  - {id: yes, may: [open, preempt], agency: [metro-pd, northgate], bridge: joint}\n"
                        "  - {id: no, may: [open], action: deny, place: stadium}\n") ==
          "10:5: jurisdiction[1]: rule 'no' denies what rule 'yes' in line 9 allows, open, to the same "
          "people on the "
          "same bridges: take it out of one of them");
    CHECK(complaints_of("  - {id: no, may: command, action: deny, agency: metro-pd}\n"
                        "  - {id: yes, may: command, agency: metro-pd}\n") ==
          "10:5: jurisdiction[1]: rule 'yes' allows what rule 'no' in line 9 denies, command, to the same "
          "people on "
          "the same bridges: take it out of one of them");
    CHECK(complaints_of("  - {id: no, may: command, action: deny, agency: metro-pd}\n"
                        "  - {id: yes, may: command, agency: metro-pd, role: guard}\n") == "");
}

TEST_CASE("a rule of `preemption` cannot give what jurisdiction denies or leaves to others") {
    const std::string chiefs =
        "  - {id: chiefs, may: preempt, agency: metro-pd, role: supervisor, place: stadium}\n";
    CHECK(complaints_of(chiefs, "{agency: metro-pd, role: supervisor}, {emergency: true}") == "");
    CHECK(
        complaints_of(chiefs, "{agency: metro-pd, role: [supervisor, officer]}") ==
        "7:18: bridges 'joint': the `preemption` rule in line 7 lets officer of metro-pd take the floor, and "
        "jurisdiction rule 'chiefs' gives it to supervisor of metro-pd (line 9): change one of the two");
    CHECK(complaints_of(chiefs, "{agency: northgate}") ==
          "7:18: bridges 'joint': the `preemption` rule in line 7 lets anybody of northgate take the floor, "
          "and "
          "jurisdiction rule 'chiefs' gives it to supervisor of metro-pd (line 9): change one of the two");
    // Whoever it may be: that is as far as jurisdiction lets.
    CHECK(complaints_of(chiefs, "{over: {agency: northgate}}, {role: supervisor}, {agency: metro-pd}") == "");
    const std::string none =
        "  - {id: none, may: preempt, action: deny, bridge: joint, reason: Wait your turn}\n";
    CHECK(complaints_of(none, "{over: {role: guard}}") ==
          "7:18: bridges 'joint': the `preemption` rule in line 7 lets anybody of any agency take the floor, "
          "and "
          "jurisdiction rule 'none' denies it: Wait your turn (line 9): change one of the two");
    CHECK(complaints_of(none, "{emergency: true}") == "");
    CHECK(complaints_of("  - {id: none, may: emergency, action: deny, agency: northgate}\n",
                        "{emergency: true}") == "");
    CHECK(complaints_of("  - {id: none, may: emergency, action: deny, agency: northgate}\n",
                        "{emergency: true, agency: northgate}")
              .starts_with(
                  "7:18: bridges 'joint': the `preemption` rule in line 7 lets anybody of northgate take"));
}

TEST_CASE("a rule that can never match is a warning, which names what stands before it") {
    CHECK(County{"  - {id: all, may: [open, close], bridge: joint}\n"
                 "  - {id: police, may: open, agency: metro-pd, place: stadium}\n"}
              .warnings ==
          "10:5: jurisdiction[1]: rule 'police' can never match: before it stands rule 'all' (line 9) and "
          "decides all "
          "that it would; put the exception first");
    CHECK(County{"  - {id: a, may: open, role: [guard, officer], bridge: joint}\n"
                 "  - {id: b, may: open, agency: metro-pd, bridge: [joint, gate]}\n"
                 "  - {id: c, may: open, agency: metro-pd, bridge: [gate, joint], role: guard}\n"}
              .warnings ==
          "11:5: jurisdiction[2]: rule 'c' can never match: before it stand rules 'a' (line 9), 'b' (line "
          "10) and "
          "decide all that it would; put the exception first");
    CHECK(County{"  - {id: all, may: open, bridge: joint}\n"
                 "  - {id: police, may: [open, preempt], agency: metro-pd, place: stadium}\n"}
              .warnings == "");
    CHECK(County{"  - {id: guards, may: open, role: guard, bridge: joint}\n"
                 "  - {id: all, may: open, bridge: joint}\n"}
              .warnings == "");
    CHECK(County{"  - {id: nowhere, may: open, bridge: gate, place: stadium}\n"}.warnings ==
          "9:5: jurisdiction[0]: rule 'nowhere' can never match: no bridge of this file is what it asks for, "
          "with the "
          "agencies that it names");
}

// --- Rules of `preemption` among themselves and under ceilings: true without any jurisdiction. ---

std::string of_joint(const std::string& keys) {
    const Reading file{"- id: joint\n  channels: [ng-ops, pd-tac]\n" + keys};
    read_bridges(file.root, {County::agency("northgate"), County::agency("metro-pd")},
                 {County::channel("ng-ops", "northgate"), County::channel("pd-tac", "metro-pd")});
    return file.complaints();
}

TEST_CASE("a rule for emergencies of an agency goes no higher than its ceiling") {
    const std::string under = "  agreement: {id: M, ceilings: [{agency: metro-pd, class: normal}]}\n";
    CHECK(of_joint(under + "  preemption:\n    - {emergency: true, agency: metro-pd}\n") ==
          "5:7: [0].preemption[0]: the `preemption` rule in line 5 lets emergencies of metro-pd take the "
          "floor, and "
          "the ceiling of metro-pd in line 3 has them count for less: raise the ceiling's class or take the "
          "rule "
          "out");
    CHECK(of_joint(under + "  preemption: [{emergency: true, agency: northgate}, {emergency: true}]\n") ==
          "");
    CHECK(of_joint(under +
                   "  preemption: [{emergency: true, agency: metro-pd, over: {agency: metro-pd}}]\n") == "");
    CHECK(of_joint("  agreement: {id: M, ceilings: [{agency: metro-pd, priority: 5}]}\n"
                   "  preemption: [{emergency: true, agency: metro-pd}]\n") == "");
}

TEST_CASE("two agencies that take the floor from each other in the same role are refused, with both rules") {
    const std::string mine = "  preemption:\n    - {role: [dispatcher, supervisor], agency: metro-pd}\n";
    CHECK(of_joint(mine + "    - {role: supervisor, agency: northgate, over: {agency: metro-pd}}\n") ==
          "5:7: [0].preemption[1]: the `preemption` rule in line 5 lets supervisor of northgate take the "
          "floor from "
          "metro-pd, and the one in line 4 lets the other side take it back in the same role: each would cut "
          "the "
          "other for ever; leave it to one of them");
    CHECK(of_joint(mine + "    - {role: guard, agency: northgate, over: {agency: metro-pd}}\n") == "");
    CHECK(of_joint(mine + "    - {role: supervisor, agency: northgate, over: {agency: northgate}}\n") == "");
    CHECK(of_joint(mine + "    - {role: supervisor, agency: northgate, over: {role: officer}}\n") == "");
    CHECK(of_joint(mine + "    - {role: supervisor, agency: northgate, emergency: true}\n") == "");
    CHECK(of_joint(mine + "    - {role: supervisor, agency: metro-pd, over: {role: supervisor}}\n") == "");
    CHECK(of_joint("  preemption:\n    - {role: supervisor, agency: metro-pd, over: {role: guard}}\n"
                   "    - {role: supervisor, agency: northgate}\n") == "");
    std::string many = "  preemption:\n";
    for (int i = 0; i < 201; ++i) many += "    - {role: supervisor}\n";
    CHECK(of_joint(many).starts_with("4:5: [0].preemption: 201 rules are too many; at most 200"));
}

}  // namespace
}  // namespace crosspatch::bridge
