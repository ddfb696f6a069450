#include "crosspatch/rtp/reception.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::rtp;
using namespace std::chrono_literals;

namespace {

using Arrival = Reception::Arrival;
constexpr core::Time kStart{1h};

// A radio that sends 20 ms packets of 8 kHz audio, and what we make of them.
struct Radio {
    Reception reception{0x5678, 8000};

    // The packet that was sent `number` packets after the first, `late` after its time.
    Arrival hear(int number, core::Duration late = 0ms) {
        return reception.on_packet(static_cast<std::uint16_t>(1000 + number),
                                   50000 + static_cast<std::uint32_t>(number * 160),
                                   kStart + number * 20ms + late);
    }
    void hear_all(int from, int to) {
        for (int number = from; number <= to; ++number) hear(number);
    }
    ReportBlock report(core::Duration at = 10s) {
        const auto block = reception.report(kStart + at);
        REQUIRE(block);
        return *block;
    }
};

}  // namespace

TEST_CASE("a stream without loss has none to report") {
    Radio radio;
    CHECK(radio.hear(0) == Arrival::InOrder);
    radio.hear_all(1, 99);
    const auto block = radio.report();
    CHECK(block.ssrc == 0x5678);
    CHECK(block.fraction_lost == 0);
    CHECK(block.cumulative_lost == 0);
    CHECK(block.highest_sequence == 1099);
    CHECK(block.jitter == 0);
    CHECK(block.last_sender_report == 0);
    CHECK(block.delay_since_report == 0);
}

TEST_CASE("the fraction is of the last interval, the cumulative loss of all") {
    Radio radio;
    radio.hear_all(0, 9);
    CHECK(radio.hear(12) == Arrival::AfterGap);  // 10 and 11 are missing
    radio.hear_all(13, 15);
    auto block = radio.report();
    CHECK(block.fraction_lost == 2 * 256 / 16);
    CHECK(block.cumulative_lost == 2);
    radio.hear_all(16, 19);
    block = radio.report();
    CHECK(block.fraction_lost == 0);
    CHECK(block.cumulative_lost == 2);
    radio.hear(25);
    block = radio.report();
    CHECK(block.fraction_lost == 5 * 256 / 6);
    CHECK(block.cumulative_lost == 7);
}

TEST_CASE("a late packet takes its loss back") {
    Radio radio;
    radio.hear_all(0, 4);
    radio.hear(7);
    CHECK(radio.report().cumulative_lost == 2);
    CHECK(radio.hear(5, 80ms) == Arrival::Reordered);
    CHECK(radio.hear(6, 80ms) == Arrival::Reordered);
    const auto block = radio.report();
    CHECK(block.cumulative_lost == 0);
    CHECK(block.fraction_lost == 0);
    CHECK(block.highest_sequence == 1007);
    CHECK(radio.reception.totals().reordered == 2);
}

TEST_CASE("duplicates are counted and make the loss negative") {
    Radio radio;
    radio.hear_all(0, 9);
    CHECK(radio.hear(9) == Arrival::Duplicate);
    CHECK(radio.hear(3) == Arrival::Duplicate);
    CHECK(radio.hear(3) == Arrival::Duplicate);
    CHECK(radio.report().cumulative_lost == -3);
    CHECK(radio.reception.totals().duplicates == 3);
    CHECK(radio.reception.totals().received == 13);
    CHECK(radio.reception.totals().expected == 10);
}

TEST_CASE("what was heard is remembered over gaps of every size") {
    for (int gap = 1; gap < 99; ++gap) {
        Radio radio;
        radio.hear(0);
        radio.hear(1);
        radio.hear(1 + gap);
        CHECK(radio.hear(0) == Arrival::Duplicate);
        CHECK(radio.hear(1) == Arrival::Duplicate);
        if (gap > 1) CHECK(radio.hear(2) == Arrival::Reordered);
        if (gap > 2) CHECK(radio.hear(gap) == Arrival::Reordered);
        CHECK(radio.hear(1 + gap) == Arrival::Duplicate);
    }
    Radio radio;
    radio.hear(0);
    radio.hear(2000);  // all that was remembered is out of reach
    for (int number = 1901; number < 2000; ++number) CHECK(radio.hear(number) == Arrival::Reordered);
}

TEST_CASE("almost everything lost is a fraction of 255") {
    Radio radio;
    radio.hear(0);
    radio.report();
    radio.hear(2999);
    CHECK(radio.report().fraction_lost == 255);
}

TEST_CASE("neither a duplicate nor the clock of a restarted sender is jitter") {
    Radio radio;
    radio.hear(0);
    radio.hear(0, 100ms);
    radio.hear(1);
    CHECK(radio.reception.jitter_units() == 0);
    static_cast<void>(radio.reception.on_packet(40000, 50000 + 4000, kStart + 40ms));
    static_cast<void>(radio.reception.on_packet(40001, 50000 + 4160, kStart + 60ms));
    CHECK(radio.reception.totals().restarts == 1);
    CHECK(radio.reception.jitter_units() == 0);
}

TEST_CASE("a packet that was overtaken by the first one still counts as expected") {
    Radio radio;
    radio.hear(1);
    CHECK(radio.hear(0, 30ms) == Arrival::Reordered);
    CHECK(radio.reception.totals().expected == 2);
    CHECK(radio.reception.totals().lost == 0);
}

TEST_CASE("the highest number goes on past the wrap") {
    Reception reception{1, 8000};
    for (std::uint32_t number = 65530; number < 65546; ++number)
        CHECK(reception.on_packet(static_cast<std::uint16_t>(number), number * 160, kStart) ==
              Arrival::InOrder);
    CHECK(reception.highest_sequence() == 65545);
    CHECK(reception.on_packet(65535, 65535u * 160, kStart) == Arrival::Duplicate);
    CHECK(reception.totals().expected == 16);
    CHECK(reception.totals().lost == -1);
}

TEST_CASE("a single packet from far away changes nothing, the next one after it begins anew") {
    Radio radio;
    radio.hear_all(0, 9);
    CHECK(radio.reception.on_packet(40000, 1, kStart) == Arrival::Jump);
    CHECK(radio.hear(10) == Arrival::InOrder);
    CHECK(radio.reception.on_packet(40001, 161, kStart) == Arrival::Jump);  // not right after 40000
    CHECK(radio.reception.totals().expected == 11);
    CHECK(radio.reception.on_packet(40002, 321, kStart) == Arrival::Restarted);
    CHECK(radio.reception.highest_sequence() == 40002);
    CHECK(radio.reception.totals().expected == 2);
    CHECK(radio.reception.totals().lost == 0);
    CHECK(radio.reception.totals().jumps == 2);
    CHECK(radio.reception.totals().restarts == 1);
    CHECK(radio.report().fraction_lost == 0);
    CHECK(radio.reception.on_packet(40003, 481, kStart) == Arrival::InOrder);
}

TEST_CASE("a restart across the wrap starts in the right cycle") {
    Reception reception{1, 8000};
    static_cast<void>(reception.on_packet(30000, 0, kStart));
    CHECK(reception.on_packet(65535, 0, kStart) == Arrival::Jump);
    CHECK(reception.on_packet(0, 160, kStart) == Arrival::Restarted);
    CHECK(reception.totals().expected == 2);
    CHECK(reception.totals().lost == 0);
}

TEST_CASE("what counts as loss and what as a jump follows RFC 3550") {
    const auto second = [](std::uint16_t sequence) {
        Reception reception{1, 8000};
        static_cast<void>(reception.on_packet(10000, 0, kStart));
        return reception.on_packet(sequence, 0, kStart);
    };
    CHECK(second(12999) == Arrival::AfterGap);
    CHECK(second(13000) == Arrival::Jump);
    CHECK(second(9901) == Arrival::Reordered);
    CHECK(second(9900) == Arrival::Jump);
}

TEST_CASE("jitter follows the formula of RFC 3550, step by step") {
    Radio radio;
    radio.hear(0);
    radio.hear(1, 10ms);  // 80 units off: 80/16
    CHECK(radio.reception.jitter_units() == 5);
    CHECK(radio.reception.jitter() == 625us);
    radio.hear(2, 10ms);                          // as late as the one before
    CHECK(radio.reception.jitter() == 585937ns);  // 80 - (80 + 8) / 16 = 75 sixteenths of a unit
    for (int number = 3; number < 400; ++number) radio.hear(number, number % 2 ? 20ms : 0ms);
    CHECK(radio.reception.jitter_units() >= 159);  // each 160 units off the one before
    CHECK(radio.reception.jitter_units() <= 160);
    CHECK(radio.report().jitter == radio.reception.jitter_units());
}

TEST_CASE("a pause that the timestamps count leaves the jitter alone") {
    Radio radio;
    radio.hear_all(0, 49);
    CHECK(radio.reception.on_packet(1050, 50000 + 50 * 160 + 8000 * 30, kStart + 1s + 30s) ==
          Arrival::InOrder);
    CHECK(radio.reception.jitter_units() == 0);
    CHECK(radio.reception.totals().timestamp_jumps == 0);
}

// bad-input.md, 10
TEST_CASE(
    "a timestamp that jumps, by 2^31 or because it stands still in a pause, restarts only the jitter's "
    "measure") {
    Radio radio;
    radio.hear_all(0, 9);
    const auto before = tests::allocations();
    std::uint32_t timestamp = 50000 + 9 * 160;
    for (int jump = 0; jump < 100; ++jump) {
        timestamp += 0x80000000;
        static_cast<void>(
            radio.reception.on_packet(static_cast<std::uint16_t>(1010 + jump), timestamp, kStart + 200ms));
    }
    CHECK(tests::allocations() == before);
    CHECK(radio.reception.jitter_units() == 0);
    CHECK(radio.reception.totals().timestamp_jumps == 100);
    CHECK(radio.reception.totals().lost == 0);
    static_cast<void>(radio.reception.on_packet(1110, timestamp + 160, kStart + 5s));  // stood still
    static_cast<void>(radio.reception.on_packet(1111, timestamp + 320, kStart + 5020ms));
    CHECK(radio.reception.jitter_units() == 0);
}

TEST_CASE("packets of a telephone event leave the jitter alone") {
    Radio radio;
    radio.hear_all(0, 9);
    for (int packet = 10; packet < 30; ++packet) {
        CHECK(radio.reception.on_packet(static_cast<std::uint16_t>(1000 + packet), 50000 + 10 * 160,
                                        kStart + packet * 20ms,
                                        Reception::Timing::Event) == Arrival::InOrder);
    }
    radio.hear(30);
    CHECK(radio.reception.jitter_units() == 0);
    CHECK(radio.reception.totals().received == 31);
}

TEST_CASE("jitter keeps its measure over days and at every clock") {
    for (const std::uint32_t clock : {8000u, 16000u, 44100u, 48000u, 192000u}) {
        Reception reception{1, clock};
        for (std::uint32_t packet = 0; packet < 2000; ++packet) {
            const auto at = kStart + packet * 1h + (packet % 2 ? 5ms : 0ms);
            static_cast<void>(
                reception.on_packet(static_cast<std::uint16_t>(packet), packet * (clock * 3600), at));
        }
        CHECK(reception.jitter() > 4900us);
        CHECK(reception.jitter() < 5100us);
    }
}

TEST_CASE("the last sender report and its age are in the block") {
    Radio radio;
    radio.hear(0);
    radio.reception.on_sender_report({0xE8D4A51080000000}, kStart + 1s);
    auto block = radio.report(2500ms);
    CHECK(block.last_sender_report == 0xA5108000);
    CHECK(block.delay_since_report == 0x18000);
    radio.hear(1);
    radio.reception.on_sender_report({0}, kStart + 3s);  // a sender without a clock
    block = radio.report(4s);
    CHECK(block.last_sender_report == 0);
    CHECK(block.delay_since_report == 0);
}

TEST_CASE("a source that was silent since the last report is not reported on") {
    Radio radio;
    CHECK_FALSE(radio.reception.report(kStart));
    radio.hear_all(0, 3);
    CHECK(radio.reception.report(kStart + 1s));
    CHECK_FALSE(radio.reception.report(kStart + 6s));
    radio.hear(4);
    CHECK(radio.reception.report(kStart + 11s));
}

TEST_CASE("over any network the counts agree with a plain list of what came") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random{seed};
        std::vector<std::pair<int, int>> arrivals;  // when, which
        for (int number = 0; number < 70000; ++number) {
            if (random() % 20 == 0) continue;
            arrivals.emplace_back(number + static_cast<int>(random() % 30), number);
            if (random() % 50 == 0) arrivals.emplace_back(number + static_cast<int>(random() % 30), number);
        }
        std::stable_sort(arrivals.begin(), arrivals.end());
        Reception reception{1, 8000};
        std::set<int> heard;
        int highest = -1;
        std::uint64_t wrong = 0, duplicates = 0, reordered = 0;
        for (const auto& [when, number] : arrivals) {
            const auto got =
                reception.on_packet(static_cast<std::uint16_t>(number + 60000),
                                    static_cast<std::uint32_t>(number * 160), kStart + when * 20ms);
            const bool fresh = heard.insert(number).second;
            duplicates += !fresh;
            reordered += fresh && number < highest;
            wrong += (got == Arrival::Duplicate) != !fresh;
            wrong += (got == Arrival::Reordered) != (fresh && number < highest);
            highest = std::max(highest, number);
        }
        const auto totals = reception.totals();
        CHECK(wrong == 0);
        CHECK(totals.duplicates == duplicates);
        CHECK(totals.reordered == reordered);
        CHECK(totals.received == arrivals.size());
        CHECK(totals.expected == static_cast<std::uint32_t>(highest - *heard.begin() + 1));
        CHECK(totals.lost ==
              static_cast<std::int32_t>(totals.expected) - static_cast<std::int32_t>(arrivals.size()));
        CHECK(reception.highest_sequence() == static_cast<std::uint32_t>(highest + 60000));
    }
}

TEST_CASE("counting and reporting take no memory and little room") {
    Radio radio;
    const auto before = tests::allocations();
    for (int number = 0; number < 1000; ++number) radio.hear(number % 7 ? number : number / 2);
    static_cast<void>(radio.reception.report(kStart + 20s));
    CHECK(tests::allocations() == before);
    CHECK(sizeof(Reception) <= 192);
}
