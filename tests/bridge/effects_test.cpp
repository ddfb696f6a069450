#include <doctest/doctest.h>

#include "crosspatch/bridge/exchange.hpp"
#include "tests/bridge/handsets.hpp"
#include "tests/codec/signalling.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::bridge {
namespace {

using namespace tests;
using rtp::FloorType;
constexpr auto kGuard = Town::kGuard, kPost = Town::kPost, kOfficer = Town::kOfficer, kCar = Town::kCar;

constexpr const char* kHidden =
    "[{id: o, action: allow, when: {agency: metro-pd}, effects: {pseudonymise: true}}]";
constexpr const char* kStripped =
    "[{id: o, action: allow, when: {agency: metro-pd}, effects: {strip_tones: true}}]";

const std::vector<std::string> kAgencies{"northgate", "metro-pd"};

// Who the radio is told has the floor, when `talker` asks for it.
std::string taken(Handsets& town, std::uint32_t talker, std::uint32_t listener) {
    town.ask(talker);
    town.identity.clear();
    CHECK(town.types(listener) == std::vector{FloorType::Taken});
    const std::string identity = town.identity;
    town.send(talker, {.type = FloorType::Release});
    town.wait(200ms);
    for (std::uint32_t who = 0; who < 4; ++who) town.told(who);
    return identity;
}

TEST_CASE("who talks under a pseudonym is named by it to the other agency, and by name to his own") {
    Handsets town{{.ops_outbound = kHidden}};
    const auto keys = std::make_shared<const PseudonymKeys>(kAgencies);
    town.exchange.set_pseudonyms(0, keys);
    const std::string pseudonym{text(*keys->of("northgate", "talker-0"))};
    CHECK(taken(town, kGuard, kOfficer) == "sip:" + pseudonym + "@gw");
    CHECK(taken(town, kGuard, kOfficer) == "sip:" + pseudonym + "@gw");
    CHECK(taken(town, kGuard, kPost) == "sip:guard@gw");
    CHECK(taken(town, kPost, kCar) == "sip:" + std::string{text(*keys->of("northgate", "talker-1"))} + "@gw");
    CHECK(taken(town, kOfficer, kGuard) == "sip:officer@gw");  // the other way nothing is hidden

    town.set_open(false);
    town.exchange.set_pseudonyms(0, std::make_shared<const PseudonymKeys>(kAgencies));
    town.set_open(true);
    for (std::uint32_t who = 0; who < 4; ++who) town.told(who);
    const std::string again = taken(town, kGuard, kOfficer);
    CHECK(again.size() == 4 + 8 + 3);
    CHECK(again != "sip:" + pseudonym + "@gw");
}

TEST_CASE("without keys for a pseudonym nobody is named") {
    Handsets town{{.ops_outbound = kHidden}};
    CHECK(taken(town, kGuard, kOfficer) == "");
    CHECK(taken(town, kGuard, kPost) == "sip:guard@gw");
}

TEST_CASE("an inbound rule hides a talker as well, but only from another agency") {
    Handsets town{{.tac_inbound = "[{id: i, action: allow, effects: {pseudonymise: true}}]"}};
    const auto keys = std::make_shared<const PseudonymKeys>(kAgencies);
    town.exchange.set_pseudonyms(0, keys);
    CHECK(taken(town, kGuard, kOfficer) ==
          "sip:" + std::string{text(*keys->of("northgate", "talker-0"))} + "@gw");
    CHECK(taken(town, kOfficer, kCar) == "sip:officer@gw");
}

// What this radio has heard of PCMU.
Samples heard(Town& town, std::uint32_t who) {
    std::vector<Octets> packets;
    for (const Heard& one : town.radios[who]->hear()) packets.push_back(one.payload);
    const auto decoder = codec::make_decoder(codec::pcmu());
    decoder->start(8000);
    return decode_all(*decoder, packets);
}

TEST_CASE(
    "digits are read on the own channel and not on the one across the bridge, and nothing is allocated for "
    "it") {
    Town town{{.ops_outbound = kStripped}};
    town.stage.stock_strippers(1);
    Samples line = voice(8000, 400ms);
    append(line, dtmf("42#"));
    append(line, voice(8000, 400ms));
    line.resize(line.size() / 160 * 160);
    town.speech[kGuard] = std::make_unique<Speech>(codec::pcmu(), line);
    town.open_town();
    const auto before = allocations();
    const auto packets = static_cast<int>(town.speech[kGuard]->size());
    CHECK(town.talk(kGuard, packets) == packets);
    town.wait(400ms);
    CHECK(allocations() == before);
    CHECK(digits_read(heard(town, kPost)) == "42#");
    const Samples over_there = heard(town, kOfficer);
    CHECK(digits_read(over_there) == "");
    CHECK(over_there.size() == line.size() + 160);
}

TEST_CASE("a rule whose hour begins in mid-talk strips from then on") {
    // Rules answer again when a bridge opens and closes elsewhere, too; here the list itself is replaced.
    Town town;
    town.stage.stock_strippers(1);
    Samples line = dtmf("1");
    append(line, dtmf("2"));
    line.resize(line.size() / 160 * 160);
    town.speech[kGuard] = std::make_unique<Speech>(codec::pcmu(), line);
    town.open_town();
    const auto half = static_cast<int>(town.speech[kGuard]->size() / 2);
    town.talk(kGuard, half);
    town.rules[0] = town.desk.read(kStripped, policy::Side::Outbound, "ng-ops");
    town.install();
    town.talk(kGuard, half);
    CHECK(digits_read(heard(town, kOfficer)) == "1");
    CHECK(digits_read(heard(town, kPost)) == "12");
}

// How much of these samples is a tone of so many hertz, 0 to 1.
double share(std::span<const std::int16_t> samples, double hertz) {
    std::complex<double> sum{};
    double energy = 1e-9;
    for (std::size_t n = 0; n < samples.size(); ++n) {
        sum += double(samples[n]) *
               std::polar(1.0, -2 * std::numbers::pi * hertz * static_cast<double>(n) / 8000);
        energy += double(samples[n]) * samples[n];
    }
    return 2 * std::norm(sum) / (static_cast<double>(samples.size()) * energy);
}

TEST_CASE("a crossing begins with a mark, over there and nowhere else") {
    media::Mark mark;
    mark.samples[0] = tone(700, -20, 200);
    Town town{{.ops_outbound = "[{id: o, action: allow, effects: {announce: true}}]"}};
    town.plan.channels[Town::kOps].mark = &mark;
    town.speech[kGuard] = std::make_unique<Speech>(codec::pcmu(), Samples(8000));  // he says nothing
    town.open_town();
    const auto before = allocations();
    CHECK(town.talk(kGuard, 40) == 40);
    CHECK(allocations() == before);
    const Samples here = heard(town, kPost);
    const Samples there = heard(town, kOfficer);
    REQUIRE(there.size() == 40 * 160);
    CHECK(share(std::span{there}.first(1600), 700) > 0.95);
    CHECK(share(std::span{there}.subspan(1760), 700) < 0.01);
    CHECK(share(here, 700) < 0.01);
    // The bridge closes and opens: another crossing.
    town.set_open(false);
    town.talk(kGuard, 5);
    town.set_open(true);
    town.talk(kGuard, 20);
    const Samples again = heard(town, kOfficer);
    CHECK(share(std::span<const std::int16_t>{again}.first(1600), 700) > 0.95);
}

TEST_CASE(
    "a channel whose label is raised above what a bridge may carry is not heard over it, from that moment "
    "on") {
    Town town;
    town.plan.bridges[0].sensitivity = policy::Sensitivity::Green;
    town.open_town();
    town.talk(kGuard, 5);
    CHECK(town.hears(kOfficer) == 5);
    town.exchange.set_label(Town::kOps, policy::Sensitivity::Amber, town.stage.now);
    town.talk(kGuard, 5);
    CHECK(town.hears(kOfficer) == 0);
    CHECK(town.hears(kPost) == 10);
    town.exchange.set_label(Town::kOps, policy::Sensitivity::Clear,
                            town.stage.now);  // not below the configured one
    town.talk(kGuard, 5);
    CHECK(town.hears(kOfficer) == 5);
    // The other way nothing has changed.
    town.wait(400ms);
    town.exchange.set_label(Town::kOps, policy::Sensitivity::Red, town.stage.now);
    town.talk(kCar, 5);
    CHECK(town.hears(kPost) > 5);
}

TEST_CASE("rules see the raised label") {
    Town town{{.ops_outbound = "[{id: o, action: allow, when: {sensitivity: [GREEN, CLEAR]}}]"}};
    town.open_town();
    town.talk(kGuard, 3);
    town.exchange.set_label(Town::kOps, policy::Sensitivity::Red, town.stage.now);
    town.talk(kGuard, 3);
    town.exchange.set_label(Town::kOps, std::nullopt, town.stage.now);
    town.talk(kGuard, 3);
    CHECK(town.hears(kOfficer) == 6);
}

}  // namespace
}  // namespace crosspatch::bridge
