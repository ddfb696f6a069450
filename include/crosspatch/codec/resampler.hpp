#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace crosspatch::codec {

// Samples at one rate in, at another out.
//
// Shape    one pair of rates for life, about 10 kB: a pair's filter is made by the constructor, because a
// change of
//          rates would take memory.
// Units    16-bit samples, mono.
// Time     none.
// Errors   the constructor throws std::bad_alloc; nothing after.
// Thread   its worker only; no allocation, lock or log call after construction.
// Source   libspeexdsp, quality 4: 4 ms between 8 kHz and 16 or 48 kHz, 2 ms between 16 and 48 kHz.
class Resampler {
public:
    Resampler(std::uint32_t in_rate, std::uint32_t out_rate);

    // Forgets the samples before: the start of a talkspurt.
    void start() noexcept;
    // Requires that `out` holds output_samples(in.size()); gives how many it wrote, which is exactly that if
    // `in` is a whole number of milliseconds.
    std::size_t process(std::span<const std::int16_t> in, std::span<std::int16_t> out) noexcept;

    std::size_t output_samples(std::size_t input_samples) const noexcept;  // rounded up
    std::uint32_t in_rate() const noexcept { return in_rate_; }
    std::uint32_t out_rate() const noexcept { return out_rate_; }
    std::size_t delay_samples() const noexcept;  // at out_rate()

private:
    struct Free {
        void operator()(void* state) const noexcept;
    };
    std::unique_ptr<void, Free> state_;
    std::uint32_t in_rate_;
    std::uint32_t out_rate_;
};

}  // namespace crosspatch::codec
