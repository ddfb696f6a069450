#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <string>
#include <thread>

#include "tests/record/log_bench.hpp"

using namespace crosspatch;
using namespace crosspatch::record;
using namespace crosspatch::record::tests;

namespace {

struct Acknowledged {
    std::uint64_t seq;
    std::int64_t number;
};

// Appends for ever and says on the pipe what was acknowledged.
[[noreturn]] void write_until_killed(const std::filesystem::path& directory, int pipe, std::int64_t from) {
    Log log{options_for(directory)};
    for (std::int64_t number = from;; ++number) {
        // Now and then one that is signed at once.
        const char* type = number % 17 == 0 ? "config.reloaded" : "message.sent";
        log.append(entry(type, {{"number", number}}), [=](const core::Result<std::uint64_t>& result) {
            const Acknowledged told{result ? *result : 0, number};
            if (result && write(pipe, &told, sizeof told) != sizeof told) _exit(3);
        });
        if (number % 8 == 0) std::this_thread::sleep_for(1ms);
    }
}

}  // namespace

TEST_CASE(
    "a kill at any moment loses no acknowledged record, and the log verifies and says that it happened") {
    constexpr int kKills = 30;
    std::mt19937 random{20260728};  // seeded: the moments repeat as far as the machine lets them
    Directory directory;
    std::vector<Acknowledged> told;
    int late_kills = 0;
    for (int kill_number = 0; kill_number < kKills; ++kill_number) {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        const pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            write_until_killed(directory.path(), ends[1], kill_number * 1'000'000LL);
        }
        close(ends[1]);
        Acknowledged one{};
        // Every fifth dies on its way up, before it has acknowledged anything.
        const bool late = kill_number % 5 != 4;
        if (late) {
            REQUIRE(read(ends[0], &one, sizeof one) == sizeof one);
            told.push_back(one);
            ++late_kills;
        }
        std::this_thread::sleep_for(std::chrono::microseconds{random() % 40'000});
        kill(child, SIGKILL);
        while (read(ends[0], &one, sizeof one) == sizeof one) told.push_back(one);
        close(ends[0]);
        REQUIRE(waitpid(child, nullptr, 0) == child);
    }
    write_log(directory.path(), 1);
    const auto report = verify(directory.path());
    CHECK_MESSAGE(report.ok(), words(report));
    Reader reader{directory.path()};
    for (const auto& one : told) {
        const auto record = reader.record(one.seq);
        REQUIRE_MESSAGE(record.has_value(), "record ", one.seq, " was acknowledged and is gone");
        CHECK(record->at("detail").at("number").as_int64() == one.number);
    }
    CHECK(told.size() >= static_cast<std::size_t>(late_kills));
    CHECK(records(directory.path(), "recovery").size() >= static_cast<std::size_t>(late_kills));
    CHECK_FALSE(std::filesystem::exists(directory / "log-2.db"));
}
