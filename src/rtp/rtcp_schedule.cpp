#include "crosspatch/rtp/rtcp_schedule.hpp"

#include <algorithm>

namespace crosspatch::rtp {
namespace {

constexpr double kCompensation = 1.21828;  // e - 3/2

core::Duration spread(core::Duration interval, std::uint32_t random) {
    const double factor = (0.5 + static_cast<double>(random) / 4294967296.0) / kCompensation;
    const auto drawn = std::chrono::duration_cast<core::Duration>(interval * factor);
    return std::min<core::Duration>(drawn, RtcpSchedule::kInterval);
}

}  // namespace

RtcpSchedule::RtcpSchedule(core::Time now, std::uint32_t random)
    : due_{now + spread(core::Duration{kInterval} / 2, random)} {}

void RtcpSchedule::sent(core::Time now, std::uint32_t random) { due_ = now + spread(kInterval, random); }

}  // namespace crosspatch::rtp
