#include "crosspatch/media/report_timers.hpp"

#include <algorithm>

namespace crosspatch::media {

// xorshift64*: spread is all that is asked of it.
std::uint32_t ReportTimers::random() {
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return static_cast<std::uint32_t>((random_ * 0x2545F4914F6CDD1DULL) >> 32);
}

void ReportTimers::add(Endpoint& endpoint, core::Time now) {
    heap_.push_back({rtp::RtcpSchedule{now, random()}, &endpoint});
    std::push_heap(heap_.begin(), heap_.end(), later);
}

void ReportTimers::remove(const Endpoint& endpoint) {
    std::erase_if(heap_, [&](const Item& item) { return item.endpoint == &endpoint; });
    std::make_heap(heap_.begin(), heap_.end(), later);
}

std::optional<core::Time> ReportTimers::next() const {
    return heap_.empty() ? std::nullopt : std::optional{heap_.front().schedule.due()};
}

Endpoint* ReportTimers::pop(core::Time now) {
    if (heap_.empty() || !heap_.front().schedule.is_due(now)) return nullptr;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.back().schedule.sent(now, random());
    Endpoint* due = heap_.back().endpoint;
    std::push_heap(heap_.begin(), heap_.end(), later);
    return due;
}

}  // namespace crosspatch::media
