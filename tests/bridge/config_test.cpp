#include "crosspatch/bridge/config.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/core/config_reading.hpp"

namespace crosspatch::bridge {
namespace {

using namespace std::chrono_literals;
using tests::Reading;

constexpr auto kKey = "ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";  // of the seed 0, 1, … 31

// True if `complaints` has a line with `text` in it.
bool says(const std::string& complaints, std::string_view text) {
    return complaints.find(text) != std::string::npos;
}

// --- Agencies ---

struct Agencies {
    explicit Agencies(std::string_view yaml)
        : file{yaml}, list{read_agencies(file.root)}, complaints{file.complaints()} {}
    Reading file;
    std::vector<Agency> list;
    std::string complaints;
};

TEST_CASE("an agency has an id, a name, a kind and a key of its own or the gateway's") {
    const Agencies read{
        std::string{"- {id: northgate, name: Northgate Security, kind: private_security, key: gateway}\n"
                    "- {id: metro-pd, key: '"} +
        kKey + "'}\n"};
    CHECK(read.complaints == "");
    REQUIRE(read.list.size() == 2);
    CHECK(read.list[0].name == "Northgate Security");
    CHECK(read.list[0].kind == AgencyKind::PrivateSecurity);
    CHECK(read.list[0].key_kept_here);
    CHECK(read.list[1].name == "metro-pd");
    CHECK(read.list[1].kind == AgencyKind::Other);
    CHECK_FALSE(read.list[1].key_kept_here);
    REQUIRE(read.list[1].public_key);
    CHECK(record::key_text(*read.list[1].public_key) == kKey);
}

TEST_CASE("what is wrong with an agency is said where it stands") {
    CHECK(says(Agencies{"- {name: X, key: gateway}\n"}.complaints, "id"));
    CHECK(says(Agencies{"- {id: a}\n"}.complaints, "key"));
    CHECK(says(Agencies{"- {id: a, key: mine}\n"}.complaints, "1:16: [0].key: is neither 'gateway'"));
    CHECK(says(Agencies{"- {id: a, key: 'ed25519:AAAA'}\n"}.complaints, "not 32 octets in base64"));
    CHECK(says(Agencies{"- {id: a, key: 'ed25519:!'}\n"}.complaints, "not 32 octets in base64"));
    CHECK(
        says(Agencies{"- {id: a, key: 'ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='}\n"}.complaints,
             "no Ed25519 signing key has this public key"));
    CHECK(says(Agencies{fmt::format("- {{id: a, key: '{0}'}}\n- {{id: b, key: '{0}'}}\n", kKey)}.complaints,
               "2:3: [1]: agency 'b' has the same key as 'a'"));
    CHECK(says(Agencies{"- {id: a, key: gateway, kind: polise}\n"}.complaints,
               "'polise' is not a kind of agency; did you mean 'police'?"));
    CHECK(says(Agencies{"- {id: A!, key: gateway}\n"}.complaints, "[0].id"));
    CHECK(says(Agencies{"- {id: a, key: gateway, colour: red}\n"}.complaints, "colour"));
    const Agencies twice{"- {id: a, key: gateway}\n- {id: a, key: gateway}\n"};
    CHECK(says(twice.complaints, "2:3: [1]: agency 'a' stands here a second time; the first is in line 1"));
    CHECK(twice.list.size() == 1);
    CHECK(Agencies{"- nothing\n"}.complaints != "");
    CHECK(Agencies{"{}\n"}.complaints != "");
}

// --- Channels ---

struct Channels {
    explicit Channels(std::string_view yaml) : file{yaml} {
        core::config::Map map = file.root.map();
        channel = read_channel(map, known, names, zones);
        complaints = file.complaints();
    }
    policy::Known known{{"northgate", "metro-pd"}, {{"ng-ops", "northgate"}, {"pd-tac-3", "metro-pd"}}};
    policy::Names names;
    policy::Zones zones{core::WallTime{}};
    Reading file;
    std::optional<Channel> channel;
    std::string complaints;
};

TEST_CASE("a channel has its agency, label, floor and two lists of rules") {
    const Channels read{
        "id: ng-ops\nname: Northgate Operations\nagency: northgate\nsensitivity: GREEN\nfloor: {lease: "
        "400ms}\n"
        "outbound:\n  - {id: to-police, action: allow, when: {agency: metro-pd}}\n"
        "inbound:\n  - {id: from-police, action: allow, when: {agency: metro-pd}}\n"};
    CHECK(read.complaints == "");
    REQUIRE(read.channel);
    CHECK(read.channel->name == "Northgate Operations");
    CHECK(read.channel->sensitivity == policy::Sensitivity::Green);
    CHECK(read.channel->floor.lease == 400ms);
    CHECK(read.channel->outbound.rules.size() == 1);
    CHECK(read.channel->inbound.rules.size() == 1);
}

TEST_CASE("a channel without a name is called by its id, and is AMBER unless it says so") {
    const Channels read{"{id: ng-ops, agency: northgate}\n"};
    REQUIRE(read.channel);
    CHECK(read.channel->name == "ng-ops");
    CHECK(read.channel->sensitivity == policy::Sensitivity::Amber);
}

TEST_CASE("what is wrong with a channel is said where it stands") {
    CHECK(says(Channels{"{agency: northgate}\n"}.complaints, "id"));
    CHECK(says(Channels{"{id: ng-ops}\n"}.complaints, "agency"));
    const Channels unknown{"{id: ng-ops, agency: northgat}\n"};
    CHECK(says(unknown.complaints, "'northgat' is not an agency of this file; did you mean 'northgate'?"));
    CHECK_FALSE(unknown.channel);
    CHECK(says(Channels{"{id: ng-ops, agency: northgate, sensitivity: green}\n"}.complaints,
               "is not a TLP 2.0 label; did you mean 'GREEN'?"));
    CHECK(says(Channels{"{id: ng-ops, agency: northgate, floor: {lease: 1}}\n"}.complaints, "floor.lease"));
    CHECK(says(Channels{"{id: ng-ops, agency: northgate, outbound: [{id: x}]}\n"}.complaints, "outbound"));
    CHECK(says(Channels{"{id: ng-ops, agency: northgate, nmae: x}\n"}.complaints, "did you mean 'name'?"));
}

// --- Talkers ---

struct Talkers {
    explicit Talkers(std::string_view yaml, bool authenticated = true)
        : file{yaml}, talker{read_talker(file.root, "guard", authenticated)}, complaints{file.complaints()} {}
    Reading file;
    Talker talker;
    std::string complaints;
};

TEST_CASE("a talker may claim emergencies with SRTP and nothing without, unless it is written") {
    CHECK(Talkers{"{}\n"}.talker.may_emergency);
    CHECK_FALSE(Talkers("{}\n", false).talker.may_emergency);
    const Talkers none{"{may: []}\n"};
    CHECK_FALSE(none.talker.may_emergency);
    const Talkers all{
        "{id: unit-7, role: officer, priority: 255, may: [emergency, imminent_peril, broadcast]}\n"};
    CHECK(all.complaints == "");
    CHECK(all.talker == Talker{"unit-7", "officer", 255, true, true, true});
    CHECK(Talkers{"{}\n"}.talker.id == "guard");
}

TEST_CASE("what is wrong with a talker is said where it stands") {
    CHECK(says(Talkers{"{role: gard}\n"}.complaints, "did you mean 'guard'?"));
    CHECK(says(Talkers{"{priority: 256}\n"}.complaints, "priority"));
    CHECK(says(Talkers{"{priority: -1}\n"}.complaints, "priority"));
    CHECK(says(Talkers{"{may: [everything]}\n"}.complaints, "'everything' is not a claim"));
    CHECK(says(Talkers{"{may: emergency}\n"}.complaints, "may"));
    CHECK(says(Talkers{"{id: 'A B'}\n"}.complaints, "id"));
    CHECK(says(Talkers{"{rank: 1}\n"}.complaints, "rank"));
}

// --- Bridges ---

struct Bridges {
    explicit Bridges(std::string_view yaml) : file{yaml} {
        list = read_bridges(file.root,
                            {agency("northgate", true), agency("metro-pd", true), agency("city-fd", false)},
                            {channel("ng-ops", "northgate"), channel("ng-gate", "northgate"),
                             channel("pd-tac-3", "metro-pd"), channel("fd-1", "city-fd")});
        complaints = file.complaints();
    }
    static Agency agency(std::string id, bool here) {
        Agency made;
        made.id = std::move(id);
        made.key_kept_here = here;
        return made;
    }
    static Channel channel(std::string id, std::string agency) {
        Channel made;
        made.id = std::move(id);
        made.agency = std::move(agency);
        return made;
    }
    Reading file;
    std::vector<Bridge> list;
    std::string complaints;
};
std::string complaints_of(const std::string& keys) {
    return Bridges{"- {id: joint, " + keys + "}\n"}.complaints;
}
std::string of_pair(const std::string& keys) {
    return complaints_of("channels: [ng-ops, pd-tac-3], " + keys);
}

TEST_CASE("a bridge joins channels, each with its direction and gain") {
    const Bridges read{
        "- {id: joint, channels: [ng-ops, {channel: pd-tac-3, direction: listen, gain: -6dB}]}\n"};
    CHECK(read.complaints == "");
    REQUIRE(read.list.size() == 1);
    const Bridge& bridge = read.list[0];
    REQUIRE(bridge.legs.size() == 2);
    CHECK(bridge.legs[0].direction == Direction::Both);
    CHECK(bridge.legs[1].direction == Direction::Listen);
    CHECK(bridge.legs[1].gain_db == -6);
    CHECK(bridge.opens == Opens::OnRequest);
    CHECK(bridge.when_busy == floor::WhenBusy::Skip);
    CHECK_FALSE(bridge.expires);
}

TEST_CASE("everything that a bridge may say is read") {
    const Bridges read{
        "- id: joint\n  channels: [ng-ops, pd-tac-3]\n  opens: always\n  when_busy: wait\n"
        "  sensitivity: AMBER+STRICT\n  standing_consent: [northgate, metro-pd]\n  agreement: {id: "
        "MOU-2026-014, until: 2027-06-30, "
        "ceilings: "
        "[{agency: northgate, class: imminent_peril, priority: 5}, {agency: metro-pd}]}\n"
        "  preemption:\n    - {role: [officer, dispatcher], agency: metro-pd, emergency: true, over: "
        "{agency: northgate, role: guard}}\n"
        "- {id: other, channels: [ng-ops, ng-gate], expires: 8h}\n"};
    CHECK(read.complaints == "");
    REQUIRE(read.list.size() == 2);
    const Bridge& bridge = read.list[0];
    CHECK(bridge.opens == Opens::Always);
    CHECK(bridge.when_busy == floor::WhenBusy::Wait);
    CHECK(bridge.sensitivity == policy::Sensitivity::AmberStrict);
    CHECK_FALSE(read.list[1].sensitivity);
    CHECK(bridge.standing_consent == std::vector<std::string>{"northgate", "metro-pd"});
    CHECK(bridge.agencies == std::vector<std::string>{"metro-pd", "northgate"});
    CHECK(bridge.agreement == "MOU-2026-014");
    CHECK(bridge.agreement_until == "2027-06-30");
    REQUIRE(bridge.ceilings.size() == 2);
    CHECK(bridge.ceilings[0].agency == "northgate");
    CHECK(bridge.ceilings[0].most == floor::Claim{floor::Class::ImminentPeril, 5});
    CHECK(bridge.ceilings[1].most == floor::Claim{floor::Class::Emergency, 255});
    REQUIRE(bridge.preemption.size() == 1);
    CHECK(bridge.preemption[0].roles == std::vector<std::string>{"officer", "dispatcher"});
    CHECK(bridge.preemption[0].over_agency == "northgate");
    CHECK(bridge.preemption[0].over_roles == std::vector<std::string>{"guard"});
    CHECK(bridge.preemption[0].emergency);
    CHECK(read.list[1].expires == 8h);
}

// bad-input.md, 77
TEST_CASE("a bridge that joins too little, too much or a channel to itself is refused") {
    CHECK(says(complaints_of("channels: [ng-ops]"), "a bridge joins two or more channels"));
    CHECK(says(complaints_of("channels: []"), "a bridge joins two or more channels"));
    CHECK(says(complaints_of("channels: [ng-ops, ng-ops]"),
               "is on this bridge already; a channel cannot be joined to itself"));
    CHECK(says(complaints_of("channels: [ng-ops, {channel: ng-ops}]"), "cannot be joined to itself"));
    std::string many = "channels: [ng-ops";
    for (int i = 0; i < 200; ++i) many += ", pd-tac-3";
    CHECK(says(complaints_of(many + "]"), "more than 200 channels on one bridge"));
    CHECK(says(complaints_of("opens: on_request"), "channels"));
    CHECK(complaints_of("channels: ng-ops") != "");
}

TEST_CASE("names that are not of this file are refused with the one that was meant") {
    CHECK(says(complaints_of("channels: [ng-ops, pd-tac-4]"),
               "'pd-tac-4' is not a channel of this file; did you mean 'pd-tac-3'?"));
    CHECK(
        says(of_pair("standing_consent: [nobody-at-all]"), "'nobody-at-all' is not an agency of this file"));
    CHECK(says(of_pair("preemption: [{agency: metro-dp}]"), "did you mean 'metro-pd'?"));
    CHECK(says(of_pair("preemption: [{role: oficer}]"),
               "'oficer' is not a role of this file; did you mean 'officer'?"));
    CHECK(says(of_pair("preemption: [{over: {agency: x-y-z}}]"), "'x-y-z' is not an agency"));
    CHECK(says(of_pair("preemption: [{over: {role: king}}]"), "'king' is not a role"));
}

TEST_CASE("values that a bridge cannot have are refused where they stand") {
    CHECK(of_pair("opens: on_emergency") == "");
    CHECK(says(of_pair("opens: sometimes"), "is not a way to open a bridge"));
    CHECK(says(of_pair("when_busy: shout"), "is not a way to treat a busy channel"));
    CHECK(says(of_pair("sensitivity: PINK"), "'PINK' is not a TLP 2.0 label"));
    CHECK(says(of_pair("expires: 0s"), "expires"));
    CHECK(says(of_pair("expires: 8"), "expires"));
    CHECK(says(of_pair("opens: always, standing_consent: [northgate, metro-pd], expires: 8h"),
               "always open does not expire"));
    CHECK(says(complaints_of("channels: [ng-ops, {channel: pd-tac-3, gain: 30dB}]"), "gain"));
    CHECK(says(complaints_of("channels: [ng-ops, {channel: pd-tac-3, gain: -6}]"), "gain"));
    CHECK(
        says(complaints_of("channels: [ng-ops, {channel: pd-tac-3, direction: up}]"), "is not a direction"));
    CHECK(says(complaints_of("channels: [ng-ops, {direction: talk}]"), "channel"));
    CHECK(says(of_pair("agreement: {until: 2027-06-30}"), "id"));
    CHECK(says(of_pair("agreement: {id: x, ceilings: [{agency: metro-dp}]}"), "did you mean 'metro-pd'?"));
    CHECK(says(of_pair("agreement: {id: x, ceilings: [{agency: metro-pd}, {agency: metro-pd}]}"),
               "has a ceiling here already"));
    CHECK(
        says(of_pair("agreement: {id: x, ceilings: [{agency: metro-pd, class: king}]}"), "class of a press"));
    CHECK(says(of_pair("agreement: {id: x, ceilings: [{agency: metro-pd, priority: 256}]}"), "256"));
    CHECK(says(of_pair("agreement: {id: x, ceilings: [{class: normal}]}"), "agency"));
    CHECK(says(of_pair("preemption: [{emergency: yes}]"), "emergency"));
    CHECK(says(of_pair("colour: red"), "colour"));
}

TEST_CASE("an agreement ends on a real day, written year-month-day in digits") {
    for (const auto good : {"2027-06-30", "2028-02-29"})
        CHECK(of_pair(std::string{"agreement: {id: A, until: '"} + good + "'}") == "");
    for (const auto bad :
         {"2027-6-30", "30.06.2027", "2027-02-29", "2027-13-01", "2027-00-10", "2027-06-31", "tomorrow",
          "2027-+1-03", "2027- 1-03", "-027-06-30", "2027-06-3x", "2027-06-30 "}) {
        CAPTURE(bad);
        CHECK(says(of_pair(std::string{"agreement: {id: A, until: '"} + bad + "'}"),
                   "is not a date; write it as 2027-06-30"));
    }
}

TEST_CASE("a bridge that is always open needs the standing consent of each agency, whose key is kept here") {
    CHECK(says(of_pair("opens: always, standing_consent: [northgate]"),
               "'metro-pd' is missing from standing_consent"));
    CHECK(says(of_pair("opens: always"), "'northgate' is missing"));
    CHECK(says(of_pair("standing_consent: [city-fd]"),
               "agency 'city-fd' keeps its key itself, so only it can consent"));
    CHECK(complaints_of("channels: [ng-ops, ng-gate], opens: always, standing_consent: [northgate]") == "");
    // Who keeps its key itself is waited for.
    CHECK(complaints_of("channels: [ng-ops, fd-1], opens: always, standing_consent: [northgate]") == "");
    CHECK(says(complaints_of("channels: [ng-ops, fd-1], opens: always"), "'northgate' is missing"));
}

TEST_CASE("two bridges of one name are refused") {
    const Bridges read{"- {id: a, channels: [ng-ops, pd-tac-3]}\n- {id: a, channels: [ng-ops, ng-gate]}\n"};
    CHECK(says(read.complaints, "2:3: [1]: bridge 'a' stands here a second time"));
    CHECK(read.list.size() == 1);
}

TEST_CASE("names are known ahead of the rules that use them, and nonsense among them is passed over") {
    const Reading file{
        "agencies: [{id: a}, 7, {id: [x]}]\nchannels: [{id: c, agency: a}, {id: {x: y}}, z]\n"};
    const auto known = known_names(file.at("agencies"), file.at("channels"));
    CHECK(known.agencies == std::vector<std::string>{"a", ""});
    REQUIRE(known.channels.size() == 2);
    CHECK(known.channels[0].id == "c");
    CHECK(known.channels[0].agency == "a");
    CHECK(file.complaints() == "");
}

}  // namespace
}  // namespace crosspatch::bridge
