#include <cassert>

#include "src/floor/machine.hpp"

// What people and routes read; the self-check; the fingerprint.
namespace crosspatch::floor {
using State = ParticipantState;
using std::chrono::milliseconds;

ChannelState Arbiter::Machine::state(ChannelIndex channel, core::Time now) const {
    const Floor& f = table_.floor(channel);
    if (f.holder == kNobody) return now < f.hang_end ? ChannelState::Hang : ChannelState::Idle;
    return member(f.holder).state == State::Revoking ? ChannelState::Revoking : ChannelState::Taken;
}

milliseconds Arbiter::Machine::remaining(ChannelIndex channel, core::Time now) const {
    const Floor& f = table_.floor(channel);
    if (f.holder != kNobody) return remaining_of(f.holder, now);
    return f.hang_end <= now ? milliseconds{0} : std::chrono::ceil<milliseconds>(f.hang_end - now);
}

milliseconds Arbiter::Machine::remaining_of(Participant talker, core::Time now) const {
    if (talker == kNobody) return milliseconds{0};
    const Member& m = member(talker);
    const core::Time until = m.state == State::Revoking ? m.stage_at
                             : m.heard                  ? m.limit_at
                                                        : now + m.max_talk;
    return until <= now ? milliseconds{0} : std::chrono::ceil<milliseconds>(until - now);
}

std::size_t Arbiter::Machine::queue(ChannelIndex channel, std::span<Waiting> into) const {
    std::size_t count = 0;
    for (StakeIndex at = table_.floor(channel).line; at != kNoStake; at = table_.stake(at).behind) {
        const Stake& s = table_.stake(at);
        if (!table_.is_own(s)) continue;
        const Member& m = member(s.who);
        if (count < into.size())
            into[count] = {s.who, static_cast<std::uint16_t>(count + 1), m.claim, m.since};
        ++count;
    }
    return count;
}

std::size_t Arbiter::Machine::channels_of(Participant who, bool held, std::span<ChannelIndex> into) const {
    std::size_t count = 0;
    for (StakeIndex at = member(who).first; at != kNoStake; at = table_.stake(at).next) {
        const Stake& s = table_.stake(at);
        if ((s.place == Stake::Place::Held) != held) continue;
        if (count < into.size()) into[count] = s.channel;
        ++count;
    }
    return count;
}

namespace {

class Fingerprint {
public:
    explicit Fingerprint(core::Time now) : now_{now} {}
    void add(std::uint64_t value) {
        value_ = (value_ ^ value) * 0x9e3779b97f4a7c15;
        value_ ^= value_ >> 29;
        value_ *= 0xbf58476d1ce4e5b9;
        value_ ^= value_ >> 32;
    }
    // Deadlines count from now; what is past is past.
    void add(core::Time when) {
        if (when == kNever) return add(std::uint64_t{1});
        add(when <= now_ ? std::uint64_t{2} : static_cast<std::uint64_t>((when - now_).count()) + 3);
    }
    void add(core::Duration length) { add(static_cast<std::uint64_t>(length.count())); }
    std::uint64_t value() const { return value_; }

private:
    core::Time now_;
    std::uint64_t value_{0x243f6a8885a308d3};
};

bool counts(const Member& m) { return m.first != kNoStake; }

void add_timers(Fingerprint& print, const Member& m, core::Time now) {
    print.add(m.due() == kNever ? kNever : m.lease_end);
    print.add(m.stage_at);
    print.add(m.patience_at);
    print.add(m.repeat_at);
    print.add(m.repeat_at == kNever ? 0u : m.told);
    print.add(now < m.cooldown_end ? m.cooldown_end : core::Time::min());
    print.add(now < m.cooldown_end ? static_cast<unsigned>(m.cooldown_level) : 0u);
    print.add(now < m.window_end ? m.window_end : core::Time::min());
    print.add(now < m.window_end ? m.window_count * 4u + static_cast<unsigned>(m.window_level) : 0u);
}

void add_press(Fingerprint& print, const Member& m) {
    if (m.state == State::Silent) return;
    print.add(m.lease);
    print.add(m.dtx_lease);
    if (m.state == State::Trailing) return;
    print.add(static_cast<std::uint64_t>(m.claim.level));
    if (m.state == State::Refused)
        return print.add(m.repeat_at == kNever ? 0u : static_cast<unsigned>(m.revoke_cause));
    print.add(
        (static_cast<std::uint64_t>(m.signal) << 24) | (static_cast<std::uint64_t>(m.claim.level) << 16) |
        (static_cast<std::uint64_t>(m.claim.priority) << 8) | static_cast<std::uint64_t>(m.revoke_cause));
    print.add(m.heard | m.wait << 1 | m.aged << 2 | m.warned << 3 | (m.from_queue && !m.heard) << 4);
    print.add(m.own);
    for (const core::Duration length : {m.max_talk, m.warn, m.grace, m.cooldown}) print.add(length);
    print.add(m.heard ? m.limit_at : kNever);
}

}  // namespace

std::uint64_t Arbiter::Machine::fingerprint(core::Time now) const {
    Fingerprint print{now};
    for (Participant who = 0; who < table_.participants(); ++who) {
        const Member& m = member(who);
        print.add(static_cast<std::uint64_t>(m.state) << 8 | static_cast<std::uint64_t>(m.standing));
        add_timers(print, m, now);
        add_press(print, m);
        std::uint64_t earlier = 0;  // who came first counts, not the number
        for (Participant other = 0; other < table_.participants() && counts(m); ++other)
            earlier += counts(member(other)) && member(other).talkspurt < m.talkspurt;
        print.add(earlier);
        for (StakeIndex at = m.first; at != kNoStake; at = table_.stake(at).next) {
            const Stake& s = table_.stake(at);
            print.add(static_cast<std::uint64_t>(s.channel) << 32 | s.conversation);
            print.add(static_cast<std::uint64_t>(s.place) << 3 | s.beside << 2 | s.may_preempt << 1 |
                      s.front);
        }
    }
    for (ChannelIndex channel = 0; channel < table_.channels(); ++channel) {
        const Floor& f = table_.floor(channel);
        print.add(f.holder);
        print.add(f.repeat_at);
        print.add(f.repeat_at == kNever ? 0u : f.told);
        print.add(f.offering | f.changed << 1);
        if (f.holder != kNobody || now >= f.hang_end) continue;
        print.add(f.hang_end);
        print.add(static_cast<std::uint64_t>(f.last_claim.level) << 8 | f.last_claim.priority);
        print.add(f.last_conversation);
        for (ChannelIndex other = 0; other < table_.channels(); ++other)
            print.add(static_cast<std::uint64_t>(table_.floor(other).last_talkspurt == f.last_talkspurt));
    }
    return print.value();
}

void Arbiter::Machine::check() const {
    std::size_t stakes = 0;
    std::vector<std::size_t> held(table_.channels()), waiting(table_.channels());
    for (Participant who = 0; who < table_.participants(); ++who) {
        const Member& m = member(who);
        assert(people_.when(who) <= m.due());
        assert((m.state == State::Silent) == (m.due() == kNever) || m.state == State::Queued);
        assert((m.first != kNoStake) == (m.has_floor() || m.state == State::Queued));
        for (StakeIndex at = m.first; at != kNoStake; at = table_.stake(at).next, ++stakes) {
            const Stake& s = table_.stake(at);
            assert(s.who == who);
            const bool has_it = s.place == Stake::Place::Held;
            const Floor& f = table_.floor(s.channel);
            assert(has_it == (f.holder == who || f.beside == who));
            assert(s.beside == (f.beside == who));
            assert(!has_it || m.has_floor());
            assert(at != m.first || (table_.is_own(s) && has_it == m.has_floor()));
            assert(m.state != State::Talking || s.place != Stake::Place::Parked);
            assert(m.state != State::Revoking || has_it);
            assert(m.state != State::Queued || has_it ||
                   (at == m.first || m.wait) == (s.place == Stake::Place::Waiting));
            held[s.channel] += has_it;
            waiting[s.channel] += s.place == Stake::Place::Waiting;
        }
    }
    assert(stakes == table_.used_stakes());
    for (ChannelIndex channel = 0; channel < table_.channels(); ++channel) {
        const Floor& f = table_.floor(channel);
        assert(held[channel] == (f.holder == kNobody ? 0u : 1u) + (f.beside == kNobody ? 0u : 1u));
        assert(f.beside == kNobody || (f.holder != kNobody && f.holder != f.beside));
        std::size_t length = 0, queued = 0;
        for (StakeIndex at = f.line; at != kNoStake; at = table_.stake(at).behind, ++length) {
            const Stake& s = table_.stake(at);
            assert(s.channel == channel && s.place == Stake::Place::Waiting);
            assert(s.behind == kNoStake ? f.line_end == at : table_.before(s, table_.stake(s.behind)));
            queued += table_.is_own(s);
        }
        assert(length == waiting[channel] && queued == f.queued);
    }
}

}  // namespace crosspatch::floor
