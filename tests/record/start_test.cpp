#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>

#include "tests/record/log_bench.hpp"

using namespace crosspatch;
using namespace crosspatch::record;
using namespace crosspatch::record::tests;

namespace {

std::string octets_of(const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

void put_octets(const std::filesystem::path& file, const std::string& octets) {
    std::ofstream stream{file, std::ios::binary | std::ios::trunc};
    stream << octets;
}

// Starts a log on what is there, writes one record and says which file took it.
std::string file_after_start(const std::filesystem::path& directory) {
    Log log{options_for(directory)};
    REQUIRE(append(log, entry("message.sent", {{"number", 1000}})));
    return log.health().file;
}

std::string cause_of_recovery(const std::filesystem::path& directory) {
    const auto found = records(directory, "recovery");
    REQUIRE_FALSE(found.empty());
    return std::string{found.back().at("detail").at("cause").as_string()};
}

}  // namespace

TEST_CASE("a log file that is no database is left as it is, and the same log goes on in a new one") {
    Directory directory;
    write_log(directory.path(), 10);
    const std::string rubbish(5000, 'r');
    put_octets(directory / "log.db", rubbish);
    CHECK(file_after_start(directory.path()) == "log-2.db");
    CHECK(octets_of(directory / "log.db") == rubbish);
    CHECK(cause_of_recovery(directory.path()).find("log.db") != std::string::npos);
    const auto first = records(directory.path()).front();
    CHECK(first.at("seq") == 11);  // behind the ten, and software.started
    const auto report = verify(directory.path());
    CHECK_FALSE(report.ok());  // the damage stays visible
    CHECK(verify(directory / "log-2.db").ok());
}

TEST_CASE("a log file that is missing, or an older copy put in its place, is noticed and not forked") {
    Directory directory;
    write_log(directory.path(), 10);
    const auto older = octets_of(directory / "log.db");
    write_log(directory.path(), 10);
    put_octets(directory / "log.db", older);
    CHECK_FALSE(verify(directory.path()).ok());
    CHECK(file_after_start(directory.path()) == "log-2.db");
    CHECK(cause_of_recovery(directory.path()).find("a checkpoint over 22 records was signed") !=
          std::string::npos);
    CHECK(records(directory.path(), "recovery").back().at("seq") == 22);
    CHECK(octets_of(directory / "log.db") == older);

    Directory emptied;
    write_log(emptied.path(), 10);
    std::filesystem::remove(emptied / "log.db");
    CHECK(file_after_start(emptied.path()) == "log-2.db");
    CHECK(cause_of_recovery(emptied.path()).find("missing") != std::string::npos);
    CHECK(words(verify(emptied.path())).find("which is not here") != std::string::npos);
}

TEST_CASE("a log from a newer version is left untouched and the log goes on beside it") {
    Directory directory;
    write_log(directory.path(), 10);
    tamper(directory / "log.db", "PRAGMA user_version=99");
    const auto before = octets_of(directory / "log.db");
    CHECK(file_after_start(directory.path()) == "log-2.db");
    CHECK(octets_of(directory / "log.db") == before);
    CHECK(cause_of_recovery(directory.path()).find("newer crosspatch") != std::string::npos);
    CHECK(records(directory.path(), "recovery").back().at("seq") == 11);
}

TEST_CASE("a log file that another program holds locked is left, and the log goes on beside it") {
    Directory directory;
    write_log(directory.path(), 5);
    sqlite3* handle = nullptr;
    REQUIRE(sqlite3_open((directory / "log.db").c_str(), &handle) == SQLITE_OK);
    REQUIRE(sqlite3_exec(handle,
                         "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE meta SET value=value",
                         nullptr, nullptr, nullptr) == SQLITE_OK);
    CHECK(file_after_start(directory.path()) == "log-2.db");
    sqlite3_close(handle);
    CHECK(verify(directory.path()).ok());
}

TEST_CASE("a damaged record behind the newest checkpoint is left, and every other record stays in the tree") {
    Directory directory;
    {
        Log log{options_for(directory.path())};
        REQUIRE(wait_until([&] { return log.health().checkpoint_size == 1; }));
        for (int i = 0; i < 5; ++i) REQUIRE(append(log, entry("message.sent", {{"number", i}})));
        std::filesystem::copy(directory / "log.db", directory / "copy.db");
        std::filesystem::copy(directory / "log.db-wal", directory / "copy.db-wal");
    }
    std::filesystem::rename(directory / "copy.db", directory / "log.db");
    std::filesystem::rename(directory / "copy.db-wal", directory / "log.db-wal");
    std::filesystem::remove(directory / "log.tip");  // as if the machine had died before the last checkpoint
    tamper(directory / "log.db",
           "UPDATE record SET body=replace(body, '\"number\":1', '\"number\":7') WHERE seq=2");
    CHECK(file_after_start(directory.path()) == "log-2.db");
    CHECK(records(directory.path(), "recovery").back().at("seq") == 6);
    const auto report = verify(directory.path());
    CHECK_MESSAGE(named_records(report) == std::vector<std::uint64_t>{2}, words(report));
}

TEST_CASE("whatever octet of the file is flipped, the log starts, goes on, and the verifier does not crash") {
    Directory origin;
    write_log(origin.path(), 40);
    const auto sound = octets_of(origin / "log.db");
    const auto before = records(origin.path());
    std::mt19937 random{7};
    int named = 0;
    constexpr int kFlips = 40;
    for (int i = 0; i < kFlips; ++i) {
        Directory directory;
        std::filesystem::copy(
            origin.path(), directory.path(),
            std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
        auto octets = sound;
        // Every page gets its turn; the first octets of a page are the ones that SQLite cannot do without.
        const std::size_t page = static_cast<std::size_t>(i) % (octets.size() / 4096);
        const std::size_t at = page * 4096 + (i % 3 == 0 ? random() % 12 : random() % 4096);
        octets[at] = static_cast<char>(octets[at] ^ (1 << (random() % 8)));
        put_octets(directory / "log.db", octets);
        const auto report = Verifier{directory.path()}.run();
        REQUIRE(report);
        named += report->ok() ? 0 : 1;
        // What is not reported changed nothing: it was in octets that carry no record.
        if (report->ok()) CHECK(records(directory.path()) == before);
        CAPTURE(at);
        const auto file = file_after_start(directory.path());
        CHECK((file == "log.db" || file == "log-2.db"));
        if (file == "log-2.db") CHECK(octets_of(directory / "log.db") == octets);
        REQUIRE(Verifier{directory.path()}.run());
    }
    MESSAGE(named << " of " << kFlips << " flips were reported; the others changed no record");
    CHECK(named > 0);
}

TEST_CASE("a file that a crash left without its first record is used") {
    Directory directory;
    write_log(directory.path(), 3);
    put_octets(directory / "log-2.db", "");
    CHECK(file_after_start(directory.path()) == "log-2.db");
    const auto report = verify(directory.path());
    CHECK_MESSAGE(report.ok(), words(report));
}

TEST_CASE("a start is on record before its binary is read, and which binary it was comes after") {
    Directory directory;
    auto options = options_for(directory.path());
    options.binary = directory / "binary";
    REQUIRE(mkfifo(options.binary.c_str(), 0600) == 0);  // reading waits until somebody writes
    {
        Log log{options};
        CHECK(wait_until([&] { return log.health().size == 1; }, 5s));
        Reader reader{directory.path()};
        CHECK(wait_until([&] { return reader.record(0).has_value(); }));
        put_octets(options.binary, std::string(600'000, 'b'));
        CHECK(wait_until([&] { return log.health().checkpoint_size == 2; }));
    }
    const auto started = records(directory.path(), "software.started");
    REQUIRE(started.size() == 2);
    CHECK(started[0].at("seq") == 0);
    CHECK_FALSE(started[0].at("detail").as_object().contains("binary"));
    CHECK(started[1].at("detail").at("version") == "test");
    CHECK(started[1].at("detail").at("start") == 0);
    // head -c 600000 /dev/zero | tr '\0' b | sha256sum
    CHECK(started[1].at("detail").at("binary") ==
          "1f62c5c50ff296325403fbc40deeceb3e6bef34d85440c9276f9402282d8760b");
    CHECK(verify(directory.path()).ok());
}

TEST_CASE("records are durable while a large binary is still being read, and an end does not wait for it") {
    Directory directory;
    auto options = options_for(directory.path());
    options.binary = directory / "binary";
    put_octets(options.binary, "b");
    std::filesystem::resize_file(options.binary, 64ULL << 30);  // sparse, and minutes of hashing
    const auto begin = std::chrono::steady_clock::now();
    {
        Log log{options};
        for (int i = 0; i < 20; ++i) REQUIRE(append(log, entry("message.sent", {{"number", i}})));
    }
    CHECK(std::chrono::steady_clock::now() - begin < 20s);
    CHECK(records(directory.path(), "software.started").size() == 1);
    CHECK(records(directory.path(), "message.sent").size() == 20);
    CHECK(verify(directory.path()).ok());
}

TEST_CASE("a binary that cannot be read is left out") {
    Directory directory;
    auto options = options_for(directory.path());
    options.binary = directory / "nowhere";
    {
        Log log{options};
        REQUIRE(append(log, entry("message.sent")));
    }
    CHECK(records(directory.path(), "software.started").size() == 1);
}

TEST_CASE("damage to the list of calls costs nothing: it is made again from the log") {
    Directory directory;
    write_log(directory.path(), 3);
    put_octets(directory / "index.db", std::string(10'000, 'r'));
    write_log(directory.path(), 1);
    Reader reader{directory.path()};
    const auto calls = reader.calls({});
    REQUIRE(calls);
    CHECK(calls->at("items").as_array().empty());
    CHECK(verify(directory.path()).ok());
}
