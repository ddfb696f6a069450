#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crosspatch/codec/steep_filter.hpp"
#include "crosspatch/codec/tone_detector.hpp"

namespace crosspatch::codec {

// Takes signalling tones out of speech, for `effects: {strip_tones: true}`: what is below 300 Hz (CTCSS, DCS) is
// filtered away, and while a DTMF digit, a tone of selective calling or a burst of data sounds there is silence.
//
// Shape    a high-pass, 15 ms of delay, and a ToneDetector that hears what is not out yet; 5 kB. One for each stream,
//          started anew for each talkspurt.
// Units    16-bit samples at 8, 12, 16, 24 or 48 kHz.
// Time     counted in samples. Output is 15 ms behind input, plus what the filter delays: 1 ms at 1 kHz.
// Errors   none. What leaks: at most 12 ms of a DTMF digit, the first tone of a selective call, 35 ms of a burst of
//          data, which is within its preamble. What is muted by mistake: src/codec/README.md.
// Thread   its worker only; no allocation, lock or log call.
class ToneStripper {
public:
    static constexpr std::chrono::milliseconds kDelay{15};

    ToneStripper() { start(8000); }

    // Requires one of the rates above.
    void start(std::uint32_t rate) noexcept;
    // In place: as many samples as come in go out.
    void process(std::span<std::int16_t> samples) noexcept;

    std::size_t delay_samples() const noexcept { return delay_; }
    // Since start(): how many samples were muted at least in part.
    std::uint64_t muted_samples() const noexcept { return muted_; }

private:
    std::int16_t through_delay(double sample) noexcept;
    void listen(double sample) noexcept;

    HighPass sub_audible_;
    LowPass anti_alias_;
    ToneDetector detector_;
    std::array<std::int16_t, 48 * kDelay.count()> line_{};
    std::size_t delay_{};
    std::size_t at_{};       // in line_
    unsigned every_{1};      // the detector hears each sample so numbered
    unsigned until_next_{};  // ... counted down
    std::size_t hold_{};     // samples for which it stays muted without further reason
    std::size_t hold_full_{};
    double gain_{1};
    double step_{};  // a sample's change of gain while it fades
    std::uint64_t muted_{};
};

}  // namespace crosspatch::codec
