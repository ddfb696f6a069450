#include "crosspatch/codec/vox.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace crosspatch::codec {
namespace {

using std::chrono::microseconds;

constexpr microseconds kBlock{250'000};
constexpr microseconds kLearn{200'000};    // of a new stream, before anything is decided
constexpr double kQuietest_dbov = -70.0;   // a digital silence must not make every whisper stand out
constexpr double kHighPass_hertz = 200.0;  // twice: mains hum and wind are not speech
constexpr double kUnknown = std::numeric_limits<double>::infinity();

microseconds length_of(std::size_t samples, std::uint32_t rate) {
    return microseconds{static_cast<std::int64_t>(samples) * 1'000'000 / rate};
}

}  // namespace

Vox::Vox(Settings settings) : settings_{settings} { start(); }

void Vox::start() noexcept {
    minima_.fill(kUnknown);
    block_ = 0;
    in_block_ = heard_ = loud_ = quiet_ = microseconds{0};
    high_pass_.fill({});
    speaking_ = false;
}

Vox::Decision Vox::hear(std::span<const std::int16_t> frame, std::uint32_t rate) noexcept {
    if (frame.empty()) return speaking_ ? Decision::Speaks : Decision::Silent;
    const microseconds length = length_of(frame.size(), rate);
    const double level = speech_level_dbov(frame, rate);
    follow_noise(level, length);
    heard_ += length;
    if (heard_ <= kLearn) return Decision::Silent;

    const double stand_out = speaking_ ? settings_.snr_db / 2 : settings_.snr_db;
    const bool loud = level >= std::max(settings_.threshold_dbov, noise_dbov() + stand_out);
    loud_ = loud ? loud_ + length : microseconds{0};
    quiet_ = loud ? microseconds{0} : quiet_ + length;
    if (!speaking_ && loud_ >= settings_.attack) {
        speaking_ = true;
        return Decision::Begins;
    }
    if (speaking_ && quiet_ >= settings_.hang) {
        speaking_ = false;
        return Decision::Ends;
    }
    return speaking_ ? Decision::Speaks : Decision::Silent;
}

double Vox::noise_dbov() const noexcept {
    return std::max(kQuietest_dbov, *std::ranges::min_element(minima_));
}

void Vox::follow_noise(double level, microseconds length) noexcept {
    minima_[block_] = std::min(minima_[block_], level);
    in_block_ += length;
    if (in_block_ < kBlock) return;
    in_block_ -= kBlock;
    block_ = (block_ + 1) % kBlocks;
    minima_[block_] = kUnknown;  // what it held is 3 s old
}

double Vox::speech_level_dbov(std::span<const std::int16_t> frame, std::uint32_t rate) noexcept {
    const auto pole = static_cast<float>(std::exp(-2.0 * std::numbers::pi * kHighPass_hertz / rate));
    float energy = 0;
    for (const std::int16_t sample : frame) {
        float value = sample;
        for (HighPass& stage : high_pass_) {
            stage.out = value - stage.in + pole * stage.out;
            stage.in = value;
            value = stage.out;
        }
        energy += value * value;
    }
    const double mean = static_cast<double>(energy) / static_cast<double>(frame.size());
    return 10.0 * std::log10(std::max(mean, 1e-6) / (32768.0 * 32768.0));
}

}  // namespace crosspatch::codec
