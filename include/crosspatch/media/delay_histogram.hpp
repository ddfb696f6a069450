#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "crosspatch/core/counter.hpp"

namespace crosspatch::media {

// How long things took, in buckets fine enough for a p99 and small enough for every talkspurt.
//
// Shape    64 buckets, four to an octave, from 1 us to 131 ms; what is longer is in the last.
// Thread   one writer; readers see recent counts.
class DelayHistogram {
public:
    static constexpr std::size_t kBuckets = 64;

    void add(std::chrono::nanoseconds delay) {
        ++buckets_[bucket_of(delay)];
        sum_us_ += static_cast<std::uint64_t>(delay.count() > 0 ? delay.count() / 1000 : 0);
    }
    void clear();

    // The upper bound of the bucket that holds the `share` (0 to 1) quantile; zero if nothing was added.
    std::chrono::microseconds quantile(double share) const;

    std::uint64_t count() const;
    // How many took at most `limit`, counting whole buckets.
    std::uint64_t at_most(std::chrono::microseconds limit) const;
    std::chrono::microseconds sum() const { return std::chrono::microseconds{sum_us_.read()}; }

private:
    static std::size_t bucket_of(std::chrono::nanoseconds delay);
    static std::chrono::microseconds upper_bound(std::size_t bucket);
    std::array<core::Counter, kBuckets> buckets_;
    core::Counter sum_us_;
};

}  // namespace crosspatch::media
