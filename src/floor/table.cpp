#include "src/floor/table.hpp"

#include <cassert>
#include <tuple>

namespace crosspatch::floor {

void Table::grow(std::span<const Settings> channels, std::size_t participants, std::size_t stakes) {
    assert(channels.size() >= floors_.size() && participants >= members_.size());
    floors_.resize(channels.size());
    for (std::size_t index = 0; index < channels.size(); ++index) floors_[index].settings = channels[index];
    members_.resize(participants);
    most_ = std::max(most_, stakes);
    stakes_.reserve(most_);
}

// kNoStake if all are in use; `beyond`: room is made.
StakeIndex Table::take_free(bool beyond) {
    StakeIndex index = free_;
    if (index != kNoStake) {
        free_ = stakes_[index].next;
    } else {
        if (stakes_.size() >= most_ && !beyond) return kNoStake;
        index = static_cast<StakeIndex>(stakes_.size());
        stakes_.emplace_back();
    }
    ++used_;
    return index;
}

void Table::append(Participant who, StakeIndex index) {
    Member& m = member(who);
    stakes_[index].previous = m.last;
    (m.last == kNoStake ? m.first : stakes_[m.last].next) = index;
    m.last = index;
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
    const StakeIndex index = take_free(false);
    if (index == kNoStake) return kNoStake;
    stakes_[index] = Stake{.who = who,
                           .channel = target.channel,
                           .conversation = target.conversation,
                           .may_preempt = target.may_preempt};
    append(who, index);
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
    --used_;
}

void Table::take_press(Participant who, Table& from) {
    Member& theirs = from.member(who);
    Member& m = member(who) = theirs;
    m.first = m.last = kNoStake;
    for (StakeIndex at = theirs.first; at != kNoStake; at = from.stakes_[at].next) {
        const StakeIndex index = take_free(true);
        stakes_[index] = from.stakes_[at];
        stakes_[index].next = stakes_[index].behind = stakes_[index].ahead = kNoStake;
        append(who, index);
    }
}

void Table::forget(Participant who) {
    for (StakeIndex at = member(who).first; at != kNoStake;) {
        const StakeIndex next = stakes_[at].next;
        stakes_[at] = Stake{.next = free_};
        free_ = at;
        --used_;
        at = next;
    }
    member(who) = Member{};
}

void Table::take_line(ChannelIndex channel, const Table& from) {
    Floor& f = floor(channel);
    f.line = f.line_end = kNoStake;
    for (StakeIndex at = from.floor(channel).line; at != kNoStake; at = from.stakes_[at].behind) {
        const StakeIndex index = find(from.stakes_[at].who, channel);
        assert(index != kNoStake && "who waits there has come along");
        stakes_[index].ahead = f.line_end;
        (f.line_end == kNoStake ? f.line : stakes_[f.line_end].behind) = index;
        f.line_end = index;
    }
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
