#pragma once
#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crosspatch/floor/cause.hpp"
#include "crosspatch/floor/request.hpp"

namespace crosspatch::floor {

// One thing that the arbiter decided and that the caller now does, tells or records.
//
// Order    as they are to be done: an old talker is cut off before a new one is granted; Taken and Idle
//          come last.
// Life     each press is answered once, by Granted, Queued or Denied. Queued is followed once by Granted,
//          Denied or Withdrawn; each Granted is followed once by Released.
struct Decision {
    enum class Kind : std::uint8_t {
        Granted,    // the talkspurt begins on all channels that the participant now holds; `left` = talk time
        Denied,     // `cause`; `left` = cool-down still to go, `by` = who talks, if that is why
        Queued,     // `position` 1 = next
        Withdrawn,  // left the queue by its own release or because it was removed
        Skipped,    // `channel` is busy: the talkspurt goes on without it
        Joined,     // `channel` has become free, or was added: late entry
        Left,       // `channel` is no longer part of the talkspurt, which goes on; `cause`
        Warned,     // `left` until the talk limit
        Revoked,    // `cause`; `left`: media still passes so long, 0: cut off now. `by`: who pre-empted
        Released,   // the talkspurt is over on all its channels; `cause`
        // Told again to explicit participants; drop them for others:
        RepeatGranted,  // also answers a second request of the holder; `left` = talk time to go
        RepeatRevoked,
        // About a channel, for its listeners (Floor Taken, Floor Idle); sent when who talks there has changed:
        Taken,        // `participant` talks on `channel`; `beside`: beside its holder
        Idle,         // nobody does; `beside`: nobody beside the holder any more
        RepeatTaken,  // the same again after 200 ms, three times
        RepeatIdle,
    };
    Kind kind{Kind::Idle};
    Cause cause{Cause::None};
    std::uint16_t position{};
    Participant participant{kNobody};
    ChannelIndex channel{kNoChannel};  // the own channel where nothing else is said
    Participant by{kNobody};
    std::chrono::milliseconds left{};
    std::uint64_t talkspurt{};  // number of the press, never used twice by one Arbiter
    bool beside{};  // Granted: on its own channel beside the holder, who is heard too (both_heard)
};

// What one call decided, in order.
//
// Shape    2,048 decisions, 100 kB: one per worker, kept. A call stops while there is still room for its
//          largest step; the rest follows from advance(), which next_deadline() then asks for at once.
//          So: call, act on what is decided, clear(), go on.
// Thread   its worker only; no allocation.
class Decisions {
public:
    static constexpr std::size_t kCapacity = 2048;

    const Decision* begin() const { return items_.data(); }
    const Decision* end() const { return items_.data() + size_; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::size_t room() const { return kCapacity - size_; }
    const Decision& operator[](std::size_t index) const {
        assert(index < size_);
        return items_[index];
    }
    void clear() { size_ = 0; }
    void add(const Decision& decision) {
        assert(size_ < kCapacity);
        items_[size_++] = decision;
    }

private:
    std::array<Decision, kCapacity> items_;
    std::size_t size_{};
};

}  // namespace crosspatch::floor
