#pragma once
#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "crosspatch/core/time.hpp"

namespace crosspatch::ptt::tests {
using namespace std::chrono_literals;

// A path that loses packets, doubles them, and lets them overtake each other by up to kDelay.
template <typename Packet>
class LossyPath {
public:
    static constexpr std::chrono::milliseconds kDelay{80};

    explicit LossyPath(std::uint64_t seed) : random_{seed} {}

    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
    void set_loss(std::uint32_t percent) { loss_ = percent; }
    void send(const Packet& packet, core::Time now) {
        for (std::uint32_t copies = 1 + (below(10) == 0); copies > 0; --copies)
            if (below(100) >= loss_)
                under_way_.push_back({now + std::chrono::milliseconds{below(kDelay.count())}, packet});
    }
    // Hands on what has arrived by now, in the order of arrival.
    template <typename Take>
    void deliver(core::Time now, Take take) {
        std::ranges::stable_sort(under_way_, {}, &OnTheWay::arrives);
        std::size_t count = 0;
        while (count < under_way_.size() && under_way_[count].arrives <= now)
            take(under_way_[count++].packet);
        under_way_.erase(under_way_.begin(), under_way_.begin() + static_cast<std::ptrdiff_t>(count));
    }

private:
    struct OnTheWay {
        core::Time arrives;
        Packet packet;
    };
    std::mt19937_64 random_;
    std::uint32_t loss_{};
    std::vector<OnTheWay> under_way_;
};

// When a key was really down.
class KeyBook {
public:
    void set(bool down, core::Time now) {
        if (down) last_down_ = now;
    }
    bool was_down_within(core::Duration time, core::Time now) const { return last_down_ >= now - time; }

private:
    core::Time last_down_{core::Time::min() + std::chrono::hours{1}};
};

}  // namespace crosspatch::ptt::tests
