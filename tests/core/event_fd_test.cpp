#include "crosspatch/core/event_fd.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <thread>

#include "tests/support/allocations.hpp"

using crosspatch::core::EventFd;
using crosspatch::core::UniqueFd;

namespace {

bool readable(int fd, int patience_ms = 0) {
    pollfd wait{fd, POLLIN, 0};
    return poll(&wait, 1, patience_ms) == 1;
}

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }
int any_fd() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

TEST_CASE("a notification makes the descriptor readable until it is drained") {
    const EventFd event;
    CHECK_FALSE(readable(event.fd()));
    CHECK(event.drain() == 0);
    event.notify();
    event.notify();
    event.notify();
    CHECK(readable(event.fd()));
    CHECK(event.drain() == 3);
    CHECK_FALSE(readable(event.fd()));
}

TEST_CASE("a notification wakes a thread that waits") {
    const EventFd event;
    bool woken = false;
    std::thread waiter{[&] { woken = readable(event.fd(), 10'000) && event.drain() == 1; }};
    event.notify();
    waiter.join();
    CHECK(woken);
}

TEST_CASE("a full counter neither blocks nor loses the wake-up") {
    const EventFd event;
    const std::uint64_t full = 0xFFFF'FFFF'FFFF'FFFE;
    REQUIRE(::write(event.fd(), &full, sizeof full) == sizeof full);
    errno = 77;
    event.notify();
    CHECK(errno == 77);
    CHECK(event.drain() == full);
    event.notify();
    CHECK(event.drain() == 1);
}

TEST_CASE("notify and drain take no memory") {
    const EventFd event;
    const auto before = crosspatch::tests::allocations();
    for (int i = 0; i < 100; ++i) event.notify();
    const auto drained = event.drain();
    CHECK(crosspatch::tests::allocations() == before);
    CHECK(drained == 100);
}

TEST_CASE("the descriptor is not handed to other programs") {
    const EventFd event;
    CHECK((fcntl(event.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a descriptor is closed when its owner goes, is replaced, or is told to") {
    const int first = any_fd();
    const int second = any_fd();
    {
        UniqueFd owner{first};
        CHECK(is_open(first));
        owner.reset(second);
        CHECK_FALSE(is_open(first));
        CHECK(owner.get() == second);
    }
    CHECK_FALSE(is_open(second));
}

TEST_CASE("a descriptor that was moved or released has one owner") {
    const int fd = any_fd();
    UniqueFd first{fd};
    UniqueFd second{std::move(first)};
    CHECK_FALSE(first);
    CHECK(second.get() == fd);
    UniqueFd third{any_fd()};
    const int replaced = third.get();
    third = std::move(second);
    CHECK_FALSE(is_open(replaced));
    CHECK(third.release() == fd);
    CHECK_FALSE(third);
    CHECK(is_open(fd));
    ::close(fd);
}
