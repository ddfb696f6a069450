#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "crosspatch/rtp/index_journal.hpp"

namespace crosspatch::app {

// Makes SRTP packet indices durable, on a thread of its own: a disk that hangs holds up neither audio nor control.
//
// Shape    requests are gathered while a sync runs and made durable together with the next one. Bounded by the number
//          of streams: a request for a stream replaces the one that waits for it.
// Errors   a failed sync is answered with false once, then the file is rebuilt; `failing()` says so meanwhile.
// Thread   ask(): control; answers come on the keeper's thread.
// Source   srtp.md section 11.
class Keeper {
public:
    struct Answer {
        rtp::IndexRecord record;
        bool durable;
    };
    using Answers = std::function<void(std::vector<Answer>)>;

    Keeper(rtp::IndexJournal journal, Answers answers);
    ~Keeper();
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    void ask(const rtp::IndexRecord& record);
    bool failing() const { return failing_.load(std::memory_order_relaxed); }

private:
    void run();
    bool make_durable(const std::vector<rtp::IndexRecord>& records);

    rtp::IndexJournal journal_;
    Answers answers_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<rtp::IndexRecord> waiting_;
    bool stopping_{};
    std::atomic<bool> failing_{false};
    std::thread thread_;
};

}  // namespace crosspatch::app
