#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "crosspatch/media/band_energies.hpp"

// Is what somebody says what was said before? Pure: energies in, an answer out.
//
// Compared is how the energy of each band moves within 30 ms, which codecs, gain controls and radios leave as it is, and
// which two voices have in common for a syllable at most. README.md has what was measured.
namespace crosspatch::media {

struct Echo {
    std::chrono::milliseconds lag;
    float similarity;  // 0 to 1
};

// Of two talkspurts, by their numbers and the endpoints that they came in at.
struct FoundEcho {
    std::uint64_t talkspurt;  // what came back
    std::uint32_t endpoint;   // and where
    std::uint64_t original;   // what it is a copy of
    std::uint32_t original_endpoint;
    std::uint32_t channel;  // that both are heard on
    Echo echo;
};

inline constexpr std::chrono::milliseconds kLeastLag{50};
inline constexpr std::chrono::milliseconds kMostLag{3000};
// The piece that is compared, and the frames before it that its movement needs.
inline constexpr std::size_t kEchoFrames = 80;
inline constexpr std::size_t kEchoLead = 3;

// Whether `said`, of kEchoLead + kEchoFrames frames, is in `heard`, kLeastLag to kMostLag before: said[0] is `offset`
// frames later than heard[0]. Nothing without half a second of voice in both, nor where it fits at several lags: what
// repeats itself (a siren, a beeper) says nothing about where it comes from.
std::optional<Echo> find_echo(std::span<const BandEnergies::Frame> heard,
                              std::span<const BandEnergies::Frame> said, std::int64_t offset);

}  // namespace crosspatch::media
