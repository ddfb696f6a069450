#include "crosspatch/codec/tone_detector.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace crosspatch::codec {
namespace {

using Complex = std::complex<float>;

constexpr float kTurn = 2.0F * std::numbers::pi_v<float>;
constexpr std::array kDigitHertz{697.0F, 770.0F, 852.0F, 941.0F, 1209.0F, 1336.0F, 1477.0F, 1633.0F};
// Shares of the window's energy: from where it begins, and down to where it goes on.
constexpr float kDigitBegins = 0.70F;
constexpr float kDigitGoesOn = 0.40F;
constexpr float kToneBegins = 0.80F;
constexpr float kToneGoesOn = 0.50F;
constexpr float kDataBegins = 0.85F;
constexpr float kDataGoesOn = 0.60F;
constexpr unsigned kMostMissed =
    4;  // looks between two tones of a call, in which neither has the window to itself
constexpr float kOneOfFour = 4.0F;   // a row and a column stand out among their four by so much power
constexpr float kTwist = 0.04F;      // the weaker of the two is at least 14 dB below the stronger
constexpr float kLowest = 1040.0F;   // CCIR's and EEA's 1055 Hz, and a little
constexpr float kHighest = 2850.0F;  // ZVEI's 2800 Hz, and a little
// Below that high voices have steady tones of their own. What EIA and ZVEI have there counts if it is purer.
constexpr std::array kLowHertz{600.0F, 680.0F, 741.0F, 817.0F, 884.0F, 970.0F, 1023.0F};
constexpr float kLowWidth = 0.015F;
constexpr float kLowBegins = 0.90F;
constexpr float kSteady = 0.02F;                // a tone's frequency from look to look
constexpr float kSoftest = 20.0F;               // root mean square: -64 dBov
constexpr float kCentre = 1500.0F;              // of the data's band
constexpr float kBand = 1150.0F;                // to either side
constexpr std::array kLines{2400.0F, 3600.0F};  // of the squared data: twice 1200 and 1800 Hz

float energy_of(std::span<const float> samples) {
    float sum = 0;
    for (const float sample : samples) sum += sample * sample;
    return sum;
}

// The window's component at that frequency, its phase that of the last sample.
Complex component(std::span<const float> window, float hertz, std::uint32_t rate) {
    const float angle = kTurn * hertz / static_cast<float>(rate);
    const float coefficient = 2.0F * std::cos(angle);
    float last = 0;
    float before = 0;
    for (const float sample : window) {
        const float now = sample + coefficient * last - before;
        before = last;
        last = now;
    }
    return {last - before * std::cos(angle), before * std::sin(angle)};
}

// Pisarenko's frequency of one tone in white noise, which does not move it; rough.
float rough_hertz(std::span<const float> window, std::uint32_t rate) {
    float one = 0;
    float two = 0;
    for (std::size_t i = 2; i < window.size(); ++i) {
        one += window[i] * window[i - 1];
        two += window[i] * window[i - 2];
    }
    if (one == 0) return static_cast<float>(rate) / 4;
    const float cosine = (two + std::sqrt(two * two + 8.0F * one * one)) / (4.0F * one);
    return std::acos(std::clamp(cosine, -1.0F, 1.0F)) / kTurn * static_cast<float>(rate);
}

// What a tone at that frequency must have of the energy to be taken for signalling.
float tone_begins(float hertz) {
    if (hertz > kHighest) return 2.0F;  // never
    if (hertz >= kLowest) return kToneBegins;
    const auto near = [&](float low) { return std::abs(hertz - low) <= kLowWidth * low; };
    return std::ranges::any_of(kLowHertz, near) ? kLowBegins : 2.0F;
}

}  // namespace

bool ToneDetector::Evidence::weigh(bool begins, bool goes_on, unsigned needed) noexcept {
    if (sure_) {
        missed_ = goes_on ? 0 : missed_ + 1;
        sure_ = missed_ <= kMostMissed;
        return goes_on;
    }
    looks_ = begins ? looks_ + 1 : 0;
    if (looks_ < needed) return false;
    looks_ = missed_ = 0;
    sure_ = true;
    return true;
}

void ToneDetector::start(std::uint32_t rate) noexcept {
    rate_ = rate;
    hop_ = rate / 200;
    filled_ = 0;
    heard_.fill(0);
    band_.fill({});
    hertz_before_ = 0;
    for (Evidence* evidence : {&digit_, &tone_, &data_}) evidence->start();
    finding_ = {};
    const auto per_sample = kTurn / static_cast<float>(rate);
    for (std::size_t i = 0; i < kDigitHertz.size(); ++i)
        digit_cosines_[i] = 2.0F * std::cos(per_sample * kDigitHertz[i]);
    float sum = 0;
    for (std::size_t i = 0; i < kTaps; ++i) {  // a windowed sinc, moved up to the centre
        const float from_middle = static_cast<float>(i) - static_cast<float>(kTaps - 1) / 2;
        const float x = per_sample * kBand * from_middle;
        const float sinc = x == 0 ? 1.0F : std::sin(x) / x;
        const float hamming =
            0.54F - 0.46F * std::cos(kTurn * static_cast<float>(i) / static_cast<float>(kTaps - 1));
        sum += sinc * hamming;
        taps_[i] = std::polar(sinc * hamming, per_sample * kCentre * from_middle);
    }
    for (Complex& tap : taps_) tap /= sum;
}

bool ToneDetector::hear(float sample) noexcept {
    heard_[kTaps - 1 + (kHops - 1) * hop_ + filled_] = sample;
    if (++filled_ < hop_) return false;
    filled_ = 0;
    filter_newest();
    look();
    const auto used = static_cast<std::ptrdiff_t>(kTaps - 1 + kHops * hop_);
    std::copy(heard_.begin() + static_cast<std::ptrdiff_t>(hop_), heard_.begin() + used, heard_.begin());
    return true;
}

void ToneDetector::filter_newest() noexcept {
    const std::size_t keep = (kHops - 1) * hop_;
    std::copy(band_.begin() + static_cast<std::ptrdiff_t>(hop_),
              band_.begin() + static_cast<std::ptrdiff_t>(hop_ + keep), band_.begin());
    for (std::size_t i = 0; i < hop_; ++i) {
        float real = 0;
        float imaginary = 0;
        for (std::size_t k = 0; k < kTaps; ++k) {
            const float sample = heard_[keep + i + kTaps - 1 - k];
            real += sample * taps_[k].real();
            imaginary += sample * taps_[k].imag();
        }
        band_[keep + i] = {real, imaginary};
    }
}

void ToneDetector::look() noexcept {
    const auto whole = std::span{heard_}.subspan(kTaps - 1, kHops * hop_);
    const auto window = whole.subspan(hop_);  // 15 ms: DTMF's rows are told apart, and a digit is found early
    const float energy = energy_of(window);
    if (energy < kSoftest * kSoftest * static_cast<float>(window.size())) {
        for (Evidence* evidence : {&digit_, &tone_, &data_}) evidence->start();
        hertz_before_ = 0;
        finding_ = {};
        return;
    }
    const float digit = digit_share(window, energy);
    finding_.digit = digit_.weigh(digit >= kDigitBegins, digit >= kDigitGoesOn, 2);
    const Steady tone = steady_tone(window, energy);
    const bool pure = tone.share >= tone_begins(tone.hertz);
    const bool as_before = std::abs(tone.hertz - hertz_before_) <= kSteady * hertz_before_;
    hertz_before_ = pure ? tone.hertz : 0;
    finding_.tone = tone_.weigh(pure && as_before, tone.share >= kToneGoesOn && tone.hertz <= kHighest, 2);
    const float data = data_share(energy_of(whole));
    finding_.data = data_.weigh(data >= kDataBegins, data >= kDataGoesOn, 4);
}

// How much of the energy is in one row and one column; 0 if no row or no column stands out.
float ToneDetector::digit_share(std::span<const float> window, float energy) const noexcept {
    std::array<float, 8> last{};
    std::array<float, 8> before{};
    for (const float sample : window)
        for (std::size_t i = 0; i < 8; ++i) {  // Goertzel, all eight at once
            const float now = sample + digit_cosines_[i] * last[i] - before[i];
            before[i] = last[i];
            last[i] = now;
        }
    std::array<float, 8> power{};
    for (std::size_t i = 0; i < 8; ++i)
        power[i] = last[i] * last[i] + before[i] * before[i] - digit_cosines_[i] * last[i] * before[i];
    const auto stands_out = [](std::span<const float, 4> four) {
        const float most = std::ranges::max(four);
        const auto rivals = std::ranges::count_if(four, [&](float one) { return one * kOneOfFour > most; });
        return rivals > 1 ? 0.0F : most;
    };
    const float row = stands_out(std::span{power}.first<4>());
    const float column = stands_out(std::span{power}.last<4>());
    if (std::min(row, column) < kTwist * std::max(row, column)) return 0;
    return 2.0F * (row + column) / (static_cast<float>(window.size()) * energy);
}

ToneDetector::Steady ToneDetector::steady_tone(std::span<const float> window, float energy) const noexcept {
    const std::size_t half = window.size() / 2;
    float hertz = rough_hertz(window, rate_);
    // How far the phase has turned from one half to the other says by how much that was wrong.
    const Complex first = component(window.first(half), hertz, rate_);
    const Complex second = component(window.last(half), hertz, rate_);
    const float expected = kTurn * hertz / static_cast<float>(rate_) * static_cast<float>(half);
    const float off = std::arg(second * std::conj(first) * std::polar(1.0F, -expected));
    hertz += off / kTurn * static_cast<float>(rate_) / static_cast<float>(half);
    const float power = std::norm(component(window, hertz, rate_));
    return {hertz, 2.0F * power / (static_cast<float>(window.size()) * energy)};
}

// Minimum shift keying squared consists of two lines, whatever the data; their amplitudes add up to all there is. Noise
// and speech have no such lines. 0 if much of the energy is elsewhere.
float ToneDetector::data_share(float energy) const noexcept {
    const auto band = std::span{band_}.first(kHops * hop_);
    float inside = 0;
    for (const Complex& sample : band) inside += std::norm(sample);
    if (2.0F * inside < 0.7F * energy) return 0;
    float lines = 0;
    for (const float hertz : kLines) {
        const Complex step = std::polar(1.0F, -kTurn * hertz / static_cast<float>(rate_));
        Complex phase{1, 0};
        Complex sum{};
        for (const Complex& sample : band) {
            sum += sample * sample * phase;
            phase *= step;
        }
        lines += std::abs(sum);
    }
    return lines / inside;
}

}  // namespace crosspatch::codec
