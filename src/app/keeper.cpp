#include "crosspatch/app/keeper.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace crosspatch::app {

Keeper::Keeper(rtp::IndexJournal journal, Answers answers)
    : journal_{std::move(journal)}, answers_{std::move(answers)}, thread_{[this] { run(); }} {
    pthread_setname_np(thread_.native_handle(), "keeper");
}

Keeper::~Keeper() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Keeper::ask(const rtp::IndexRecord& record) {
    {
        const std::lock_guard lock{mutex_};
        const auto same = [&](const rtp::IndexRecord& other) {
            return other.kind == record.kind && other.key == record.key && other.ssrc == record.ssrc;
        };
        const auto found = std::find_if(waiting_.begin(), waiting_.end(), same);
        if (found != waiting_.end())
            *found = record;
        else
            waiting_.push_back(record);
    }
    wake_.notify_one();
}

void Keeper::run() {
    std::unique_lock lock{mutex_};
    for (;;) {
        wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
        if (waiting_.empty()) return;  // stopping, and nothing left to keep
        std::vector<rtp::IndexRecord> batch = std::exchange(waiting_, {});
        lock.unlock();
        const bool durable = make_durable(batch);
        std::vector<Answer> answers;
        for (const rtp::IndexRecord& record : batch) answers.push_back({record, durable});
        answers_(std::move(answers));
        lock.lock();
    }
}

bool Keeper::make_durable(const std::vector<rtp::IndexRecord>& records) {
    for (const rtp::IndexRecord& record : records) journal_.update(record);
    // A file that failed once is not trusted again, even if the next write seems to work.
    const bool durable = failing_ ? journal_.rebuild().has_value() : journal_.sync().has_value();
    failing_ = !durable;
    return durable;
}

}  // namespace crosspatch::app
