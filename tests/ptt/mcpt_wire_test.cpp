#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>

#include "tests/ptt/wire.hpp"

using namespace crosspatch::ptt::tests;

namespace {

// CROSSPATCH_LONG=1: ten times as many.
std::uint32_t schedules(std::uint32_t count) { return std::getenv("CROSSPATCH_LONG") ? count * 10 : count; }

Tally run_all(std::uint32_t count, const Weather& weather) {
    Tally tally;
    for (std::uint32_t seed = 1; seed <= count; ++seed) {
        try {
            tally.add(Wire{seed, weather}.run());
        } catch (const std::exception& fault) {
            FAIL("seed " << seed << ": " << fault.what());
        }
    }
    CHECK(tally.schedules == count);
    MESSAGE(
        fmt::format("{} schedules, {} presses and {} raised to an emergency: {} granted, {} queued, {} "
                    "offered, {} denied, {} revoked, {} lost, {} not "
                    "answered; {} messages, {} refused, {} of media; two at once for at most {} ms",
                    tally.schedules, tally.presses, tally.raised, tally.granted, tally.queued, tally.offered,
                    tally.denied, tally.revoked, tally.lost, tally.unanswered, tally.messages, tally.refused,
                    tally.media, tally.overlap.count()));
    return tally;
}

}  // namespace

TEST_CASE("on a wire that keeps order 1,000 schedules have each request answered and nothing lost") {
    for (const bool queueing : {true, false}) {
        const Tally tally = run_all(schedules(500), {.queueing = queueing});
        CHECK(tally.unanswered == 0);
        CHECK(tally.lost == 0);
        CHECK(tally.refused < tally.messages / 500);  // Acks of a Granted that a Revoke has crossed
        CHECK(tally.granted > tally.schedules);
        CHECK(tally.revoked > 0);
        CHECK((tally.queued > tally.denied) == queueing);  // without a queue only who pre-empts waits
        CHECK(tally.overlap <= 10ms);                      // the way there, and one packet
    }
}

TEST_CASE(
    "4,000 schedules over SRTCP that loses, doubles and overtakes: one talker, nobody stuck, all end idle") {
    for (const bool queueing : {true, false})
        for (const bool stay_queued : {true, false})
            run_all(schedules(1000), {.loss = 0.2,
                                      .doubled = 0.1,
                                      .delay = 150ms,
                                      .queueing = queueing,
                                      .stay_queued = stay_queued});
}

TEST_CASE("4,000 schedules over plain RTCP, where an old message looks like a new one: the same holds") {
    for (const bool queueing : {true, false})
        for (const bool stay_queued : {true, false})
            run_all(schedules(1000), {.loss = 0.2,
                                      .doubled = 0.1,
                                      .delay = 150ms,
                                      .srtcp = false,
                                      .queueing = queueing,
                                      .stay_queued = stay_queued});
}
