#include "crosspatch/app/keeper.hpp"

#include <pthread.h>

#include <algorithm>
#include <span>
#include <utility>

#include "crosspatch/core/file.hpp"

namespace crosspatch::app {

constexpr std::chrono::seconds kTryOrdersAgain{1};

Keeper::Keeper(rtp::IndexJournal journal, std::filesystem::path orders_file, Answers answers)
    : journal_{std::move(journal)},
      orders_file_{std::move(orders_file)},
      answers_{std::move(answers)},
      thread_{[this] { run(); }} {
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

void Keeper::keep_orders(std::string text) {
    {
        const std::lock_guard lock{mutex_};
        orders_ = std::move(text);
        if (orders_since_.load() == core::Time::max()) orders_since_ = core::monotonic_now();
    }
    wake_.notify_one();
}

void Keeper::run() {
    std::unique_lock lock{mutex_};
    for (;;) {
        const auto work = [&] { return stopping_ || !waiting_.empty() || (orders_ && !orders_failing_); };
        if (orders_failing_)
            wake_.wait_for(lock, kTryOrdersAgain, work);
        else
            wake_.wait(lock, work);
        const bool last = stopping_;
        std::vector<rtp::IndexRecord> batch = std::exchange(waiting_, {});
        waiting_at_.clear();
        std::optional<std::string> orders = std::exchange(orders_, std::nullopt);
        lock.unlock();
        if (orders) write_orders(*orders);
        if (!batch.empty()) {
            const bool durable = make_durable(batch);
            std::vector<Answer> answers;
            for (const rtp::IndexRecord& record : batch) answers.push_back({record, durable});
            answers_(std::move(answers));
        }
        lock.lock();
        if (last && waiting_.empty()) return;
        if (orders && orders_failing_ && !orders_) orders_ = std::move(orders);  // unless newer ones came
        if (!orders_) orders_since_ = core::Time::max();
    }
}

core::Duration Keeper::orders_waiting(core::Time now) const {
    const core::Time since = orders_since_;
    return since > now ? core::Duration{} : now - since;
}

void Keeper::write_orders(const std::string& text) {
    const auto written = core::write_file_atomically(orders_file_, std::as_bytes(std::span{text}), 0600);
    orders_failing_ = !written.has_value();
}

bool Keeper::make_durable(const std::vector<rtp::IndexRecord>& records) {
    for (const rtp::IndexRecord& record : records) journal_.update(record);
    // A file that failed once is not trusted again, even if the next write seems to work.
    const bool durable = failing_ ? journal_.rebuild().has_value() : journal_.sync().has_value();
    failing_ = !durable;
    return durable;
}

}  // namespace crosspatch::app
