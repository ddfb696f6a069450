#include "src/floor/machine.hpp"

#include <algorithm>
#include <cassert>

namespace crosspatch::floor {

void Arbiter::Machine::configure(const Layout& layout) {
    static constexpr std::size_t kMost = 262'144;
    const std::size_t every = std::min(kMost, layout.channels.size() * layout.participants);
    table_.grow(layout.channels, layout.participants,
                layout.stakes ? layout.stakes : std::max(every, layout.participants));
    people_.grow(layout.participants);
    channels_.grow(layout.channels.size());
    offers_.grow(layout.channels.size());
    changes_.grow(layout.channels.size());
    timers_ = layout.timers;
    if (last_press_ == 0) last_press_ = layout.number;
    press_step_ = layout.arbiters;
    announce_again_ = layout.announce_again;
}

void Arbiter::Machine::begin(core::Time now, Decisions& out) {
    settle(now, out, kCall + kStep);
    assert(out.room() >= kCall && "clear() the decisions of earlier calls first");
}

Decision Arbiter::Machine::about(Participant who, Decision::Kind kind) const {
    const Member& m = member(who);
    return {.kind = kind, .participant = who, .channel = m.own, .talkspurt = m.talkspurt};
}

}  // namespace crosspatch::floor
