#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace crosspatch::codec {

// Hides losses in the output of decoders that cannot do it themselves: goes on with the last pitch period,
// fading.
//
// Shape    30 ms of history and one period of at most 15 ms at the highest rate, taken by the constructor.
// Units    samples at the rate of start().
// Time     full level for 10 ms, then linearly down to silence at 60 ms; the first 4 ms after a loss are a
// cross-fade.
//          No delay is added.
// Errors   none.
// Thread   its decoder's.
// Source   after the idea of ITU-T G.711 Appendix I, without its 3.75 ms of delay.
class Concealer {
public:
    explicit Concealer(std::uint32_t highest_rate);

    void start(std::uint32_t rate) noexcept;
    // Takes note of decoded samples; after a loss, blends their beginning with what was made up.
    void heard(std::span<std::int16_t> samples) noexcept;
    void conceal(std::span<std::int16_t> out) noexcept;
    std::size_t memory() const noexcept;

private:
    std::size_t samples_in(std::size_t microseconds) const noexcept {
        return microseconds * rate_ / 1'000'000;
    }
    std::span<const std::int16_t> history() const noexcept { return {history_.data(), samples_in(30'000)}; }
    std::size_t pitch_lag() const noexcept;
    void take_period() noexcept;
    std::int16_t next_made_up() noexcept;
    void remember(std::span<const std::int16_t> samples) noexcept;

    std::vector<std::int16_t> history_;  // the last 30 ms, oldest first
    std::vector<std::int16_t> period_;   // what is repeated
    std::uint32_t rate_;
    std::size_t lag_{};        // samples of period_ in use
    std::size_t position_{};   // in period_
    std::size_t concealed_{};  // samples made up since the last one heard
};

}  // namespace crosspatch::codec
