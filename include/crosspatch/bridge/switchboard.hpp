#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "crosspatch/bridge/exchange.hpp"

namespace crosspatch::bridge {

// What concerns the exchanges of several workers: a new Topology, and channels that move from one to another.
//
// Shape    knows on which worker each channel lives.
// Thread   whichever, while all workers rest (media::Crew::at_rest). Allocates.
class Switchboard {
public:
    // A new Topology and what has to be let go of for it.
    struct Change {
        std::unique_ptr<Topology> topology;
        std::vector<std::uint32_t> gone;  // endpoints whose media object is replaced or removed
        std::vector<std::uint32_t> channels_removed;
        std::vector<std::uint32_t> bridges_removed;
        // By channel index, for channels that are new: theirs, and the worker that they are to live on. Those of
        // channels that are removed stand here afterwards, to be freed.
        std::vector<std::unique_ptr<media::Talkspurt>> talkspurts;
        // The same for channels on which two may be heard from now on; what is not needed is freed afterwards, too.
        std::vector<DualMedia> duals;
        std::vector<std::uint8_t> workers;
    };
    // Channels with all that talk and listen on them. No open bridge may lead from them to a channel that stays.
    struct Move {
        std::uint8_t from;
        std::uint8_t to;
        std::vector<std::uint32_t> channels;
    };

    explicit Switchboard(std::vector<Exchange*> exchanges);

    // Gives back the Topology that was in force; what only that one points to may be freed.
    std::unique_ptr<Topology> install(Change& change, core::Time now);
    // Talkspurts go on, with floors, queues and timers as they are. What the old worker has to send has been sent.
    void move(const Move& move, core::Time now);

    std::span<Exchange* const> exchanges() const { return exchanges_; }

private:
    static constexpr std::uint8_t kNobody = 0xFF;
    Exchange* exchange_of(std::uint32_t endpoint) const;

    std::vector<Exchange*> exchanges_;
    std::unique_ptr<Topology> topology_{std::make_unique<Topology>()};
    std::vector<std::uint8_t> workers_;  // by channel
};

}  // namespace crosspatch::bridge
