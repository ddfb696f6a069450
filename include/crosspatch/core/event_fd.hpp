#pragma once
#include <cstdint>

#include "crosspatch/core/unique_fd.hpp"

namespace crosspatch::core {

// Wakes a thread that waits in poll() or epoll_wait(): put work into its queue, then notify().
//
// Shape    one eventfd, non-blocking, closed on exec; many notify() before a drain() are one wake-up.
// Errors   the constructor throws std::system_error when the system has no descriptor left. notify() and
// drain()
//          cannot fail in a way that matters: a counter that is full is a wake-up that is already under way.
// Thread   notify(): any, and signal handlers; no allocation, lock or wait. drain(): the thread that waits.
class EventFd {
public:
    EventFd();

    void notify() const noexcept;
    // Makes fd() unreadable again; how often notify() was called since the last time. Drain before looking at
    // the queue: work that arrives after the look then wakes the thread once more.
    std::uint64_t drain() const noexcept;
    // To wait on for POLLIN; stays open as long as this object.
    int fd() const noexcept { return fd_.get(); }

private:
    UniqueFd fd_;
};

}  // namespace crosspatch::core
