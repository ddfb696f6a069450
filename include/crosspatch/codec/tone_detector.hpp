#pragma once
#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>

namespace crosspatch::codec {

// Tells signalling tones from speech: DTMF digits, the tones of selective calling (ZVEI, CCIR, EEA, EIA: any pure and
// steady tone of 570 to 2,950 Hz), and data of 1200 baud at 1200 and 1800 Hz (MDC1200, FleetSync, MPT 1327).
//
// Shape    the last 20 ms, looked at every 5 ms; more evidence is needed to begin than to go on.
// Units    samples on the scale of 16 bits, at 8 or 12 kHz, without what is below 300 Hz.
// Time     counted in samples; sure after 15 to 25 ms of what it has to find.
// Thread   any one; no allocation.
// Source   ITU-T Q.23 (DTMF); what makes data: the square of minimum shift keying consists of two lines.
class ToneDetector {
public:
    struct Finding {
        bool digit{};
        bool tone{};
        bool data{};
        bool any() const { return digit || tone || data; }
    };

    // Requires 8000 or 12000.
    void start(std::uint32_t rate) noexcept;
    // True when another 5 ms are full, and finding() is new.
    bool hear(float sample) noexcept;
    const Finding& finding() const noexcept { return finding_; }

private:
    using Complex = std::complex<float>;
    static constexpr std::size_t kHops = 4;      // of 5 ms, in the window
    static constexpr std::size_t kMostHop = 60;  // samples, at 12 kHz
    static constexpr std::size_t kTaps = 17;

    // Of one kind: how many looks in a row have found it.
    class Evidence {
    public:
        void start() { *this = {}; }
        bool weigh(bool begins, bool goes_on, unsigned needed) noexcept;

    private:
        unsigned looks_{};
        unsigned missed_{};
        bool sure_{};
    };
    struct Steady {  // the one tone that the window would be, if it is one
        float hertz{};
        float share{};  // of the window's energy
    };

    void filter_newest() noexcept;
    void look() noexcept;
    float digit_share(std::span<const float> window, float energy) const noexcept;
    Steady steady_tone(std::span<const float> window, float energy) const noexcept;
    float data_share(float energy) const noexcept;

    std::array<float, kTaps - 1 + kMostHop * kHops> heard_{};  // the newest last
    std::array<Complex, kMostHop * kHops> band_{};             // around 1500 Hz, positive frequencies only
    std::array<Complex, kTaps> taps_{};
    std::array<float, 8> digit_cosines_{};  // the rows', then the columns'
    std::size_t hop_{};                     // samples
    std::size_t filled_{};                  // of the newest hop
    std::uint32_t rate_{};
    float hertz_before_{};
    Evidence digit_;
    Evidence tone_;
    Evidence data_;
    Finding finding_{};
};

}  // namespace crosspatch::codec
