#pragma once
#include <atomic>
#include <string>

namespace crosspatch::record::tests {

// An SQLite VFS that hands everything to the system's own, until it is told to fail.
//
// Shape    registered under `name()` while it lives; counts every write and sync of files whose name begins
// with `log`. Thread   the counters may be set from any thread.
class FaultyVfs {
public:
    FaultyVfs();
    ~FaultyVfs();
    FaultyVfs(const FaultyVfs&) = delete;
    FaultyVfs& operator=(const FaultyVfs&) = delete;

    std::string name() const { return "faulty"; }
    // The next `count` syncs say EIO.
    void fail_syncs(int count) { failing_syncs = count; }
    // Writes say that there is no room, until told otherwise.
    void fill_disk(bool full) { disk_full = full; }
    // Files cannot be opened any more: what a read-only file system does.
    void refuse_to_open(bool refuse) { refusing_open = refuse; }
    // Each sync takes so long.
    void slow_down(int milliseconds) { delay_ms = milliseconds; }

    static inline std::atomic<int> failing_syncs{0};
    static inline std::atomic<bool> disk_full{false};
    static inline std::atomic<bool> refusing_open{false};
    static inline std::atomic<int> delay_ms{0};
    static inline std::atomic<int> syncs{0};
};

}  // namespace crosspatch::record::tests
