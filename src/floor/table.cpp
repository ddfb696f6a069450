#include "src/floor/table.hpp"

#include <cassert>
#include <tuple>

namespace crosspatch::floor {

void Table::grow(std::span<const Settings> channels, std::size_t participants, std::size_t stakes) {
    assert(channels.size() >= floors_.size() && participants >= members_.size());
    floors_.resize(channels.size());
    for (std::size_t index = 0; index < channels.size(); ++index) floors_[index].settings = channels[index];
    members_.resize(participants);
    const std::size_t had = stakes_.size();
    if (stakes <= had) return;
    stakes_.resize(stakes);
    for (std::size_t index = stakes; index-- > had;) {
        stakes_[index].next = free_;
        free_ = static_cast<StakeIndex>(index);
        ++free_count_;
    }
}

Member& Table::member(Participant who) {
    assert(who < members_.size());
    return members_[who];
}
const Member& Table::member(Participant who) const {
    assert(who < members_.size());
    return members_[who];
}
Floor& Table::floor(ChannelIndex channel) {
    assert(channel < floors_.size());
    return floors_[channel];
}
const Floor& Table::floor(ChannelIndex channel) const {
    assert(channel < floors_.size());
    return floors_[channel];
}

StakeIndex Table::add(Participant who, const Target& target) {
    if (free_ == kNoStake) return kNoStake;
    const StakeIndex index = free_;
    free_ = stakes_[index].next;
    --free_count_;
    Member& m = member(who);
    stakes_[index] = Stake{.who = who,
                           .channel = target.channel,
                           .conversation = target.conversation,
                           .previous = m.last,
                           .may_preempt = target.may_preempt};
    (m.last == kNoStake ? m.first : stakes_[m.last].next) = index;
    m.last = index;
    return index;
}

void Table::drop(StakeIndex index) {
    Stake& s = stakes_[index];
    assert(s.who != kNobody && s.place != Stake::Place::Held);
    if (s.place == Stake::Place::Waiting) step_out(index);
    Member& m = member(s.who);
    (s.previous == kNoStake ? m.first : stakes_[s.previous].next) = s.next;
    (s.next == kNoStake ? m.last : stakes_[s.next].previous) = s.previous;
    s = Stake{.next = free_};
    free_ = index;
    ++free_count_;
}

StakeIndex Table::find(Participant who, ChannelIndex channel) const {
    StakeIndex index = member(who).first;
    while (index != kNoStake && stakes_[index].channel != channel) index = stakes_[index].next;
    return index;
}

bool Table::before(const Stake& a, const Stake& b) const {
    const Member& x = member(a.who);
    const Member& y = member(b.who);
    // Larger is better, but for the number of the press.
    const auto rank = [](const Stake& s, const Member& m) {
        return std::tuple{m.claim.level, s.front, m.aged, m.aged ? std::uint8_t{0} : m.claim.priority};
    };
    const auto mine = rank(a, x), theirs = rank(b, y);
    return mine != theirs ? mine > theirs : x.talkspurt < y.talkspurt;
}

void Table::line_up(StakeIndex index) {
    Stake& s = stakes_[index];
    assert(s.place == Stake::Place::Parked);
    Floor& f = floor(s.channel);
    StakeIndex ahead = f.line_end;
    while (ahead != kNoStake && before(s, stakes_[ahead])) ahead = stakes_[ahead].ahead;
    s.ahead = ahead;
    s.behind = ahead == kNoStake ? f.line : stakes_[ahead].behind;
    (ahead == kNoStake ? f.line : stakes_[ahead].behind) = index;
    (s.behind == kNoStake ? f.line_end : stakes_[s.behind].ahead) = index;
    s.place = Stake::Place::Waiting;
    if (is_own(s)) ++f.queued;
}

void Table::step_out(StakeIndex index) {
    Stake& s = stakes_[index];
    assert(s.place == Stake::Place::Waiting);
    Floor& f = floor(s.channel);
    (s.ahead == kNoStake ? f.line : stakes_[s.ahead].behind) = s.behind;
    (s.behind == kNoStake ? f.line_end : stakes_[s.behind].ahead) = s.ahead;
    s.ahead = s.behind = kNoStake;
    s.place = Stake::Place::Parked;
    if (is_own(s)) --f.queued;
}

std::uint16_t Table::position(StakeIndex index) const {
    std::uint16_t position = 1;
    for (StakeIndex at = stakes_[index].ahead; at != kNoStake; at = stakes_[at].ahead)
        if (is_own(stakes_[at])) ++position;
    return position;
}

}  // namespace crosspatch::floor
