#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/core/event_fd.hpp"
#include "crosspatch/core/spsc_queue.hpp"
#include "crosspatch/record/log.hpp"
#include "index.hpp"
#include "machine.hpp"
#include "pace.hpp"
#include "render.hpp"
#include "reserve.hpp"
#include "shelf.hpp"

namespace crosspatch::record {

// One thing for the writer to do: an entry to put on record, perhaps after erasing what was personal in
// another.
struct Task {
    Entry entry;
    Log::Acknowledge done;
    std::optional<std::uint64_t> erase;  // seq of the record whose personal texts go
};

// What the Log and its writer thread share.
struct Shared {
    explicit Shared(std::size_t capacity) : queue{capacity} {}
    core::SpscQueue<std::unique_ptr<Task>> queue;
    core::EventFd wake;
    std::atomic<bool> stop{false};
    std::atomic<bool> flush{false};
    std::atomic<std::int64_t> busy_since_ns{0};  // monotonic; 0: the writer is not waiting for the disk
    LogFigures figures;
    mutable std::mutex mutex;  // guards health
    Health health;
};

// The writer thread's work: takes entries, writes them in groups, signs, and deals with a disk that says no.
//
// Shape    what waits is bounded by the queue's size again; beyond that the queue fills and append() refuses.
// Errors   nothing leaves run(): a failure becomes another file, a wait, an alarm.
// Thread   run(): the writer thread. It owns everything here but Shared.
class Writer {
public:
    Writer(const LogOptions& options, const SigningKey& key, Beginning beginning, Shared& shared);
    void run();

private:
    struct Waiting {
        Entry entry;
        Log::Acknowledge done;
        bool opens_file{};  // must be the first record of its file, or not be there
    };
    // From when the disk first refused until it took records again.
    struct Outage {
        core::WallTime since;
        core::Time began;
        std::string cause;
        boost::json::object as_detail(core::WallTime until) const;
    };

    void announce();
    void settle_in(std::uint64_t start);
    bool take_digest();
    void take_queue();
    void take(Task task);
    void erase(Task& task);
    void look_around(core::Time now);
    void note_gap();
    void put(std::string type, boost::json::object detail, Outcome outcome = Outcome::Ok);
    void put_first(boost::json::object continuation);
    void look_for_space(core::Time now);

    bool commit(core::Time now);
    sqlite::Result<void> try_commit();
    // The next `count` of waiting_ as lines; `after` moves to where the log then stands.
    std::vector<Line> render_group(std::size_t count, Position& after);
    bool sign(core::Time now);
    void acknowledge(std::size_t count, std::uint64_t first);
    void look_after_file(core::Time now);
    // True: try again at once.
    bool survive(const sqlite::Failure& failure, core::Time now);
    void begin_outage(const std::string& cause, core::Time now);
    void end_outage();
    void measure(core::Duration took);
    void finish();

    void raise(const std::string& name, std::string detail);
    void clear(const std::string& name);
    void publish();
    void wait(core::Time until);
    core::Time now() const { return options_.clocks.monotonic(); }
    core::WallTime wall() const { return options_.clocks.wall(); }

    const LogOptions options_;
    Shared& shared_;
    Letterhead head_;
    Shelf shelf_;
    Reserve reserve_;
    std::optional<Index> index_;
    Pace pace_;
    ClockWatch clock_watch_;
    ClockState clock_;
    std::optional<PersonalKeys> personal_keys_;
    std::vector<boost::json::object> findings_;  // of the start, until they are announced
    bool continues_;                             // the first finding opens a new file
    std::optional<core::WallTime> began_;        // time of record 0
    std::optional<std::uint64_t> start_;         // seq of this run's first `software.started`
    std::optional<FileDigest> binary_;           // while it is being taken

    std::deque<Waiting> waiting_;
    bool hurry_{};
    bool urgent_{};
    std::vector<std::string> faults_;  // of the group being written, one for each line
    std::uint64_t refused_seen_{};
    core::Time next_look_{};
    core::Time next_space_look_{};
    core::Time last_gap_{};
    std::optional<Outage> outage_;      // the disk refuses
    std::optional<Outage> on_reserve_;  // the disk is full and the reserve was given out
    std::map<std::string, Alarm> alarms_;
};

}  // namespace crosspatch::record
