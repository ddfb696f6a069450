#pragma once
#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "crosspatch/floor/arbiter.hpp"

namespace crosspatch::floor::tests {
using namespace std::chrono_literals;

// Watches an Arbiter from outside: knows what was asked and what was decided, nothing of the inside, and
// throws at the first thing that must not be.
//
// It keeps its own book of who holds what, from the decisions in their order, and of each press, from its
// requests.
class Referee {
public:
    struct Press {
        enum class State { None, Queued, Talking, Revoking } state{State::None};
        Request request;
        std::vector<Target> far;
        core::Time asked, granted, last_media, first_media, grace_end;
        bool heard{}, dtx{}, from_queue{};
        // Refused without floor messages: until silent, released, or of a higher class.
        bool refused{};
        Class refused_level{};
        core::Time refused_until;
        core::Time cooldown_end;
        Class cooldown_level{};
    };

    Referee(std::span<const Settings> settings, std::size_t participants, const Timers& timers)
        : settings_{settings.begin(), settings.end()},
          presses_(participants),
          floors_(settings.size()),
          timers_{timers} {}

    static void require(bool good, const char* what) {
        if (!good) throw std::runtime_error{what};
    }
    const Press& press(Participant who) const { return presses_[who]; }

    // What must come of a request, said before it is made; `certain` is set where the rules leave no choice.
    bool must_be_granted(const Request& r, core::Time now) const {
        const Press& p = presses_[r.participant];
        const bool talks = p.state == Press::State::Talking || p.state == Press::State::Revoking;
        if (talks || (p.refused && now < p.refused_until && r.claim.level <= p.refused_level)) return false;
        if (now < p.cooldown_end && r.claim.level <= p.cooldown_level) return false;
        const Floor& floor = floors_[r.own.channel];
        if (r.when_busy == WhenBusy::Wait && r.signal == Signal::Explicit) return false;
        if (floor.holder == kNobody) return true;
        return r.claim.level == Class::Emergency && r.own.may_preempt && is_above(r.claim, floor);
    }

    void request(const Request& r, Answer answer, bool must_grant, core::Time now, const Decisions& out) {
        require(!must_grant || answer == Answer::Granted, "a press that had to be granted was not");
        Press& p = presses_[r.participant];
        const bool was_refused = p.refused && r.signal != Signal::Explicit && now < p.refused_until;
        const bool same_press = was_refused && r.claim.level <= p.refused_level;
        require(same_press == (answer == Answer::Ignored), "only the same refused press is ignored");
        const bool again = p.state == Press::State::Talking && p.request.own.channel == r.own.channel;
        if (answer == Answer::Ignored) {
            require(count_answers(r.participant, out) == 0, "an ignored request was answered");
            return read(out, now, kNobody);
        }
        require(count_answers(r.participant, out) == 1, "a request was not answered exactly once");
        const bool in_grace = p.state == Press::State::Revoking && r.claim.level <= p.request.claim.level;
        if (!again && !in_grace) {
            const bool kept = p.state == Press::State::Queued && p.request.own.channel == r.own.channel;
            pending_ = r;
            pending_far_.assign(r.far.begin(), r.far.end());
            has_pending_ = true;
            if (!kept)
                pending_asked_ = now;
            else
                pending_asked_ = p.asked;
        } else if (again && r.claim > p.request.claim) {
            p.request.claim = r.claim;
        }
        read(out, now, r.participant);
        has_pending_ = false;
    }

    void release(Participant who, core::Time now, const Decisions& out) {
        Press& p = presses_[who];
        read(out, now, kNobody);
        p.refused = false;
        require(p.state == Press::State::None, "a release did not end the press");
    }

    void media(Participant who, Verdict verdict, bool dtx, core::Time now) {
        Press& p = presses_[who];
        const bool talks =
            p.state == Press::State::Talking || (p.state == Press::State::Revoking && now < p.grace_end);
        require(talks == (verdict == Verdict::Pass), "media passes for who holds the floor, and only then");
        if (verdict == Verdict::Pass) {
            if (!p.heard) p.first_media = now;
            p.heard = true;
            p.last_media = now;
            p.dtx = dtx;
        }
        if (p.refused) {
            require(verdict != Verdict::NeedsRequest || now >= p.refused_until,
                    "a refused press was asked for in mid-word");
            if (now >= p.refused_until)
                p.refused = false;
            else
                p.refused_until = now + (dtx ? 1000ms : 600ms);
        }
    }

    void timers(core::Time now, const Decisions& out) { read(out, now, kNobody); }
    void other(core::Time now, const Decisions& out) { read(out, now, kNobody); }
    void far_is(Participant who, std::vector<Target> far) { presses_[who].far = std::move(far); }

    // What holds between calls, at most 20 ms after everything that was due.
    void check(const Arbiter& arbiter, core::Time now) const {
        for (ChannelIndex channel = 0; channel < floors_.size(); ++channel) {
            require(arbiter.holder(channel).value_or(kNobody) == floors_[channel].holder,
                    "the books differ about a holder");
            require(arbiter.beside(channel).value_or(kNobody) == floors_[channel].beside,
                    "the books differ about who talks beside a holder");
        }
        for (Participant who = 0; who < presses_.size(); ++who) {
            const Press& p = presses_[who];
            const auto state = arbiter.participant_state(who);
            require((state == ParticipantState::Talking) == (p.state == Press::State::Talking),
                    "talking differs");
            require((state == ParticipantState::Revoking) == (p.state == Press::State::Revoking),
                    "revoking differs");
            require((state == ParticipantState::Queued) == (p.state == Press::State::Queued),
                    "queued differs");
            if (p.state == Press::State::Revoking) require(now <= p.grace_end + 20ms, "a grace does not end");
            if (p.state != Press::State::Talking) continue;
            const auto& s = settings_[p.request.own.channel];
            const auto lease = p.from_queue && !p.heard ? timers_.unanswered
                               : p.heard && p.dtx       ? s.dtx_lease
                                                        : s.lease;
            require(now <= (p.heard ? p.last_media : p.granted) + lease + 20ms,
                    "a silent holder keeps the floor");
            require(!p.heard || now <= p.first_media + s.max_talk + 20ms,
                    "a talker goes on beyond its limit");
        }
    }
    // After everything has been quiet for long enough.
    void check_quiet(const Arbiter& arbiter) const {
        for (const Floor& floor : floors_) require(floor.holder == kNobody, "a floor is never freed");
        for (Participant who = 0; who < presses_.size(); ++who)
            require(arbiter.participant_state(who) == ParticipantState::Silent, "a state without exit");
        require(!arbiter.next_deadline(), "a timer runs for nothing");
    }

private:
    using Kind = Decision::Kind;

    static int count_answers(Participant who, const Decisions& out) {
        int count = 0;
        bool queued = false;
        for (const Decision& d : out) {
            if (d.participant != who) continue;
            const bool answers = d.kind == Kind::Granted || d.kind == Kind::Denied ||
                                 d.kind == Kind::Queued || d.kind == Kind::RepeatGranted;
            // A place in the queue may come up in the same call.
            if (answers && !(queued && d.kind == Kind::Granted)) ++count;
            queued = queued || d.kind == Kind::Queued;
        }
        return count;
    }

    void read(const Decisions& out, core::Time now, Participant asking) {
        for (std::size_t i = 0; i < out.size(); ++i) read(out, i, now, asking);
    }
    void read(const Decisions& out, std::size_t i, core::Time now, Participant asking) {
        const Decision& d = out[i];
        switch (d.kind) {
            case Kind::Granted:
                return on_granted(out, i, now, asking);
            case Kind::Denied:
                return on_denied(d, now);
            case Kind::Queued:
                return on_queued(d);
            case Kind::Withdrawn: {
                require(presses_[d.participant].state == Press::State::Queued,
                        "withdrawn without having waited");
                presses_[d.participant].state = Press::State::None;
                return;
            }
            case Kind::Skipped:
                return require(!has(d.participant, d.channel), "skips what it holds");
            case Kind::Joined: {
                require(presses_[d.participant].state == Press::State::Talking, "joins without talking");
                return take(d.participant, d.channel);
            }
            case Kind::Left: {
                require(has(d.participant, d.channel), "leaves what it does not hold");
                require(d.by == kNobody || has_pending_ ||
                            presses_[d.by].request.claim > presses_[d.participant].request.claim,
                        "gave a channel up to no higher claim");
                return let_go(d.participant, d.channel);
            }
            case Kind::Warned:
                return require(presses_[d.participant].state == Press::State::Talking,
                               "warned without talking");
            case Kind::Revoked:
                return on_revoked(d, now);
            case Kind::Released:
                return on_released(d, now);
            case Kind::RepeatGranted:
                return require(presses_[d.participant].state == Press::State::Talking,
                               "granted again without talking");
            case Kind::Taken:
                return require(
                    d.participant == (d.beside ? floors_[d.channel].beside : floors_[d.channel].holder),
                    "announced who does not hold it");
            case Kind::Idle:
                return require((d.beside ? floors_[d.channel].beside : floors_[d.channel].holder) == kNobody,
                               "announced idle, but it is held");
            case Kind::RepeatRevoked:
            case Kind::RepeatTaken:
            case Kind::RepeatIdle:
                return;
        }
    }

    // Who has a channel: one holder, and with `both_heard` one whose claim is above his beside him.
    struct Floor {
        Participant holder{kNobody}, beside{kNobody};
    };
    bool has(Participant who, ChannelIndex channel) const {
        return floors_[channel].holder == who || floors_[channel].beside == who;
    }
    bool is_above(const Claim& claim, const Floor& floor) const {
        return claim > presses_[floor.holder].request.claim &&
               (floor.beside == kNobody || claim > presses_[floor.beside].request.claim);
    }
    void take(Participant who, ChannelIndex channel) {
        Floor& floor = floors_[channel];
        if (floor.holder == kNobody) {
            floor.holder = who;
            return;
        }
        require(settings_[channel].both_heard && floor.beside == kNobody, "two holders on one channel");
        require(is_above(presses_[who].request.claim, floor), "beside a holder without a higher claim");
        floor.beside = who;
    }
    void let_go(Participant who, ChannelIndex channel) {
        Floor& floor = floors_[channel];
        if (floor.holder == who) floor.holder = floor.beside;
        if (floor.holder == floor.beside || floor.beside == who) floor.beside = kNobody;
    }
    // A request's own press becomes current with its first answer.
    void adopt(Participant who) {
        if (!has_pending_ || pending_.participant != who) return;
        Press& p = presses_[who];
        p.request = pending_;
        p.far = pending_far_;
        p.asked = pending_asked_;
        has_pending_ = false;
    }

    void on_granted(const Decisions& out, std::size_t i, core::Time now, Participant asking) {
        const Participant who = out[i].participant;
        const bool was_asking = has_pending_ && who == pending_.participant;
        adopt(who);
        Press& p = presses_[who];
        require(p.state == Press::State::None || p.state == Press::State::Queued, "granted twice");
        const bool from_queue = p.state == Press::State::Queued && !was_asking;
        require(from_queue || who == asking, "granted without having asked");
        require(p.request.signal == Signal::Explicit || who == asking, "granted in mid-word");
        if (from_queue) check_order(who, now);
        take(who, p.request.own.channel);
        for (const Target& target : p.far) {
            bool skipped = target.channel == p.request.own.channel || has(who, target.channel);
            for (std::size_t j = i + 1; j < out.size() && out[j].kind == Kind::Skipped; ++j)
                skipped = skipped || (out[j].participant == who && out[j].channel == target.channel);
            if (!skipped) take(who, target.channel);
        }
        p.state = Press::State::Talking;
        p.granted = now;
        p.from_queue = from_queue;
        p.heard = p.request.signal != Signal::Explicit;
        p.dtx = false;
        p.first_media = p.last_media = now;
        p.refused = false;
    }
    // Nobody who waits only for this channel, and is better by what can be seen from outside, is passed over.
    void check_order(Participant who, core::Time now) const {
        const Press& p = presses_[who];
        if (p.request.when_busy == WhenBusy::Wait || p.request.own.may_preempt)
            return;  // may come by another way
        for (Participant other = 0; other < presses_.size(); ++other) {
            const Press& q = presses_[other];
            if (other == who || q.state != Press::State::Queued ||
                q.request.own.channel != p.request.own.channel)
                continue;
            if (q.request.when_busy != WhenBusy::Wait)
                require(!is_better(q, p, now), "the queue was not in order");
        }
    }
    bool is_better(const Press& q, const Press& p, core::Time now) const {
        const Claim mine = p.request.claim, theirs = q.request.claim;
        if (theirs.level != mine.level) return theirs.level > mine.level;
        const auto has_aged = [&](const Press& press) { return now >= press.asked + timers_.ageing; };
        const auto may_have = [&](const Press& press) {
            return has_aged(press) && now < press.asked + timers_.ageing + 200ms;
        };
        if (may_have(p) || may_have(q)) return false;  // the timer may be late
        if (has_aged(q) != has_aged(p)) return has_aged(q);
        if (!has_aged(q) && theirs.priority != mine.priority) return theirs.priority > mine.priority;
        return q.asked < p.asked;
    }

    void on_denied(const Decision& d, core::Time now) {
        adopt(d.participant);
        Press& p = presses_[d.participant];
        if (p.state == Press::State::Revoking) return;  // asked again in its grace
        require(p.state != Press::State::Talking, "denied while it talks");
        p.state = Press::State::None;
        p.refused = p.request.signal != Signal::Explicit;
        p.refused_level = p.request.claim.level;
        p.refused_until = now + 600ms;
    }
    void on_queued(const Decision& d) {
        adopt(d.participant);
        Press& p = presses_[d.participant];
        require(p.request.signal == Signal::Explicit, "queued without floor messages");
        require(p.state == Press::State::None || p.state == Press::State::Queued, "queued while it talks");
        require(d.position >= 1, "queued nowhere");
        p.state = Press::State::Queued;
        p.refused = false;
    }
    void on_revoked(const Decision& d, core::Time now) {
        Press& p = presses_[d.participant];
        require(p.state == Press::State::Talking || p.state == Press::State::Revoking,
                "revoked without talking");
        p.state = Press::State::Revoking;
        p.grace_end = now + d.left;
        if (d.by == kNobody || d.left > 0ms) return;
        require(presses_[d.by].request.claim > p.request.claim || has_pending_,
                "pre-empted by no higher claim");
    }
    void on_released(const Decision& d, core::Time now) {
        Press& p = presses_[d.participant];
        require(p.state == Press::State::Talking || p.state == Press::State::Revoking,
                "released without talking");
        p.state = Press::State::None;
        for (ChannelIndex channel = 0; channel < floors_.size(); ++channel)
            if (has(d.participant, channel)) let_go(d.participant, channel);
        if (d.cause == Cause::TalkLimit || d.cause == Cause::NoPermission) {
            p.cooldown_end = now + settings_[p.request.own.channel].cooldown;
            p.cooldown_level = p.request.claim.level;
        }
        // Cut off: the rest of the word belongs to the old press.
        auto silent_at = p.last_media + (p.dtx ? 1000ms : 600ms);
        if (!p.heard)
            silent_at = std::min(p.granted + (p.from_queue ? timers_.unanswered : 600ms), now + 600ms);
        p.refused = d.cause != Cause::Timeout && d.cause != Cause::Silence && d.cause != Cause::Unanswered &&
                    d.cause != Cause::TalkerReleased && now < silent_at;
        p.refused_level = p.request.claim.level;
        p.refused_until = silent_at;
    }

    std::vector<Settings> settings_;
    std::vector<Press> presses_;
    std::vector<Floor> floors_;
    Timers timers_;
    Request pending_;
    std::vector<Target> pending_far_;
    core::Time pending_asked_;
    bool has_pending_{};
};

}  // namespace crosspatch::floor::tests
