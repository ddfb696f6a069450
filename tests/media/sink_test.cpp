#include "crosspatch/media/sink.hpp"

#include <doctest/doctest.h>

#include "crosspatch/rtp/rtcp.hpp"
#include "tests/media/radios.hpp"

namespace crosspatch::media {
namespace {

using namespace tests;

// What the gateway's reports say, as the radio reads them.
struct Reports {
    std::vector<rtp::SenderReport> sent;
    std::size_t receiver_reports{};
    std::size_t byes{};
};
Reports reports_of(Radio& radio) {
    Reports read;
    ReceiveBatch in;
    for (const Datagram& datagram : in.receive(radio.wire.get())) {
        if (rtp::classify(datagram.octets) != rtp::DatagramKind::Rtcp) continue;
        const auto parsed = rtp::parse_compound(
            datagram.octets, rtp::Overload{[&](const rtp::SenderReport& r) { read.sent.push_back(r); },
                                           [&](const rtp::ReceiverReport&) { ++read.receiver_reports; },
                                           [&](const rtp::Bye&) { ++read.byes; }});
        CHECK(parsed);
    }
    return read;
}

struct Desk {
    void say(int packets) {
        for (int i = 0; i < packets; ++i)
            radio.endpoint.send(outbox, false, radio.endpoint.sink.next_index(), 160, Octets(160));
        outbox.flush();
    }
    Reports report(bool bye = false) {
        radio.endpoint.send_report(outbox, kStart, {}, bye);
        outbox.flush();
        return reports_of(radio);
    }
    Radio radio{1, codec::pcmu()};
    Outbox outbox;
};

TEST_CASE("a report counts what was sent under its SSRC, and begins anew with another one") {
    Desk desk;
    CHECK(desk.report().receiver_reports == 1);  // nothing sent: no sender
    desk.say(3);
    auto reports = desk.report();
    REQUIRE(reports.sent.size() == 1);
    CHECK(reports.sent[0].packets == 3);
    CHECK(reports.sent[0].octets == 480);
    Sink& sink = desk.radio.endpoint.sink;
    REQUIRE(sink.srtp().begin(0x77, {.rtp = 5}));
    sink.srtp().set_reserved(0x77, rtp::SrtpSender::unrecorded());
    CHECK(desk.report().receiver_reports == 1);
    desk.say(2);
    reports = desk.report();
    REQUIRE(reports.sent.size() == 1);
    CHECK(reports.sent[0].ssrc == 0x77);
    CHECK(reports.sent[0].packets == 2);
    CHECK(reports.sent[0].octets == 320);
}

TEST_CASE("who has sent nothing for two reports reports as a receiver, and counts on when it sends again") {
    Desk desk;
    desk.say(3);
    CHECK(desk.report().sent.size() == 1);
    CHECK(desk.report().sent.size() == 1);
    CHECK(desk.report().receiver_reports == 1);
    CHECK(desk.report().receiver_reports == 1);
    desk.say(1);
    const auto reports = desk.report();
    REQUIRE(reports.sent.size() == 1);
    CHECK(reports.sent[0].packets == 4);
}

TEST_CASE("loss that was reported of a stream says nothing of the one after it") {
    Desk desk;
    Sink& sink = desk.radio.endpoint.sink;
    desk.say(1);
    sink.on_report({.ssrc = sink.ssrc(), .fraction_lost = 128}, {});
    CHECK(sink.reported_loss() == 50);
    REQUIRE(sink.srtp().begin(0x77, {.rtp = 5}));
    sink.srtp().set_reserved(0x77, rtp::SrtpSender::unrecorded());
    desk.say(1);
    CHECK(sink.reported_loss() == 0);
}

TEST_CASE(
    "a header extension is on every packet until it is taken off, and its octets are not counted as "
    "payload") {
    Desk desk;
    const Octets words{std::byte{0x21}, std::byte{0x40}, std::byte{0}, std::byte{0},
                       std::byte{1},    std::byte{2},    std::byte{3}, std::byte{4}};
    desk.radio.endpoint.sink.set_extension(0x0167, words);
    desk.say(1);
    desk.radio.endpoint.send_empty(desk.outbox, 123, kStart);
    desk.radio.endpoint.sink.set_extension(0, {});
    desk.say(1);
    ReceiveBatch in;
    std::vector<Octets> packets;
    for (const Datagram& datagram : in.receive(desk.radio.wire.get()))
        packets.emplace_back(datagram.octets.begin(), datagram.octets.end());
    REQUIRE(packets.size() == 3);
    for (const std::size_t n : {0U, 1U}) {
        const auto header = rtp::parse_header(packets[n]);
        REQUIRE(header);
        CHECK(header->extension_profile == 0x0167);
        CHECK(Octets{header->extension.begin(), header->extension.end()} == words);
        CHECK(packets[n].size() == 24 + (n == 0 ? 160 : 0));
        CHECK(header->payload_type == (n == 0 ? 0 : 123));
    }
    CHECK(rtp::parse_header(packets[2])->extension_profile == 0);
    const auto reports = desk.report();
    REQUIRE(reports.sent.size() == 1);
    CHECK(reports.sent[0].packets == 3);
    CHECK(reports.sent[0].octets == 320);
}

TEST_CASE("BYE is the last that is reported") {
    Desk desk;
    desk.say(1);
    CHECK(desk.report(true).byes == 1);
    const Reports after = desk.report();
    CHECK(after.sent.size() + after.receiver_reports == 0);
}

}  // namespace
}  // namespace crosspatch::media
