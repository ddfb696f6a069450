#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/core/counter.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/record/checkpoint.hpp"
#include "crosspatch/record/entry.hpp"

namespace crosspatch::core {
class Log;
}

namespace crosspatch::record {

// How far the wall clock can be trusted, as the kernel says.
struct ClockState {
    std::string state{"free"};  // free | ntp | ptp
    std::int64_t error_ms{};    // the kernel's bound on the error
};

// Where the writer gets its time from; a test puts its own here.
struct Clocks {
    std::function<core::WallTime()> wall{core::wall_now};
    std::function<core::Time()> monotonic{core::monotonic_now};
    std::function<ClockState()> state;  // left empty: adjtimex()
};

struct LogOptions {
    std::filesystem::path data_dir;
    std::string version;                             // of the program, for `software.started`
    std::filesystem::path binary{"/proc/self/exe"};  // hashed once the start is on record; empty: not hashed
    std::chrono::milliseconds call_gap{10'000};
    std::size_t queue{4096};             // entries that may wait for the writer
    std::uint64_t reserve{64ULL << 20};  // octets kept back for when the disk is full; 0: none
    std::string vfs;                     // SQLite's VFS; a fault test names its own
    Clocks clocks;
    core::Log* journal{};  // the technicians' log, if there is one; must outlive the Log
};

// What is wrong with the log, as /status shows it.
struct Alarm {
    std::string name;  // log.unwritable log.full log.slow log.gap log.damaged
    core::WallTime since{};
    std::string detail;
};

struct Health {
    bool durable{true};  // the newest attempt to write was acknowledged by the disk
    std::optional<core::Time>
        failing_since;  // contract.md, Record: what is refused after 10 s without a durable log
    std::vector<Alarm> alarms;
    std::string file;                     // the one being written, `log-2.db`
    std::uint64_t size{};                 // records acknowledged
    std::optional<core::WallTime> began;  // time of record 0, once it is on disk
    std::uint64_t checkpoint_size{};      // of the newest signed checkpoint
    std::uint64_t queued{};               // waiting, in the queue and behind it
};

// Numbers for /metrics; read by anybody.
struct LogFigures {
    static constexpr std::array<double, 10> kCommitBounds{0.001, 0.002, 0.005, 0.01, 0.02,
                                                          0.05,  0.1,   0.2,   0.5,  1.0};  // seconds
    core::Counter records;  // acknowledged since start
    core::Counter commits;
    core::Counter refused;                       // entries that found the queue full
    core::Counter commit_microseconds;           // sum
    std::array<core::Counter, 11> commit_times;  // one for each bound, and one above all
};

// The gateway's append-only record: owns the one SQLite connection that writes, and the thread that uses it.
//
// Shape    DATA_DIR/log.db, then log-2.db … where a file had to be given up; a bounded queue from one
// producer; a group
//          is committed after 20 ms or 64 records, at once for an urgent or waiting entry; a heartbeat every
//          10 s, a checkpoint every 10 s or 256 records, after urgent entries and at the end.
// Time     entries bring their own; the writer uses LogOptions::clocks.
// Errors   the constructor throws std::runtime_error when the directory is in use by another daemon or cannot
// be made, or the
//          key cannot be read. Afterwards nothing throws: a file that fails is closed for good and the next
//          is begun; where none can be written, entries wait in the bounded queue and health() says so.
// Thread   append(), erase_personal() and flush(): one thread, the control thread. health(), figures(): any.
// The writer is its own. Source   audit-log format in src/record/README.md; RFC 9162, C2SP tlog-checkpoint.
class Log {
public:
    // Called on the writer thread after the commit that holds the entry, with its seq; or with why it is not
    // on record. Must not call back into the Log, nor wait.
    using Acknowledge = std::function<void(const core::Result<std::uint64_t>&)>;

    explicit Log(LogOptions options);
    // Writes what waits, signs a last checkpoint and marks the end as clean.
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    // Never waits. False: the queue is full; the entry is counted and an `audit.gap` record will say how many
    // were lost. `done` is then not called.
    bool append(Entry entry, Acknowledge done = {});

    // Overwrites and syncs the keys of record `seq`'s personal texts, then puts `entry` (why, by whom) on
    // record.
    bool erase_personal(std::uint64_t seq, Entry entry, Acknowledge done = {});

    // Asks for a commit and a signed checkpoint now; does not wait for it.
    void flush();

    Health health() const;
    const LogFigures& figures() const;
    const std::string& id() const;  // log id, hex
    const VerifierKey& verifier_key() const;
    const SigningKey& key() const;  // the gateway's lasting key; also signs for agencies with `key: gateway`
    const std::filesystem::path& data_dir() const;
    // At start: the latest time on record; the clock is taken as not earlier. Nothing while the log is empty.
    std::optional<core::WallTime> newest_record_time() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace crosspatch::record
