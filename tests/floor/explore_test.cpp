#include <doctest/doctest.h>

#include <cstdlib>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_set>

#include "crosspatch/floor/arbiter.hpp"

using namespace crosspatch::floor;
using namespace std::chrono_literals;
using crosspatch::core::Time;

namespace {

// Every state that three radios on two overlapping channels can reach, one event at a time.
//
// Two radios are at home on A (one explicit that may wait for B, one told by its media), one explicit one on B; each press
// is heard on both. Times are cut down to a few ticks, so that all orders of the deadlines occur.
class Exploration {
public:
    static constexpr Participant kRadios = 3;
    static constexpr ChannelIndex kChannels = 2;
    static constexpr auto kTick = 100ms;

    Exploration() : settings_(kChannels, short_settings()) {
        const Arbiter start{Layout{.channels = settings_,
                                   .participants = kRadios,
                                   .announce_again = false,
                                   .timers = {.repeats = 0, .unanswered = 2 * kTick, .patience = 2 * kTick, .ageing = 3 * kTick, .requests_per_second = 0}}};
        visit(start, Time{1h}, 0);
    }

    void run(int depth) {
        for (; !frontier_.empty() && frontier_.front().depth < depth; frontier_.pop_front()) {
            const State& state = frontier_.front();
            for (int event = 0; event < kEvents; ++event) step(state, event);
        }
    }
    std::size_t states() const { return seen_.size(); }
    std::size_t steps() const { return steps_; }
    bool is_complete() const { return frontier_.empty(); }

private:
    struct State {
        Arbiter arbiter;
        Time now;
        int depth;
    };
    static constexpr int kEvents = 1 + kRadios * 4;

    static Settings short_settings() {
        return {.queue = 1, .max_talk = 3 * kTick, .warn = 1 * kTick, .grace = 1 * kTick, .cooldown = 1 * kTick,
                .hang = 1 * kTick, .lease = 2 * kTick, .dtx_lease = 2 * kTick};
    }
    static void require(bool good, const char* what) {
        if (!good) throw std::runtime_error{what};
    }

    Answer press(Arbiter& arbiter, Participant who, bool emergency, Time now) {
        const ChannelIndex own = who == 2 ? 1 : 0;
        const Target far{1 - own, emergency, 1};
        out_->clear();
        return arbiter.request({.participant = who,
                                .own = {own, emergency || who == 0, 1},
                                .far = {&far, 1},
                                .claim = {emergency ? Class::Emergency : Class::Normal, static_cast<std::uint8_t>(who == 0)},
                                .signal = who == 1 ? Signal::Media : Signal::Explicit,
                                .when_busy = who == 0 ? WhenBusy::Wait : WhenBusy::Skip},
                               now, *out_);
    }
    void step(const State& from, int event) {
        ++steps_;
        Arbiter arbiter = from.arbiter;
        Time now = from.now;
        if (event == 0) {
            now += kTick;
        } else {
            const auto who = static_cast<Participant>((event - 1) / 4);
            out_->clear();
            switch ((event - 1) % 4) {
                case 0: press(arbiter, who, false, now); break;
                case 1: check_emergency(arbiter, who, now); break;
                case 2: check_media(arbiter, who, now); break;
                default: arbiter.release(who, now, *out_);
            }
        }
        run_timers(arbiter, now);
        visit(arbiter, now, from.depth + 1);
    }
    // An emergency is granted at once unless its own channel is held by an emergency, or cools one down.
    void check_emergency(Arbiter& arbiter, Participant who, Time now) {
        const ChannelIndex own = who == 2 ? 1 : 0;
        const auto holder = arbiter.holder(own);
        const bool blocked = holder && *holder != who && arbiter.claim(*holder).level == Class::Emergency;
        const bool was_emergency = arbiter.claim(who).level == Class::Emergency;
        const bool waits_for_far = who == 0 && arbiter.holder(1) && arbiter.claim(*arbiter.holder(1)).level == Class::Emergency;
        const Answer answer = press(arbiter, who, true, now);
        const bool cools_down = answer == Answer::Denied && (*out_)[0].cause == Cause::RetryAfter;
        if (blocked || was_emergency || waits_for_far || cools_down) return;
        require(answer == Answer::Granted, "an emergency was not granted");
    }
    void check_media(Arbiter& arbiter, Participant who, Time now) {
        const auto before = arbiter.participant_state(who);
        const Verdict verdict = arbiter.media(who, now, false);
        const bool has_floor = before == ParticipantState::Talking || before == ParticipantState::Revoking;
        require(has_floor == (verdict == Verdict::Pass), "media passes for the holder only");
        if (has_floor) require(arbiter.holds(who, who == 2 ? 1 : 0), "the holder does not hold its own channel");
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
        for (ChannelIndex channel = 0; channel < kChannels; ++channel)
            require(!arbiter.holder(channel), "a floor is never freed");
        for (Participant who = 0; who < kRadios; ++who)
            require(arbiter.participant_state(who) == ParticipantState::Silent, "a state without exit");
    }
    void visit(const Arbiter& arbiter, Time now, int depth) {
        if (!seen_.insert(arbiter.fingerprint(now)).second) return;
        arbiter.check();
        check_rest(arbiter, now);
        frontier_.push_back({arbiter, now, depth});
    }

    std::vector<Settings> settings_;
    std::unique_ptr<Decisions> out_ = std::make_unique<Decisions>();
    std::deque<State> frontier_;
    std::unordered_set<std::uint64_t> seen_;
    std::size_t steps_{};
};

}  // namespace

TEST_CASE("three radios on two channels: every reachable state to the depth explored is sound and comes to rest") {
    const char* number = std::getenv("CROSSPATCH_LONG");
    const int depth = number && std::string_view{number} == "1" ? 30 : number ? std::atoi(number) : 7;
    Exploration exploration;
    std::string failed;
    try {
        exploration.run(depth);
    } catch (const std::exception& error) {
        failed = error.what();
    }
    CHECK(failed == "");
    CHECK(exploration.states() > 1000);
    const std::string all = exploration.is_complete() ? ", complete" : "";
    MESSAGE(exploration.states() << " states, " << exploration.steps() << " steps to depth " << depth << all);
}
