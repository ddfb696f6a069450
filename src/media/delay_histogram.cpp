#include "crosspatch/media/delay_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace crosspatch::media {

// Bucket 4 * octave + quarter holds what is below 2^octave * (5 + quarter) / 4 microseconds.
std::size_t DelayHistogram::bucket_of(std::chrono::nanoseconds delay) {
    const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0)) / 1000;
    if (us < 4) return us;  // 1 us steps below 4 us: buckets 0 to 3
    const auto octave = static_cast<std::size_t>(std::bit_width(us)) - 1;
    const auto quarter = static_cast<std::size_t>(us >> (octave - 2)) & 3;
    return std::min(kBuckets - 1, (octave - 1) * 4 + quarter);
}

std::chrono::microseconds DelayHistogram::upper_bound(std::size_t bucket) {
    if (bucket < 4) return std::chrono::microseconds{static_cast<std::int64_t>(bucket) + 1};
    const std::size_t octave = bucket / 4 + 1;
    return std::chrono::microseconds{static_cast<std::int64_t>((5 + bucket % 4) << octave >> 2)};
}

void DelayHistogram::clear() {
    for (core::Counter& bucket : buckets_) bucket.set(0);
    sum_us_.set(0);
}

std::uint64_t DelayHistogram::count() const {
    std::uint64_t total = 0;
    for (const core::Counter& bucket : buckets_) total += bucket.read();
    return total;
}

std::chrono::microseconds DelayHistogram::quantile(double share) const {
    const std::uint64_t total = count();
    if (total == 0) return {};
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        seen += buckets_[i].read();
        if (seen >= wanted && seen > 0) return upper_bound(i);
    }
    return upper_bound(kBuckets - 1);
}

std::uint64_t DelayHistogram::at_most(std::chrono::microseconds limit) const {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < kBuckets && upper_bound(i) <= limit; ++i) total += buckets_[i].read();
    return total;
}

}  // namespace crosspatch::media
