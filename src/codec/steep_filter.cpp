#include "crosspatch/codec/steep_filter.hpp"

#include <cmath>
#include <complex>
#include <numbers>

namespace crosspatch::codec {
namespace {

constexpr double kRipple_db = 0.3;

}  // namespace

void Chebyshev::start(Kind kind, double edge_hertz, std::uint32_t rate) noexcept {
    using Complex = std::complex<double>;
    using std::numbers::pi;
    const double order = 2.0 * static_cast<double>(sections_.size());
    const double epsilon = std::sqrt(std::pow(10.0, kRipple_db / 10.0) - 1.0);
    const double spread = std::asinh(1.0 / epsilon) / order;
    const double edge = std::tan(pi * edge_hertz / rate);  // where the bilinear transform puts it
    const double sign = kind == Kind::High ? -1.0 : 1.0;
    for (std::size_t i = 0; i < sections_.size(); ++i) {
        const double angle = pi * (2.0 * static_cast<double>(i) + 1.0) / (2.0 * order);
        const Complex unit{-std::sinh(spread) * std::sin(angle), std::cosh(spread) * std::cos(angle)};
        const Complex analogue = kind == Kind::High ? edge / unit : edge * unit;
        const Complex pole = (1.0 + analogue) / (1.0 - analogue);
        const double a1 = -2.0 * pole.real();
        const double a2 = std::norm(pole);
        // 1 in the middle of what passes: at half the rate, or at 0 Hz.
        const double gain = (1.0 + sign * a1 + a2) / 4.0;
        sections_[i] = {gain, sign * 2.0 * gain, gain, a1, a2, 0, 0};
    }
}

}  // namespace crosspatch::codec
