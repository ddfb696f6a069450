#include "crosspatch/core/event_fd.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <system_error>

namespace crosspatch::core {

EventFd::EventFd() : fd_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
    if (!fd_) throw std::system_error{errno, std::generic_category(), "eventfd"};
}

void EventFd::notify() const noexcept {
    // A signal handler may call this between a system call and somebody's look at errno.
    const int saved = errno;
    const std::uint64_t one = 1;
    // EAGAIN means that 2^64 - 2 notifications are already waiting: the reader wakes all the same.
    while (::write(fd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
    errno = saved;
}

std::uint64_t EventFd::drain() const noexcept {
    std::uint64_t notified = 0;
    while (::read(fd_.get(), &notified, sizeof notified) < 0) {
        if (errno != EINTR) return 0;
    }
    return notified;
}

}  // namespace crosspatch::core
