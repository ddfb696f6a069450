#include "crosspatch/media/echo.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

namespace crosspatch::media {
namespace {

using Frame = BandEnergies::Frame;
constexpr float kLeastSimilarity = 0.92F;
// So much less it must be at any other lag: 120 ms away or more, the length of a syllable.
constexpr float kDistinct = 0.12F;
constexpr std::int64_t kSyllable = 12;    // frames
constexpr float kRange = 30;              // dB below the loudest of a band; what is softer is noise
constexpr float kVoiceRange = 25;         // dB below the loudest of a piece
constexpr float kFaintest = 30;           // dB over one quantum: -60 dBov
constexpr std::int64_t kVoiceHang = 12;   // frames
constexpr std::int64_t kLeastVoice = 50;  // frames of it, in either piece
constexpr std::int64_t kLeastCover = 60;  // frames of the piece that somebody was heard in
constexpr float kLeastMovement = 1.5F;    // dB in 30 ms, in the mean and without the strongest frames
constexpr std::ptrdiff_t kStrongest = 10;
constexpr auto kPiece = static_cast<std::int64_t>(kEchoFrames);

std::int64_t frames_of(std::chrono::milliseconds time) {
    return time.count() * BandEnergies::kFramesPerSecond / 1000;
}

// How each band moves: softened over 30 ms, and what has come since 30 ms before. The i-th stands for the frame at
// i + kEchoLead.
std::vector<Frame> movement(std::span<const Frame> frames) {
    Frame loudest{};
    for (const Frame& frame : frames)
        for (std::size_t b = 0; b < frame.size(); ++b) loudest[b] = std::max(loudest[b], frame[b]);
    const auto level = [&](std::size_t at, std::size_t b) {
        return std::max(frames[std::min(at, frames.size() - 1)][b], loudest[b] - kRange);
    };
    const auto soft = [&](std::size_t at, std::size_t b) {
        return (level(at == 0 ? 0 : at - 1, b) + level(at, b) + level(at + 1, b)) / 3;
    };
    std::vector<Frame> moved(frames.size() > kEchoLead ? frames.size() - kEchoLead : 0);
    for (std::size_t i = 0; i < moved.size(); ++i)
        for (std::size_t b = 0; b < Frame{}.size(); ++b) moved[i][b] = soft(i + kEchoLead, b) - soft(i, b);
    return moved;
}

// How many frames somebody speaks in; between two sounds of speech it goes on.
std::int64_t voiced(std::span<const Frame> frames) {
    float loudest = 0;
    for (const Frame& frame : frames)
        loudest = std::max(loudest, *std::max_element(frame.begin(), frame.end()));
    const float least = std::max(kFaintest, loudest - kVoiceRange);
    std::int64_t count = 0;
    std::int64_t since = kVoiceHang;
    for (const Frame& frame : frames) {
        since = *std::max_element(frame.begin(), frame.end()) > least ? 0 : since + 1;
        count += since < kVoiceHang ? 1 : 0;
    }
    return count;
}

// The piece without its mean in each band, and what that leaves of its energy.
struct Piece {
    explicit Piece(std::span<const Frame> from) : frames{from.begin(), from.end()} {
        Frame mean{};
        for (const Frame& frame : frames)
            for (std::size_t b = 0; b < mean.size(); ++b)
                mean[b] += frame[b] / static_cast<float>(frames.size());
        for (Frame& frame : frames)
            for (std::size_t b = 0; b < mean.size(); ++b) {
                frame[b] -= mean[b];
                energy += frame[b] * frame[b];
            }
    }
    // A tone or a hum that begins moves once; a voice never stops.
    bool lives() const {
        std::vector<float> moved;
        for (const Frame& frame : frames) {
            float square = 0;
            for (const float band : frame) square += band * band;
            moved.push_back(square);
        }
        const auto strong = moved.begin() + kStrongest;
        std::partial_sort(moved.begin(), strong, moved.end(), std::greater<>{});
        const float rest = std::accumulate(strong, moved.end(), 0.0F);
        return rest > kLeastMovement * kLeastMovement * static_cast<float>(moved.size() - kStrongest) *
                          static_cast<float>(Frame{}.size());
    }
    std::vector<Frame> frames;
    float energy{1e-3F};
};

// Of the piece and what was heard from `from` on; outside of that nothing moved.
float similarity(const Piece& piece, std::span<const Frame> heard, std::int64_t from) {
    Frame sum{};
    float square = 1e-3F;
    float both = 0;
    const std::int64_t first = std::max<std::int64_t>(0, -from);
    const std::int64_t last = std::min(kPiece, static_cast<std::int64_t>(heard.size()) - from);
    for (std::int64_t i = first; i < last; ++i) {
        const Frame& was = heard[static_cast<std::size_t>(from + i)];
        const Frame& is = piece.frames[static_cast<std::size_t>(i)];
        for (std::size_t b = 0; b < was.size(); ++b) {
            sum[b] += was[b];
            square += was[b] * was[b];
            both += was[b] * is[b];
        }
    }
    for (const float band : sum) square -= band * band / static_cast<float>(kPiece);
    return both / std::sqrt(std::max(square, 1e-3F) * piece.energy);
}

}  // namespace

std::optional<Echo> find_echo(std::span<const Frame> heard, std::span<const Frame> said,
                              std::int64_t offset) {
    assert(said.size() == kEchoLead + kEchoFrames);
    if (heard.size() <= kEchoLead || voiced(said.subspan(kEchoLead)) < kLeastVoice) return std::nullopt;
    const std::vector<Frame> before = movement(heard);
    const auto length = static_cast<std::int64_t>(before.size());
    const Piece piece{movement(said)};
    if (!piece.lives()) return std::nullopt;
    const std::int64_t least = frames_of(kLeastLag);
    const std::int64_t most = frames_of(kMostLag);
    std::vector<float> at_lag(static_cast<std::size_t>(most + 1), -1.0F);
    for (std::int64_t lag = least; lag <= most; ++lag) {
        const std::int64_t from = offset - lag;
        const std::int64_t covered = std::min(from + kPiece, length) - std::max<std::int64_t>(from, 0);
        if (covered >= kLeastCover) at_lag[static_cast<std::size_t>(lag)] = similarity(piece, before, from);
    }
    const auto best = std::max_element(at_lag.begin(), at_lag.end());
    const std::int64_t lag = best - at_lag.begin();
    if (*best < kLeastSimilarity) return std::nullopt;
    for (std::int64_t other = least; other <= most; ++other)
        if (std::abs(other - lag) > kSyllable && at_lag[static_cast<std::size_t>(other)] > *best - kDistinct)
            return std::nullopt;
    const std::int64_t from = std::clamp<std::int64_t>(offset - lag, 0, length - 1);
    const std::int64_t until = std::min(offset - lag + kPiece, length);
    const auto there =
        heard.subspan(static_cast<std::size_t>(from) + kEchoLead, static_cast<std::size_t>(until - from));
    if (voiced(there) < kLeastVoice) return std::nullopt;
    return Echo{std::chrono::milliseconds{lag * 1000 / BandEnergies::kFramesPerSecond}, *best};
}

}  // namespace crosspatch::media
