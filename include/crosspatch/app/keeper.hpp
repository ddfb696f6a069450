#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "crosspatch/core/time.hpp"
#include "crosspatch/rtp/index_journal.hpp"

namespace crosspatch::app {

// Makes durable what a crash must not lose, SRTP packet indices and commands, on a thread of its own: a disk that hangs
// holds up neither audio nor control.
//
// Shape    requests are gathered while a sync runs and made durable together with the next one. Bounded by the number
//          of streams: a request for a stream replaces the one that waits for it; of the orders only the newest wait.
// Errors   a failed sync is answered with false once, then the file is rebuilt; orders that cannot be written are tried
//          again each second. `failing()` and `orders_waiting()` say so meanwhile.
// Thread   ask() and keep_orders(): control; answers come on the keeper's thread.
// Source   srtp.md section 11.
class Keeper {
public:
    struct Answer {
        rtp::IndexRecord record;
        bool durable;
    };
    using Answers = std::function<void(std::vector<Answer>)>;

    Keeper(rtp::IndexJournal journal, std::filesystem::path orders_file, Answers answers);
    ~Keeper();
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    void ask(const rtp::IndexRecord& record);
    void keep_orders(std::string text);
    bool failing() const { return failing_.load(std::memory_order_relaxed); }
    // How long the newest orders have not been on disk: it fails, or it hangs.
    core::Duration orders_waiting(core::Time now) const;

private:
    void run();
    bool make_durable(const std::vector<rtp::IndexRecord>& records);
    void write_orders(const std::string& text);

    rtp::IndexJournal journal_;
    std::filesystem::path orders_file_;
    Answers answers_;
    std::mutex mutex_;
    std::condition_variable wake_;
    using Stream = std::tuple<rtp::IndexRecord::Kind, rtp::KeyFingerprint, std::uint32_t>;
    std::vector<rtp::IndexRecord> waiting_;     // in the order in which they were asked for
    std::map<Stream, std::size_t> waiting_at_;  // where each stream's waits
    std::optional<std::string> orders_;         // not on disk yet
    bool stopping_{};
    std::atomic<bool> failing_{false};
    std::atomic<bool> orders_failing_{false};
    std::atomic<core::Time> orders_since_{core::Time::max()};  // max: none wait
    std::thread thread_;
};

}  // namespace crosspatch::app
