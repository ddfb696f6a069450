#include "crosspatch/rtp/rtcp_builder.hpp"

#include <doctest/doctest.h>

#include <array>
#include <random>

#include "tests/rtp/datagrams.hpp"
#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::rtp;
using namespace crosspatch::tests;

namespace {

const SenderReport kReport{0x1234, {0xE8D4A51080000000}, 160000, 1000, 160000};
const ReportBlock kBlock{0x5678, 25, -3, 0x1000A, 40, 0xA5100080, 0x10000, 0x1234};
constexpr std::array<std::uint32_t, 1> kUs{0x1234};

Octets built(const RtcpBuilder& builder) { return {builder.octets().begin(), builder.octets().end()}; }

}  // namespace

TEST_CASE("the compound vector is written octet for octet") {
    std::array<std::byte, kMaxPacket> out{};
    RtcpBuilder builder{out};
    CHECK(builder.sender_report(kReport, std::span{&kBlock, 1}));
    CHECK(builder.sdes_cname(0x1234, "gw@host"));
    CHECK(builder.bye(kUs, "done"));
    CHECK(core::to_hex(builder.octets()) ==
          "81c8000c00001234e8d4a5108000000000027100000003e8000271000000567819fffffd0001000a00000028a510008000"
          "0100"
          "0081ca0004000012340107677740686f737400000081cb00030000123404646f6e65000000");
}

TEST_CASE("an empty receiver report and a BYE without reason are as short as they can be") {
    std::array<std::byte, 64> out{};
    RtcpBuilder builder{out, RtcpBuilder::Form::Reduced};
    CHECK(builder.receiver_report(0x1234));
    CHECK(builder.bye(kUs));
    CHECK(core::to_hex(builder.octets()) == "80c900010000123481cb000100001234");
}

TEST_CASE("a compound without its report in front or its name is not handed out") {
    std::array<std::byte, 128> out{};
    RtcpBuilder nameless{out};
    CHECK(nameless.receiver_report(1));
    CHECK(nameless.octets().empty());
    RtcpBuilder headless{out};
    CHECK(headless.sdes_cname(1, "a"));
    CHECK(headless.receiver_report(1));
    CHECK(headless.octets().empty());
    RtcpBuilder good{out};
    CHECK(good.receiver_report(1));
    CHECK(good.sdes_cname(1, "a"));
    CHECK(good.octets().size() == 20);
}

TEST_CASE("limits are refused whole, and what was written stays") {
    std::vector<std::byte> out(4096);
    RtcpBuilder builder{out};
    const std::vector<ReportBlock> blocks(32, kBlock);
    CHECK_FALSE(builder.sender_report(kReport, blocks));
    CHECK_FALSE(builder.receiver_report(1, blocks));
    CHECK(builder.receiver_report(1, std::span{blocks}.first(31)));
    CHECK_FALSE(builder.sdes_cname(1, std::string(256, 'x')));
    CHECK(builder.sdes_cname(1, std::string(255, 'x')));
    const Octets before = built(builder);
    CHECK_FALSE(builder.bye({}, "nobody"));
    CHECK_FALSE(builder.bye(kUs, std::string(256, 'x')));
    CHECK_FALSE(builder.bye(std::vector<std::uint32_t>(32)));
    CHECK_FALSE(builder.app({32, 1, "MCPT", {}}));
    CHECK_FALSE(builder.app({0, 1, "MCP", {}}));
    CHECK_FALSE(builder.app({0, 1, "MCPT", std::span{out}.first(3)}));
    CHECK(built(builder) == before);
    CHECK(parse_compound(before, [](const Cname& name) { CHECK(name.text.size() == 255); }));
}

TEST_CASE("a cumulative loss beyond 24 bits is cut to them") {
    std::array<std::byte, 64> out{};
    for (const auto& [lost, written] : {std::pair{INT32_MAX, 0x7FFFFF}, {INT32_MIN, -0x800000}, {-1, -1}}) {
        ReportBlock block;
        block.cumulative_lost = lost;
        RtcpBuilder builder{out, RtcpBuilder::Form::Reduced};
        REQUIRE(builder.receiver_report(1, std::span{&block, 1}));
        std::optional<std::int32_t> read;
        CHECK(
            parse_compound(builder.octets(), [&](const ReportBlock& back) { read = back.cumulative_lost; }));
        CHECK(read == written);
    }
}

TEST_CASE("whatever is built fits its span, reads back the same and takes no memory") {
    std::mt19937 random{9};
    const std::string text(255, 'n');
    std::array<std::byte, kMaxPacket> octets{};
    std::array<std::uint32_t, 31> ssrcs{};
    std::array<ReportBlock, 31> blocks;
    std::size_t wrong = 0, refused = 0;
    const auto before = allocations();
    for (int round = 0; round < 5000; ++round) {
        const auto number = [&] { return static_cast<std::uint32_t>(random()); };
        for (auto& ssrc : ssrcs) ssrc = number();
        const std::uint32_t us = number();
        for (auto& block : blocks) {
            block = {number(),
                     static_cast<std::uint8_t>(number()),
                     static_cast<std::int32_t>(number() % 0x1000000) - 0x800000,
                     number(),
                     number(),
                     number(),
                     number(),
                     us};
        }
        const auto some = std::span{blocks}.first(number() % 32);
        const auto leaving = std::span{ssrcs}.first(1 + number() % 31);
        const auto name = std::string_view{text}.substr(number() % 256);
        const auto reason = std::string_view{text}.substr(number() % 256);
        const SenderReport report{
            us, {std::uint64_t{number()} << 32 | number()}, number(), number(), number()};

        RtcpBuilder builder{std::span{octets}.first(number() % (kMaxPacket + 1))};
        const bool sender = number() & 1;
        const bool reported =
            sender ? builder.sender_report(report, some) : builder.receiver_report(us, some);
        const bool named = builder.sdes_cname(us, name);
        const bool left = builder.bye(leaving, reason);
        if (!reported || !named) {
            ++refused;
            wrong += !builder.octets().empty() && !(reported && named);
            continue;
        }
        std::size_t block = 0, names = 0, byes = 0, senders = 0;
        const auto done = parse_compound(
            builder.octets(),
            Overload{[&](const SenderReport& back) {
                         ++senders;
                         wrong += back.ntp.value != report.ntp.value || back.ssrc != us ||
                                  back.rtp_time != report.rtp_time || back.packets != report.packets ||
                                  back.octets != report.octets;
                     },
                     [&](const ReportBlock& back) { wrong += back != some[block++]; },
                     [&](const Cname& back) {
                         ++names;
                         wrong += back.ssrc != us || back.text.size() != name.size();
                     },
                     [&](const Bye& back) {
                         ++byes;
                         wrong += back.reason.size() != reason.size() || back.ssrcs.size() != leaving.size();
                         for (std::size_t n = 0; n < back.ssrcs.size(); ++n)
                             wrong += back.ssrcs[n] != leaving[n];
                     }});
        wrong += !done || block != some.size() || names != 1 || byes != left || senders != sender;
        wrong += builder.octets().size() % 4 != 0;
    }
    CHECK(allocations() == before);
    CHECK(wrong == 0);
    CHECK(refused > 100);
    CHECK(refused < 4000);
}
