// Two talkers on one channel, `override: both_heard`: who hears whom.
#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/bridge/handsets.hpp"
#include "tests/codec/signalling.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::bridge {
namespace {

using namespace tests;
using Kind = Report::Kind;
constexpr auto kGuard = Town::kGuard, kPost = Town::kPost, kOfficer = Town::kOfficer, kCar = Town::kCar;
constexpr auto kOps = Town::kOps, kTac = Town::kTac;

// Both channels let two be heard; the police may override guards, and the post the guard.
struct DualTown : Town {
    DualTown() {
        for (auto& channel : plan.channels) channel.floor.both_heard = true;
        plan.endpoints[kPost].priority = 5;
        plan.endpoints[kOfficer].priority = 7;
        plan.bridges[0].preemption.push_back({});  // the higher claim may, whoever has it
        media::CodecPool::Needs needs;
        for (const codec::Format& format : {codec::pcmu(), codec::l16(16000)}) {
            needs.encoder(format, 8);
            needs.decoder(format, 12);
        }
        needs.resampler(8000, 16000, 4);
        needs.resampler(16000, 8000, 4);
        for (Stage* one : {&stage, &annex}) one->codecs.stock(media::CodecPool::Maker{}.make(needs));
    }
    // Both send, so many packets each.
    void both(std::uint32_t one, std::uint32_t two, int packets) {
        for (int i = 0; i < packets; ++i) {
            carried_one += packet(one);
            carried_two += packet(two);
            step();
        }
    }
    // Who is on record as having heard this one.
    std::vector<std::uint32_t> heard(std::uint32_t talker) {
        collect();
        std::vector<std::uint32_t> all;
        for (const Report& report : reports)
            if (report.kind == Kind::Listeners && report.endpoint == talker)
                all.insert(all.end(), report.listed.begin(), report.listed.begin() + report.listed_count);
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
        return all;
    }
    int carried_one{}, carried_two{};
};

TEST_CASE("the holder is heard on while somebody overrides him, and the others hear both in one stream") {
    DualTown town;
    town.open_town();
    town.talk(kGuard, 10);
    town.forget();
    town.both(kGuard, kPost, 25);
    CHECK(town.carried_one == 25);
    CHECK(town.carried_two == 25);
    CHECK(town.last(Kind::Granted).beside);
    CHECK(town.count(Kind::Revoked) == 0);
    // The guard hears the post and the post the guard, each as he comes; the police both, as one stream.
    CHECK(town.hears(kGuard) == 25);
    CHECK(town.hears(kPost) == 25);
    const auto officer = town.radios[kOfficer]->hear();
    CHECK(officer.size() >= 22);
    CHECK(officer.size() <= 25);
    CHECK(continuous({officer.begin() + 1, officer.end()}, 160));  // the first came before there were two
    CHECK(static_cast<std::uint16_t>(officer[1].sequence - officer[0].sequence) == 1);
    CHECK(officer[1].timestamp - officer[0].timestamp <= 5 * 160);  // 60 ms to begin with, and a packet
}

TEST_CASE("when one of the two ends, everybody goes on hearing the other, and who heard whom is on record") {
    DualTown town;
    town.open_town();
    town.talk(kGuard, 10);
    town.both(kGuard, kPost, 25);
    town.forget();
    SUBCASE("the one who overrode") {
        town.talk(kGuard, 25);  // the post's lease ends meanwhile
        CHECK(town.count(Kind::Released, kPost) == 1);
        CHECK(town.heard(kPost) == std::vector<std::uint32_t>{kGuard, kOfficer, kCar});
        CHECK(town.hears(kOfficer) == 25);
        CHECK(town.hears(kPost) >= 22);  // who is a listener again now
        town.wait(400ms);
        CHECK(town.count(Kind::Released, kGuard) == 1);
        CHECK(town.heard(kGuard) == std::vector<std::uint32_t>{kPost, kOfficer, kCar});
    }
    SUBCASE("the holder") {
        town.talk(kPost, 25);
        CHECK(town.count(Kind::Released, kGuard) == 1);
        CHECK(town.hears(kOfficer) == 25);
        CHECK(town.count(Kind::Taken, kPost, kOps) == 1);
        town.wait(400ms);
        CHECK(town.count(Kind::Released, kPost) == 1);
    }
    // Afterwards it is as if nothing had been: packets are relayed again.
    town.forget();
    town.talk(kCar, 10);
    CHECK(town.hears(kGuard) == 10);
}

TEST_CASE("over a bridge both are heard on either channel") {
    DualTown town;
    town.open_town();
    town.talk(kGuard, 10);
    town.forget();
    town.both(kGuard, kOfficer, 25);
    CHECK(town.carried_two == 25);
    CHECK(town.hears(kGuard) == 25);    // the officer
    CHECK(town.hears(kOfficer) == 25);  // the guard
    CHECK(town.hears(kPost) >= 22);     // both
    CHECK(town.hears(kCar) >= 22);
    SUBCASE("and when it closes, each on his own, at once") {
        town.set_open(false);
        town.forget();
        town.both(kGuard, kOfficer, 10);
        CHECK(town.hears(kGuard) == 0);
        CHECK(town.hears(kPost) == 10);
        CHECK(town.hears(kCar) == 10);
        CHECK(town.hears(kOfficer) == 0);
    }
}

TEST_CASE("who may not hear one of the two hears the other alone") {
    DualTown town;
    town.plan.endpoints[kCar].suite = policy::Suite::AeadAes128Gcm;
    town.plan.channels[kTac].suites.insert(policy::Suite::AeadAes128Gcm);
    town.rules[3] =
        town.desk.read("[{id: i, action: allow, when: {agency: northgate, suite: AEAD_AES_256_GCM}}]",
                       policy::Side::Inbound, "pd-tac-3");
    town.open_town();
    town.talk(kGuard, 10);
    town.forget();
    town.both(kGuard, kOfficer, 25);
    const auto car = town.radios[kCar]->hear();
    CHECK(car.size() == 25);
    CHECK(continuous(car, 160));
    for (std::size_t i = 0; i < car.size(); ++i)
        CHECK(car[i].payload == town.speech[kOfficer]->payload(i));  // relayed as they came
}

TEST_CASE("who could not hear one of the two hears nothing of him after he has ended either") {
    DualTown town;
    town.plan.endpoints[kCar].suite = policy::Suite::AeadAes128Gcm;
    town.plan.channels[kTac].suites.insert(policy::Suite::AeadAes128Gcm);
    // The guard may not be heard by the car; the post may.
    town.rules[3] = town.desk.read(
        "[{id: g, action: deny, when: {talker: talker-0, suite: AEAD_AES_128_GCM}},"
        " {id: i, action: allow, when: {agency: northgate}}]",
        policy::Side::Inbound, "pd-tac-3");
    town.open_town();
    town.talk(kPost, 10);
    town.plan.endpoints[kGuard].priority = 9;
    town.install();
    town.both(kPost, kGuard, 10);
    CHECK(town.carried_two == 10);
    town.forget();
    town.exchange.left(town.radios[kGuard]->endpoint, town.stage.now);  // up to 140 ms of him still wait
    const std::size_t from = town.said[kPost];
    CHECK(town.talk(kPost, 12) == 12);
    const auto car = town.radios[kCar]->hear();
    REQUIRE(car.size() >= 10);
    for (std::size_t i = 0; i < 6; ++i)
        CHECK(car[i].payload == town.speech[kPost]->payload((from + i) % town.speech[kPost]->size()));
}

TEST_CASE("who is switched off, or hears a tone, is taken out of the sum and let in again") {
    DualTown town;
    town.open_town();
    town.talk(kGuard, 10);
    town.both(kGuard, kPost, 10);
    town.forget();
    town.exchange.set_standing(kCar, Exchange::Standing::Disabled, town.stage.now);
    town.both(kGuard, kPost, 10);
    CHECK(town.hears(kCar) == 0);
    CHECK(town.hears(kOfficer) == 10);
    town.exchange.set_standing(kCar, Exchange::Standing::Enabled, town.stage.now);
    town.both(kGuard, kPost, 10);
    CHECK(town.hears(kCar) == 10);
}

TEST_CASE("two who talk at once move to another worker in mid-word, and nobody misses a packet") {
    DualTown town;
    town.open_town();
    town.talk(kGuard, 10);
    town.both(kGuard, kPost, 10);
    town.forget();
    town.move(0, 1, {kOps, kTac});
    town.both(kGuard, kPost, 20);
    CHECK(town.hears(kOfficer) == 20);
    CHECK(town.hears(kGuard) == 20);
    town.wait(400ms);
    CHECK(town.count(Kind::Released) == 2);
    CHECK(town.stage.free_encoders(codec::pcmu()) + town.annex.free_encoders(codec::pcmu()) == 4 + 8 + 8);
}

TEST_CASE(
    "a channel that loses the right by a reload keeps who talks, and takes nobody beside him any more") {
    DualTown town;
    town.open_town();
    town.talk(kGuard, 10);
    town.both(kGuard, kPost, 10);
    for (auto& channel : town.plan.channels) channel.floor.both_heard = false;
    town.install();
    town.forget();
    town.both(kGuard, kPost, 10);
    CHECK(town.hears(kOfficer) == 10);
    town.wait(600ms);
    town.forget();
    town.talk(kGuard, 5);
    town.both(kGuard, kPost, 10);
    CHECK(town.count(Kind::Revoked, kGuard) == 1);
}

// The guard sends digits all the time, the officer nothing that is to be heard; over there the digits are stripped.
struct StrippingTown : DualTown {
    StrippingTown() {
        rules[0] =
            desk.read("[{id: o, action: allow, when: {agency: metro-pd}, effects: {strip_tones: true}}]",
                      policy::Side::Outbound, "ng-ops");
        stage.stock_strippers(2);
        Samples line = dtmf("123456789012345678901234567890");
        line.resize(line.size() / 160 * 160);
        speech[kGuard] = std::make_unique<Speech>(codec::pcmu(), line);
        speech[kOfficer] = std::make_unique<Speech>(codec::pcmu(), Samples(8000));
        open_town();
    }
    Samples sound(std::uint32_t who) {
        std::vector<Octets> packets;
        for (const Heard& one : radios[who]->hear()) packets.push_back(one.payload);
        const auto decoder = codec::make_decoder(codec::pcmu());
        decoder->start(8000);
        return decode_all(*decoder, packets);
    }
};

int loudest(const Samples& samples) {
    int most = 0;
    for (const int one : samples) most = std::max(most, std::abs(one));
    return most;
}

TEST_CASE("whom somebody is to hear without signalling tones is in no sum: he hears who overrides alone") {
    StrippingTown town;
    town.talk(kGuard, 10);
    CHECK(digits_read(town.sound(kCar)) == "");
    town.sound(kPost);
    town.both(kGuard, kOfficer, 25);
    const Samples before = town.sound(kCar);
    CHECK(before.size() >= 25 * 160);
    CHECK(loudest({before.end() - 24 * 160, before.end()}) <= 8);  // what the stripper held back came first
    CHECK(digits_read(town.sound(kPost)).size() >= 3);             // who may hear them hears both
    SUBCASE("and of the one who ends, nothing that waits to be said") {
        town.talk(kOfficer, 25);  // the guard's lease ends meanwhile
        CHECK(town.count(Kind::Released, kGuard) == 1);
        const Samples after = town.sound(kCar);
        CHECK(after.size() >= 22 * 160);
        CHECK(loudest(after) <= 8);
    }
    SUBCASE("and when that one ends, the other as he may hear him") {
        town.talk(kGuard, 50);
        CHECK(town.count(Kind::Released, kOfficer) == 1);
        town.wait(600ms);
        const Samples after = town.sound(kCar);
        CHECK(after.size() >= 40 * 160);
        CHECK(digits_read(after) == "");
        CHECK(digits_read(town.sound(kPost)).size() >= 8);
    }
}

TEST_CASE("a rule that begins to strip takes the talker out of the sum that he is in") {
    StrippingTown town;
    const policy::RuleList strips = town.rules[0];
    town.rules[0] = town.desk.read("[{id: o, action: allow, when: {agency: metro-pd}}]",
                                   policy::Side::Outbound, "ng-ops");
    town.install();
    town.talk(kGuard, 10);
    town.both(kGuard, kOfficer, 25);
    CHECK(digits_read(town.sound(kCar)).size() >= 3);
    town.rules[0] = strips;
    town.install();
    town.both(kGuard, kOfficer, 25);
    CHECK(loudest(town.sound(kCar)) <= 8);
}

TEST_CASE("two who talk at once cost no memory") {
    DualTown town;
    town.open_town();
    town.talk(kGuard, 10);
    town.both(kGuard, kPost, 5);
    town.wait(600ms);
    town.forget();
    const auto before = allocations();
    town.talk(kGuard, 10);
    town.both(kGuard, kPost, 10);
    town.wait(600ms);
    CHECK(allocations() == before);
}

TEST_CASE("a channel beyond the bridge on which one is heard at a time hears each packet once") {
    DualTown town;
    town.plan.channels[kTac].floor.both_heard = false;
    town.open_town();
    CHECK(town.talk(kGuard, 10) == 10);
    CHECK(town.hears(kOfficer) == 10);
    CHECK(town.hears(kCar) == 10);
    town.both(kGuard, kPost, 20);
    CHECK(town.hears(kOfficer) == 21);  // one of the guard's; then who overrides has taken the far channel
    CHECK(town.count(Kind::Left, kGuard, kTac) == 1);
}

TEST_CASE("who talks beside a holder is cut off only by somebody who has a right over him") {
    DualTown town;
    town.plan.bridges[0].preemption.clear();
    town.plan.bridges[0].preemption.push_back({.agency = town.desk.names.intern("metro-pd")});
    town.plan.endpoints[kPost].priority = 9;
    town.open_town();
    town.talk(kGuard, 10);
    town.both(kGuard, kOfficer, 10);
    town.forget();
    CHECK_FALSE(town.packet(kPost));  // above both, but guards may not take a floor from the police
    CHECK(town.count(Kind::Left, kOfficer) == 0);
    CHECK(town.packet(kOfficer));
    CHECK(town.last(Kind::Denied).other == kOfficer);
}

TEST_CASE("a new holder comes under the one who overrides by no lower claim, and the other way round") {
    DualTown town;
    town.open_town();
    town.talk(kGuard, 10);
    town.both(kGuard, kPost, 10);
    town.forget();
    CHECK_FALSE(town.packet(kCar));  // 3, as the guard
    CHECK(town.packet(kOfficer));    // 7, above the post's 5, who is cut off
    CHECK(town.count(Kind::Revoked, kPost) == 1);
    CHECK(town.packet(kGuard));
}

TEST_CASE("handsets that talk beside each other keep their floors, whatever is told again or claimed more") {
    using rtp::FloorType;
    Handsets town{false};
    town.plan.channels[kOps].floor.both_heard = true;
    town.plan.endpoints[kPost].priority = 7;
    town.plan.endpoints[kGuard].may_emergency = town.plan.endpoints[kPost].may_emergency = true;
    town.install();
    const auto is_dual = [](const rtp::FloorMessage& message) {
        return message.has(rtp::floor_indicator::kDualFloor);
    };
    const auto talk = [&] {
        for (int i = 0; i < 40; ++i) {
            CHECK(town.packet(kGuard));
            CHECK(town.packet(kPost));
            town.step();
        }
    };
    town.ask(kGuard);
    CHECK(town.packet(kGuard));
    for (const std::uint32_t who : {kGuard, kPost}) town.told(who);
    town.ask(kPost, rtp::floor_indicator::kNormal, 7);
    talk();
    town.ask(kGuard, rtp::floor_indicator::kEmergency);  // and the one, and the other claims more
    talk();
    town.ask(kPost, rtp::floor_indicator::kEmergency);
    talk();
    const auto post = town.told(kPost), guard = town.told(kGuard);
    CHECK(std::ranges::count(post, FloorType::Taken, &rtp::FloorMessage::type) == 0);
    for (const rtp::FloorMessage& one : post) CHECK((one.type != FloorType::Granted || is_dual(one)));
    CHECK(std::ranges::count(guard, FloorType::Taken, &rtp::FloorMessage::type) >= 2);
    for (const rtp::FloorMessage& one : guard) CHECK((one.type != FloorType::Taken || is_dual(one)));
    // The end of the one is told to the other as no end of his own.
    town.send(kPost, {.type = FloorType::Release});
    const auto after = town.told(kGuard);
    REQUIRE(!after.empty());
    CHECK(after[0].type == FloorType::Idle);
    CHECK(is_dual(after[0]));
    CHECK(town.packet(kGuard));
}

}  // namespace
}  // namespace crosspatch::bridge
