#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "crosspatch/bridge/topology.hpp"
#include "crosspatch/core/time.hpp"

namespace crosspatch::media {
class Outbox;
}

namespace crosspatch::bridge {

// Sends ready-made tones to single endpoints, a packet each ptime.
//
// Shape    at most 64 at once; a tone more is left out and counted by the caller.
// Thread   its worker only; no allocation.
class TonePlayer {
public:
    static constexpr std::size_t kMost = 64;

    TonePlayer() { playing_.reserve(kMost); }

    // In place of the tone that plays to it already: the newer one is what counts. It begins when the radio has been silent
    // for `silence`; 0: at once. False if too many play.
    bool start(std::uint32_t endpoint, media::Endpoint& to, std::shared_ptr<const Topology::Tones> tones,
               TalkerTone tone, std::chrono::milliseconds silence, core::Time now);
    void stop(std::uint32_t endpoint);
    // Goes on with what plays there, as far as there is room.
    void adopt(std::uint32_t endpoint, TonePlayer& from);
    bool plays(std::uint32_t endpoint) const;
    // The same, but false while it still waits for silence.
    bool sounds(std::uint32_t endpoint) const;

    // Sends what is due. Calls `begins(endpoint)` before the first packet of a tone that had to wait, and
    // `ended(endpoint)` for each tone that is over.
    template <typename Begins, typename Ended>
    void advance(core::Time now, media::Outbox& outbox, Begins&& begins, Ended&& ended) {
        for (std::size_t i = 0; i < playing_.size();) {
            if (is_due(playing_[i], now) && !std::exchange(playing_[i].sounds, true))
                begins(playing_[i].endpoint);
            if (!step(playing_[i], now, outbox)) {
                ++i;
                continue;
            }
            const std::uint32_t endpoint = playing_[i].endpoint;
            playing_.erase(playing_.begin() + static_cast<std::ptrdiff_t>(i));
            ended(endpoint);
        }
    }
    std::optional<core::Time> next_deadline() const;

private:
    struct Playing {
        std::uint32_t endpoint;
        media::Endpoint* to;
        std::shared_ptr<const Topology::Tones> tones;
        TalkerTone tone;
        std::size_t next;
        core::Time due;
        std::chrono::milliseconds silence;  // that it waits for; 0: at once
        std::uint32_t timestamp;
        bool sounds;

        const auto& packets() const { return (*tones)[static_cast<std::size_t>(tone)].packets; }
    };
    static bool is_due(Playing& playing, core::Time now);
    static bool step(Playing& playing, core::Time now, media::Outbox& outbox);
    std::vector<Playing> playing_;
};

}  // namespace crosspatch::bridge
