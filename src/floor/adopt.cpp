#include <algorithm>
#include <cassert>
#include <utility>

#include "src/floor/machine.hpp"

// Channels and people come over from another arbiter.
namespace crosspatch::floor {

void Arbiter::Machine::adopt(Machine& from, std::span<const ChannelIndex> channels,
                             std::span<const Participant> people) {
    assert(offers_.empty() && changes_.empty() && from.offers_.empty() && from.changes_.empty());
    for (const Participant who : people) {
        table_.take_press(who, from.table_);
        people_.set(who, from.people_.when(who));
    }
    for (const ChannelIndex channel : channels) {
        Floor& f = table_.floor(channel) = from.table_.floor(channel);
        f.mark = 0;  // of the other table's passes
        assert((f.holder == kNobody || table_.find(f.holder, channel) != kNoStake) &&
               "the holder has come along");
        assert((f.beside == kNobody || table_.find(f.beside, channel) != kNoStake) &&
               "and who talks beside him");
        table_.take_line(channel, from.table_);
        channels_.set(channel, from.channels_.when(channel));
    }
    for (const ChannelIndex channel : channels) {
        from.channels_.set(channel, kNever);
        from.table_.floor(channel) = Floor{.settings = from.table_.floor(channel).settings};
    }
    for (const Participant who : people) {
        from.people_.set(who, kNever);
        from.table_.forget(who);
    }
    // A press to come is younger than those that came over.
    if (from.last_press_ > last_press_)
        last_press_ += (from.last_press_ - last_press_ + press_step_ - 1) / press_step_ * press_step_;
}

}  // namespace crosspatch::floor
