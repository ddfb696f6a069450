#include "crosspatch/app/keeper.hpp"

#include <pthread.h>

#include <algorithm>
#include <span>
#include <utility>

#include "crosspatch/core/file.hpp"

namespace crosspatch::app {

constexpr std::chrono::seconds kTryAgain{1};

Keeper::Keeper(rtp::IndexJournal journal, Files files, Answers answers)
    : journal_{std::move(journal)}, files_{std::move(files)}, answers_{std::move(answers)}, thread_{[this] {
          run();
      }} {
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
        const auto [place, first] =
            waiting_at_.try_emplace({record.kind, record.key, record.ssrc}, waiting_.size());
        if (first) {
            waiting_.push_back(record);
        } else {
            // What is asked once more may be older than what waits.
            rtp::IndexRecord& waits = waiting_[place->second];
            waits.limits = {std::max(waits.limits.rtp, record.limits.rtp),
                            std::max(waits.limits.rtcp, record.limits.rtcp)};
            if (record.address) waits.address = record.address;
            if (record.floor_port != 0) waits.floor_port = record.floor_port;
        }
    }
    wake_.notify_one();
}

void Keeper::keep(Document document, std::string text) {
    {
        const std::lock_guard lock{mutex_};
        texts_[static_cast<std::size_t>(document)] = std::move(text);
        if (texts_since_.load() == core::Time::max()) texts_since_ = core::monotonic_now();
    }
    wake_.notify_one();
}

void Keeper::run() {
    const auto any = [](const Texts& texts) {
        return std::any_of(texts.begin(), texts.end(), [](const auto& text) { return text.has_value(); });
    };
    std::unique_lock lock{mutex_};
    for (;;) {
        const auto work = [&] { return stopping_ || !waiting_.empty() || (any(texts_) && !texts_failing_); };
        if (texts_failing_)
            wake_.wait_for(lock, kTryAgain, work);
        else
            wake_.wait(lock, work);
        const bool last = stopping_;
        std::vector<rtp::IndexRecord> batch = std::exchange(waiting_, {});
        waiting_at_.clear();
        Texts texts = std::exchange(texts_, {});
        lock.unlock();
        if (any(texts)) write(texts);
        if (!batch.empty()) {
            const bool durable = make_durable(batch);
            std::vector<Answer> answers;
            for (const rtp::IndexRecord& record : batch) answers.push_back({record, durable});
            answers_(std::move(answers));
        }
        lock.lock();
        if (last && waiting_.empty()) return;
        for (std::size_t i = 0; i < kDocuments; ++i)
            if (texts[i] && !texts_[i]) texts_[i] = std::move(texts[i]);  // unless a newer one came
        if (!any(texts_)) texts_since_ = core::Time::max();
    }
}

core::Duration Keeper::waiting(core::Time now) const {
    const core::Time since = texts_since_;
    return since > now ? core::Duration{} : now - since;
}

// Leaves those that could not be written.
void Keeper::write(Texts& texts) {
    bool failing = false;
    for (std::size_t i = 0; i < kDocuments; ++i) {
        if (!texts[i]) continue;
        const auto written =
            core::write_file_atomically(files_[i], std::as_bytes(std::span{*texts[i]}), 0600);
        if (written) texts[i].reset();
        failing |= !written.has_value();
    }
    texts_failing_ = failing;
}

bool Keeper::make_durable(const std::vector<rtp::IndexRecord>& records) {
    for (const rtp::IndexRecord& record : records) journal_.update(record);
    // A file that failed once is not trusted again, even if the next write seems to work.
    const bool durable = failing_ ? journal_.rebuild().has_value() : journal_.sync().has_value();
    failing_ = !durable;
    return durable;
}

}  // namespace crosspatch::app
