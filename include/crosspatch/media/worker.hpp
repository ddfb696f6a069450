#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "crosspatch/core/event_fd.hpp"
#include "crosspatch/core/spsc_queue.hpp"
#include "crosspatch/core/unique_fd.hpp"
#include "crosspatch/media/delay_histogram.hpp"
#include "crosspatch/media/demux.hpp"
#include "crosspatch/media/gate.hpp"
#include "crosspatch/media/inbox.hpp"
#include "crosspatch/media/report_timers.hpp"
#include "crosspatch/media/socket.hpp"
#include "crosspatch/media/talkspurt.hpp"

namespace crosspatch::media {

// One media thread: sockets, SRTP, codecs, floor and timers of its channels, in one loop.
//
// Shape    waits in epoll until a socket is readable, a task was posted or a deadline has come; an idle worker does not
//          wake up, unless it is to poll. After a pause of the process all sockets are drained before any timer runs.
// Time     reads the clock once a batch and hands it down.
// Errors   the constructor throws std::system_error; a running worker has none, it counts.
// Thread   run() is the worker; post() from the lane's one thread; the counters are for anybody.
class Worker {
public:
    // Runs on the worker between two batches. A capture of two words stays off the heap.
    using Task = std::function<void(core::Time now)>;
    // One producer thread a lane. Direct is for what must not wait for control: close, disable, revoke. Taps: from who
    // reads the tap.
    enum class Lane { Control, Direct, Taps };
    // Where a packet's time goes; one batch in 64 is measured.
    enum class Stage : std::uint8_t { Receive, Open, Decide, Carry, Send, Count };
    static constexpr std::size_t kStages = static_cast<std::size_t>(Stage::Count);
    struct StageTime {
        core::Counter nanoseconds;
        core::Counter times;
    };
    struct Counters {
        DropCounters dropped;  // what belongs to no endpoint
        core::Counter datagrams;
        core::Counter handed_on;  // to other workers
        core::Counter loops;
        core::Counter busy_us;
        core::Counter junk_ns;  // of it, what datagrams took that were refused
        std::array<StageTime, kStages> stages;
    };
    struct Options {
        std::uint8_t number{};
        bool busy_poll{};  // ask for packets without ever sleeping
    };
    static constexpr std::size_t kMost = 64;
    // A socket that the worker reads. Owned by control; unwatch() before it is closed.
    struct Port {
        int fd{-1};
        Endpoint* endpoint{};  // nullptr: the shared port, told apart by the Demux
        PortUse use{PortUse::Media};
    };

    Worker() : Worker{Options{}} {}
    explicit Worker(const Options& options);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    const TalkPath& talk_path() const { return path_; }
    std::uint8_t number() const { return options_.number; }
    // Those that it hands packets of the shared port on to; before run().
    void meet(std::span<const std::unique_ptr<Worker>> crew);

    // Until stop(). `gate` outlives it.
    void run(Gate& gate);
    void stop();

    // False if the lane is full: the caller says so to whoever asked.
    bool post(Lane lane, Task task);
    // How many more would be taken; for the lane's one thread.
    std::size_t room(Lane lane) const {
        const auto& queue = lanes_[static_cast<std::size_t>(lane)];
        return queue.capacity() - queue.size();
    }

    // --- For posted tasks only. ---
    void watch(const Port& port);
    std::optional<Port> unwatch(int fd);
    // Takes what other workers have handed on and sends what that causes; for tasks that all workers rest for.
    void settle(core::Time now);
    Demux& demux() { return demux_; }
    ReportTimers& reports() { return reports_; }
    CodecPool& codecs() { return codecs_; }
    Outbox& outbox() { return outbox_; }

    // What it carries, for one reader on another thread.
    Tap& tap() { return tap_; }
    const Tap& tap() const { return tap_; }
    const Counters& counters() const { return counters_; }
    const Outbox::Counters& sent() const { return outbox_.counters(); }
    const DelayHistogram& delays() const { return delays_; }

private:
    struct Carried {
        Talkspurt* talkspurt;
        std::chrono::nanoseconds received;
    };
    std::size_t poll(std::optional<core::Time> until, core::Time now);
    void drain_sockets(Gate& gate, std::size_t ready);
    bool read(const Port& port, Gate& gate);
    bool read_inbox(Gate& gate);
    // These are true if the datagram was good for something.
    bool handle(const Port& port, Datagram& datagram, Gate& gate, std::chrono::nanoseconds wall_now);
    bool hand_on(Endpoint& endpoint, const Datagram& datagram);
    bool open(Endpoint& endpoint, Datagram& datagram, PortUse port, Gate& gate,
              std::chrono::nanoseconds wall_now);
    void count_junk(std::size_t junk, std::size_t datagrams, core::Time began);
    void on_rtcp(Endpoint& endpoint, const Source::Rtcp& opened, Gate& gate);
    void flush();
    bool run_tasks();
    void send_reports(Gate& gate);

    // Measures one stage of a batch that is sampled: from its making until stop().
    class StageClock;

    static constexpr std::size_t kEvents = 64;
    const Options options_;
    core::UniqueFd epoll_;
    core::EventFd wake_;
    std::array<core::SpscQueue<Task>, 3> lanes_{core::SpscQueue<Task>{4096}, core::SpscQueue<Task>{256},
                                                core::SpscQueue<Task>{64}};
    std::atomic<bool> stopping_{false};
    std::unordered_map<int, std::unique_ptr<Port>> ports_;
    std::vector<std::unique_ptr<Port>>
        closed_;  // unwatched since the last wait; an event may still name them
    std::vector<Worker*> crew_;
    std::unique_ptr<Inbox> inbox_;  // none for the worker that reads the shared port
    std::uint64_t to_wake_{};       // workers that have something new in their inbox, a bit each
    Gate* gate_{};
    CodecPool codecs_;
    PacketPool packets_{512};
    std::unique_ptr<Scratch> scratch_;
    Outbox outbox_;
    Tap tap_;
    TalkPath path_{codecs_, packets_, *scratch_, outbox_, &tap_};
    ReceiveBatch batch_;
    Demux demux_;
    ReportTimers reports_;
    std::vector<Carried> carried_;
    core::Time now_{};
    std::uint32_t batches_{};
    bool sampling_{};  // this batch
    // No epoll_pwait2() before Linux 5.11 and under valgrind: it waits by whole milliseconds then.
    bool exact_waits_{true};
    Counters counters_;
    DelayHistogram delays_;
    struct Events;
    std::unique_ptr<Events> events_;
};

}  // namespace crosspatch::media
