#include "crosspatch/codec/tone_stripper.hpp"

#include <algorithm>
#include <cmath>

namespace crosspatch::codec {
namespace {

constexpr double kSubAudible_hertz = 330.0;  // CTCSS ends at 254.1 Hz
constexpr double kAntiAlias_hertz = 3300.0;  // of what the detector hears at 8 kHz
constexpr std::uint32_t kFade_ms = 2;
constexpr std::uint32_t kHold_ms = 20;  // the delay, and the 5 ms between two looks

}  // namespace

void ToneStripper::start(std::uint32_t rate) noexcept {
    sub_audible_.start(kSubAudible_hertz, rate);
    every_ = rate == 12000 ? 1 : rate / 8000;
    until_next_ = 1;
    if (every_ > 1) anti_alias_.start(kAntiAlias_hertz, rate);
    detector_.start(rate / every_);
    delay_ = rate / 1000 * static_cast<std::size_t>(kDelay.count());
    line_.fill(0);
    at_ = 0;
    hold_ = 0;
    hold_full_ = std::size_t{rate} / 1000 * kHold_ms;
    gain_ = 1;
    step_ = 1000.0 / kFade_ms / rate;
    muted_ = 0;
}

void ToneStripper::process(std::span<std::int16_t> samples) noexcept {
    for (std::int16_t& sample : samples) {
        const double audible = sub_audible_.pass(sample);
        listen(audible);
        sample = through_delay(audible);
    }
}

void ToneStripper::listen(double sample) noexcept {
    if (hold_ > 0) --hold_;
    if (every_ > 1) sample = anti_alias_.pass(sample);
    if (--until_next_ > 0) return;
    until_next_ = every_;
    if (detector_.hear(static_cast<float>(sample)) && detector_.finding().any()) hold_ = hold_full_;
}

std::int16_t ToneStripper::through_delay(double sample) noexcept {
    gain_ = std::clamp(gain_ + (hold_ > 0 ? -step_ : step_), 0.0, 1.0);
    const double delayed = gain_ * line_[at_];
    if (gain_ < 1) ++muted_;
    line_[at_] = static_cast<std::int16_t>(std::lround(std::clamp(sample, -32768.0, 32767.0)));
    at_ = at_ + 1 < delay_ ? at_ + 1 : 0;
    return static_cast<std::int16_t>(std::lround(delayed));
}

}  // namespace crosspatch::codec
