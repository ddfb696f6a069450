#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "crosspatch/core/log.hpp"
#include "writer.hpp"

namespace crosspatch::record {

namespace json = boost::json;
using core::Error;

namespace {

constexpr std::size_t kMostInGroup = 256;  // records in one transaction, when more than a group waits
constexpr auto kLastIndexing = 1s;
constexpr int kAttempts = 3;  // this file, without the reserve; the next file; once more

// Says that the writer is with the disk, for as long as it lives: health() makes an alarm of more than 5 s.
class Busy {
public:
    Busy(Shared& shared, core::Time since) : shared_{shared} {
        shared_.busy_since_ns = std::max<std::int64_t>(since.time_since_epoch().count(), 1);
    }
    ~Busy() { shared_.busy_since_ns = 0; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

private:
    Shared& shared_;
};

}  // namespace

bool Writer::commit(core::Time at) {
    const Busy busy{shared_, at};
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const auto start = now();
        auto done = try_commit();
        if (done) {
            measure(now() - start);
            pace_.accepted();
            end_outage();
            return true;
        }
        if (!survive(done.error(), at)) break;
    }
    pace_.refused(now());
    return false;
}

sqlite::Result<void> Writer::try_commit() {
    if (auto ready = shelf_.ready(); !ready) return ready;
    const auto count = std::min(waiting_.size(), kMostInGroup);
    const auto first = shelf_.position().size();
    auto after = shelf_.position();
    const auto lines = render_group(count, after);
    if (auto added = shelf_.add(lines, std::move(after)); !added) return added;
    acknowledge(count, first);
    return {};
}

std::vector<Line> Writer::render_group(std::size_t count, Position& after) {
    std::vector<Line> lines;
    faults_.clear();
    const Position before = after;
    bool sealed = false;
    for (std::size_t i = 0; i < count; ++i) {
        auto* keys = personal_keys_ ? &*personal_keys_ : nullptr;
        auto rendered = render(waiting_[i].entry, head_, after, clock_, keys);
        after.tree.append(rendered.line.leaf);
        after.last_leaf = rendered.line.leaf;
        after.newest = std::max(after.newest, waiting_[i].entry.time);
        sealed = sealed || !rendered.line.sealed.empty();
        faults_.push_back(std::move(rendered.fault));
        lines.push_back(std::move(rendered.line));
    }
    if (sealed && !personal_keys_->sync()) {
        // Keys that a power cut may take would seal texts for good; the records go on and say that the texts
        // are left out.
        raise("log.personal",
              "keys/personal.keys cannot be written; personal texts are left out of new records");
        personal_keys_.reset();
        after = before;
        return render_group(count, after);
    }
    return lines;
}

void Writer::acknowledge(std::size_t count, std::uint64_t first) {
    shared_.figures.records += count;
    if (first == 0 && count > 0) began_ = waiting_.front().entry.time;
    publish();  // whoever is told finds it in health()
    for (std::size_t i = 0; i < count; ++i) {
        auto waiting = std::move(waiting_.front());
        waiting_.pop_front();
        urgent_ = urgent_ || waiting.entry.urgent;
        if (!faults_[i].empty() && options_.journal) {
            options_.journal->error("audit.failed", "a record had to leave something out: " + faults_[i],
                                    {{"type", waiting.entry.type}, {"record", std::to_string(first + i)}});
        }
        if (!waiting.done) continue;
        if (faults_[i].empty()) {
            waiting.done(first + i);
        } else {
            waiting.done(core::unexpected(Error::Code::Invalid, faults_[i]));
        }
    }
    hurry_ = std::any_of(waiting_.begin(), waiting_.end(),
                         [](const Waiting& waiting) { return waiting.done || waiting.entry.urgent; });
}

bool Writer::sign(core::Time at) {
    if (!shelf_.is_open()) return false;
    const Busy busy{shared_, at};
    if (const auto done = shelf_.sign(); !done) {
        if (!survive(done.error(), at)) pace_.refused(now());
        hurry_ = true;
        return false;
    }
    pace_.signed_at(at);
    pace_.accepted();
    end_outage();
    urgent_ = false;
    return true;
}

void Writer::look_after_file(core::Time at) {
    const Busy busy{shared_, at};
    const auto done = shelf_.tidy();
    // Without room the WAL simply stays longer.
    if (!done && !done.error().is_full()) survive(done.error(), at);
}

bool Writer::survive(const sqlite::Failure& failure, core::Time at) {
    if (failure.is_full()) {
        if (!reserve_.release()) {
            begin_outage("the disk is full (" + failure.context + ")", at);
            return false;
        }
        on_reserve_ = Outage{wall(), at, "the disk is full (" + failure.context + ")"};
        raise("log.full",
              fmt::format("the disk is full; the log goes on in its reserve of {} MiB; make room in {}",
                          reserve_.octets() >> 20, options_.data_dir.string()));
        return true;
    }
    if (shelf_.is_between_files()) {
        begin_outage(failure.context, at);
        return false;
    }
    const auto given_up = shelf_.file();
    put_first(shelf_.give_up(failure.context));
    raise("log.damaged", fmt::format("{} was given up ({}); the log goes on in {}; check the disk", given_up,
                                     failure.context, shelf_.file()));
    hurry_ = true;
    return true;
}

void Writer::begin_outage(const std::string& cause, core::Time at) {
    if (!outage_) outage_ = Outage{wall(), at, cause};
    raise("log.unwritable",
          fmt::format("no record can be written: {}; {} wait in memory; make room or mend the disk of {}",
                      cause, waiting_.size(), options_.data_dir.string()));
}

void Writer::end_outage() {
    if (!outage_) return;
    put("recovery", outage_->as_detail(wall()));
    outage_.reset();
    clear("log.unwritable");
}

json::object Writer::Outage::as_detail(core::WallTime until) const {
    return {{"cause", cause}, {"since", core::rfc3339(since)}, {"until", core::rfc3339(until)}};
}

void Writer::measure(core::Duration took) {
    auto& figures = shared_.figures;
    const double seconds = std::chrono::duration<double>(took).count();
    const auto bound =
        std::lower_bound(LogFigures::kCommitBounds.begin(), LogFigures::kCommitBounds.end(), seconds);
    ++figures.commit_times[static_cast<std::size_t>(bound - LogFigures::kCommitBounds.begin())];
    ++figures.commits;
    figures.commit_microseconds += static_cast<std::uint64_t>(std::max(0.0, std::round(seconds * 1e6)));
}

// Everything that waits, one more signature, and the mark of a clean end. A disk that refuses now has had its
// chance.
void Writer::finish() {
    do {
        take_queue();
        while (!waiting_.empty() && commit(now())) take_queue();
    } while (waiting_.empty() && shared_.queue.size() > 0);
    for (auto& waiting : waiting_) {
        if (waiting.done)
            waiting.done(core::unexpected(Error::Code::Unavailable, "the log could not be written"));
    }
    if (!waiting_.empty() && options_.journal) {
        options_.journal->error(
            "audit.gap", fmt::format("{} records are lost: the log could not be written", waiting_.size()));
    }
    // What is not in the list of calls by then is taken in at the next start.
    const auto enough = now() + kLastIndexing;
    while (index_->follow(shelf_.position().size(), 500) && now() < enough) {
    }
    index_.reset();  // it reads the log file; the last to close the file is to be the one that tidies it
    if (shelf_.is_open() && shelf_.sign()) (void)shelf_.close();
    publish();
}

// Which binary writes. A slow disk takes seconds to read a large one, so that comes after the start's
// record, a block between two looks at the queue, and is a second `software.started`. True: there is more.
bool Writer::take_digest() {
    if (!binary_) return false;
    const Busy busy{shared_, now()};
    if (binary_->step()) return true;
    if (!binary_->hex().empty())
        put("software.started",
            {{"version", options_.version}, {"binary", binary_->hex()}, {"start", *start_}});
    binary_.reset();
    return false;
}

}  // namespace crosspatch::record
