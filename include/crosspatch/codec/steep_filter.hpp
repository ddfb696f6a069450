#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace crosspatch::codec {

// Steep filters of one kind: Chebyshev of order 8 with 0.3 dB of ripple.
//
// Shape    four sections of second order. In doubles: near 0 Hz at 48 kHz a float's rounding would be heard.
// Units    samples of any scale; `edge_hertz` is where the ripple ends.
// Time     counted in samples; HighPass at 330 Hz delays 1 kHz by 1 ms and its edge by 9 ms.
// Thread   any one; no allocation.
// Source   bilinear transform of the analogue prototype.
class Chebyshev {
public:
    double pass(double sample) noexcept {
        for (Section& section : sections_) sample = section.pass(sample);
        return sample;
    }

protected:
    enum class Kind { High, Low };
    void start(Kind kind, double edge_hertz, std::uint32_t rate) noexcept;

private:
    struct Section {  // transposed direct form II
        double b0, b1, b2, a1, a2;
        double z1, z2;
        double pass(double in) noexcept {
            const double out = b0 * in + z1;
            z1 = b1 * in - a1 * out + z2;
            z2 = b2 * in - a2 * out;
            return out;
        }
    };
    std::array<Section, 4> sections_{};
};

// 36 dB down at 0.77 of its edge and more below.
class HighPass : public Chebyshev {
public:
    void start(double edge_hertz, std::uint32_t rate) noexcept {
        Chebyshev::start(Kind::High, edge_hertz, rate);
    }
};

// 36 dB down at 1.3 times its edge and more above.
class LowPass : public Chebyshev {
public:
    void start(double edge_hertz, std::uint32_t rate) noexcept {
        Chebyshev::start(Kind::Low, edge_hertz, rate);
    }
};

}  // namespace crosspatch::codec
