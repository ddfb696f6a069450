#pragma once
#include <array>
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

// Makes durable what a crash must not lose, SRTP packet indices, commands and consents, on a thread of its own: a disk that
// hangs holds up neither audio nor control.
//
// Shape    requests are gathered while a sync runs and made durable together with the next one. Bounded by the number
//          of streams: a request for a stream replaces the one that waits for it; of a document only the newest waits.
// Errors   a failed sync is answered with false once, then the file is rebuilt; documents that cannot be written are tried
//          again each second. `failing()` and `waiting()` say so meanwhile.
// Thread   ask() and keep(): control; waiting(): any; answers come on the keeper's thread.
// Source   srtp.md section 11.
class Keeper {
public:
    struct Answer {
        rtp::IndexRecord record;
        bool durable;
    };
    using Answers = std::function<void(std::vector<Answer>)>;
    enum class Document { Orders, Consents };  // each in a file of its own, written whole
    static constexpr std::size_t kDocuments = 2;
    using Files = std::array<std::filesystem::path, kDocuments>;

    Keeper(rtp::IndexJournal journal, Files files, Answers answers);
    ~Keeper();
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    void ask(const rtp::IndexRecord& record);
    void keep(Document document, std::string text);
    bool failing() const { return failing_.load(std::memory_order_relaxed); }
    // How long the newest documents have not been on disk, since it fails or hangs; zero: they are.
    core::Duration waiting(core::Time now) const;

private:
    void run();
    bool make_durable(const std::vector<rtp::IndexRecord>& records);
    using Texts = std::array<std::optional<std::string>, kDocuments>;
    void write(Texts& texts);

    rtp::IndexJournal journal_;
    Files files_;
    Answers answers_;
    std::mutex mutex_;
    std::condition_variable wake_;
    using Stream = std::tuple<rtp::IndexRecord::Kind, rtp::KeyFingerprint, std::uint32_t>;
    std::vector<rtp::IndexRecord> waiting_;     // in the order in which they were asked for
    std::map<Stream, std::size_t> waiting_at_;  // where each stream's waits
    Texts texts_;                               // not on disk yet
    bool stopping_{};
    std::atomic<bool> failing_{false};
    std::atomic<bool> texts_failing_{false};
    std::atomic<core::Time> texts_since_{core::Time::max()};  // max: none wait
    std::thread thread_;
};

}  // namespace crosspatch::app
