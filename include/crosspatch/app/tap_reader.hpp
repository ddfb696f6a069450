#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "crosspatch/bridge/exchange.hpp"
#include "crosspatch/core/counter.hpp"
#include "crosspatch/media/crew.hpp"
#include "crosspatch/media/echo_watch.hpp"

namespace crosspatch::app {

// Reads what the workers carry, at its leisure, and tells them what of it has come back from outside.
//
// Shape    one thread, `taps`, that yields to everything else (nice 10); it looks each 20 ms while somebody talks, and ten
//          times a second otherwise. Workers never wait for it: what it is too slow for is left out.
// Errors   the constructor throws std::system_error if there is no thread to be had.
// Thread   made and ended by control. The counters are for anybody.
class TapReader {
public:
    // Both outlive it.
    TapReader(media::Crew& crew, std::span<bridge::Exchange* const> exchanges);
    ~TapReader();
    TapReader(const TapReader&) = delete;
    TapReader& operator=(const TapReader&) = delete;

private:
    void run();
    bool read_all();
    void tell(const media::FoundEcho& found);

    media::Crew& crew_;
    std::vector<bridge::Exchange*> exchanges_;
    media::EchoWatch watch_;
    std::vector<media::FoundEcho> found_;
    std::mutex mutex_;
    std::condition_variable ending_;
    bool ended_{};  // under the mutex
    std::thread thread_;
};

}  // namespace crosspatch::app
