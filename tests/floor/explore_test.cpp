#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "crosspatch/floor/arbiter.hpp"

using namespace crosspatch::floor;
using namespace std::chrono_literals;
using crosspatch::core::Time;

namespace {

// One radio: where it is at home, what its presses are heard on besides, and how it speaks.
struct Radio {
    ChannelIndex home;
    std::vector<Target> far;
    Signal signal{Signal::Explicit};
    WhenBusy when_busy{WhenBusy::Skip};
    std::uint8_t priority{};
};

// Every state that a few radios on overlapping channels can reach, one event at a time, as deep as asked.
//
// Any radio may do anything at any moment: press, claim an emergency, send a packet, let go, acknowledge. So every
// loss of messages is there, too: a request that is lost is one that is not made, and who has not heard its Granted
// or Revoked goes on as if there had been none. Times are cut down to a few ticks, so that deadlines come in every
// order, and what happens in a tick comes before or after the timers that are due. Two states that will decide alike
// are one (Arbiter::fingerprint).
class Exploration {
public:
    static constexpr auto kTick = 100ms;
    static constexpr int kNoLimit = std::numeric_limits<int>::max();

    // How long things last, in ticks.
    struct Ticks {
        int lease, max_talk, grace, cooldown, hang, unanswered, patience, ageing;
        std::uint8_t queue{1};  // and its places
        bool both_heard{};      // who pre-empts talks beside the holder
    };

    // `repeats`: floor messages are told again so often, and may be acknowledged.
    Exploration(std::vector<Radio> radios, std::size_t channels, const Ticks& ticks, std::uint8_t repeats = 0,
                int depth = kNoLimit)
        : radios_{std::move(radios)},
          settings_(channels, short_settings(ticks)),
          acts_{repeats > 0 ? kActs : kActs - 1},
          depth_{depth} {
        Arbiter start{Layout{.channels = settings_,
                             .participants = radios_.size(),
                             .announce_again = false,
                             .timers = {.repeat = kTick,
                                        .repeats = repeats,
                                        .unanswered = ticks.unanswered * kTick,
                                        .patience = ticks.patience * kTick,
                                        .ageing = ticks.ageing * kTick,
                                        .requests_per_second = 0}}};
        visit(start, Time{1h}, 0);
    }

    void run() {
        for (; !frontier_.empty(); frontier_.pop_front())
            seen_[frontier_.front().print] = expand(frontier_.front());
        // Of the states that were taken for one already known, some are asked whether they do go on alike.
        const std::vector<State> twins = std::exchange(twins_, {});
        for (const State& twin : twins) {
            ++compared_;
            const std::uint64_t known = seen_[twin.print];
            require(known == kNotExpanded || known == expand(twin), "equal fingerprints, different futures");
        }
    }
    std::size_t compared() const { return compared_; }
    std::size_t states() const { return seen_.size(); }
    std::size_t steps() const { return steps_; }

private:
    struct State {
        Arbiter arbiter;
        Time now;
        std::uint64_t print;
        int depth;
    };
    static constexpr std::uint64_t kNotExpanded = 0;
    static constexpr int kActs = 7;

    static Settings short_settings(const Ticks& ticks) {
        return {.queue = ticks.queue,
                .max_talk = ticks.max_talk * kTick,
                .warn = kTick,
                .grace = ticks.grace * kTick,
                .cooldown = ticks.cooldown * kTick,
                .hang = ticks.hang * kTick,
                .lease = ticks.lease * kTick,
                .both_heard = ticks.both_heard,
                .dtx_lease = ticks.lease * kTick};
    }
    static void require(bool good, const char* what) {
        if (!good) throw std::runtime_error{what};
    }

    Answer press(Arbiter& arbiter, Participant who, bool emergency, Time now) {
        const Radio& radio = radios_[who];
        far_ = radio.far;
        for (Target& target : far_) target.may_preempt = emergency;
        const Answer answer =
            arbiter.request({.participant = who,
                             .own = {radio.home, emergency || radio.priority > 0, 1},
                             .far = far_,
                             .claim = {emergency ? Class::Emergency : Class::Normal, radio.priority},
                             .signal = radio.signal,
                             .when_busy = radio.when_busy},
                            now, *out_);
        check_answer(who, answer);
        if (answer == Answer::Queued) check_arrival(arbiter, who);
        return answer;
    }
    // Each press is answered, by exactly one decision; its turn may then come at once.
    void check_answer(Participant who, Answer answer) {
        int answers = 0;
        for (const Decision& d : *out_) {
            if (d.participant != who) continue;
            answers += d.kind == Kind::Denied || d.kind == Kind::Queued || d.kind == Kind::RepeatGranted ||
                       (d.kind == Kind::Granted && answer != Answer::Queued);
        }
        require(answers == (answer == Answer::Ignored ? 0 : 1), "a press was not answered exactly once");
    }
    // Tries each event; gives a digest of what was decided and where it led. The last events come a tick later,
    // before the timers of that tick.
    std::uint64_t expand(const State& from) {
        std::uint64_t digest = 1;
        const int things = static_cast<int>(radios_.size()) * acts_;
        const bool has_timers = do_timers_matter(from.arbiter, from.now + kTick);
        for (int event = 0; event <= 2 * things; ++event) {
            Arbiter arbiter = from.arbiter;
            const bool later = event == 0 || event > things;
            const Time now = later ? from.now + kTick : from.now;
            if (later && event > 0 && !has_timers) continue;
            before_ = order_of(arbiter);
            out_->clear();
            actor_ = kNobody;
            if (event > 0) {
                const int thing = (event - 1) % things;
                actor_ = static_cast<Participant>(thing / acts_);
                happen(arbiter, actor_, thing % acts_, now);
            }
            if (!later) check_order(arbiter);
            digest = (digest ^ visit(arbiter, now, from.depth + 1)) * 0x9e3779b97f4a7c15;
            ++steps_;
        }
        return digest | 1;
    }
    // Whether what comes before the timers of `now` can lead elsewhere than what comes after them. A deadline may be told
    // earlier than there is something to do, and two states that go on alike may be told different ones.
    bool do_timers_matter(Arbiter arbiter, Time now) {
        if (arbiter.next_deadline().value_or(Time::max()) > now) return false;
        const std::uint64_t before = arbiter.fingerprint(now);
        run_timers(arbiter, now);
        return arbiter.fingerprint(now) != before;
    }
    void happen(Arbiter& arbiter, Participant who, int what, Time now) {
        switch (what) {
            case 0:
                press(arbiter, who, false, now);
                break;
            case 1:
                check_emergency(arbiter, who, now);
                break;
            case 2:
                check_media(arbiter, who, now);
                break;
            case 3:
                arbiter.release(who, now, *out_);
                break;
            case 4:
                arbiter.revoke(who, Cause::RevokeOther, now, *out_);
                break;
            case 5:
                toggle_bridge(arbiter, who, now);
                break;
            default:
                arbiter.acknowledge(who);
        }
    }
    // Who waits where, best first.
    using Order = std::vector<std::vector<Participant>>;
    Order order_of(const Arbiter& arbiter) const {
        Order order(settings_.size());
        for (ChannelIndex channel = 0; channel < settings_.size(); ++channel) {
            Waiting line[8];
            const std::size_t count = arbiter.queue(channel, line);
            for (std::size_t i = 0; i < count; ++i) order[channel].push_back(line[i].participant);
        }
        return order;
    }
    // Who joins a queue stands behind all who were there with an equal or better claim.
    void check_arrival(const Arbiter& arbiter, Participant who) {
        const auto& before = before_[radios_[who].home];
        if (std::ranges::find(before, who) != before.end()) return;
        for (const Participant other : before)
            if (arbiter.queue_position(other) > 0 && arbiter.claim(other) >= arbiter.claim(who))
                require(arbiter.queue_position(other) < arbiter.queue_position(who), "the queue was jumped");
    }
    // Who comes out of a queue leaves nobody behind who stood before it, but who waits for other channels, too,
    // and whose own act this is.
    void check_order(const Arbiter& arbiter) {
        for (const auto& line : before_) {
            bool left_behind = false;
            for (const Participant who : line) {
                const auto state = arbiter.participant_state(who);
                if (who == actor_) continue;
                if (state == ParticipantState::Queued)
                    left_behind = left_behind || radios_[who].when_busy == WhenBusy::Skip;
                else
                    require(state != ParticipantState::Talking || !left_behind, "the queue was overtaken");
            }
        }
    }
    // The bridge closes under the press, or opens.
    void toggle_bridge(Arbiter& arbiter, Participant who, Time now) {
        const bool reaches = arbiter.held(who, {}) + arbiter.missing(who, {}) > 1;
        arbiter.retarget(who, reaches ? std::span<const Target>{} : std::span{radios_[who].far}, now, *out_);
    }
    bool is_emergency(const Arbiter& arbiter, ChannelIndex channel, Participant but) const {
        const auto is = [&](std::optional<Participant> talker) {
            return talker && *talker != but && arbiter.claim(*talker).level == Class::Emergency;
        };
        return is(arbiter.holder(channel)) || is(arbiter.beside(channel));
    }
    // An emergency is granted at once unless its own channel is held by an emergency, or cools one down, or
    // the radio is losing its floor at the talk limit and another emergency waits for that.
    void check_emergency(Arbiter& arbiter, Participant who, Time now) {
        const Radio& radio = radios_[who];
        const bool blocked = is_emergency(arbiter, radio.home, who);
        const bool was_emergency = arbiter.claim(who).level == Class::Emergency;
        const bool waits_for_far =
            radio.when_busy == WhenBusy::Wait && std::ranges::any_of(radio.far, [&](const Target& t) {
                return is_emergency(arbiter, t.channel, who);
            });
        bool others = false;
        for (Participant other = 0; other < radios_.size(); ++other)
            others = others || (other != who && arbiter.talkspurt(other) &&
                                arbiter.claim(other).level == Class::Emergency);
        const bool loses = others && arbiter.participant_state(who) == ParticipantState::Revoking;
        const Answer answer = press(arbiter, who, true, now);
        const bool cools_down = answer == Answer::Denied && (*out_)[0].cause == Cause::RetryAfter;
        if (blocked || was_emergency || waits_for_far || cools_down || loses) return;
        require(answer == Answer::Granted, "an emergency was not granted");
    }
    void check_media(Arbiter& arbiter, Participant who, Time now) {
        const auto before = arbiter.participant_state(who);
        const Verdict verdict = arbiter.media(who, now, false);
        const bool passes = verdict == Verdict::Pass;
        const bool in_grace =
            before == ParticipantState::Revoking;  // which may be over before its timer runs
        if (!in_grace || passes)
            require((before == ParticipantState::Talking || in_grace) == passes,
                    "media passes for the holder only");
        if (passes)
            require(arbiter.holds(who, radios_[who].home), "the holder does not hold its own channel");
    }
    void run_timers(Arbiter& arbiter, Time now) {
        while (arbiter.next_deadline().value_or(Time::max()) <= now) {
            out_->clear();
            arbiter.advance(now, *out_);
        }
    }
    // Left alone, every state comes to rest: all floors free, nobody waiting, no timer running.
    void check_rest(Arbiter arbiter, Time now) {
        run_timers(arbiter, now + 2s);
        run_timers(arbiter, now + 4s);
        run_timers(arbiter, now + 6s);
        require(!arbiter.next_deadline(), "a timer runs for ever");
        for (ChannelIndex channel = 0; channel < settings_.size(); ++channel)
            require(!arbiter.holder(channel), "a floor is never freed");
        for (Participant who = 0; who < radios_.size(); ++who)
            require(arbiter.participant_state(who) == ParticipantState::Silent, "a state without exit");
    }
    void check_holders(const Arbiter& arbiter) const {
        for (ChannelIndex channel = 0; channel < settings_.size(); ++channel) {
            int holders = 0;
            for (Participant who = 0; who < radios_.size(); ++who) holders += arbiter.holds(who, channel);
            require(holders == (arbiter.holder(channel) ? 1 : 0) + (arbiter.beside(channel) ? 1 : 0),
                    "a channel is held otherwise than it says");
            const auto holder = arbiter.holder(channel), beside = arbiter.beside(channel);
            require(!beside || (settings_[channel].both_heard && holder && *holder != *beside),
                    "somebody talks beside nobody");
        }
    }
    std::uint64_t visit(Arbiter& arbiter, Time now, int depth) {
        std::uint64_t decided = 0;
        for (const Decision& d : *out_)
            decided = decided * 31 + static_cast<std::uint64_t>(d.kind) * 7 + d.participant * 5 + d.channel;
        run_timers(arbiter, now);
        const std::uint64_t print = arbiter.fingerprint(now);
        if (seen_.emplace(print, kNotExpanded).second) {
            arbiter.check();
            check_holders(arbiter);
            check_rest(arbiter, now);
            if (depth < depth_) frontier_.push_back({arbiter, now, print, depth});
        } else if (++repeats_ % 64 == 0 && twins_.size() < 20'000 && depth_ == kNoLimit) {
            twins_.push_back({arbiter, now, print, depth});
        }
        return print ^ decided;
    }

    using Kind = Decision::Kind;

    std::vector<Radio> radios_;
    std::vector<Settings> settings_;
    int acts_;
    int depth_;
    std::vector<Target> far_;
    Order before_;
    Participant actor_{kNobody};
    std::unique_ptr<Decisions> out_ = std::make_unique<Decisions>();
    std::deque<State> frontier_;
    std::unordered_map<std::uint64_t, std::uint64_t> seen_;  // fingerprint to digest of its futures
    std::vector<State> twins_;
    std::size_t repeats_{}, compared_{};
    std::size_t steps_{};
};

bool is_long() {
    const char* number = std::getenv("CROSSPATCH_LONG");
    return number && std::string_view{number} == "1";
}

void check_all(Exploration exploration, std::string_view how_deep) {
    std::string failed;
    try {
        exploration.run();
    } catch (const std::exception& error) {
        failed = error.what();
    }
    CHECK(failed == "");
    CHECK(exploration.states() > 1'000);
    MESSAGE("all " << exploration.states() << " states " << how_deep << " in " << exploration.steps()
                   << " steps, " << exploration.compared() << " reached again and compared");
}

// Two are at home on A (one explicit that may wait for B, one told by its media), one explicit one on B.
std::vector<Radio> three_radios() {
    return {{.home = 0, .far = {{1, false, 1}}, .when_busy = WhenBusy::Wait, .priority = 1},
            {.home = 0, .far = {{1, false, 1}}, .signal = Signal::Media},
            {.home = 1, .far = {{0, false, 1}}}};
}

// One bridge joins A and B, another B and C: a press from B is heard on all three.
std::vector<Radio> four_radios(std::uint8_t priority) {
    return {{.home = 0, .far = {{1, false, 1}}, .priority = priority},
            {.home = 0, .far = {{1, false, 1}}},
            {.home = 1, .far = {{0, false, 1}, {2, false, 2}}, .signal = Signal::Media},
            {.home = 2, .far = {{1, false, 2}}, .when_busy = WhenBusy::Wait}};
}

}  // namespace

TEST_CASE("three radios on two channels: every reachable state is sound, and comes to rest when left alone") {
    check_all({three_radios(), 2, {1, 3, 1, 1, 1, 2, 2, 3}}, "there are");
    if (is_long()) check_all({three_radios(), 2, {2, 3, 1, 1, 1, 1, 2, 2}}, "there are");
}

TEST_CASE(
    "four radios on three overlapping channels: every state of many steps is sound, and comes to rest") {
    const auto explore = [](std::uint8_t priority, const Exploration::Ticks& ticks, int depth) {
        check_all({four_radios(priority), 3, ticks, 1, depth}, "within " + std::to_string(depth) + " steps");
    };
    explore(1, {1, 3, 1, 1, 1, 2, 2, 3}, is_long() ? 7 : 6);
    explore(0, {2, 3, 2, 2, 1, 1, 1, 2, 2}, is_long() ? 6 : 5);
}

TEST_CASE("channels that let two be heard: every state of many steps is sound, and comes to rest") {
    const Exploration::Ticks ticks{1, 2, 1, 1, 0, 1, 1, 2, 1, true};
    check_all({three_radios(), 2, ticks, 0, is_long() ? 10 : 7}, "of dual floors");
    check_all({four_radios(1), 3, ticks, 1, is_long() ? 7 : 5}, "of dual floors");
}
