#pragma once
#include <chrono>
#include <cstdint>

#include "crosspatch/core/time.hpp"

namespace crosspatch::rtp {

// When the next RTCP report is due.
//
// Shape    one deadline. A session has two members, us and the radio, so its share of the bandwidth never
//          asks for more than the minimum interval, and nobody joins for whom to reconsider the timer.
// Time     2.5 s at first, then 5 s, each times 0.5 to 1.5 and divided by e - 3/2, so that gateways do not
//          fall into step. Never more than 5 s: reports are the keepalive too.
// Units    `random` is any 32 evenly spread bits, from the caller.
// Thread   its owner's; no allocation.
// Source   RFC 3550 section 6.2 (minimum, first half), 6.3.1 (spread and compensation).
class RtcpSchedule {
public:
    static constexpr std::chrono::seconds kInterval{5};

    RtcpSchedule(core::Time now, std::uint32_t random);

    core::Time due() const { return due_; }
    bool is_due(core::Time now) const { return now >= due_; }
    // A report has just gone out, planned or not; sets the next deadline.
    void sent(core::Time now, std::uint32_t random);

private:
    core::Time due_;
};

}  // namespace crosspatch::rtp
