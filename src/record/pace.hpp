#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "crosspatch/core/time.hpp"

namespace crosspatch::record {

using namespace std::chrono_literals;

// When the writer commits, signs and gives a sign of life. Pure: it is told what happened and asked what is
// due.
//
// Time     every method takes `now`; due() is when to look again at the latest.
// Source   audit log: a group waits 20 ms or 64 records; heartbeat 10 s; checkpoint 10 s or 256 records, at
// once if urgent.
class Pace {
public:
    static constexpr auto kGather = 20ms;
    static constexpr std::size_t kGroup = 64;
    static constexpr auto kHeartbeat = 10s;
    static constexpr auto kCheckpoint = 10s;
    static constexpr std::uint64_t kCheckpointRecords = 256;
    static constexpr auto kLook = 500ms;  // clock steps and the disk are looked at this often
    static constexpr auto kRetry = 1s;    // between attempts while the disk refuses

    explicit Pace(core::Time start) : heartbeat_{start + kHeartbeat}, signed_{start} {}

    void waiting(std::size_t records, bool hurry, core::Time now) {
        if (records > 0 && !waiting_since_) waiting_since_ = now;
        if (records == 0) waiting_since_.reset();
        hurry_ = records > 0 && (hurry || records >= kGroup);
    }
    void refused(core::Time now) { retry_ = now + kRetry; }
    void accepted() { retry_.reset(); }

    bool commit_due(core::Time now) const {
        if (!waiting_since_) return false;
        if (retry_) return now >= *retry_;
        return hurry_ || now >= *waiting_since_ + kGather;
    }
    bool checkpoint_due(std::uint64_t size, std::uint64_t signed_size, bool urgent, core::Time now) const {
        if (size <= signed_size || (retry_ && now < *retry_)) return false;
        return urgent || size - signed_size >= kCheckpointRecords || now >= signed_ + kCheckpoint;
    }
    void signed_at(core::Time now) { signed_ = now; }
    bool heartbeat_due(core::Time now) {
        if (now < heartbeat_) return false;
        heartbeat_ = now + kHeartbeat;
        return true;
    }
    core::Time due(core::Time now) const {
        core::Time next = now + kLook;
        if (waiting_since_)
            next = std::min(next, retry_ ? *retry_ : hurry_ ? now : *waiting_since_ + kGather);
        return std::min({next, heartbeat_, std::max(now, signed_ + kCheckpoint)});
    }

private:
    std::optional<core::Time> waiting_since_;
    std::optional<core::Time> retry_;
    bool hurry_{};
    core::Time heartbeat_;
    core::Time signed_;
};

// Notices that the wall clock was set: it moved by more than a second against the monotonic clock between two
// looks.
class ClockWatch {
public:
    struct Step {
        core::WallTime expected;
        core::WallTime found;
        std::chrono::milliseconds by;
    };
    std::optional<Step> look(core::WallTime wall, core::Time mono) {
        std::optional<Step> step;
        if (seen_) {
            const auto expected = wall_ + (mono - mono_);
            const auto by = std::chrono::duration_cast<std::chrono::milliseconds>(wall - expected);
            if (by > 1s || by < -1s) step = Step{expected, wall, by};
        }
        // Slow drift (a smeared leap second, NTP's slewing) is not a step: each look starts from the one
        // before.
        seen_ = true;
        wall_ = wall;
        mono_ = mono;
        return step;
    }

private:
    bool seen_{};
    core::WallTime wall_;
    core::Time mono_;
};

}  // namespace crosspatch::record
