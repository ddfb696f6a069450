#include "crosspatch/rtp/rtcp.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>

#include "tests/rtp/datagrams.hpp"
#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::rtp;
using namespace crosspatch::tests;

namespace {

// Sender report with a block, CNAME and BYE; checked with tshark 4.0.17.
const Octets kCompound =
    hex("81c8000c 00001234 e8d4a510 80000000 00027100 000003e8 00027100"
        "00005678 19fffffd 0001000a 00000028 a5100080 00010000"
        "81ca0004 00001234 0107 6777 4068 6f73 7400 0000"
        "81cb0003 00001234 04646f6e 65000000");
const Octets kEmptyReport = hex("80c90001 00001234");
const Octets kCname = hex("81ca0004 00001234 0107 6777 4068 6f73 7400 0000");

// What a datagram says, as text; a refusal is "!" and its name.
std::string told(const Octets& datagram) {
    std::string tape;
    const auto note = [&](const std::string& text) { tape += (tape.empty() ? "" : " ") + text; };
    const auto done = parse_compound(
        datagram,
        Overload{
            [&](const SenderReport& report) { note(fmt::format("sr{:x}", report.ssrc)); },
            [&](const ReceiverReport& report) { note(fmt::format("rr{:x}", report.ssrc)); },
            [&](const ReportBlock& block) { note(fmt::format("{:x}>{:x}", block.reporter, block.ssrc)); },
            [&](const Cname& name) { note(fmt::format("{:x}={}", name.ssrc, text_of(name.text))); },
            [&](const Bye& bye) { note(fmt::format("bye{}:{}", bye.ssrcs.size(), text_of(bye.reason))); },
            [&](const App& app) {
                note(fmt::format("{}/{}:{:x}+{}", app.name, app.subtype, app.ssrc, app.data.size()));
            }});
    if (done) return tape;
    CHECK(tape.empty());  // nothing half applied
    return fmt::format("!{}", name_of(done.error()));
}

Octets repeated(const Octets& packet, int times) {
    Octets all;
    for (; times > 0; --times) all.insert(all.end(), packet.begin(), packet.end());
    return all;
}

}  // namespace

TEST_CASE("the compound vector gives each of its fields") {
    int seen = 0;
    const auto done = parse_compound(kCompound, Overload{[&](const SenderReport& report) {
                                                             ++seen;
                                                             CHECK(report.ssrc == 0x1234);
                                                             CHECK(report.ntp.value == 0xE8D4A51080000000);
                                                             CHECK(report.rtp_time == 160000);
                                                             CHECK(report.packets == 1000);
                                                             CHECK(report.octets == 160000);
                                                         },
                                                         [&](const ReportBlock& block) {
                                                             ++seen;
                                                             CHECK(block.ssrc == 0x5678);
                                                             CHECK(block.fraction_lost == 25);
                                                             CHECK(block.cumulative_lost == -3);
                                                             CHECK(block.highest_sequence == 0x1000A);
                                                             CHECK(block.jitter == 40);
                                                             CHECK(block.last_sender_report == 0xA5100080);
                                                             CHECK(block.delay_since_report == 0x10000);
                                                             CHECK(block.reporter == 0x1234);
                                                         },
                                                         [&](const Cname& cname) {
                                                             ++seen;
                                                             CHECK(cname.ssrc == 0x1234);
                                                             CHECK(text_of(cname.text) == "gw@host");
                                                             CHECK(lies_in(cname.text, kCompound));
                                                         },
                                                         [&](const Bye& bye) {
                                                             ++seen;
                                                             REQUIRE(bye.ssrcs.size() == 1);
                                                             CHECK(bye.ssrcs[0] == 0x1234);
                                                             CHECK(text_of(bye.reason) == "done");
                                                         }});
    CHECK(done);
    CHECK(seen == 4);
}

TEST_CASE("cumulative loss has a sign of 24 bits") {
    for (const auto& [octets, lost] :
         {std::pair{"7fffff", 0x7FFFFF}, {"800000", -0x800000}, {"ffffff", -1}, {"000001", 1}}) {
        const Octets report = hex(std::string{"81c90007 00000001 00000002 00"} + octets +
                                  "00000000 00000000 00000000 00000000");
        std::optional<std::int32_t> read;
        CHECK(parse_compound(report, [&](const ReportBlock& block) { read = block.cumulative_lost; }));
        CHECK(read == lost);
    }
}

TEST_CASE("an application packet is read alone and inside a compound") {
    const Octets app = hex("84cc0003 0000abcd 4d435054 01020304");
    CHECK(told(app) == "MCPT/4:abcd+4");
    CHECK(told(joined({kEmptyReport, kCname, app})) == "rr1234 1234=gw@host MCPT/4:abcd+4");
    CHECK(told(hex("80cc0002 0000abcd 4d435054")) == "MCPT/0:abcd+0");
    CHECK(told(hex("80cc0001 0000abcd")) == "!too_short");
}

TEST_CASE("a visitor is called only for what it takes") {
    int names = 0;
    CHECK(parse_compound(kCompound, [&](const Cname&) { ++names; }));
    CHECK(names == 1);
    CHECK(parse_compound(kCompound, Overload{[](const App&) { FAIL("there is none"); }}));
}

TEST_CASE("several chunks give a CNAME each, other items and empty chunks are stepped over") {
    CHECK(told(hex("82ca0006 00000001 0101 61 00  00000002 0203 626f62 0101 62 00 000000")) == "1=a 2=b");
    CHECK(told(hex("82ca0005 00000001 00000000 00000002 0101 6200 00000000")) == "2=b");
    CHECK(told(hex("81ca0002 00000001 0101 61 00")) == "1=a");
    CHECK(told(hex("81ca0002 00000001 0100 0000")) == "1=");
    CHECK(told(hex("81ca0003 00000001 0101 6101 0162 0000")) == "1=a");  // the first name counts
    CHECK(told(joined({hex("80ca0001 00000000"), kEmptyReport})) == "rr1234");
}

// bad-input.md, 36
TEST_CASE("a name is handed on as the octets that came") {
    const Octets nasty =
        hex("0a1b5b33316d e280ae 00 256e 3c623e ff");  // newline, ESC, bidi, NUL, %n, HTML, no UTF-8
    Octets packet = hex("81ca0006 00000009");
    packet.push_back(std::byte{1});
    packet.push_back(static_cast<std::byte>(nasty.size()));
    packet.insert(packet.end(), nasty.begin(), nasty.end());
    packet.resize(28);
    Octets name;
    CHECK(parse_compound(packet,
                         [&](const Cname& cname) { name.assign(cname.text.begin(), cname.text.end()); }));
    CHECK(name == nasty);
    CHECK(core::escape(text_of(name)).find('\n') == std::string::npos);
}

// bad-input.md, 35
TEST_CASE("BYE says whom it names, so that one for another source can be ignored") {
    bool ours = true, theirs = false;
    CHECK(parse_compound(hex("82cb0002 0000aaaa 0000bbbb"), [&](const Bye& bye) {
        ours = bye.ssrcs.contains(0x1234);
        theirs = bye.ssrcs.contains(0xBBBB);
    }));
    CHECK_FALSE(ours);
    CHECK(theirs);
    CHECK(told(hex("80cb0001 03627965")) == "bye0:bye");
    CHECK(told(hex("81cb0002 00000001 00000000")) == "bye1:");
}

// bad-input.md, 31
TEST_CASE("four octets are no RTCP datagram") {
    for (const char* header : {"80c90000", "80cb0000", "80ca0000", "80c80006"})
        CHECK(told(hex(header)) == "!too_short");
    CHECK(told({}) == "!too_short");
}

// bad-input.md, 32
TEST_CASE("a packet that says length 0 drops the datagram, however many of them there are") {
    for (const char* header :
         {"80c80000", "80c90000", "80ca0000", "80cb0000", "80cc0000", "80cd0000", "80df0000"}) {
        CHECK(told(repeated(hex(header), 64)) == "!bad_length");
        CHECK(told(joined({kEmptyReport, hex(header)})) == "!bad_length");
    }
}

// bad-input.md, 33
TEST_CASE("a length past the end drops the datagram, what came before it included") {
    CHECK(told(hex("80c90002 00001234")) == "!bad_length");
    CHECK(told(hex("80c9ffff 00001234")) == "!bad_length");
    CHECK(told(joined({kEmptyReport, kCname, hex("81cb0002 00001234")})) == "!bad_length");
    CHECK(told(joined({kEmptyReport, hex("80cb00")})) == "!bad_length");
}

// bad-input.md, 34
TEST_CASE("counts of 31 without the blocks, chunks or sources drop the datagram") {
    CHECK(told(hex("9fc90001 00001234")) == "!bad_count");
    CHECK(told(hex("9fc80006 00001234 00000000 00000000 00000000 00000000 00000000")) == "!bad_count");
    CHECK(told(hex("9fca0001 00001234")) == "!bad_text");
    CHECK(told(hex("9fca0002 00001234 00000000")) == "!bad_count");
    CHECK(told(hex("9fcb0001 00001234")) == "!bad_count");
    CHECK(told(hex("80c80005 00001234 00000000 00000000 00000000 00000000")) == "!too_short");
}

TEST_CASE("texts that run past the end drop the datagram") {
    CHECK(told(hex("81ca0002 00000001 01ff 6100")) == "!bad_text");
    CHECK(told(hex("81ca0002 00000001 0102 6162")) == "!bad_text");  // no terminator
    CHECK(told(hex("81ca0002 00000001 00000001")) == "");  // the rest of the chunk's last word is padding
    CHECK(told(hex("81ca0002 00000001 01016101")) == "!bad_text");
    CHECK(told(hex("81cb0002 00000001 04646f6e")) == "!bad_text");
    CHECK(told(hex("81cb0002 00000001 ff646f6e")) == "!bad_text");
}

TEST_CASE("padding belongs in the last packet, in whole words") {
    CHECK(told(hex("a0c90002 00001234 00000004")) == "rr1234");
    CHECK(told(joined({kEmptyReport, hex("a1cb0003 00001234 00000000 00000008")})) == "rr1234 bye1:");
    CHECK(told(joined({hex("a0c90002 00001234 00000004"), kCname})) == "!bad_padding");
    CHECK(told(hex("a0c90002 00001234 00000000")) == "!bad_padding");
    CHECK(told(hex("a0c90002 00001234 00000003")) == "!bad_padding");
    CHECK(told(hex("a0c90002 00001234 0000000c")) == "!bad_padding");
    CHECK(told(hex("a0c90002 00001234 00000008")) == "!too_short");
    CHECK(told(hex("a1c90007 00001234 00000000 00000000 00000000 00000000 00000000 00000004")) ==
          "!bad_count");
}

TEST_CASE("a wrong version anywhere drops the datagram") {
    CHECK(told(hex("40c90001 00001234")) == "!bad_version");
    CHECK(told(joined({kEmptyReport, hex("c1cb0001 00001234")})) == "!bad_version");
}

// bad-input.md, 37 and 38
TEST_CASE("feedback is stepped over, whatever it asks for") {
    const Octets nack = joined({hex("81cd0102 00000001 00000002"), repeated(hex("0000ffff"), 256)});
    CHECK(told(joined({kEmptyReport, nack, kCname})) == "rr1234 1234=gw@host");
    const Octets run_lengths =
        hex("8fcd0004 00000001 00000002 0000ffff 00000000");  // transport-wide, 65,535 packets
    CHECK(told(joined({kEmptyReport, run_lengths})) == "rr1234");
    CHECK(told(hex("81ce0002 00000001 00000002")) == "");
    CHECK(told(hex("81cd0001 00000001")) == "!too_short");
    CHECK(told(hex("80df0001 00000001")) == "");  // a type nobody has defined
}

// bad-input.md, 39
TEST_CASE("an extended report with an empty or overlong block drops the datagram") {
    CHECK(told(joined({kEmptyReport, hex("80cf0004 00000001 04000002 00000000 00000000")})) == "rr1234");
    CHECK(told(hex("80cf0001 00000001")) == "");
    CHECK(told(joined({kEmptyReport, hex("80cf0002 00000001 04000000")})) == "!bad_blocks");
    CHECK(told(hex("80cf0003 00000001 0400ffff 00000000")) == "!bad_blocks");
    CHECK(told(hex("80cf0003 00000001 04000002 00000000")) == "!bad_blocks");
}

TEST_CASE("a datagram above 1200 octets is refused") {
    CHECK(told(repeated(kEmptyReport, 150)).size() > 100);
    CHECK(told(repeated(kEmptyReport, 151)) == "!too_long");
    CHECK(told(repeated(hex("80ca0001 00000000"), 150)) == "");
}

TEST_CASE("cut at any octet the compound is dropped, or ends at the edge of a packet") {
    for (std::size_t size = 0; size < kCompound.size(); ++size) {
        const Octets cut(kCompound.begin(), kCompound.begin() + static_cast<std::ptrdiff_t>(size));
        const std::string tape = told(cut);
        if (size == 52)
            CHECK(tape == "sr1234 1234>5678");
        else if (size == 72)
            CHECK(tape == "sr1234 1234>5678 1234=gw@host");
        else
            CHECK(tape.front() == '!');
    }
}

TEST_CASE("no damage makes a view leave its datagram, and reading takes no memory") {
    std::mt19937 random{5};
    const Octets app = hex("84cc0003 0000abcd 4d435054 01020304");
    const Octets good = joined({kCompound, app, hex("a1cb0003 00001234 00000000 00000008")});
    std::vector<Octets> damaged;
    for (int round = 0; round < 30000; ++round) {
        Octets datagram = good;
        for (int flips = static_cast<int>(random() % 4); flips > 0; --flips)
            datagram[random() % datagram.size()] = static_cast<std::byte>(random());
        if (random() % 4 == 0) datagram.resize(random() % (datagram.size() / 4 + 1) * 4);
        damaged.push_back(std::move(datagram));
    }
    std::size_t accepted = 0, strayed = 0;
    const auto before = allocations();
    for (const Octets& datagram : damaged) {
        const auto check = [&](std::span<const std::byte> view) { strayed += !lies_in(view, datagram); };
        const auto done = parse_compound(datagram, Overload{[&](const Cname& cname) { check(cname.text); },
                                                            [&](const Bye& bye) { check(bye.reason); },
                                                            [&](const App& packet) {
                                                                check(packet.data);
                                                                check(std::as_bytes(std::span{packet.name}));
                                                            }});
        accepted += done.has_value();
    }
    CHECK(allocations() == before);
    CHECK(strayed == 0);
    CHECK(accepted > 1000);
    CHECK(accepted < damaged.size());
}
