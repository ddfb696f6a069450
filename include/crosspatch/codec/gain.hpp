#pragma once
#include <cstdint>
#include <span>

namespace crosspatch::codec {

// A fixed change of level.
//
// Shape    a value; 0 dB costs nothing.
// Units    decibels; samples saturate, they never wrap.
// Thread   any.
class Gain {
public:
    Gain() = default;
    explicit Gain(double decibels);
    void apply(std::span<std::int16_t> samples) const noexcept;
    bool unity() const noexcept { return factor_ == 1.0F; }

private:
    float factor_{1.0F};
};

inline constexpr double kSilence_dbov = -127.0;

// The level of the samples: 0 dBov is a full-scale square wave, a full-scale sine is -3; never below
// kSilence_dbov, which is also the level of nothing at all. RFC 6464 sends it negated and rounded.
double level_dbov(std::span<const std::int16_t> samples) noexcept;

}  // namespace crosspatch::codec
