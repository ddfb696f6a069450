#include "crosspatch/media/report_timers.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>

#include "crosspatch/media/endpoint.hpp"

namespace crosspatch::media {
namespace {

std::int64_t second_of(core::Time time) {
    return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

// xorshift64*: spread is all that is asked of it.
std::uint32_t ReportTimers::random() {
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return static_cast<std::uint32_t>((random_ * 0x2545F4914F6CDD1DULL) >> 32);
}

void ReportTimers::add(Endpoint& endpoint, core::Time now) {
    endpoint.report.schedule.emplace(now, random());
    link(endpoint, now);
}

void ReportTimers::remove(Endpoint& endpoint) {
    if (!endpoint.report.schedule) return;
    unlink(endpoint);
    endpoint.report.schedule.reset();
}

void ReportTimers::adopt(Endpoint& endpoint, ReportTimers& from) {
    if (!endpoint.report.schedule) return;
    from.unlink(endpoint);
    link(endpoint, core::Time{});
}

void ReportTimers::link(Endpoint& endpoint, core::Time now) {
    Hook& hook = endpoint.report;
    hook.second = std::max(second_of(hook.schedule->due()), second_of(now) + 1);
    List& at = list(hook.second);
    hook.previous = at.last;
    hook.next = nullptr;
    (at.last ? at.last->report.next : at.first) = &endpoint;
    at.last = &endpoint;
    ++count_;
}

void ReportTimers::unlink(Endpoint& endpoint) {
    Hook& hook = endpoint.report;
    List& at = list(hook.second);
    (hook.previous ? hook.previous->report.next : at.first) = hook.next;
    (hook.next ? hook.next->report.previous : at.last) = hook.previous;
    --count_;
}

// Each list is in the order of its seconds: an endpoint is put behind those that were put in before it, and the lists
// of a worker that was held up for longer than the wheel goes round are emptied from the front.
std::optional<core::Time> ReportTimers::next() const {
    if (count_ == 0) return std::nullopt;
    std::int64_t soonest = INT64_MAX;
    for (const List& one : wheel_)
        if (one.first) soonest = std::min(soonest, one.first->report.second);
    return core::Time{std::chrono::seconds{soonest}};
}

Endpoint* ReportTimers::pop(core::Time now) {
    const auto due = next();
    if (!due || *due > now) return nullptr;
    Endpoint* endpoint = list(second_of(*due)).first;
    unlink(*endpoint);
    endpoint->report.schedule->sent(now, random());
    link(*endpoint, now);
    return endpoint;
}

}  // namespace crosspatch::media
