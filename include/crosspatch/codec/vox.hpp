#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <span>

namespace crosspatch::codec {

// Tells speech from the noise before it, for `ptt: vox`.
//
// Shape    the noise floor is the lowest level of the last 3 s, so that it follows an engine that starts, and
// a talker's
//          own pauses keep it down while he talks. What stands out by `snr_db` for `attack` is speech, until
//          nothing has stood out by half of that for `hang`. The first 200 ms of a stream only teach it the
//          noise.
// Units    frames of 10 to 20 ms of 16-bit samples.
// Time     counted in samples; no clock.
// Thread   any one; pure: what it says depends on the samples it was given, nothing else.
class Vox {
public:
    struct Settings {
        double threshold_dbov{-50.0};  // what is softer is never speech
        double snr_db{9.0};
        std::chrono::milliseconds attack{30};
        std::chrono::milliseconds hang{300};
    };
    enum class Decision { Silent, Begins, Speaks, Ends };

    Vox() : Vox{Settings{}} {}
    explicit Vox(Settings settings);

    void start() noexcept;
    // Requires 10 to 60 ms of samples. Begins and Ends are said once each.
    Decision hear(std::span<const std::int16_t> frame, std::uint32_t rate) noexcept;

    bool speaking() const noexcept { return speaking_; }
    double noise_dbov() const noexcept;

private:
    void follow_noise(double level, std::chrono::microseconds length) noexcept;
    double speech_level_dbov(std::span<const std::int16_t> frame, std::uint32_t rate) noexcept;

    struct HighPass {
        float in;
        float out;
    };
    static constexpr std::size_t kBlocks = 12;  // of 250 ms
    Settings settings_;
    std::array<double, kBlocks> minima_{};
    std::size_t block_{};
    std::chrono::microseconds in_block_{};
    std::chrono::microseconds heard_{};
    std::chrono::microseconds loud_{};   // in a row
    std::chrono::microseconds quiet_{};  // in a row
    std::array<HighPass, 2> high_pass_{};
    bool speaking_{};
};

}  // namespace crosspatch::codec
