#include <doctest/doctest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

#include "tests/record/faulty_vfs.hpp"
#include "tests/record/log_bench.hpp"

using namespace crosspatch;
using namespace crosspatch::record;
using namespace crosspatch::record::tests;
namespace json = boost::json;

namespace crosspatch::record::tests {

namespace {

// A file of the faulty VFS: our methods first, then the real file in the octets behind.
struct FaultyFile {
    sqlite3_file base;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
FaultyFile* faulty(sqlite3_file* file) { return reinterpret_cast<FaultyFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return faulty(file)->real(); }
sqlite3_vfs* system_vfs() { return static_cast<sqlite3_vfs*>(sqlite3_vfs_find("unix")); }

int close_file(sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); }
int read_file(sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
    return real(f)->pMethods->xRead(real(f), to, n, at);
}
int write_file(sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
    if (FaultyVfs::disk_full) return SQLITE_FULL;
    return real(f)->pMethods->xWrite(real(f), from, n, at);
}
int truncate_file(sqlite3_file* f, sqlite3_int64 n) { return real(f)->pMethods->xTruncate(real(f), n); }
int sync_file(sqlite3_file* f, int flags) {
    ++FaultyVfs::syncs;
    if (FaultyVfs::delay_ms > 0)
        std::this_thread::sleep_for(std::chrono::milliseconds{FaultyVfs::delay_ms.load()});
    if (FaultyVfs::failing_syncs > 0) {
        --FaultyVfs::failing_syncs;
        return SQLITE_IOERR_FSYNC;
    }
    return real(f)->pMethods->xSync(real(f), flags);
}
int file_size(sqlite3_file* f, sqlite3_int64* n) { return real(f)->pMethods->xFileSize(real(f), n); }
int lock_file(sqlite3_file* f, int l) { return real(f)->pMethods->xLock(real(f), l); }
int unlock_file(sqlite3_file* f, int l) { return real(f)->pMethods->xUnlock(real(f), l); }
int reserved(sqlite3_file* f, int* r) { return real(f)->pMethods->xCheckReservedLock(real(f), r); }
int control(sqlite3_file* f, int op, void* a) { return real(f)->pMethods->xFileControl(real(f), op, a); }
int sector(sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); }
int traits(sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); }
int shm_map(sqlite3_file* f, int a, int b, int c, void volatile** d) {
    return real(f)->pMethods->xShmMap(real(f), a, b, c, d);
}
int shm_lock(sqlite3_file* f, int a, int b, int c) { return real(f)->pMethods->xShmLock(real(f), a, b, c); }
void shm_barrier(sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); }
int shm_unmap(sqlite3_file* f, int d) { return real(f)->pMethods->xShmUnmap(real(f), d); }

const sqlite3_io_methods kMethods{2,           close_file, read_file, write_file,  truncate_file,
                                  sync_file,   file_size,  lock_file, unlock_file, reserved,
                                  control,     sector,     traits,    shm_map,     shm_lock,
                                  shm_barrier, shm_unmap,  nullptr,   nullptr};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out) {
    f->pMethods = nullptr;
    if (FaultyVfs::refusing_open) return SQLITE_CANTOPEN;
    const int code = system_vfs()->xOpen(system_vfs(), name, real(f), flags, out);
    if (real(f)->pMethods) f->pMethods = &kMethods;
    return code;
}

sqlite3_vfs registered{};

}  // namespace

FaultyVfs::FaultyVfs() {
    registered = *system_vfs();
    registered.zName = "faulty";
    registered.pNext = nullptr;
    registered.szOsFile = static_cast<int>(sizeof(FaultyFile)) + system_vfs()->szOsFile;
    registered.xOpen = open_file;
    sqlite3_vfs_register(&registered, 0);
}

FaultyVfs::~FaultyVfs() {
    sqlite3_vfs_unregister(&registered);
    failing_syncs = 0;
    disk_full = false;
    refusing_open = false;
    delay_ms = 0;
    syncs = 0;
}

}  // namespace crosspatch::record::tests

namespace {

LogOptions faulty_options(const Directory& directory, const FaultyVfs& vfs) {
    auto options = options_for(directory.path());
    options.vfs = vfs.name();
    return options;
}

bool has_alarm(const Log& log, std::string_view name) {
    for (const auto& alarm : log.health().alarms) {
        if (alarm.name == name) return true;
    }
    return false;
}

// The numbers of all `message.sent` records, in the order of the log.
std::vector<std::int64_t> numbers(const Directory& directory) {
    std::vector<std::int64_t> out;
    for (const auto& record : records(directory.path(), "message.sent"))
        out.push_back(record.at("detail").at("number").as_int64());
    return out;
}

std::vector<std::int64_t> up_to(std::int64_t end) {
    std::vector<std::int64_t> out;
    for (std::int64_t i = 0; i < end; ++i) out.push_back(i);
    return out;
}

}  // namespace

TEST_CASE("after one failed sync the file is closed for good and the log goes on in the next, nothing lost") {
    Directory directory;
    FaultyVfs vfs;
    {
        Log log{faulty_options(directory, vfs)};
        for (int i = 0; i < 10; ++i) REQUIRE(append(log, entry("message.sent", {{"number", i}})));
        const auto old_size = log.health().size;
        vfs.fail_syncs(1);
        const auto start = std::chrono::steady_clock::now();
        for (int i = 10; i < 20; ++i) REQUIRE(append(log, entry("message.sent", {{"number", i}})));
        CHECK(std::chrono::steady_clock::now() - start < 5s);
        CHECK(log.health().file == "log-2.db");
        CHECK(log.health().durable);
        CHECK(has_alarm(log, "log.damaged"));
        const auto recovery = records(directory.path(), "recovery");
        REQUIRE(recovery.size() == 1);
        const auto& detail = recovery[0].at("detail").as_object();
        CHECK(detail.at("previous_file") == "log.db");
        CHECK(detail.at("previous_size").to_number<std::uint64_t>() == old_size);
        CHECK(detail.at("previous_root").as_string().size() == 64);
        CHECK(recovery[0].at("seq").to_number<std::uint64_t>() == old_size);
    }
    CHECK(numbers(directory) == up_to(20));
    const auto report = verify(directory.path());
    CHECK_MESSAGE(report.ok(), words(report));
    // The next start goes on where the new file ended.
    write_log(directory.path(), 0);
    CHECK(verify(directory.path()).ok());
    CHECK_FALSE(std::filesystem::exists(directory / "log-3.db"));
}

TEST_CASE("a file given up is not written again, not even when it is closed") {
    Directory directory;
    FaultyVfs vfs;
    Log log{faulty_options(directory, vfs)};
    REQUIRE(append(log, entry("message.sent", {{"number", 0}})));
    const auto stamp = [&] { return std::filesystem::last_write_time(directory / "log.db"); };
    vfs.fail_syncs(1);
    const auto before = stamp();
    REQUIRE(append(log, entry("message.sent", {{"number", 1}})));
    CHECK(stamp() == before);
    CHECK(std::filesystem::exists(directory / "log.db-wal"));
}

TEST_CASE("a disk that never syncs again is an alarm, not a crash, and what waits is written when it does") {
    Directory directory;
    FaultyVfs vfs;
    {
        Log log{faulty_options(directory, vfs)};
        REQUIRE(append(log, entry("message.sent", {{"number", 0}})));
        vfs.fail_syncs(1'000'000);
        for (int i = 1; i < 5; ++i) CHECK(log.append(entry("message.sent", {{"number", i}})));
        CHECK(wait_until([&] { return has_alarm(log, "log.unwritable"); }, 2s));
        CHECK_FALSE(log.health().durable);
        CHECK(log.health().failing_since.has_value());
        CHECK(log.health().queued >= 4);
        vfs.fail_syncs(0);
        CHECK(wait_until([&] { return log.health().durable; }, 5s));
        CHECK_FALSE(has_alarm(log, "log.unwritable"));
    }
    CHECK(numbers(directory) == up_to(5));
    CHECK(verify(directory.path()).ok());
    // One file was given up; the attempts in between left none behind.
    CHECK_FALSE(std::filesystem::exists(directory / "log-3.db"));
}

TEST_CASE("a full disk is waited for, in the same file, and the outage is on record") {
    Directory directory;
    FaultyVfs vfs;
    {
        Log log{faulty_options(directory, vfs)};
        REQUIRE(append(log, entry("message.sent", {{"number", 0}})));
        vfs.fill_disk(true);
        for (int i = 1; i < 5; ++i) CHECK(log.append(entry("message.sent", {{"number", i}})));
        CHECK(wait_until([&] { return has_alarm(log, "log.unwritable"); }, 1s));
        vfs.fill_disk(false);
        CHECK(wait_until([&] { return log.health().durable; }, 5s));
    }
    CHECK(numbers(directory) == up_to(5));
    const auto recovery = records(directory.path(), "recovery");
    REQUIRE(recovery.size() == 1);
    CHECK(std::string{recovery[0].at("detail").at("cause").as_string()}.find("disk is full") !=
          std::string::npos);
    CHECK(recovery[0].at("detail").as_object().contains("since"));
    CHECK(recovery[0].at("detail").as_object().contains("until"));
    CHECK_FALSE(std::filesystem::exists(directory / "log-2.db"));
    CHECK(verify(directory.path()).ok());
}

TEST_CASE("the reserve is given out before anything has to wait, and made again afterwards") {
    Directory directory;
    FaultyVfs vfs;
    {
        auto options = faulty_options(directory, vfs);
        options.reserve = 1 << 20;
        Log log{options};
        REQUIRE(append(log, entry("message.sent", {{"number", 0}})));
        CHECK(std::filesystem::file_size(directory / "log.reserve") == 1 << 20);
        vfs.fill_disk(true);
        REQUIRE(log.append(entry("message.sent", {{"number", 1}})));
        CHECK(wait_until([&] { return !std::filesystem::exists(directory / "log.reserve"); }, 2s));
        vfs.fill_disk(false);
        CHECK(wait_until([&] { return std::filesystem::exists(directory / "log.reserve"); }, 6s));
        CHECK(wait_until([&] { return log.health().alarms.empty(); }, 6s));
    }
    CHECK(numbers(directory) == up_to(2));
    CHECK_FALSE(records(directory.path(), "recovery").empty());
    CHECK(verify(directory.path()).ok());
}

TEST_CASE("a real limit on the size of a file ends it, and the next one takes the rest") {
    Directory directory;
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{400'000, 400'000};
        setrlimit(RLIMIT_FSIZE, &limit);
        int lost = 0;
        {
            Log log{options_for(directory.path())};
            for (int i = 0; i < 300; ++i) {
                lost +=
                    append(log, entry("message.sent", {{"number", i}, {"filler", std::string(2000, 'x')}}))
                        ? 0
                        : 1;
            }
        }
        _exit(lost == 0 ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(numbers(directory) == up_to(300));
    CHECK(std::filesystem::exists(directory / "log-2.db"));
    const auto report = verify(directory.path());
    CHECK_MESSAGE(report.ok(), words(report));
}

TEST_CASE("a slow disk delays acknowledgements and loses nothing; append() does not wait for it") {
    Directory directory;
    FaultyVfs vfs;
    {
        Log log{faulty_options(directory, vfs)};
        REQUIRE(append(log, entry("message.sent", {{"number", 0}})));
        vfs.slow_down(300);
        const auto start = std::chrono::steady_clock::now();
        for (int i = 1; i < 50; ++i) REQUIRE(log.append(entry("message.sent", {{"number", i}})));
        CHECK(std::chrono::steady_clock::now() - start < 250ms);
        vfs.slow_down(0);
    }
    CHECK(numbers(directory) == up_to(50));
    CHECK(verify(directory.path()).ok());
}
