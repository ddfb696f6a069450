#include "crosspatch/bridge/exchange.hpp"

#include <doctest/doctest.h>

#include "tests/bridge/town.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::bridge {
namespace {

using namespace tests;
using Kind = Report::Kind;
using Standing = Exchange::Standing;
using media::Drop;
constexpr auto kGuard = Town::kGuard, kPost = Town::kPost, kOfficer = Town::kOfficer, kCar = Town::kCar;
constexpr auto kOps = Town::kOps, kTac = Town::kTac;

TEST_CASE("who says BYE and comes back under another SSRC has pressed again, his last words have not") {
    Town town;
    town.open_town();
    town.talk(Town::kGuard, 5);
    town.exchange.left(town.radios[Town::kGuard]->endpoint, town.stage.now);
    CHECK(town.count(Kind::Released, Town::kGuard) == 1);
    CHECK_FALSE(town.packet(Town::kGuard));
    town.said[Town::kGuard] = 0;  // a new stream
    CHECK(town.packet(Town::kGuard));
    CHECK(town.count(Kind::Granted, Town::kGuard) == 2);
}

TEST_CASE("a carrier without a voice is taken off the air after its time, and one with a voice is not") {
    Town town;
    for (auto& endpoint : town.plan.endpoints)
        endpoint.carrier = std::make_shared<media::CarrierWatch>(codec::pcmu(), 2s);
    town.open_town();
    CHECK(town.talk(Town::kGuard, 200) == 200);
    town.wait(400ms);
    const Octets silence(160, std::byte{0xFF});
    int carried = 0;
    for (std::size_t n = 0; n < 150; ++n) {
        const media::Packet packet{.sequence = 5000 + n,
                                   .timestamp = 900'000 + static_cast<std::uint32_t>(160 * n),
                                   .duration = 160,
                                   .payload = silence};
        media::Endpoint& from = town.radios[Town::kGuard]->endpoint;
        if (media::Talkspurt* talkspurt = town.exchange.pass(from, packet, town.stage.now)) {
            talkspurt->carry(packet, town.stage.now);
            ++carried;
        }
        town.step();
    }
    CHECK(carried == 100);
    CHECK(town.last(Kind::Revoked).cause == floor::Cause::DeadCarrier);
    CHECK(town.count(Kind::Granted, Town::kGuard) == 2);
    CHECK(town.dropped(Town::kGuard, media::Drop::NoFloor) == 50);
}

TEST_CASE("a guard who presses is heard by everybody on both channels but himself, and that is on record") {
    Town town;
    town.open_town();
    CHECK(town.talk(kGuard, 10) == 10);
    CHECK(town.hears(kPost) == 10);
    CHECK(town.hears(kOfficer) == 10);
    CHECK(town.hears(kCar) == 10);
    CHECK(town.hears(kGuard) == 0);
    CHECK(town.count(Kind::Requested, kGuard) == 1);
    CHECK(town.count(Kind::Granted, kGuard) == 1);
    CHECK(town.count(Kind::Started, kGuard, kOps) == 1);
    CHECK(town.count(Kind::Taken, kGuard, kTac) == 1);
    CHECK(town.count(Kind::Released) == 0);
    town.wait(400ms);
    CHECK(town.count(Kind::Released, kGuard) == 1);
    CHECK(town.last(Kind::Released).numbers.packets_received == 10);
    CHECK(town.last(Kind::Released).talkspurt == town.last(Kind::Granted).talkspurt);
    CHECK(town.on_record() == std::vector{kPost, kOfficer, kCar});
    CHECK(town.exchange.counters().granted.read() == 1);
    CHECK(town.exchange.counters().talkspurts.read() == 1);
}

TEST_CASE(
    "a press is reported with the bridges that were open for its channel, whether it was granted or not") {
    for (const bool open : {true, false}) {
        Town town;
        town.open_town(open);
        town.packet(kGuard);
        town.packet(kPost);
        for (const Kind kind : {Kind::Granted, Kind::Denied}) {
            const Report& told = town.last(kind);
            CHECK(told.position == open);
            REQUIRE(told.listed_count == open);
            if (open) CHECK(told.listed[0] == 0);
        }
    }
}

TEST_CASE("while the bridge is closed nothing crosses") {
    Town town;
    town.open_town(false);
    CHECK(town.talk(kGuard, 10) == 10);
    CHECK(town.hears(kPost) == 10);
    CHECK(town.hears(kOfficer) == 0);
    CHECK(town.talk(kOfficer, 10) == 10);  // both talk at once, each on its own channel
    CHECK(town.hears(kCar) == 10);
    CHECK(town.hears(kGuard) == 0);
}

TEST_CASE(
    "across an open bridge there is one floor: who comes second is refused, and has it after the hang time") {
    Town town;
    town.open_town();
    CHECK(town.talk(kGuard, 2) == 2);
    CHECK_FALSE(town.packet(kOfficer));
    CHECK(town.count(Kind::Denied, kOfficer) == 1);
    CHECK(town.dropped(kOfficer, Drop::NoFloor) == 1);
    const auto& denied = town.exchange.counters().denied;
    for (std::size_t i = 0; i < floor::kCauses; ++i)
        CHECK(denied[i].read() == (static_cast<floor::Cause>(i) == floor::Cause::AnotherTalks ? 1 : 0));
    town.wait(1s);
    CHECK(town.talk(kOfficer, 5) == 5);
    CHECK(town.hears(kGuard) == 5);
}

TEST_CASE("what the rules do not allow stays on its side, and each key is named as the one that refused") {
    Town::Rules rules;
    bool inbound = false;
    SUBCASE("the talker's channel lets nothing out") { rules.tac_outbound = "[]"; }
    SUBCASE("the other channel lets nothing in") {
        rules.ops_inbound = "[{id: no, action: deny}]";
        inbound = true;
    }
    Town town{rules};
    town.open_town();
    CHECK(town.talk(kOfficer, 5) == 5);
    CHECK(town.hears(kCar) == 5);
    CHECK(town.hears(kGuard) == 0);
    CHECK(town.hears(kPost) == 0);
    CHECK(town.count(Kind::PolicyDenied, kOfficer, kOps) == 1);
    CHECK(town.last(Kind::PolicyDenied).inbound == inbound);
    CHECK(town.exchange.counters().policy_denied.read() >= 1);
    town.wait(1s);
    CHECK(town.talk(kGuard, 5) == 5);  // the other way is open
    CHECK(town.hears(kOfficer) == 5);
}

TEST_CASE("a channel that is busy is skipped, and joins when it has become free") {
    Town::Rules rules;
    rules.tac_outbound = "[]";
    Town town{rules};
    town.open_town();
    CHECK(town.talk(kOfficer, 2) == 2);
    CHECK(town.talk(kGuard, 1) == 1);
    CHECK(town.count(Kind::Skipped, kGuard, kTac) == 1);
    CHECK(town.hears(kOfficer) == 0);
    town.talk(kGuard, 30);  // the officer is silent: his lease and the hang time run out
    CHECK(town.count(Kind::Joined, kGuard, kTac) == 1);
    const auto heard = town.radios[kOfficer]->hear();
    CHECK(heard.size() > 5);
    CHECK(heard.size() < 30);
    CHECK(continuous(heard, 160));
    CHECK(markers(heard) == 1);
    CHECK(continuous(town.radios[kPost]->hear(), 160));
}

TEST_CASE(
    "a bridge that closes cuts the other side off with the very next packet, and opens again as late entry") {
    Town town;
    town.open_town();
    town.talk(kGuard, 5);
    CHECK(town.hears(kOfficer) == 5);
    town.set_open(false);
    town.talk(kGuard, 5);
    CHECK(town.hears(kOfficer) == 0);
    CHECK(town.hears(kPost) == 10);
    CHECK(town.count(Kind::Left, kGuard, kTac) == 1);
    CHECK(town.count(Kind::BridgeClosed) == 1);
    CHECK(town.on_record() == std::vector{kOfficer, kCar});
    town.set_open(true);
    town.talk(kGuard, 5);
    CHECK(town.hears(kOfficer) == 5);
    CHECK(town.count(Kind::Joined, kGuard, kTac) == 1);
    CHECK(town.count(Kind::BridgeOpened) == 1);
    town.set_open(true);  // as it is
    CHECK(town.count(Kind::BridgeOpened) == 1);
}

TEST_CASE("a talker who is disabled falls silent at once, a listener hears nothing more; both come back") {
    Town town;
    town.open_town();
    town.talk(kGuard, 5);
    town.exchange.set_standing(kOfficer, Standing::Disabled, town.stage.now);
    town.talk(kGuard, 5);
    CHECK(town.hears(kOfficer) == 5);
    CHECK(town.hears(kCar) == 10);
    CHECK(town.on_record() == std::vector{kOfficer});
    town.exchange.set_standing(kOfficer, Standing::Enabled, town.stage.now);
    town.talk(kGuard, 5);
    CHECK(town.hears(kOfficer) == 5);
    town.exchange.set_standing(kGuard, Standing::Revoked, town.stage.now);
    CHECK(town.talk(kGuard, 5) == 0);
    CHECK(town.count(Kind::Released, kGuard) == 1);
    CHECK(town.dropped(kGuard, Drop::Disabled) == 5);
    CHECK(town.last(Kind::Disabled).inbound);
    CHECK(town.count(Kind::Disabled) == 2);
    CHECK(town.count(Kind::Enabled) == 1);
    CHECK_FALSE(town.packet(kGuard));
    town.wait(2s);
    town.exchange.set_standing(kGuard, Standing::Enabled, town.stage.now);
    CHECK(town.talk(kGuard, 5) == 5);
}

TEST_CASE("a reload that changes nothing for a talkspurt leaves it untouched") {
    Town town;
    town.open_town();
    town.talk(kGuard, 5);
    town.plan.channels[kOps].floor.priority = 7;
    town.install();
    town.talk(kGuard, 5);
    const auto heard = town.radios[kOfficer]->hear();
    CHECK(heard.size() == 10);
    CHECK(continuous(heard, 160));
    CHECK(markers(heard) == 1);
    CHECK(town.count(Kind::Granted) == 1);
    CHECK(town.count(Kind::Done) == 1);
    CHECK(town.last(Kind::Done).token == 2);
    CHECK(town.former.back()->channels[kOps].floor.priority == 3);  // the plan before is given back
}

TEST_CASE("a reload with stricter rules cuts off in mid-talkspurt who may not hear it any more") {
    Town town;
    town.open_town();
    town.talk(kGuard, 5);
    const policy::RuleList none;
    town.plan.channels[kOps].outbound = &none;
    town.install();
    town.talk(kGuard, 5);
    CHECK(town.hears(kOfficer) == 5);
    CHECK(town.hears(kPost) == 10);
    CHECK(town.on_record() == std::vector{kOfficer, kCar});
}

TEST_CASE("an endpoint that goes with a reload ends its talkspurt, and as a listener leaves it") {
    Town town;
    town.open_town();
    town.talk(kGuard, 5);
    town.plan.endpoints[kCar] = {};
    town.plan.channels[kTac].endpoints = {kOfficer};
    town.install({kCar});
    town.talk(kGuard, 5);
    CHECK(town.hears(kCar) == 5);
    CHECK(town.hears(kOfficer) == 10);
    town.plan.endpoints[kGuard] = {};
    town.plan.channels[kOps].endpoints = {kPost};
    town.install({kGuard});
    CHECK(town.count(Kind::Released, kGuard) == 1);
    town.wait(500ms);
    CHECK(town.talk(kPost, 5) == 5);
    CHECK(town.hears(kOfficer) == 5);
}

TEST_CASE("directions hold: who only listens is not heard, who only talks hears nothing, a leg likewise") {
    Town town;
    SUBCASE("the endpoint only listens") {
        town.plan.endpoints[kGuard].talks = false;
        town.open_town();
        CHECK(town.talk(kGuard, 5) == 0);
        CHECK(town.dropped(kGuard, Drop::ListenOnly) == 5);
        CHECK(town.count(Kind::Requested) == 0);
    }
    SUBCASE("the endpoint only talks") {
        town.plan.endpoints[kOfficer].listens = false;
        town.open_town();
        CHECK(town.talk(kGuard, 5) == 5);
        CHECK(town.hears(kOfficer) == 0);
        CHECK(town.hears(kCar) == 5);
    }
    SUBCASE("the leg hears nothing") {
        town.plan.bridges[0].legs[kTac].listens = false;
        town.open_town();
        CHECK(town.talk(kGuard, 5) == 5);
        CHECK(town.hears(kOfficer) == 0);
        town.wait(1s);
        CHECK(town.talk(kOfficer, 5) == 5);
        CHECK(town.hears(kGuard) == 5);
    }
    SUBCASE("the leg is not heard") {
        town.plan.bridges[0].legs[kTac].talks = false;
        town.open_town();
        CHECK(town.talk(kOfficer, 5) == 5);
        CHECK(town.hears(kGuard) == 0);
        CHECK(town.hears(kCar) == 5);
    }
}

// The guard's radio always sends: 600 ms of a quiet room, a second of voice, and the room again.
struct OpenLine : Town {
    OpenLine() {
        plan.endpoints[kGuard].vox = vox;
        plan.endpoints[kGuard].signal = floor::Signal::Vox;
        open_town();
        Samples samples = noise(8 * 600, -70, 1);
        const Samples spoken = voice(8000, 1s);
        samples.insert(samples.end(), spoken.begin(), spoken.end());
        const Samples after = noise(8 * 1400, -70, 2);
        samples.insert(samples.end(), after.begin(), after.end());
        const auto encoder = codec::make_encoder(codec::pcmu());
        payloads = encode_all(*encoder, samples, 160);
    }
    // True if it was carried.
    bool send(std::size_t n, bool stale = false) {
        const media::Packet packet{.sequence = 7 + n,
                                   .timestamp = static_cast<std::uint32_t>(160 * n),
                                   .duration = 160,
                                   .new_stream = n == 0,
                                   .stale = stale,
                                   .payload = payloads[n]};
        media::Talkspurt* talkspurt = exchange.pass(radios[kGuard]->endpoint, packet, stage.now);
        if (talkspurt) talkspurt->carry(packet, stage.now);
        step();
        return talkspurt != nullptr;
    }
    std::shared_ptr<media::VoxInput> vox = std::make_shared<media::VoxInput>(codec::pcmu());
    std::vector<Octets> payloads;
};

TEST_CASE("a radio that always sends presses with its voice, and what came just before is heard too") {
    OpenLine town;
    const auto& payloads = town.payloads;
    std::size_t first_heard = 0;
    for (std::size_t n = 0; n < payloads.size(); ++n)
        if (town.send(n) && first_heard == 0) first_heard = n;
    CHECK(town.count(Kind::Granted, kGuard) == 1);
    CHECK(town.count(Kind::Released, kGuard) == 1);
    CHECK(first_heard > 29);
    CHECK(first_heard < 40);
    const auto heard = town.radios[kOfficer]->hear();
    REQUIRE(heard.size() > 50 + 10);
    CHECK(heard.size() < 100);
    CHECK(heard[0].payload == payloads[first_heard - 15]);
    CHECK(continuous(heard, 160));
}

TEST_CASE("what a switched-off radio had said before is not heard when it is on again") {
    OpenLine town;
    std::size_t n = 0;
    while (!town.send(n)) ++n;  // somebody speaks
    town.exchange.set_standing(kGuard, Standing::Disabled, town.stage.now);
    CHECK(town.vox->kept() == 0);
    town.forget();
    town.exchange.set_standing(kGuard, Standing::Enabled, town.stage.now);
    CHECK_FALSE(town.send(++n));  // the room has to be learned anew
    CHECK(town.hears(kOfficer) == 0);
}

TEST_CASE("a pre-roll that waits when its radio is switched off is forgotten") {
    OpenLine town;
    for (std::size_t n = 0; n < 25; ++n) CHECK_FALSE(town.send(n));
    CHECK(town.vox->kept() == 15);
    town.exchange.set_standing(kGuard, Standing::Disabled, town.stage.now);
    CHECK(town.vox->kept() == 0);
}

TEST_CASE(
    "with voice detection, too, what is stale keeps the floor but is not carried, now or as a pre-roll") {
    OpenLine town;
    for (std::size_t n = 0; n < 10; ++n) CHECK_FALSE(town.send(n, true));
    CHECK(town.vox->kept() == 0);
    std::size_t n = 10;
    while (!town.send(n)) ++n;
    for (int late = 0; late < 20; ++late) CHECK_FALSE(town.send(++n, true));
    CHECK(town.dropped(kGuard, Drop::Stale) == 30);
    CHECK(town.count(Kind::Released) == 0);  // 400 ms, twice the lease
    CHECK(town.send(++n));
    CHECK(town.count(Kind::Granted) == 1);
}

// The post's endpoint sends under a key, so that its packet numbers have to be reserved.
struct KeyedTown : Town {
    KeyedTown() {
        std::vector<std::byte> octets(44, std::byte{5});
        auto key = rtp::MasterKey::make(rtp::Suite::Aes256Gcm, core::Secret{octets});
        REQUIRE(key);
        rtp::SrtpSender sender{rtp::Suite::Aes256Gcm, &*key};
        REQUIRE(sender.begin(0x99, {.rtp = 1000}));
        radios[kPost]->endpoint.sink.srtp() = std::move(sender);
        open_town();
        exchange.tend_all(stage.now);
        CHECK(count(Kind::SendLimit, kPost) == 1);
        confirm();
        reports.clear();
    }
    rtp::SrtpSender& sender() { return radios[kPost]->endpoint.sink.srtp(); }
    void confirm() { sender().set_reserved(0x99, last(Kind::SendLimit).limits); }
};

TEST_CASE("packet numbers of a listener are asked for as soon as somebody talks, not with the next report") {
    KeyedTown town;
    CHECK(town.sender().reserved().rtp == 1256);
    town.talk(kGuard, 1);
    REQUIRE(town.count(Kind::SendLimit, kPost) == 1);
    CHECK(town.last(Kind::SendLimit).limits.rtp > 1256 + 1500);
    town.confirm();
    town.talk(kGuard, 500);
    CHECK(town.count(Kind::SendLimit, kPost) == 1);
    CHECK(town.radios[kPost]->endpoint.sink.counters().refused.read() == 0);
}

TEST_CASE("a wish that found the queue of reports full, or whose answer is lost, is said again") {
    KeyedTown town;
    SUBCASE("the queue is full") {
        while (town.queue.push({})) {
        }
        town.talk(kGuard, 16);
        const auto lost = town.exchange.counters().reports_lost.read();
        CHECK(lost > 0);
        town.collect();
        town.reports.clear();
        town.talk(kGuard, 16);
    }
    SUBCASE("the answer is lost") {
        town.talk(kGuard, 16);
        CHECK(town.count(Kind::SendLimit, kPost) == 1);
        town.reports.clear();
        town.exchange.tend(town.radios[kPost]->endpoint, town.stage.now);
    }
    REQUIRE(town.count(Kind::SendLimit, kPost) >= 1);
    CHECK(town.last(Kind::SendLimit).limits.rtp > 1256 + 1500);
}

TEST_CASE("a receive limit that found the queue of reports full is asked for with the next packet") {
    Town town;
    std::vector<std::byte> octets(44, std::byte{5});
    auto key = rtp::MasterKey::make(rtp::Suite::Aes256Gcm, core::Secret{octets});
    REQUIRE(key);
    auto& radio = town.radios[kGuard]->endpoint;
    radio.source.srtp() = rtp::SrtpReceiver{rtp::Suite::Aes256Gcm, std::span{&*key, 1}};
    town.open_town();
    rtp::SrtpSender sender{rtp::Suite::Aes256Gcm, &*key};
    REQUIRE(sender.begin(0x99, {}));
    sender.set_reserved(0x99, rtp::SrtpSender::unrecorded());
    Octets packet(12 + 160 + 16);
    rtp::Header header;
    header.ssrc = 0x99;
    rtp::write_header(packet, header);
    REQUIRE(sender.seal_rtp(packet, 12, 172, 0x99, 0));
    REQUIRE(radio.source.srtp().open_rtp(packet, 12, 0x99, 0));
    while (town.queue.push({})) {
    }
    town.exchange.heard(radio, town.stage.now);
    town.collect();
    CHECK(town.count(Kind::ReceiveLimit) == 0);
    town.exchange.heard(radio, town.stage.now);
    REQUIRE(town.count(Kind::ReceiveLimit, kGuard) == 1);
    CHECK(town.last(Kind::ReceiveLimit).limits.rtp == 65);
    town.exchange.heard(radio, town.stage.now);
    CHECK(town.count(Kind::ReceiveLimit) == 1);
}

TEST_CASE("a key under which 200 SSRCs were heard is reported once, and when it was rotated once more") {
    Town town;
    std::vector<rtp::MasterKey> keys;
    for (const int octet : {5, 6}) {
        std::vector<std::byte> octets(44, static_cast<std::byte>(octet));
        keys.push_back(std::move(*rtp::MasterKey::make(rtp::Suite::Aes256Gcm, core::Secret{octets})));
    }
    auto& radio = town.radios[kGuard]->endpoint;
    const auto fresh = [&](std::size_t key) {
        return rtp::SrtpReceiver{rtp::Suite::Aes256Gcm, std::span{&keys[key], 1}};
    };
    radio.source.srtp() = fresh(0);
    town.open_town();
    std::uint32_t ssrc = 0;
    while (ssrc < 199) REQUIRE(radio.source.srtp().restore(keys[0].fingerprint(), ++ssrc, {.rtp = 64}));
    town.exchange.tend(radio, town.stage.now);
    CHECK(town.count(Kind::ManySources) == 0);
    REQUIRE(radio.source.srtp().restore(keys[0].fingerprint(), ++ssrc, {.rtp = 64}));
    town.exchange.tend(radio, town.stage.now);
    REQUIRE(radio.source.srtp().restore(keys[0].fingerprint(), ++ssrc, {.rtp = 64}));
    town.exchange.tend(radio, town.stage.now);
    REQUIRE(town.count(Kind::ManySources, kGuard) == 1);
    CHECK(town.last(Kind::ManySources).position == 200);
    rtp::SrtpReceiver renewed = fresh(1);
    renewed.carry_over(radio.source.srtp());
    radio.source.srtp() = std::move(renewed);
    town.exchange.tend(radio, town.stage.now);
    CHECK(town.count(Kind::ManySources) == 2);
    CHECK(town.last(Kind::ManySources).position == 0);
}

TEST_CASE("while the log cannot be written every press is refused, but for emergencies") {
    Town town;
    town.open_town();
    town.exchange.refuse_floors(true, town.stage.now);
    CHECK(town.talk(kGuard, 3) == 0);
    CHECK(town.last(Kind::Denied).cause == floor::Cause::RecordFailed);
    town.exchange.refuse_floors(false, town.stage.now);
    town.wait(1s);
    CHECK(town.talk(kGuard, 3) == 3);
}

TEST_CASE("BYE ends a talkspurt at once, a stop of the daemon ends them all") {
    Town town;
    town.open_town(false);
    town.talk(kGuard, 3);
    town.talk(kOfficer, 3);
    town.exchange.left(town.radios[kGuard]->endpoint, town.stage.now);
    CHECK(town.count(Kind::Released, kGuard) == 1);
    town.exchange.shut_down(town.stage.now);
    CHECK(town.count(Kind::Released, kOfficer) == 1);
    CHECK(town.last(Kind::Released).cause == floor::Cause::ShuttingDown);
    town.wait(1s);
    CHECK(town.talk(kGuard, 2) == 0);  // nobody would put it on record any more
    CHECK(town.last(Kind::Denied).cause == floor::Cause::ShuttingDown);
    CHECK(town.stage.free_encoders(codec::pcmu()) == 4);
}

TEST_CASE("a packet that is stale keeps the floor but is not carried") {
    Town town;
    town.open_town();
    media::Packet stale = town.speech[kGuard]->packet(0);
    stale.stale = true;
    CHECK(town.exchange.pass(town.radios[kGuard]->endpoint, stale, town.stage.now) == nullptr);
    CHECK(town.dropped(kGuard, Drop::Stale) == 1);
    CHECK(town.count(Kind::Granted, kGuard) == 1);
    CHECK_FALSE(town.packet(kOfficer));
}

TEST_CASE("presses, talkspurts, late entry and a deny tone take no memory from the heap on the packet path") {
    Town town{Town::Rules{}, codec::opus()};
    town.plan.endpoints[kPost].tones = tones({{TalkerTone::Denied, Octets(160, std::byte{0x33}), 5}});
    town.open_town();
    const auto before = allocations();
    for (int round = 0; round < 3; ++round) {
        town.talk(kGuard, 5);
        town.packet(kPost);
        town.talk(kGuard, 20);
        town.exchange.set_open(0, false, town.stage.now);
        town.talk(kGuard, 3);
        town.exchange.set_open(0, true, town.stage.now);
        town.talk(kGuard, 3);
        town.wait(1s);
        town.talk(kCar, 5);
        town.exchange.left(town.radios[kCar]->endpoint, town.stage.now);
        town.wait(1s);
    }
    CHECK(allocations() == before);
    CHECK(town.hears(kOfficer) > 50);
    CHECK(town.exchange.counters().reports_lost.read() == 0);
}

}  // namespace
}  // namespace crosspatch::bridge
