#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "crosspatch/core/time.hpp"
#include "crosspatch/rtp/rtcp_schedule.hpp"

namespace crosspatch::media {

class Endpoint;

// When each endpoint's next RTCP report is due, to the second: reports that are due within one second share a wake-up.
//
// Shape    a wheel of 8 seconds; each holds a list that runs through the endpoints themselves. Everything is O(1).
// Units    `seed` spreads the reports so that endpoints do not fall into step (RFC 3550 section 6.3.1).
// Time     a report leaves in the second that its time falls into, never later than its schedule says.
// Thread   its worker only; no allocation.
class ReportTimers {
public:
    // An endpoint's place in the wheel; the timers' alone.
    struct Hook {
        std::optional<rtp::RtcpSchedule> schedule;
        Endpoint* previous{};
        Endpoint* next{};
        std::int64_t second{};  // of the steady clock
    };

    explicit ReportTimers(std::uint64_t seed) : random_{seed | 1} {}

    void add(Endpoint& endpoint, core::Time now);
    void remove(Endpoint& endpoint);
    // One that another worker had goes on as it was.
    void adopt(Endpoint& endpoint, ReportTimers& from);
    std::optional<core::Time> next() const;
    // An endpoint whose report is due now; its next one is scheduled. nullptr when there is none.
    Endpoint* pop(core::Time now);

private:
    static constexpr std::int64_t kSeconds = 8;  // a report is due within 5
    struct List {
        Endpoint* first{};
        Endpoint* last{};
    };
    List& list(std::int64_t second) { return wheel_[static_cast<std::size_t>(second % kSeconds)]; }
    void link(Endpoint& endpoint, core::Time now);
    void unlink(Endpoint& endpoint);
    std::uint32_t random();

    std::array<List, kSeconds> wheel_{};
    std::size_t count_{};
    std::uint64_t random_;
};

}  // namespace crosspatch::media
