#pragma once
#include <algorithm>
#include <chrono>
#include <optional>

#include "crosspatch/core/time.hpp"

namespace crosspatch::bridge {

// How long an endpoint may not talk whose sound was found to have come back from outside. Pure.
//
// Once may be a mistake: it loses that talkspurt. Again within half a minute, and it is shut off for half a minute, and
// for twice as long each time that it goes on right after.
class LoopGuard {
public:
    static constexpr std::chrono::milliseconds kAgain{30'000};
    static constexpr std::chrono::milliseconds kFirst{30'000};
    static constexpr std::chrono::milliseconds kMost{600'000};

    // A loop was found: for how long it is shut off from now on; 0: until it falls silent.
    std::chrono::milliseconds on_loop(core::Time now) {
        const bool again = last_ && now <= *last_ + shut_for_ + kAgain;
        if (!again)
            shut_for_ = {};
        else
            shut_for_ = shut_for_.count() == 0 ? kFirst : std::min(2 * shut_for_, kMost);
        last_ = now;
        return shut_for_;
    }
    bool is_shut(core::Time now) const { return last_ && now < *last_ + shut_for_; }
    void lift() { *this = {}; }

private:
    std::optional<core::Time> last_;
    std::chrono::milliseconds shut_for_{};
};

}  // namespace crosspatch::bridge
