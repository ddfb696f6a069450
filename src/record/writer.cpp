#include "writer.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "crosspatch/core/log.hpp"
#include "crosspatch/record/canonical.hpp"
#include "source.hpp"

namespace crosspatch::record {

namespace json = boost::json;

namespace {

constexpr std::size_t kIndexStep = 500;  // records taken into the index between two looks at the queue
constexpr auto kGapAlarm = 60s;          // how long a gap stays an alarm after the last lost entry
constexpr auto kSpaceLook = 2s;

std::optional<core::WallTime> time_of_first(const std::filesystem::path& data_dir) {
    RecordSource source{data_dir, 0};
    const auto rows = source.read(0, 1);
    if (!rows || rows->empty() || rows->front().seq != 0) return std::nullopt;
    const auto record = from_canonical(rows->front().body);
    return record && record->is_object() ? parse_time(text_in(record->get_object(), "time")) : std::nullopt;
}

}  // namespace

Writer::Writer(const LogOptions& options, const SigningKey& key, Beginning beginning, Shared& shared)
    : options_{options},
      shared_{shared},
      head_{log_id(key.public_key()), boot_id()},
      shelf_{options.data_dir, key, options.vfs, beginning},
      reserve_{options.data_dir, options.reserve},
      index_{std::in_place, options.data_dir, options.call_gap},
      pace_{options.clocks.monotonic()},
      clock_{options.clocks.state ? options.clocks.state() : kernel_clock()},
      findings_{std::move(beginning.findings)},
      continues_{beginning.continues} {
    auto keys = PersonalKeys::open(options.data_dir / "keys" / "personal.keys");
    if (keys) personal_keys_ = std::move(*keys);
    publish();
}

void Writer::run() {
    announce();
    for (;;) {
        shared_.wake.drain();
        const bool stopping = shared_.stop.load();
        take_queue();
        look_around(now());
        const bool flush = shared_.flush.exchange(false);
        hurry_ = hurry_ || flush;
        urgent_ = urgent_ || flush;
        pace_.waiting(waiting_.size(), hurry_, now());
        if (stopping) return finish();
        if (pace_.commit_due(now())) commit(now());
        if (pace_.checkpoint_due(shelf_.position().size(), shelf_.signed_size(), urgent_, now())) sign(now());
        look_after_file(now());
        const bool more = index_->follow(shelf_.position().size(), kIndexStep) || take_digest();
        publish();
        pace_.waiting(waiting_.size(), hurry_, now());
        if (!more) wait(pace_.due(now()));
    }
}

// What was found at the start, and who writes now.
void Writer::announce() {
    bool first = continues_;
    for (auto& finding : findings_) {
        if (first) {
            raise("log.damaged",
                  std::string{text_in(finding, "cause")} + "; the log goes on in " + shelf_.file());
            put_first(std::move(finding));
        } else {
            put("recovery", std::move(finding), Outcome::Error);
        }
        first = false;
    }
    findings_.clear();
    Task start;
    start.entry.type = "software.started";
    start.entry.detail = {{"version", options_.version}, {"verifier_key", shelf_.verifier_key()}};
    start.done = [this](const core::Result<std::uint64_t>& seq) {
        if (seq) settle_in(*seq);
    };
    take(std::move(start));
}

// What the first record of a start does not wait for.
void Writer::settle_in(std::uint64_t start) {
    start_ = start;
    reserve_.make();
    if (!began_) began_ = time_of_first(options_.data_dir);
    if (!options_.binary.empty()) binary_.emplace(options_.binary);
}

void Writer::take_queue() {
    while (waiting_.size() < shared_.queue.capacity()) {
        auto task = shared_.queue.pop();
        if (!task) break;
        take(std::move(**task));
    }
    note_gap();
}

void Writer::take(Task task) {
    if (task.erase) erase(task);
    auto& entry = task.entry;
    if (entry.time == core::WallTime{}) entry.time = wall();
    if (entry.mono == core::Time{}) entry.mono = now();
    entry.urgent = entry.urgent || is_urgent(entry.type);
    hurry_ = hurry_ || entry.urgent || task.done;
    waiting_.push_back({std::move(entry), std::move(task.done), false});
}

// The keys go first: if the record of it cannot be written, the texts are gone all the same, as was asked.
void Writer::erase(Task& task) {
    RecordSource source{options_.data_dir, 0};
    auto* file = source.file_of(*task.erase);
    auto rows = file ? file->prepare("SELECT DISTINCT key FROM personal WHERE seq=?")
                     : sqlite::Result<sqlite::Statement>{core::Unexpected<sqlite::Failure>{{}}};
    bool erased = rows.has_value() && personal_keys_.has_value();
    int keys = 0;
    if (erased) {
        rows->bind(1, static_cast<std::int64_t>(*task.erase));
        while (rows->step() == sqlite::Statement::Step::Row) {
            erased =
                personal_keys_->erase(static_cast<std::uint64_t>(rows->integer(0))).has_value() && erased;
            ++keys;
        }
    }
    auto& entry = task.entry;
    entry.detail["erased_record"] = *task.erase;
    entry.detail["erased_keys"] = keys;
    if (!erased) entry.outcome = Outcome::Error;
}

void Writer::note_gap() {
    const auto refused = shared_.queue.refused();
    if (refused == refused_seen_) return;
    const auto missing = refused - refused_seen_;
    refused_seen_ = refused;
    last_gap_ = now();
    put("audit.gap", {{"missing", missing}, {"cause", "the queue to the writer was full"}}, Outcome::Error);
    raise("log.gap",
          fmt::format("{} records since start found the queue full and were lost; the disk is too slow",
                      refused));
}

void Writer::look_around(core::Time now) {
    if (now < next_look_) return;
    next_look_ = now + Pace::kLook;
    clock_ = options_.clocks.state ? options_.clocks.state() : kernel_clock();
    if (const auto step = clock_watch_.look(wall(), now)) {
        put("clock.step", {{"expected", core::rfc3339(step->expected)},
                           {"found", core::rfc3339(step->found)},
                           {"step_ms", step->by.count()}});
    }
    if (alarms_.contains("log.gap") && now > last_gap_ + kGapAlarm) clear("log.gap");
    look_for_space(now);
    if (pace_.heartbeat_due(now) && !outage_) {
        put("heartbeat", {{"queued", shared_.queue.size()},
                          {"refused", shared_.queue.refused()},
                          {"signed_size", shelf_.signed_size()}});
    }
}

// Once there is room again, the reserve is made anew and the record says how long there was none.
void Writer::look_for_space(core::Time now) {
    if (now < next_space_look_ || outage_) return;
    next_space_look_ = now + kSpaceLook;
    if (!on_reserve_ || !reserve_.make()) return;
    put("recovery", on_reserve_->as_detail(wall()));
    on_reserve_.reset();
    clear("log.full");
}

void Writer::put(std::string type, json::object detail, Outcome outcome) {
    Task task;
    task.entry.type = std::move(type);
    task.entry.outcome = outcome;
    task.entry.detail = std::move(detail);
    take(std::move(task));
}

void Writer::put_first(json::object continuation) {
    if (!waiting_.empty() && waiting_.front().opens_file) waiting_.pop_front();
    Entry entry;
    entry.type = "recovery";
    entry.outcome = Outcome::Error;
    entry.detail = std::move(continuation);
    entry.time = wall();
    entry.mono = now();
    entry.urgent = true;
    waiting_.push_front({std::move(entry), {}, true});
}

void Writer::raise(const std::string& name, std::string detail) {
    auto& alarm = alarms_[name];
    if (alarm.name.empty()) {
        alarm.name = name;
        alarm.since = wall();
        if (options_.journal) options_.journal->error(name, detail);
    }
    alarm.detail = std::move(detail);
    publish();
}

void Writer::clear(const std::string& name) {
    if (alarms_.erase(name) > 0 && options_.journal) options_.journal->info(name, "over");
}

void Writer::publish() {
    Health health;
    health.durable = !outage_;
    if (outage_) health.failing_since = outage_->began;
    for (const auto& [name, alarm] : alarms_) health.alarms.push_back(alarm);
    health.file = shelf_.file();
    health.size = shelf_.position().size();
    health.began = began_;
    health.checkpoint_size = shelf_.signed_size();
    health.queued = waiting_.size();
    const std::lock_guard lock{shared_.mutex};
    shared_.health = std::move(health);
}

void Writer::wait(core::Time until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now());
    pollfd descriptor{shared_.wake.fd(), POLLIN, 0};
    poll(&descriptor, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1000)));
}

}  // namespace crosspatch::record
