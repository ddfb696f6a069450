#include "crosspatch/endpoint/config.hpp"

#include <doctest/doctest.h>

#include "crosspatch/core/text.hpp"
#include "tests/core/config_reading.hpp"

namespace crosspatch::endpoint {
namespace {

using namespace std::chrono_literals;

// 44 octets for AEAD_AES_256_GCM, told apart by `seed`.
std::string key(int seed) {
    std::string octets;
    for (int i = 0; i < 44; ++i) octets += static_cast<char>(seed * 7 + i * 13 + 1);
    return "'" + core::to_base64(std::as_bytes(std::span{octets})) + "'";
}
std::string srtp(int seed) { return "srtp: {receive: " + key(seed) + ", send: " + key(seed + 100) + "}"; }

struct File {
    explicit File(const std::string& list)
        : reading{list + "\n"}, endpoints{read_endpoints(reading.root, "ng-ops", {".", true})} {}
    std::string complaints() const { return reading.complaints(); }
    // With what only shows when all are known.
    std::string together(const char* shared = "") {
        check_together(endpoints, *shared ? *core::Address::parse(shared) : core::Address{},
                       reading.problems);
        return complaints();
    }
    tests::Reading reading;
    std::vector<Config> endpoints;
};

std::string one(const std::string& keys, int seed = 1) {
    return "- {id: guard, type: rtp, " + srtp(seed) + ", " + keys + "}";
}
std::string usual(const std::string& keys) { return one("remote: 192.0.2.1:5004, codec: pcmu, " + keys); }
bool says(const std::string& complaints, std::string_view text) {
    return complaints.find(text) != std::string::npos;
}
std::string complaints_of(const std::string& list) { return File{list}.complaints(); }

TEST_CASE("an endpoint that says only what it must gets the defaults") {
    const File file{one("remote: 192.0.2.1:5004, codec: pcmu")};
    CHECK(file.complaints() == "");
    REQUIRE(file.endpoints.size() == 1);
    const Settings& settings = file.endpoints[0].settings;
    CHECK(settings.id == "guard");
    CHECK(settings.channel == "ng-ops");
    CHECK(settings.remote.to_string() == "192.0.2.1:5004");
    CHECK_FALSE(settings.listen);
    CHECK(settings.payload_type == 0);
    CHECK(settings.ptime == 20ms);
    CHECK(settings.rtcp == Rtcp::Mux);
    CHECK(settings.suite == rtp::Suite::Aes256Gcm);
    CHECK(settings.direction == bridge::Direction::Both);
    CHECK(settings.talker == bridge::Talker{"guard", "guard", {}, true, false, false});
    CHECK(settings.signal == Signal::Media);
    CHECK(file.endpoints[0].fingerprints().size() == 2);
}

TEST_CASE("everything that an endpoint may say is read") {
    const File file{
        one("remote: learn, listen: '[::1]:40010', ssrc: 4294967295, codec: {name: opus, rate: 8000}, ptime: "
            "40ms, "
            "payload_type: 96, rtcp: next_port, direction: listen, ptt: {signal: vox, deny_tone: true}, "
            "half_duplex: true, pace: true, talker: {id: unit-7, role: guard, priority: 9}")};
    CHECK(file.complaints() == "");
    REQUIRE(file.endpoints.size() == 1);
    const Settings& settings = file.endpoints[0].settings;
    CHECK_FALSE(settings.remote);
    CHECK(settings.listen.port() == 40010);
    CHECK(settings.ssrc == 0xFFFFFFFF);
    CHECK(settings.ptime == 40ms);
    CHECK(settings.payload_type == 96);
    CHECK(settings.rtcp == Rtcp::NextPort);
    CHECK(settings.direction == bridge::Direction::Listen);
    CHECK(settings.signal == Signal::Vox);
    CHECK(settings.tones.contains(bridge::TalkerTone::Denied));
    CHECK(settings.half_duplex);
    CHECK(settings.pace);
    CHECK(settings.talker.priority == 9);
}

TEST_CASE("payload types and packet times follow from the codec") {
    const auto read = [](const std::string& codec) {
        const File file{one("remote: 192.0.2.1:5004, codec: " + codec)};
        REQUIRE(file.endpoints.size() == 1);
        return file.endpoints[0].settings;
    };
    CHECK(read("opus").payload_type == 111);
    CHECK(read("pcma").payload_type == 8);
    CHECK(read("g722").payload_type == 9);
    CHECK(read("gsm").payload_type == 3);
    CHECK(read("codec2/1200, payload_type: 97").ptime == 40ms);
    CHECK(read("l16/48000, payload_type: 97").ptime == 10ms);
    CHECK(says(complaints_of(one("remote: 192.0.2.1:5004, codec: l16/16000")),
               "has no payload type of its own; add payload_type: 96 to 127"));
    CHECK(says(complaints_of(one("remote: 192.0.2.1:5004, codec: gsm, ptime: 30ms")), "ptime"));
}

TEST_CASE("keys that must be there are missed") {
    CHECK(says(complaints_of("- {type: rtp, remote: 192.0.2.1:5004, codec: pcmu, " + srtp(1) + "}"), "id"));
    CHECK(says(complaints_of("- {id: guard}"), "type"));
    CHECK(says(complaints_of("- {id: guard, type: rtp, codec: pcmu, " + srtp(1) + "}"), "remote"));
    CHECK(says(complaints_of("- {id: guard, type: rtp, remote: 192.0.2.1:5004, " + srtp(1) + "}"), "codec"));
    const File bare{"- {id: guard, type: rtp, remote: 192.0.2.1:5004, codec: pcmu}"};
    CHECK(says(bare.complaints(), "srtp"));
    CHECK(bare.endpoints.empty());
    CHECK(complaints_of("- 7") != "");
    CHECK(complaints_of("{}") != "");
}

TEST_CASE("what is not in this version is said as that") {
    for (const char* type : {"audio", "usrp", "svxreflector", "multicast", "sip", "webrtc", "link"})
        CHECK(says(complaints_of(std::string{"- {id: guard, type: "} + type + "}"),
                   "endpoints of this type are not in this version; it has rtp"));
}

TEST_CASE("values that cannot be are refused where they stand") {
    CHECK(says(complaints_of("- {id: guard, type: rtpp}"),
               "'rtpp' is not a type of endpoint; did you mean 'rtp'?"));
    CHECK(says(complaints_of(usual("ptime: 25ms")), "ptime"));
    CHECK(says(complaints_of(usual("ptime: 0ms")), "ptime"));
    CHECK(says(complaints_of(usual("ptime: 20")), "ptime"));
    CHECK(says(complaints_of(usual("payload_type: 128")), "payload_type"));
    for (const int taken : {64, 72, 76, 95})
        CHECK(says(complaints_of(usual("payload_type: " + std::to_string(taken))),
                   "64 to 95 are taken for RTCP (RFC 5761)"));
    CHECK(says(complaints_of(usual("ssrc: 0")), "ssrc"));
    CHECK(says(complaints_of(usual("ssrc: 4294967296")), "ssrc"));
    CHECK(says(complaints_of(usual("direction: up")), "direction"));
    CHECK(says(complaints_of(usual("rtcp: both")), "is not a way of RTCP"));
    CHECK(says(complaints_of(usual("half_duplex: yes")), "half_duplex"));
    CHECK(says(complaints_of(usual("pace: 5ms")), "pace"));
    CHECK(says(complaints_of(usual("ptt: {deny_tone: true}")), "signal"));
    CHECK(says(complaints_of(usual("ptt: {signal: media, tone: x}")), "tone"));
    CHECK(says(complaints_of(usual("listen: nowhere")), "listen"));
    CHECK(says(complaints_of(usual("kodec: x")), "did you mean 'codec'?"));
    for (const char* port : {"0", "65536", "-1", "4294972300", "0x138C", "5e3"})
        CHECK(says(complaints_of(one(std::string{"codec: pcmu, remote: 192.0.2.1:"} + port)), "remote"));
}

TEST_CASE("a remote that is no radio's address is refused") {
    for (const char* address : {"224.0.0.1:5004", "0.0.0.0:5004", "'[ff02::1]:5004'", "'[::]:5004'"})
        CHECK(says(complaints_of(one(std::string{"codec: pcmu, remote: "} + address)),
                   "is not the address of one radio"));
    CHECK(says(complaints_of(one("codec: pcmu, remote: 127.0.0.1:5004, listen: 127.0.0.1:5004")),
               "everything sent would come back"));
    CHECK(says(complaints_of(one("codec: pcmu, remote: 127.0.0.1:5004, listen: '[::1]:5006'")),
               "is IPv4 and the other IPv6"));
}

TEST_CASE("learning needs a key, a way to be told apart, and RTCP") {
    CHECK(says(complaints_of("- {id: guard, type: rtp, remote: learn, listen: 127.0.0.1:5004, codec: pcmu, "
                             "srtp: {suite: none}}"),
               "learn needs SRTP: without it anybody could become this radio"));
    CHECK(says(complaints_of(one("codec: pcmu, remote: learn")),
               "learn needs a `listen` of its own or the radio's `ssrc`"));
    CHECK(complaints_of(one("codec: pcmu, remote: learn, ssrc: 7")) == "");
    CHECK(says(complaints_of(one("codec: pcmu, remote: learn, ssrc: 7, rtcp: off")),
               "with remote: learn RTCP must stay on"));
}

TEST_CASE("RTCP on the next port needs a port of its own and a port after it") {
    CHECK(says(complaints_of(usual("rtcp: next_port")), "next_port needs a `listen` of its own"));
    CHECK(says(complaints_of(usual("rtcp: next_port, listen: 127.0.0.1:65535")), "no port after 65535"));
    CHECK(says(
        complaints_of(one("codec: pcmu, remote: 127.0.0.1:65535, rtcp: next_port, listen: 127.0.0.1:5004")),
        "no port after 65535"));
}

TEST_CASE("without SRTP no emergency may be claimed unless it is written") {
    const File file{"- {id: guard, type: rtp, remote: 192.0.2.1:5004, codec: pcmu, srtp: {suite: none}}"};
    REQUIRE(file.endpoints.size() == 1);
    CHECK_FALSE(file.endpoints[0].settings.talker.may_emergency);
    CHECK(file.endpoints[0].fingerprints().empty());
}

TEST_CASE(
    "a deny tone is for whoever has a key or a fixed source, also for a radio that otherwise hears nothing") {
    const auto tone_of = [](const std::string& list) {
        const File file{list};
        CHECK(file.complaints() == "");
        REQUIRE(file.endpoints.size() == 1);
        return file.endpoints[0].settings.tones.contains(bridge::TalkerTone::Denied);
    };
    CHECK(tone_of(usual("direction: talk, ptt: {signal: media, deny_tone: true}")));
    CHECK(
        tone_of("- {id: guard, type: rtp, remote: 192.0.2.1:5004, codec: pcmu, srtp: {suite: none}, "
                "ptt: {signal: media, deny_tone: true}}"));
}

TEST_CASE("floor messages need RTCP, and a port of their own needs a listen, a key and nobody else on it") {
    const File file{usual("ptt: mcptt")};
    REQUIRE(file.endpoints.size() == 1);
    CHECK(file.complaints() == "");
    CHECK(file.endpoints[0].settings.signal == Signal::Mcptt);
    CHECK(says(complaints_of(usual("rtcp: off, ptt: mcptt")), "mcptt needs rtcp"));
    CHECK(says(complaints_of(usual("ptt: {signal: mcptt, port: 40012}")), "needs a `listen`"));
    const File own{usual("listen: 192.0.2.9:40010, ptt: {signal: mcptt, port: 40012}")};
    REQUIRE(own.endpoints.size() == 1);
    CHECK(own.complaints() == "");
    CHECK(own.endpoints[0].settings.floor_port == 40012);
    CHECK(says(complaints_of(
                   "- {id: guard, type: rtp, remote: 192.0.2.1:5004, listen: 192.0.2.9:40010, codec: pcmu, "
                   "srtp: {suite: none}, ptt: {signal: mcptt, port: 40012}}"),
               "needs SRTP"));
    CHECK(says(complaints_of(usual("listen: 192.0.2.9:40010, ptt: {signal: mcptt, port: 0}")), "port"));
    CHECK(says(complaints_of(usual("listen: 192.0.2.9:40010, ptt: {signal: mcptt, port: 40010}")),
               "the endpoint's own"));
    CHECK(says(
        complaints_of(usual("listen: 192.0.2.9:40010, rtcp: next_port, ptt: {signal: mcptt, port: 40011}")),
        "the endpoint's own"));
}

TEST_CASE("telephone events as a key have their own payload type, and may be one event only") {
    const File any{usual("ptt: event")};
    REQUIRE(any.endpoints.size() == 1);
    CHECK(any.complaints() == "");
    CHECK(any.endpoints[0].settings.signal == Signal::Event);
    CHECK(any.endpoints[0].settings.event == EventPtt{101, std::nullopt});
    const File star{usual("ptt: {signal: event, event: 10, payload_type: 97}")};
    REQUIRE(star.endpoints.size() == 1);
    CHECK(star.endpoints[0].settings.event == EventPtt{97, 10});
    CHECK(says(complaints_of(usual("ptt: {signal: event, event: 256}")), "256"));
    CHECK(says(complaints_of(usual("ptt: {signal: event, payload_type: 72}")), "taken for RTCP"));
    CHECK(says(complaints_of(usual("payload_type: 101, ptt: event")),
               "payload type 101 is the codec's already"));
    CHECK(says(complaints_of(usual("ptt: {signal: media, event: 10}")), "event"));
}

TEST_CASE("an ED-137 session has a role, a period, a multiplier and an id within what the standard has") {
    const File usual_one{usual("ptt: ed137")};
    REQUIRE(usual_one.endpoints.size() == 1);
    CHECK(usual_one.complaints() == "");
    CHECK(usual_one.endpoints[0].settings.signal == Signal::Ed137);
    CHECK(usual_one.endpoints[0].settings.ed137 == ptt::Ed137Settings{});
    const File full{
        usual("ptt: {signal: ed137, role: grs, period: 100ms, multiplier: 5, ptt_id: 63, ptt_rep: 2}")};
    REQUIRE(full.endpoints.size() == 1);
    CHECK(full.endpoints[0].settings.ed137 == ptt::Ed137Settings{ptt::Ed137Role::Grs, 100ms, 5, 63, 2});
    for (const char* wrong : {"role: pilot", "period: 10ms", "period: 2s", "multiplier: 1", "multiplier: 51",
                              "ptt_id: 64", "ptt_rep: 4", "event: 1"})
        CHECK(complaints_of(usual(std::string{"ptt: {signal: ed137, "} + wrong + "}")) != "");
    CHECK(says(complaints_of(usual("payload_type: 123, ptt: ed137")), "keep-alives"));
}

TEST_CASE("tones are chosen one by one, and a radio that cannot hear them is told so") {
    const File file{usual("ptt: {signal: media, tones: [warning, lost]}")};
    REQUIRE(file.endpoints.size() == 1);
    const bridge::TalkerToneSet& tones = file.endpoints[0].settings.tones;
    CHECK(tones.contains(bridge::TalkerTone::Warning));
    CHECK(tones.contains(bridge::TalkerTone::FarSideLost));
    CHECK_FALSE(tones.contains(bridge::TalkerTone::Denied));
    CHECK(says(complaints_of(usual("ptt: {signal: media, tones: [beep]}")), "granted"));
    CHECK(says(complaints_of(usual("half_duplex: true, ptt: {signal: media, tones: [granted]}")),
               "half_duplex"));
}

// --- Together ---

std::string two(const std::string& a, const std::string& b, int seed_b = 2) {
    return "- {id: a, type: rtp, codec: pcmu, " + srtp(1) + ", " + a +
           "}\n- {id: b, type: rtp, codec: pcmu, " + srtp(seed_b) + ", " + b + "}";
}

TEST_CASE("two endpoints that share nothing are good together") {
    CHECK(File{two("remote: 192.0.2.1:5004", "remote: 192.0.2.2:5004")}.together("127.0.0.1:40000") == "");
    CHECK(File{two("remote: 192.0.2.1:5004, listen: 127.0.0.1:1",
                   "remote: 192.0.2.1:5004, listen: 127.0.0.1:2")}
              .together() == "");
    // One address, two radios: an SSRC for each tells them apart, and so does one SSRC.
    CHECK(File{two("remote: 192.0.2.1:5004, ssrc: 1", "remote: 192.0.2.1:5004, ssrc: 2")}.together(
              "127.0.0.1:40000") == "");
    CHECK(File{two("remote: 192.0.2.1:5004", "remote: 192.0.2.1:5004, ssrc: 2")}.together(
              "127.0.0.1:40000") == "");
    // Ports that the kernel picks are never the same.
    CHECK(File{two("remote: 192.0.2.1:5004, listen: 127.0.0.1:0",
                   "remote: 192.0.2.1:5004, listen: 127.0.0.1:0")}
              .together() == "");
}

TEST_CASE("what stands twice in the file is refused at the second place, with the line of the first") {
    File same_id{"- {id: a, type: rtp, codec: pcmu, remote: 192.0.2.1:5004, " + srtp(1) +
                 "}\n- {id: a, type: rtp, codec: pcmu, remote: 192.0.2.2:5004, " + srtp(2) + "}"};
    CHECK(says(same_id.together("127.0.0.1:40000"),
               "2:3: [1]: id 'a' is that of endpoint 'a' in line 1 already"));
    CHECK(says(File{two("remote: 192.0.2.1:5004, listen: 127.0.0.1:5",
                        "remote: 192.0.2.2:5004, listen: 127.0.0.1:5")}
                   .together(),
               "this `listen` is that of endpoint 'a' in line 1 already"));
    CHECK(says(File{two("remote: 192.0.2.1:5004, listen: 127.0.0.1:5, rtcp: next_port",
                        "remote: 192.0.2.2:5004, listen: 127.0.0.1:6")}
                   .together(),
               "this `listen` is that of endpoint 'a'"));
    CHECK(says(File{two("remote: 192.0.2.1:5004, listen: 127.0.0.1:6",
                        "remote: 192.0.2.2:5004, listen: 127.0.0.1:5, rtcp: next_port")}
                   .together(),
               "the RTCP port after this `listen`"));
    CHECK(says(File{two("remote: 192.0.2.1:5004", "remote: 192.0.2.1:5004")}.together("127.0.0.1:40000"),
               "this `remote` is that of endpoint 'a'"));
    CHECK(says(File{two("remote: 192.0.2.1:5004, ssrc: 5", "remote: 192.0.2.2:5004, ssrc: 5")}.together(
                   "127.0.0.1:40000"),
               "on the shared port each radio needs its own"));
    CHECK(says(File{two("remote: 192.0.2.1:5004, listen: 127.0.0.1:5",
                        "remote: 192.0.2.2:5004, listen: 127.0.0.1:6", 1)}
                   .together(),
               "one key for two radios lets either speak as the other"));
}

// bad-input.md, 77
TEST_CASE("a radio whose address is a port of the gateway would be heard in a circle, and is refused") {
    CHECK(says(
        File{two("remote: 127.0.0.1:2, listen: 127.0.0.1:1", "remote: 192.0.2.1:5004, listen: 127.0.0.1:2")}
            .together(),
        "this `remote` is the `listen` of endpoint 'b'"));
    CHECK(says(
        File{two("remote: 127.0.0.1:2, listen: 127.0.0.1:1", "remote: 192.0.2.1:5004, listen: 0.0.0.0:2")}
            .together(),
        "this `remote` is the `listen` of endpoint 'b'"));
    CHECK(says(File{usual("half_duplex: false")}.together("192.0.2.1:5004"),
               "this `remote` is the shared media port"));
    CHECK(File{two("remote: 127.0.0.1:3, listen: 127.0.0.1:1", "remote: 192.0.2.1:2, listen: 0.0.0.0:2")}
              .together() == "");
}

TEST_CASE("the shared port is no endpoint's own, and must be there for those without one") {
    CHECK(says(File{usual("listen: 127.0.0.1:40000")}.together("127.0.0.1:40000"),
               "is the shared media port; leave `listen` out"));
    CHECK(says(File{usual("half_duplex: false")}.together(),
               "has no `listen`, and there is no shared port: add gateway.media.listen"));
}

}  // namespace
}  // namespace crosspatch::endpoint
