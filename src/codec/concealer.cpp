#include "src/codec/concealer.hpp"

#include <algorithm>
#include <cmath>

namespace crosspatch::codec {
namespace {

constexpr std::size_t kHistoryUs = 30'000;
constexpr std::size_t kShortestLagUs = 2'500;  // a voice of 400 Hz
constexpr std::size_t kLongestLagUs = 15'000;  // a voice of 66 Hz
constexpr std::size_t kWindowUs = 10'000;
constexpr std::size_t kFullUs = 10'000;
constexpr std::size_t kSilentUs = 60'000;
constexpr std::size_t kBlendUs = 4'000;
constexpr std::uint32_t kSearchRate = 8'000;

std::size_t most_samples(std::uint32_t rate, std::size_t microseconds) {
    return microseconds * rate / 1'000'000;
}

std::int16_t blend(std::int16_t from, std::int16_t to, std::size_t at, std::size_t of) {
    const auto total = static_cast<std::int64_t>(of);
    const auto share = static_cast<std::int64_t>(at);
    return static_cast<std::int16_t>((from * (total - share) + to * share) / total);
}

// How alike the last `window` samples and those `lag` before them are: -1 to 1.
double likeness(std::span<const std::int16_t> history, std::size_t lag, std::size_t window,
                std::size_t step) {
    const std::int16_t* now = history.data() + history.size() - window;
    const std::int16_t* then = now - lag;
    std::int64_t product = 0;
    std::int64_t energy = 0;
    for (std::size_t i = 0; i < window; i += step) {
        product += now[i] * then[i];
        energy += then[i] * then[i];
    }
    return energy == 0 ? -1.0 : static_cast<double>(product) / std::sqrt(static_cast<double>(energy));
}

}  // namespace

Concealer::Concealer(std::uint32_t highest_rate)
    : history_(most_samples(highest_rate, kHistoryUs)),
      period_(most_samples(highest_rate, kLongestLagUs) + highest_rate / 8'000),
      rate_{highest_rate} {}

void Concealer::start(std::uint32_t rate) noexcept {
    rate_ = rate;
    std::ranges::fill(history_, std::int16_t{0});
    lag_ = position_ = concealed_ = 0;
}

std::size_t Concealer::memory() const noexcept {
    return sizeof(*this) + (history_.capacity() + period_.capacity()) * sizeof(std::int16_t);
}

// Searched on every rate/8000th sample first, then around the best of those: the same work at any rate.
std::size_t Concealer::pitch_lag() const noexcept {
    const auto past = history();
    const std::size_t step = std::max(1U, rate_ / kSearchRate);
    const std::size_t window = samples_in(kWindowUs);
    std::size_t best = samples_in(kLongestLagUs);
    double best_likeness = -2.0 * 32768.0 * 32768.0;
    const auto consider = [&](std::size_t lag, std::size_t stride) {
        const double found = likeness(past, lag, window, stride);
        if (found > best_likeness) {
            best_likeness = found;
            best = lag;
        }
    };
    for (std::size_t lag = samples_in(kShortestLagUs); lag <= samples_in(kLongestLagUs); lag += step)
        consider(lag, step);
    if (step > 1) {
        const std::size_t around = best;
        best_likeness = -2.0 * 32768.0 * 32768.0;
        for (std::size_t lag = around - step + 1; lag < around + step; ++lag) consider(lag, step);
    }
    return best;
}

// The last period, its end bent towards what came before its beginning, so that it can be repeated without a
// click.
void Concealer::take_period() noexcept {
    const auto past = history();
    lag_ = pitch_lag();
    position_ = 0;
    const auto last = past.last(lag_);
    const auto before = past.last(2 * lag_ < past.size() ? 2 * lag_ : past.size()).first(lag_);
    const std::size_t seam = lag_ / 4;
    const std::size_t sound = lag_ - seam;
    std::copy_n(last.begin(), sound, period_.begin());
    for (std::size_t i = 0; i < seam; ++i)
        period_[sound + i] = blend(last[sound + i], before[sound + i], i + 1, seam);
}

std::int16_t Concealer::next_made_up() noexcept {
    const std::size_t full = samples_in(kFullUs);
    const std::size_t silent = samples_in(kSilentUs);
    const std::size_t age = concealed_++;
    if (age >= silent) return 0;
    const std::int16_t sample = period_[position_];
    position_ = position_ + 1 < lag_ ? position_ + 1 : 0;
    return age < full ? sample : blend(sample, 0, age - full, silent - full);
}

void Concealer::conceal(std::span<std::int16_t> out) noexcept {
    if (concealed_ == 0 && !out.empty()) take_period();
    for (std::int16_t& sample : out) sample = next_made_up();
    remember(out);
}

void Concealer::heard(std::span<std::int16_t> samples) noexcept {
    if (samples.empty()) return;
    if (concealed_ > 0) {
        const std::size_t seam = std::min(samples_in(kBlendUs), samples.size());
        for (std::size_t i = 0; i < seam; ++i) samples[i] = blend(next_made_up(), samples[i], i + 1, seam);
        concealed_ = 0;
    }
    remember(samples);
}

void Concealer::remember(std::span<const std::int16_t> samples) noexcept {
    const std::size_t length = history().size();
    const std::size_t fresh = std::min(samples.size(), length);
    std::copy(history_.begin() + static_cast<std::ptrdiff_t>(fresh),
              history_.begin() + static_cast<std::ptrdiff_t>(length), history_.begin());
    std::ranges::copy(samples.last(fresh), history_.begin() + static_cast<std::ptrdiff_t>(length - fresh));
}

}  // namespace crosspatch::codec
