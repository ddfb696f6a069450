#include "crosspatch/media/crew.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cassert>
#include <string>

namespace crosspatch::media {
namespace {

constexpr int kRealtimePriority = 10;

}  // namespace

Crew::Crew(const Options& options) : options_{options} {
    assert(options.workers > 0 && options.workers <= Worker::kMost);
    for (std::size_t number = 0; number < options.workers; ++number)
        workers_.push_back(std::make_unique<Worker>(
            Worker::Options{.number = static_cast<std::uint8_t>(number), .busy_poll = options.busy_poll}));
    for (const auto& worker : workers_) worker->meet(workers_);
}

Crew::~Crew() { stop(); }

void Crew::start(std::span<Gate* const> gates) {
    assert(gates.size() == workers_.size() && threads_.empty());
    for (std::size_t number = 0; number < workers_.size(); ++number) {
        threads_.emplace_back(
            [worker = workers_[number].get(), gate = gates[number]] { worker->run(*gate); });
        pthread_setname_np(threads_.back().native_handle(), ("media-" + std::to_string(number)).c_str());
    }
}

void Crew::stop() {
    for (const auto& worker : workers_) worker->stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

bool Crew::at_rest(Rest& rest) {
    const auto is_full = [](const auto& worker) { return worker->room(Worker::Lane::Control) == 0; };
    if (std::any_of(workers_.begin(), workers_.end(), is_full)) return false;
    for (const auto& worker : workers_)
        worker->post(Worker::Lane::Control,
                     [&rest, count = workers_.size()](core::Time now) { rest.wait_for(count, now); });
    return true;
}

void Crew::Rest::wait_for(std::size_t workers, core::Time now) {
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 < workers)
        return over_.wait(false, std::memory_order_acquire);
    task_(now);
    over_.store(true, std::memory_order_release);
    over_.notify_all();
}

bool Crew::make_realtime() {
    // The kernel stops a real-time thread that never sleeps (LimitRTTIME, sched_rt_runtime_us).
    if (options_.busy_poll) return true;
    const sched_param parameters{.sched_priority = kRealtimePriority};
    return std::all_of(threads_.begin(), threads_.end(), [&](std::thread& thread) {
        return pthread_setschedparam(thread.native_handle(), SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) ==
               0;
    });
}

bool Crew::pin() {
    bool pinned = true;
    for (std::size_t number = 0; number < std::min(options_.cpus.size(), threads_.size()); ++number) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET(options_.cpus[number], &cpus);
        pinned &= pthread_setaffinity_np(threads_[number].native_handle(), sizeof cpus, &cpus) == 0;
    }
    return pinned;
}

}  // namespace crosspatch::media
