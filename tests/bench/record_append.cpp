// How many records a second the log takes, and how long a commit lasts, on the disk under the temporary
// directory (or the directory given): first with everybody in a hurry, then one after the other, then the
// verifier over all of it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "crosspatch/record/log.hpp"
#include "crosspatch/record/talkspurt.hpp"
#include "crosspatch/record/verifier.hpp"

using namespace crosspatch;
using namespace crosspatch::record;
using Clock = std::chrono::steady_clock;

namespace {

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

Talkspurt typical(std::uint64_t number) {
    Talkspurt out;
    char id[33];
    std::snprintf(id, sizeof id, "%032llx", static_cast<unsigned long long>(number));
    out.id = id;
    out.talker = "ng-unit-7";
    out.endpoint = "ng-roip";
    out.channel = "ng-ops";
    out.channels = {"ng-ops", "pd-tac-3"};
    out.bridge = "riverside-joint";
    out.ended = core::wall_now();
    out.started = out.ended - std::chrono::seconds{4};
    out.ended_mono = core::monotonic_now();
    out.duration = std::chrono::seconds{4};
    out.end_cause = "released";
    out.listeners = {"pd-console-1", "pd-console-2", "ng-desk"};
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
    std::string directory =
        argc > 2 ? argv[2] : (std::filesystem::temp_directory_path() / "crosspatch-bench-XXXXXX").string();
    if (argc <= 2 && !mkdtemp(directory.data())) return 1;
    {
        LogOptions options;
        options.data_dir = directory;
        options.version = "bench";
        Log log{options};
        auto start = Clock::now();
        for (std::uint64_t i = 0; i < count;) {
            if (log.append(to_entry(typical(i)))) {
                ++i;
            } else {
                std::this_thread::sleep_for(std::chrono::milliseconds{1});
            }
        }
        while (log.health().size < count) std::this_thread::sleep_for(std::chrono::milliseconds{1});
        std::printf("in a hurry: %.0f records/s, %llu commits\n",
                    static_cast<double>(count) / seconds_since(start),
                    static_cast<unsigned long long>(log.figures().commits.read()));
        std::vector<double> waits;
        for (int i = 0; i < 500; ++i) {
            std::promise<void> done;
            start = Clock::now();
            (void)log.append(to_entry(typical(count + static_cast<std::uint64_t>(i))),
                             [&](const auto&) { done.set_value(); });
            done.get_future().wait();
            waits.push_back(seconds_since(start) * 1e3);
        }
        std::sort(waits.begin(), waits.end());
        std::printf("one by one: acknowledged after p50 %.2f ms, p99 %.2f ms\n", waits[waits.size() / 2],
                    waits[waits.size() * 99 / 100]);
    }
    const auto start = Clock::now();
    const auto report = Verifier{directory}.run();
    if (!report) return 1;
    std::printf("verifier: %llu records in %.2f s, %s\n", static_cast<unsigned long long>(report->records),
                seconds_since(start), report->ok() ? "consistent" : "NOT consistent");
    if (argc <= 2) std::filesystem::remove_all(directory);
    return report->ok() ? 0 : 1;
}
