#include "crosspatch/rtp/floor_message.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <random>

#include "tests/rtp/datagrams.hpp"
#include "tests/rtp/floor_messages.hpp"
#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::rtp;
using namespace crosspatch::tests;

namespace {

constexpr std::uint32_t kServer = 0x11223344;
constexpr std::uint32_t kRadio = 0xAABBCCDD;
constexpr std::string_view kAlice = "sip:alice@gw.example";
constexpr std::string_view kBob = "sip:bob@gw.example";
const Octets kReference = hex("01020304");

struct Vector {
    const char* octets;
    FloorMessage message;
};

// The sheet's section 10; tshark 4.0.17 reads them so.
const std::vector<Vector> kVectors{
    {"80cc000aaabbccdd4d4350540002050006147369703a616c6963654067772e6578616d706c6500000d021000",
     {.type = FloorType::Request, .sender = kRadio, .priority = 5, .user_id = kAlice, .indicator = 0x1000}},
    {"91cc000e112233444d4350540102001e0e06aabbccdd00000002050006147369703a616c6963654067772e6578616d706c65000"
     "007020000"
     "0d028000",
     {.type = FloorType::Granted,
      .ack_wanted = true,
      .sender = kServer,
      .priority = 5,
      .duration = 30,
      .user_id = kAlice,
      .queue_size = 0,
      .indicator = 0x8000,
      .ssrc = kRadio}},
    {"8acc0004aabbccdd4d4350540a0200000c020100",
     {.type = FloorType::Ack, .sender = kRadio, .source = FloorSource::Participant, .message_type = 1}},
    {"82cc000d112233444d43505404147369703a616c6963654067772e6578616d706c65000005020001080200070d0280000e06aab"
     "bccdd0000",
     {.type = FloorType::Taken,
      .sender = kServer,
      .granted_party = kAlice,
      .permission_to_request = true,
      .message_sequence_number = 7,
      .indicator = 0x8000,
      .ssrc = kRadio}},
    {"83cc000a112233444d435054020600016275737906127369703a626f624067772e6578616d706c650d028000",
     {.type = FloorType::Deny,
      .sender = kServer,
      .reject_cause = RejectCause{1, "busy"},
      .user_id = kBob,
      .indicator = 0x8000}},
    {"84cc0009aabbccdd4d43505406147369703a616c6963654067772e6578616d706c6500000d028000",
     {.type = FloorType::Release, .sender = kRadio, .user_id = kAlice, .indicator = 0x8000}},
    {"85cc0004112233444d435054080200080d028000",
     {.type = FloorType::Idle, .sender = kServer, .message_sequence_number = 8, .indicator = 0x8000}},
    {"86cc0004112233444d435054020200040d028000",
     {.type = FloorType::Revoke, .sender = kServer, .reject_cause = RejectCause{4, ""}, .indicator = 0x8000}},
    {"88cc0007aabbccdd4d43505406127369703a626f624067772e6578616d706c65",
     {.type = FloorType::QueuePositionRequest, .sender = kRadio, .user_id = kBob}},
    {"89cc0009112233444d43505406127369703a626f624067772e6578616d706c65030202030d028400",
     {.type = FloorType::QueuePositionInfo,
      .sender = kServer,
      .queue_info = QueueInfo{2, 3},
      .user_id = kBob,
      .indicator = 0x8400}},
    {"81cc0004112233444d4350540102001e0d021400",
     {.type = FloorType::Granted, .sender = kServer, .duration = 30, .indicator = 0x1400}},
    {"80cc0006aabbccdd4d435054000205000b0a0103756e690001020304",
     {.type = FloorType::Request,
      .sender = kRadio,
      .priority = 5,
      .track_info = TrackInfo{true, "uni", kReference}}},
};

// The name of the refusal; empty if it is a message.
std::string refused(const Octets& packet) {
    const auto message = parse_floor_message(packet);
    return message ? "" : std::string{name_of(message.error())};
}

// A packet of the fields that are given in hexadecimal.
Octets packet_of(std::uint8_t subtype, std::string_view fields, std::string_view name = "4d435054") {
    const Octets data = hex(fields);
    Octets packet = hex(fmt::format("{:02x}cc{:04x}aabbccdd{}", 0x80 | subtype, 2 + data.size() / 4, name));
    packet.insert(packet.end(), data.begin(), data.end());
    return packet;
}

FloorMessage read(const Octets& packet) {
    const auto message = parse_floor_message(packet);
    REQUIRE_MESSAGE(message, name_of(message.error()));
    return *message;
}

Octets repeated(std::string_view field, int times) {
    Octets all;
    for (; times > 0; --times) {
        const Octets one = hex(field);
        all.insert(all.end(), one.begin(), one.end());
    }
    return all;
}

}  // namespace

TEST_CASE("each floor vector is read field by field and written octet by octet") {
    for (const auto& [octets, message] : kVectors) {
        CAPTURE(octets);
        const Octets packet = hex(octets);
        const auto parsed = parse_floor_message(packet);
        REQUIRE(parsed);
        CHECK(*parsed == message);
        Octets out(packet.size());
        CHECK(written_size(message) == packet.size());
        REQUIRE(write_floor_message(out, message) == packet.size());
        CHECK(out == packet);
    }
}

TEST_CASE("messages of one datagram are walked, and a broken one does not take the others along") {
    const Octets idle = hex("85cc0004112233444d435054080200080d028000");
    const Octets revoke = hex("86cc0004112233444d435054020200040d028000");
    std::string tape;
    const auto walk = [&](const Octets& datagram) {
        tape.clear();
        CHECK(parse_compound(datagram, [&](const App& app) {
            const auto message = parse_floor_message(app);
            tape += message ? name_of(message->type) : name_of(message.error());
            tape += ' ';
        }));
        return tape;
    };
    CHECK(walk(joined({idle, revoke})) == "Floor Idle Floor Revoke ");
    CHECK(walk(joined({idle, packet_of(5, "08ff0000"), revoke})) == "Floor Idle bad_field_end Floor Revoke ");
    CHECK(walk(joined({hex("80c90001 00001234"), hex("81ca0002 00001234 0101 6100"), revoke})) ==
          "Floor Revoke ");
    CHECK(refused(joined({idle, revoke})) == "bad_packet");
}

TEST_CASE("fields come in any order, and of two alike the first counts") {
    const Octets packet =
        packet_of(0, "0d021000 0604 73697031 0000 00020500 00020900 0d020800 0603 626f62 000000");
    const auto request = read(packet);
    CHECK(request.priority == 5);  // bad-input.md, 62
    CHECK(request.indicator == floor_indicator::kEmergency);
    CHECK(request.user_id == "sip1");
    CHECK(request.has(floor_indicator::kEmergency));
    CHECK_FALSE(request.has(floor_indicator::kImminentPeril));
}

// bad-input.md, 70
TEST_CASE("an unknown field is stepped over, an unknown message is refused") {
    // 19 is a Location; 192 and above have a length of two octets; 1 is a Duration, which no Request has.
    CHECK(read(packet_of(0, "1303 010203 000000 c0 0006 010203040506 000000 ff 0001 00 0102ffff 00020700"))
              .priority == 7);
    CHECK_FALSE(read(packet_of(0, "0102ffff")).duration);
    for (const int subtype : {7, 11, 12, 13, 14, 15, 0x17, 0x1B, 0x1F})
        CHECK(refused(packet_of(static_cast<std::uint8_t>(subtype), "")) == "bad_subtype");
}

// bad-input.md, 66
TEST_CASE("only messages that can ask for an ack are read as asking") {
    for (const int subtype : {0x10, 0x16, 0x18, 0x1A})
        CHECK(refused(packet_of(static_cast<std::uint8_t>(subtype), "")) == "bad_subtype");
    for (const int subtype : {0x11, 0x12, 0x13, 0x14, 0x15, 0x19})
        CHECK(read(packet_of(static_cast<std::uint8_t>(subtype), "")).ack_wanted);
    std::array<std::byte, 64> out{};
    for (const auto type :
         {FloorType::Request, FloorType::Revoke, FloorType::QueuePositionRequest, FloorType::Ack})
        CHECK(write_floor_message(out, {.type = type, .ack_wanted = true}) == 0);
}

// bad-input.md, 60
TEST_CASE("fields past the end, half fields and floods of empty ones are refused") {
    CHECK(refused(packet_of(0, "00ff0500")) == "bad_field_end");
    CHECK(refused(packet_of(0, "00020500 06050000")) == "bad_field_end");
    CHECK(refused(packet_of(0, "c0ffff00")) == "bad_field_end");
    CHECK(refused(packet_of(0, "00020500 c0000200")) == "bad_field_end");  // the padding runs past the end
    CHECK(refused(packet_of(0, "00010500")) == "bad_field_length");
    CHECK(refused(packet_of(1, "0e040102 03040000")) == "bad_field_length");
    CHECK(refused(packet_of(0, "00000000")) == "empty_field");
    for (const char* empty : {"00000000", "06000000", "13000000", "c0000000"}) {
        Octets packet = packet_of(0, "");
        const Octets flood = repeated(empty, 200);
        packet.insert(packet.end(), flood.begin(), flood.end());
        packet[2] = std::byte{0};
        packet[3] = std::byte{202};
        CHECK(refused(packet) == "empty_field");
    }
    // An App made by hand, with half a field behind its last word.
    const Octets half = hex("00020500 06");
    CHECK(parse_floor_message(App{0, kRadio, "MCPT", half}).error() == FloorError::FieldEnd);
    const Octets unpadded = hex("0603 626f62");
    CHECK(parse_floor_message(App{0, kRadio, "MCPT", unpadded}).error() == FloorError::FieldEnd);
}

TEST_CASE("a Track Info whose inside runs past it is refused") {
    CHECK(refused(packet_of(0, "0b010100")) == "bad_field_length");
    CHECK(refused(packet_of(0, "0b020105")) == "bad_field_length");
    CHECK(refused(packet_of(0, "0b0601ff 756e6900")) == "bad_field_length");
    CHECK(refused(packet_of(0, "0b070103 756e6900 01000000")) == "bad_field_length");  // a quarter reference
    const auto track = read(packet_of(0, "0b020000")).track_info;
    REQUIRE(track);
    CHECK(*track == TrackInfo{});
}

TEST_CASE("what is no MCPT packet is no floor message") {
    CHECK(refused(packet_of(0, "", "4d434350")) == "bad_name");
    CHECK(refused(packet_of(0, "", "6d637074")) == "bad_name");
    CHECK(refused({}) == "bad_packet");
    CHECK(refused(hex("80c90001 00001234")) == "bad_packet");
    CHECK(refused(hex("40cc0002aabbccdd4d435054")) == "bad_packet");
    CHECK(refused(hex("a0cc0003aabbccdd4d435054 00000004")) == "bad_packet");  // RTCP padding
    CHECK(refused(hex("80cc0003aabbccdd4d435054")) == "bad_packet");
}

TEST_CASE("a message cut off at any octet is refused and never read past") {
    for (const auto& [octets, message] : kVectors) {
        const Octets packet = hex(octets);
        for (std::size_t size = 0; size < packet.size(); ++size) {
            const Octets cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
            CHECK_FALSE(parse_floor_message(cut));
            // The same with a length that fits: cut at a field it is a shorter message, else refused.
            const Octets data(packet.begin() + 12,
                              packet.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(size, 12)));
            if (const auto shorter =
                    parse_floor_message(App{static_cast<std::uint8_t>(message.type), 1, "MCPT", data}))
                CHECK(data.size() % 4 == 0);
        }
    }
}

// bad-input.md, 63
TEST_CASE("texts are handed on as the octets that came") {
    const Octets packet = packet_of(3, "020b 0007 0a1b5b e280ae 00 25ff 000000 0604 22273c3e 0000");
    const auto message = read(packet);
    CHECK(message.reject_cause == RejectCause{7, std::string_view{"\n\x1b[\xe2\x80\xae\0%\xff", 9}});
    CHECK(message.user_id == "\"'<>");
}

TEST_CASE("what cannot be written is refused whole") {
    std::array<std::byte, 600> out{};
    const std::string longest(255, 'x'), longer(256, 'x');
    FloorMessage message{.type = FloorType::Release, .user_id = longest};
    CHECK(write_floor_message(out, message) == 12 + 260);
    CHECK(write_floor_message(std::span{out}.first(12 + 259), message) == 0);
    message.user_id = longer;
    CHECK(write_floor_message(out, message) == 0);
    message = {.type = FloorType::Deny, .reject_cause = RejectCause{1, std::string_view{longest}.substr(2)}};
    CHECK(write_floor_message(out, message) == 12 + 260);
    message.reject_cause->phrase = longest;
    CHECK(write_floor_message(out, message) == 0);
    const Octets half(3);
    message = {.type = FloorType::Idle, .track_info = TrackInfo{false, "a", half}};
    CHECK(write_floor_message(out, message) == 0);
    message.track_info = TrackInfo{false, longer, {}};
    CHECK(write_floor_message(out, message) == 0);
    CHECK(write_floor_message(out, {.type = static_cast<FloorType>(7)}) == 0);
}

TEST_CASE("what was written is read again, 20,000 messages at random, without an allocation") {
    std::mt19937 random{24380};
    std::array<std::byte, kMaxPacket> out{};
    out.fill(std::byte{0xEE});
    const auto before = allocations();
    for (int round = 0; round < 20'000; ++round) {
        const FloorMessage message = random_floor_message(random);
        const std::size_t size = write_floor_message(out, message);
        REQUIRE(size > 0);
        REQUIRE(size == written_size(message));
        const auto again = parse_floor_message(std::span<const std::byte>{out}.first(size));
        REQUIRE(again);
        REQUIRE(*again == message);
        REQUIRE(lies_in(std::as_bytes(std::span{again->user_id}), out));
    }
    CHECK(allocations() == before);
}

TEST_CASE("no octet changed at random makes a view that leaves its packet") {
    std::mt19937 random{8};
    for (int round = 0; round < 20'000; ++round) {
        Octets packet = hex(kVectors[random() % kVectors.size()].octets);
        for (auto changes = 1 + random() % 3; changes > 0; --changes)
            packet[random() % packet.size()] = static_cast<std::byte>(random());
        const auto message = parse_floor_message(packet);
        if (!message) continue;
        for (const auto text : {message->user_id, message->granted_party, message->queued_user_id})
            REQUIRE(lies_in(std::as_bytes(std::span{text}), packet));
        if (message->reject_cause)
            REQUIRE(lies_in(std::as_bytes(std::span{message->reject_cause->phrase}), packet));
        if (message->track_info) REQUIRE(lies_in(message->track_info->references, packet));
    }
}
