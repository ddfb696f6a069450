#pragma once
#include <chrono>
#include <cstdint>
#include <vector>

// Tones, rendered ahead of time: whoever plays them on the packet path only copies samples.
namespace crosspatch::codec {

struct Tone {
    double hertz{425.0};
    double level_dbov{-18.0};
    std::chrono::milliseconds on{200};
    std::chrono::milliseconds off{200};  // 0: one unbroken tone
    unsigned bursts{3};
};

// 425 Hz, 200 ms on and off, three times: "you have not got the floor".
inline constexpr Tone kDenyTone{};

// The tone at `rate`, each burst with soft edges of 5 ms; ends with the last burst, without the pause after
// it.
std::vector<std::int16_t> render(const Tone& tone, std::uint32_t rate);

// A plain sine from phase 0, without edges.
std::vector<std::int16_t> sine(double hertz, double level_dbov, std::chrono::milliseconds length,
                               std::uint32_t rate);

}  // namespace crosspatch::codec
