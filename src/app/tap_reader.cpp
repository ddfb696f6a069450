#include "crosspatch/app/tap_reader.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace crosspatch::app {
namespace {

using namespace std::chrono_literals;
constexpr int kNice = 10;
constexpr auto kPause = 20ms;  // a tenth of what the ring holds when all channels talk
constexpr auto kIdlePause = 100ms;
constexpr auto kQuiet = 2s;  // without anything to read

}  // namespace

TapReader::TapReader(media::Crew& crew, std::span<bridge::Exchange* const> exchanges)
    : crew_{crew}, exchanges_{exchanges.begin(), exchanges.end()}, thread_{[this] { run(); }} {
    pthread_setname_np(thread_.native_handle(), "taps");
}

TapReader::~TapReader() {
    {
        const std::lock_guard lock{mutex_};
        ended_ = true;
    }
    ending_.notify_all();
    thread_.join();
}

void TapReader::run() {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);  // of this thread alone, on Linux
    core::Time busy = core::monotonic_now();
    std::unique_lock lock{mutex_};
    while (!ended_) {
        lock.unlock();
        const bool any = read_all();
        const core::Time now = core::monotonic_now();
        if (any) busy = now;
        lock.lock();
        ending_.wait_for(lock, now < busy + kQuiet ? kPause : kIdlePause, [this] { return ended_; });
    }
}

// True if somebody talks.
bool TapReader::read_all() {
    std::size_t count = 0;
    for (std::size_t number = 0; number < crew_.size(); ++number)
        count += crew_.worker(number).tap().read([this](const media::Tap::Item& item) { watch_.take(item); });
    watch_.look(core::monotonic_now(), found_);
    for (const media::FoundEcho& found : found_) tell(found);
    found_.clear();
    return count > 0;
}

// Whoever minds the endpoint now does something about it, the others nothing.
void TapReader::tell(const media::FoundEcho& found) {
    for (std::size_t number = 0; number < exchanges_.size(); ++number)
        if (exchanges_[number]->tell_echo(found))
            crew_.worker(number).post(
                media::Worker::Lane::Taps,
                [exchange = exchanges_[number]](core::Time now) { exchange->heed_echoes(now); });
}

}  // namespace crosspatch::app
