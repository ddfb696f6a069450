#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace crosspatch::media {

// A short sound that is mixed over the beginning of a crossing, ready at every rate that a group may work at.
//
// Shape    rendered ahead; some 50 kB.
// Thread   immutable: any. Lives as long as the daemon: talkspurts that play it outlive configurations.
struct Mark {
    static constexpr std::array<std::uint32_t, 5> kRates{8000, 12000, 16000, 24000, 48000};
    std::array<std::vector<std::int16_t>, kRates.size()> samples;  // by rate

    std::span<const std::int16_t> at(std::uint32_t rate) const {
        for (std::size_t i = 0; i < kRates.size(); ++i)
            if (kRates[i] == rate) return samples[i];
        return {};
    }
};

}  // namespace crosspatch::media
