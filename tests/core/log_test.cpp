#include "crosspatch/core/log.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "crosspatch/core/text.hpp"
#include "crosspatch/core/unique_fd.hpp"
#include "tests/support/temp_directory.hpp"

using namespace crosspatch::core;
using crosspatch::tests::TempDirectory;

namespace {

// Standard error goes to a file as long as this lives.
class CapturedErrors {
public:
    explicit CapturedErrors(const char* to = nullptr) : path_{to ? to : (directory_ / "stderr").string()} {
        const UniqueFd file{::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
        REQUIRE(file);
        dup2(file.get(), STDERR_FILENO);
    }
    ~CapturedErrors() {
        dup2(before_.get(), STDERR_FILENO);
        unsetenv("JOURNAL_STREAM");
    }
    std::string text() const {
        std::ifstream in{path_, std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    // What comes after the time.
    std::string after_time() const {
        const std::string all = text();
        return all.substr(std::min(all.find(' ') + 1, all.size()));
    }
    void pretend_that_it_is_the_journal(bool matching) const {
        struct stat status {};
        REQUIRE(stat(path_.c_str(), &status) == 0);
        const auto inode = status.st_ino + (matching ? 0 : 1);
        setenv("JOURNAL_STREAM", (std::to_string(status.st_dev) + ':' + std::to_string(inode)).c_str(), 1);
    }

private:
    TempDirectory directory_;
    std::string path_;
    UniqueFd before_{dup(STDERR_FILENO)};
};

std::size_t lines_in(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("an event is one line: time, level, name, words, fields") {
    const CapturedErrors errors;
    Log log;
    log.warning("endpoint.moved", "the radio's address changed",
                {{"endpoint", "ng-roip"}, {"to", "192.0.2.1:40000"}});
    CHECK(
        errors.after_time() ==
        "warning endpoint.moved: the radio's address changed endpoint=\"ng-roip\" to=\"192.0.2.1:40000\"\n");
    const std::string time = errors.text().substr(0, 24);
    CHECK(time.substr(0, 2) == "20");
    CHECK(time[10] == 'T');
    CHECK(time[19] == '.');
    CHECK(time[23] == 'Z');
}

TEST_CASE("each level has its name, and those below the least are not written") {
    const CapturedErrors errors;
    Log log{Log::Level::Notice};
    log.write(Log::Level::Debug, "a.b", "no");
    log.info("a.b", "no");
    log.write(Log::Level::Notice, "a.b", "yes");
    log.error("a.b", "yes");
    const std::string text = errors.text();
    CHECK(lines_in(text) == 2);
    CHECK(text.find(" notice a.b: yes\n") != std::string::npos);
    CHECK(text.find(" error a.b: yes\n") != std::string::npos);
    CHECK(text.find(": no") == std::string::npos);
}

// bad-input.md, 124
TEST_CASE("whatever an event carries, it stays one line that no terminal obeys") {
    const CapturedErrors errors;
    Log log;
    log.info("evil\nname", "text\n2026-11-22T16:02:40Z error forged: line",
             {{"a b\"\n", "x\"\x1B[2J\u2028\u0085\u202E\r\xFF"}});
    const std::string text = errors.text();
    CHECK(lines_in(text) == 1);
    CHECK(errors.after_time() ==
          "info evil_name: text\\n2026-11-22T16:02:40Z error forged: line "
          "a_b__=\"x\\\"\\u001b[2J\\u2028\\u0085\\u202e\\r\\ufffd\"\n");
}

TEST_CASE("a value of a megabyte does not fill the log") {
    const CapturedErrors errors;
    Log log;
    log.info("a.b", "text", {{"value", std::string(1'000'000, 'x')}});
    CHECK(errors.text().size() < 5'000);
    CHECK(errors.text().find("(1000000 octets)") != std::string::npos);
}

TEST_CASE("lines of several threads do not mix") {
    const CapturedErrors errors;
    Log log;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&log] {
            for (int line = 0; line < 50; ++line) log.info("a.b", std::string(100, 'x'), {{"end", "here"}});
        });
    }
    for (auto& thread : threads) thread.join();
    const std::string text = errors.text();
    CHECK(lines_in(text) == 200);
    std::size_t whole = 0;
    for (std::size_t at = 0;
         (at = text.find(" info a.b: " + std::string(100, 'x') + " end=\"here\"\n", at)) != std::string::npos;
         ++at) {
        ++whole;
    }
    CHECK(whole == 200);
}

TEST_CASE("a line that cannot be written is counted, and nothing is thrown") {
    const CapturedErrors errors{"/dev/full"};
    Log log;
    log.error("a.b", "no room");
    log.error("a.b", "no room");
    CHECK(log.lost() == 2);
}

TEST_CASE("the journal gets the event only where standard error is the journal's stream") {
    SUBCASE("it is another stream") {
        const CapturedErrors errors;
        errors.pretend_that_it_is_the_journal(false);
        Log log;
        log.info("a.b", "text");
        CHECK(lines_in(errors.text()) == 1);
    }
    SUBCASE("it is") {
        const CapturedErrors errors;
        errors.pretend_that_it_is_the_journal(true);
        Log log;
        log.info("a.b", "text", {{"endpoint", "ng\nroip"}});
        CHECK(errors.text().empty());
    }
}
