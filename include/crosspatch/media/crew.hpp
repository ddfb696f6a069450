#pragma once
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "crosspatch/media/worker.hpp"

namespace crosspatch::media {

// All media workers of the gateway. The first one reads the shared port and hands on what is for the others.
//
// Shape    1 to Worker::kMost workers, numbered from 0; a thread each between start() and stop().
// Errors   the constructor throws std::system_error.
// Thread   control's, but for what Worker declares for others.
class Crew {
public:
    struct Options {
        std::size_t workers{1};
        bool busy_poll{};
        std::vector<unsigned> cpus;  // one for each worker, or none
    };
    // What is done while no worker touches anything. Kept by the caller until every worker has passed it.
    class Rest {
    public:
        explicit Rest(std::function<void(core::Time now)> task) : task_{std::move(task)} {}

    private:
        friend class Crew;
        void wait_for(std::size_t workers, core::Time now);
        std::function<void(core::Time now)> task_;
        std::atomic<std::size_t> arrived_{0};
        std::atomic<bool> over_{false};
    };

    explicit Crew(const Options& options);
    ~Crew();
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    std::size_t size() const { return workers_.size(); }
    Worker& worker(std::size_t number) { return *workers_[number]; }
    const Worker& worker(std::size_t number) const { return *workers_[number]; }

    // Starts a thread `media-N` for each; gates[N] is the worker's own and outlives it.
    void start(std::span<Gate* const> gates);
    void stop();

    // Each worker comes to rest when it has done what was posted before; the last one runs the task, then all go on.
    // Packets wait in their sockets meanwhile. False, and nothing happens, if a lane is full.
    bool at_rest(Rest& rest);

    // Real-time scheduling for all of them, and the CPU of each if there are any: true if the machine allows it.
    bool make_realtime();
    bool pin();

private:
    Options options_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<std::thread> threads_;
};

}  // namespace crosspatch::media
