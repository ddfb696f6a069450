#include "crosspatch/record/log.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <stdexcept>
#include <thread>
#include <utility>

#include "crosspatch/core/file.hpp"
#include "keys.hpp"
#include "writer.hpp"

namespace crosspatch::record {

namespace {

constexpr auto kSlow = std::chrono::seconds{5};  // with the disk for longer than this: an alarm

template <typename T>
T value_or_throw(core::Result<T> result) {
    if (!result) throw std::runtime_error{result.error().context};
    return std::move(result).value();
}

core::UniqueFd take_directory(const std::filesystem::path& data_dir) {
    if (auto made = core::make_private_directory(data_dir); !made)
        throw std::runtime_error{made.error().context};
    return value_or_throw(lock_directory(data_dir));
}

Beginning beginning_of(const std::filesystem::path& data_dir, const VerifierKey& key) {
    auto beginning = find_beginning(data_dir, key);
    if (!beginning.foreign_log.empty()) {
        throw std::runtime_error{
            fmt::format("{}: the log there is {}, but keys/log.key belongs to {}; put the right key back, or "
                        "move log*.db and log.tip away",
                        data_dir.string(), beginning.foreign_log, key.name)};
    }
    return beginning;
}

}  // namespace

struct Log::Impl {
    explicit Impl(LogOptions given)
        : options{std::move(given)},
          lock{take_directory(options.data_dir)},
          key{value_or_throw(load_key(options.data_dir))},
          verifier{key.verifier()},
          id{log_id(key.public_key())},
          shared{options.queue} {
        auto beginning = beginning_of(options.data_dir, verifier);
        if (beginning.position.newest != core::WallTime{}) newest = beginning.position.newest;
        writer.emplace(options, key, std::move(beginning), shared);
        start();
    }

    ~Impl() {
        shared.stop = true;
        shared.wake.notify();
        thread.join();
    }

    // Signals are for the thread that waits for them; the writer inherits a full mask.
    void start() {
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread = std::thread{[this] { writer->run(); }};
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        pthread_setname_np(thread.native_handle(), "record");
    }

    bool push(Task task) {
        const bool taken = shared.queue.push(std::make_unique<Task>(std::move(task)));
        if (!taken) ++shared.figures.refused;
        shared.wake.notify();
        return taken;
    }

    LogOptions options;
    core::UniqueFd lock;
    SigningKey key;
    VerifierKey verifier;
    std::string id;
    Shared shared;
    std::optional<core::WallTime> newest;
    std::optional<Writer> writer;
    std::thread thread;
};

Log::Log(LogOptions options) : impl_{std::make_unique<Impl>(std::move(options))} {}
Log::~Log() = default;

bool Log::append(Entry entry, Acknowledge done) {
    return impl_->push({std::move(entry), std::move(done), {}});
}

bool Log::erase_personal(std::uint64_t seq, Entry entry, Acknowledge done) {
    return impl_->push({std::move(entry), std::move(done), seq});
}

void Log::flush() {
    impl_->shared.flush = true;
    impl_->shared.wake.notify();
}

Health Log::health() const {
    Health health;
    {
        const std::lock_guard lock{impl_->shared.mutex};
        health = impl_->shared.health;
    }
    health.queued += impl_->shared.queue.size();
    const auto busy_since = impl_->shared.busy_since_ns.load();
    const core::Time since{std::chrono::nanoseconds{busy_since}};
    const auto& clocks = impl_->options.clocks;
    if (busy_since != 0 && clocks.monotonic() - since > kSlow) {
        // The writer is stuck in a system call and cannot say so itself.
        health.durable = false;
        if (!health.failing_since) health.failing_since = since;
        const auto waited = std::chrono::duration_cast<std::chrono::seconds>(clocks.monotonic() - since);
        health.alarms.push_back({"log.slow", clocks.wall() - (clocks.monotonic() - since),
                                 fmt::format("the disk has not answered for {} s; {} records wait",
                                             waited.count(), health.queued)});
    }
    return health;
}

const LogFigures& Log::figures() const { return impl_->shared.figures; }
const std::string& Log::id() const { return impl_->id; }
const VerifierKey& Log::verifier_key() const { return impl_->verifier; }
const SigningKey& Log::key() const { return impl_->key; }
const std::filesystem::path& Log::data_dir() const { return impl_->options.data_dir; }
std::optional<core::WallTime> Log::newest_record_time() const { return impl_->newest; }

}  // namespace crosspatch::record
