// What the agencies of a town agree on, case by case: the rules as they would write them, and who then hears whom.
#include <doctest/doctest.h>

#include "tests/policy/desk.hpp"

using namespace crosspatch;
using namespace crosspatch::policy;
using tests::Desk;
using tests::Lines;
using tests::utc;

namespace {

const core::WallTime kNoon = utc(2026, 7, 1, 17);     // 12:00 in Chicago, a Wednesday
const core::WallTime kMidnight = utc(2026, 7, 2, 5);  // 00:00 there

struct Channel {
    std::string id, agency;
    Sensitivity sensitivity;
    std::string outbound, inbound;
};

// A town with the lists of its channels, and people who talk there.
class Town {
public:
    Town(std::vector<std::string> agencies, const std::vector<Channel>& channels,
         const char* groups = "x: {roles: guard}") {
        desk_.known = {std::move(agencies), {}};
        desk_.known.incidents = true;
        for (const Channel& one : channels) desk_.known.channels.push_back({one.id, one.agency});
        desk_.read_groups(groups);
        REQUIRE(desk_.problems == Lines{});
        for (const Channel& one : channels)
            channels_.push_back(
                {one, list(one.outbound, Side::Outbound, one.id), list(one.inbound, Side::Inbound, one.id)});
    }

    // Who talks; the rest of what is said is set on `facts`.
    Facts talk(const std::string& from, const std::string& talker, const std::string& role) {
        Facts facts;
        facts.own_channel = desk_.names.intern(from);
        facts.talker = desk_.names.intern(talker);
        facts.role = desk_.names.intern(role);
        return facts;
    }
    Crossing cross(Facts facts, const std::string& to, core::WallTime time = kNoon,
                   SuiteSet listeners = {Suite::AeadAes256Gcm}) {
        const Place& there = place(to);
        const Place& here = place(std::string{desk_.names.text(facts.own_channel)});
        facts.own_agency = desk_.names.intern(here.channel.agency);
        facts.other_agency = desk_.names.intern(there.channel.agency);
        facts.other_channel = desk_.names.intern(to);
        facts.sensitivity = here.channel.sensitivity;
        return decide_crossing(here.outbound, there.inbound, facts, listeners, time);
    }
    bool heard(const Facts& facts, const std::string& to, core::WallTime time = kNoon) {
        return cross(facts, to, time).allowed;
    }

private:
    struct Place {
        Channel channel;
        RuleList outbound, inbound;
    };
    RuleList list(const std::string& yaml, Side side, const std::string& own) {
        RuleList read = desk_.read(yaml, side, own);
        REQUIRE(desk_.problems == Lines{});
        CHECK(desk_.warnings == Lines{});
        return read;
    }
    const Place& place(const std::string& id) const {
        for (const Place& one : channels_)
            if (one.channel.id == id) return one;
        FAIL("no channel " << id);
        return channels_.front();
    }

    Desk desk_;
    std::vector<Place> channels_;
};

}  // namespace

TEST_CASE("guard to patrol: the police listen to the guards, and the guards do not hear the police") {
    Town town{{"northgate", "metro-pd"},
              {{"ng-ops", "northgate", Sensitivity::Green,
                "- {id: to-patrol, action: allow, when: {channel: pd-patrol, kind: voice}}", "[]"},
               {"pd-patrol", "metro-pd", Sensitivity::Amber,
                "- {id: ours, action: deny, when: {agency: northgate}, reason: Police only listen}",
                "- {id: guards, action: allow, when: {agency: northgate, role: guard, kind: voice}}"}}};
    CHECK(town.heard(town.talk("ng-ops", "ng-unit-7", "guard"), "pd-patrol"));
    const Crossing back = town.cross(town.talk("pd-patrol", "pd-unit-42", "officer"), "ng-ops");
    CHECK_FALSE(back.allowed);
    CHECK(back.reason() == "Police only listen");
    CHECK(back.inbound_for(Suite::AeadAes256Gcm).cause == Decision::Cause::NoRule);  // nor would they take it
    Facts picture = town.talk("ng-ops", "ng-unit-7", "guard");
    picture.kind = Kind::Picture;
    CHECK_FALSE(town.heard(picture, "pd-patrol"));
}

TEST_CASE("a tactical talkgroup is never heard by guards, whoever talks and whatever happens") {
    const std::string never =
        "- {id: never-guards, action: deny, when: {agency: '@private'}, reason: Tactical}\n"
        "- {id: partners, action: allow}\n";
    Town town{{"northgate", "southgate", "metro-pd", "county-fire"},
              {{"ng-ops", "northgate", Sensitivity::Green, "[]", "- {id: all, action: allow}"},
               {"sg-ops", "southgate", Sensitivity::Green, "[]", "- {id: all, action: allow}"},
               {"fire-1", "county-fire", Sensitivity::Amber, "[]", "- {id: all, action: allow}"},
               {"pd-tac-4", "metro-pd", Sensitivity::AmberStrict, never, "[]"}},
              "private: {agencies: [northgate, southgate]}"};
    for (const char* role : {"officer", "dispatcher", "supervisor"}) {
        for (const bool emergency : {false, true}) {
            for (const auto incident : {Incident::None, Incident::Actual}) {
                Facts facts = town.talk("pd-tac-4", "pd-unit-1", role);
                facts.emergency = emergency;
                facts.incident = incident;
                CHECK_FALSE(town.heard(facts, "ng-ops"));
                CHECK_FALSE(town.heard(facts, "sg-ops", kMidnight));
                CHECK(town.cross(facts, "ng-ops").outbound.rule->id == "never-guards");
                CHECK(town.heard(facts, "fire-1"));
            }
        }
    }
}

TEST_CASE("a sporting event: four agencies on one bridge while it lasts, each with its own terms") {
    const std::string event = "hours: 'Sat 16:00-23:30 America/Chicago'";
    const std::string open = "- {id: event, action: allow, when: {kind: [voice, text], " + event +
                             "}}\n- {id: sos, action: allow, when: {emergency: true}}";
    const std::string from_all = "- {id: partners, action: allow, when: {agency: '@event', " + event +
                                 "}}\n- {id: sos, action: allow, when: {emergency: true}}";
    // The stewards are heard by everybody; they hear fire and ambulance, and of the police the command only.
    const std::string stewards =
        "- {id: police-command, action: allow, when: {agency: metro-pd, role: '@command', " + event +
        "}}\n- {id: help, action: allow, when: {agency: [county-fire, city-ems], " + event +
        "}}\n- {id: sos, action: allow, when: {emergency: true, not: {agency: metro-pd}}}";
    Town town{{"stadium", "metro-pd", "county-fire", "city-ems"},
              {{"stewards", "stadium", Sensitivity::Green, open, stewards},
               {"pd-event", "metro-pd", Sensitivity::Amber, open, from_all},
               {"fire-event", "county-fire", Sensitivity::Green, open, from_all},
               {"ems-event", "city-ems", Sensitivity::Green, open, from_all}},
              "event: {agencies: [stadium, metro-pd, county-fire, city-ems]}\ncommand: {roles: [dispatcher, "
              "supervisor]}"};
    const auto kick_off = utc(2026, 7, 4, 22);  // Saturday 17:00
    const auto after = utc(2026, 7, 5, 4, 30);  // 23:30
    const std::vector<std::string> channels{"stewards", "pd-event", "fire-event", "ems-event"};
    for (const std::string& from : channels) {
        for (const std::string& to : channels) {
            if (from == to) continue;
            CAPTURE(from);
            CAPTURE(to);
            const bool police_to_stewards = from == "pd-event" && to == "stewards";
            Facts said = town.talk(from, "unit-1", "officer");
            CHECK(town.heard(said, to, kick_off) == !police_to_stewards);
            CHECK_FALSE(town.heard(said, to, kNoon));
            CHECK_FALSE(town.heard(said, to, after));
            CHECK(town.cross(said, to, kick_off).valid_until <= after);
            said.kind = Kind::Picture;
            CHECK_FALSE(town.heard(said, to, kick_off));
            Facts sos = town.talk(from, "unit-1", "officer");
            sos.emergency = true;
            CHECK(town.heard(sos, to, after) == !police_to_stewards);
        }
    }
    CHECK(town.heard(town.talk("pd-event", "pd-command", "dispatcher"), "stewards", kick_off));
}

TEST_CASE(
    "a natural disaster: while a grave incident lasts nothing shuts at night, and what it opens does not run "
    "out") {
    const std::string both =
        "- {id: disaster, action: allow, when: {incident: actual, severity: [Extreme, Severe]}}\n"
        "- {id: daily, action: allow, when: {kind: voice, hours: 'Mon-Fri 07:00-19:00 America/Chicago'}}";
    Town town{{"metro-pd", "county-fire"},
              {{"pd-1", "metro-pd", Sensitivity::Amber, both, both},
               {"fire-1", "county-fire", Sensitivity::Amber, both, both}}};
    Facts said = town.talk("pd-1", "pd-unit-1", "officer");
    CHECK(town.heard(said, "fire-1", kNoon));
    CHECK(town.cross(said, "fire-1", kNoon).valid_until == utc(2026, 7, 2));  // 19:00
    CHECK_FALSE(town.heard(said, "fire-1", kMidnight));
    said.incident = Incident::Actual;
    said.severity = Severity::Extreme;
    for (const auto time : {kNoon, kMidnight}) {
        const Crossing crossing = town.cross(said, "fire-1", time);
        CHECK(crossing.allowed);
        CHECK_FALSE(crossing.depends_on_time);
        CHECK(crossing.valid_until == core::WallTime::max());
    }
    said.kind = Kind::Location;
    CHECK(town.heard(said, "fire-1", kMidnight));
    said.severity = Severity::Moderate;
    CHECK_FALSE(town.heard(said, "fire-1", kMidnight));
    said.incident = Incident::Exercise;
    said.severity = Severity::Extreme;
    CHECK_FALSE(town.heard(said, "fire-1", kMidnight));
}

TEST_CASE("a VIP visit: what is RED reaches close protection alone, and only over the strongest cipher") {
    const std::string red =
        "- {id: inner, action: allow, when: {channel: '@close', suite: AEAD_AES_256_GCM, kind: voice}}\n"
        "- {id: red-stays, action: deny, reason: RED is for close protection}";
    const std::string takes =
        "- {id: red, action: allow, when: {sensitivity: RED, talker: '@team', suite: AEAD_AES_256_GCM}}\n"
        "- {id: others, action: allow, when: {not: {sensitivity: RED}}}";
    Town town{{"metro-pd", "state-protection", "northgate"},
              {{"vip-red", "metro-pd", Sensitivity::Red, red, "[]"},
               {"pd-1", "metro-pd", Sensitivity::Amber, "[]", "[]"},
               {"sp-close", "state-protection", Sensitivity::Red, "[]", takes},
               {"ng-ops", "northgate", Sensitivity::Green, "- {id: joint, action: allow}", takes}},
              "close: {channels: [sp-close]}\nteam: {talkers: [vip-1, vip-2]}"};
    Facts said = town.talk("vip-red", "vip-1", "officer");
    CHECK(town.heard(said, "sp-close"));
    CHECK_FALSE(town.heard(said, "ng-ops"));
    CHECK_FALSE(town.heard(said, "pd-1"));  // not even inside the agency
    CHECK(town.cross(said, "pd-1").reason() == "RED is for close protection");
    said.emergency = true;
    CHECK_FALSE(town.heard(said, "ng-ops"));
    said.emergency = false;
    const SuiteSet mixed{Suite::AeadAes256Gcm, Suite::AeadAes128Gcm, Suite::None};
    CHECK(town.cross(said, "sp-close", kNoon, mixed).listeners == SuiteSet{Suite::AeadAes256Gcm});
    said.suite = Suite::AesCm128HmacSha1_80;
    CHECK_FALSE(town.heard(said, "sp-close"));
    CHECK_FALSE(town.heard(town.talk("vip-red", "pd-unit-9", "officer"), "sp-close"));  // not of the team
    CHECK(town.heard(town.talk("ng-ops", "ng-unit-7", "guard"), "sp-close"));
}

TEST_CASE("night hours: guards are heard from 22:00 to 06:00, supervisors and emergencies at any time") {
    Town town{
        {"northgate", "metro-pd"},
        {{"ng-ops", "northgate", Sensitivity::Green, "- {id: all, action: allow, when: {agency: metro-pd}}",
          "[]"},
         {"pd-disp", "metro-pd", Sensitivity::Amber, "[]",
          "- {id: always, action: allow, when: {role: [supervisor, dispatcher]}}\n"
          "- {id: sos, action: allow, when: {emergency: true}}\n"
          "- {id: night, action: allow, when: {role: guard, hours: 'Mon-Sun 22:00-06:00 America/Chicago'}}\n"
          "- {id: day, action: deny, reason: 'By day call 555-0100'}"}}};
    const Facts guard = town.talk("ng-ops", "ng-unit-7", "guard");
    CHECK(town.heard(guard, "pd-disp", kMidnight));
    CHECK(town.cross(guard, "pd-disp", kMidnight).valid_until == utc(2026, 7, 2, 11));
    const Crossing day = town.cross(guard, "pd-disp", kNoon);
    CHECK_FALSE(day.allowed);
    CHECK(day.reason() == "By day call 555-0100");
    CHECK(day.valid_until == utc(2026, 7, 2, 3));
    CHECK(town.heard(town.talk("ng-ops", "ng-boss", "supervisor"), "pd-disp", kNoon));
    Facts sos = guard;
    sos.emergency = true;
    CHECK(town.heard(sos, "pd-disp", kNoon));
}

TEST_CASE("a drill stays on the drill's channels, and a real emergency in the middle of it does not") {
    const std::string drill =
        "- {id: real, action: allow, when: {emergency: true, not: {incident: exercise}}}\n"
        "- {id: drill, action: allow, when: {incident: exercise, channel: '@drill'}}\n"
        "- {id: drill-stays, action: deny, when: {incident: exercise}, reason: 'Exercise, exercise, "
        "exercise'}\n"
        "- {id: daily, action: allow}";
    const std::string live =
        "- {id: no-drill, action: deny, when: {incident: exercise}}\n- {id: rest, action: allow}";
    Town town{{"metro-pd", "county-fire"},
              {{"pd-drill", "metro-pd", Sensitivity::Clear, drill, "- {id: all, action: allow}"},
               {"fire-drill", "county-fire", Sensitivity::Clear, drill, "- {id: all, action: allow}"},
               {"fire-1", "county-fire", Sensitivity::Amber, "[]", live}},
              "drill: {channels: [pd-drill, fire-drill]}"};
    Facts said = town.talk("pd-drill", "pd-unit-1", "officer");
    said.incident = Incident::Exercise;
    said.severity = Severity::Severe;
    CHECK(town.heard(said, "fire-drill"));
    const Crossing live_channel = town.cross(said, "fire-1");
    CHECK_FALSE(live_channel.allowed);
    CHECK(live_channel.outbound.rule->id == "drill-stays");
    CHECK(live_channel.inbound_for(Suite::AeadAes256Gcm).rule->id == "no-drill");  // either key would do
    said.emergency = true;                                                         // of the drill
    CHECK_FALSE(town.heard(said, "fire-1"));
    said.incident = Incident::None;
    CHECK(town.heard(said, "fire-1"));
    said.emergency = false;
    CHECK(town.heard(said, "fire-1"));
}
