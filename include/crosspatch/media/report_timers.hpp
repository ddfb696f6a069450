#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "crosspatch/core/time.hpp"
#include "crosspatch/rtp/rtcp_schedule.hpp"

namespace crosspatch::media {

class Endpoint;

// When each endpoint's next RTCP report is due.
//
// Shape    a heap of one entry an endpoint; next() and pop() are O(log n).
// Units    `seed` spreads the reports so that endpoints do not fall into step (RFC 3550 section 6.3.1).
// Thread   its worker only; only add() allocates.
class ReportTimers {
public:
    explicit ReportTimers(std::uint64_t seed) : random_{seed | 1} {}

    void add(Endpoint& endpoint, core::Time now);
    void remove(const Endpoint& endpoint);
    std::optional<core::Time> next() const;
    // An endpoint whose report is due now; its next one is scheduled. nullptr when there is none.
    Endpoint* pop(core::Time now);

private:
    struct Item {
        rtp::RtcpSchedule schedule;
        Endpoint* endpoint;
    };
    static bool later(const Item& a, const Item& b) { return a.schedule.due() > b.schedule.due(); }
    std::uint32_t random();
    std::vector<Item> heap_;
    std::uint64_t random_;
};

}  // namespace crosspatch::media
