#include <doctest/doctest.h>

#include <cstdlib>
#include <deque>
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

// Every state that three radios on two overlapping channels can reach, one event at a time.
//
// Two radios are at home on A (one explicit that may wait for B, one told by its media), one explicit one on
// B; each press is heard on both. Times are cut down to a few ticks, so that deadlines come in every order
// and the states are few enough to visit all: two states that will decide alike are one
// (Arbiter::fingerprint).
class Exploration {
public:
    static constexpr Participant kRadios = 3;
    static constexpr ChannelIndex kChannels = 2;
    static constexpr auto kTick = 100ms;

    // How long things last, in ticks.
    struct Ticks {
        int lease, max_talk, grace, cooldown, hang, unanswered, patience, ageing;
    };

    explicit Exploration(const Ticks& ticks) : settings_(kChannels, short_settings(ticks)) {
        Arbiter start{Layout{.channels = settings_,
                             .participants = kRadios,
                             .announce_again = false,
                             .timers = {.repeats = 0,
                                        .unanswered = ticks.unanswered * kTick,
                                        .patience = ticks.patience * kTick,
                                        .ageing = ticks.ageing * kTick,
                                        .requests_per_second = 0}}};
        visit(start, Time{1h});
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
    };
    static constexpr std::uint64_t kNotExpanded = 0;
    static constexpr int kActs = 6;
    static constexpr int kEvents = 1 + kRadios * kActs;

    static Settings short_settings(const Ticks& ticks) {
        return {.queue = 1,
                .max_talk = ticks.max_talk * kTick,
                .warn = kTick,
                .grace = ticks.grace * kTick,
                .cooldown = ticks.cooldown * kTick,
                .hang = ticks.hang * kTick,
                .lease = ticks.lease * kTick,
                .dtx_lease = ticks.lease * kTick};
    }
    static void require(bool good, const char* what) {
        if (!good) throw std::runtime_error{what};
    }

    Answer press(Arbiter& arbiter, Participant who, bool emergency, Time now) {
        const ChannelIndex own = who == 2 ? 1 : 0;
        const Target far{1 - own, emergency, 1};
        out_->clear();
        return arbiter.request(
            {.participant = who,
             .own = {own, emergency || who == 0, 1},
             .far = {&far, 1},
             .claim = {emergency ? Class::Emergency : Class::Normal, static_cast<std::uint8_t>(who == 0)},
             .signal = who == 1 ? Signal::Media : Signal::Explicit,
             .when_busy = who == 0 ? WhenBusy::Wait : WhenBusy::Skip},
            now, *out_);
    }
    // Tries each event; gives a digest of what was decided and where it led.
    std::uint64_t expand(const State& from) {
        std::uint64_t digest = 1;
        for (int event = 0; event < kEvents; ++event) {
            Arbiter arbiter = from.arbiter;
            const Time now = event == 0 ? from.now + kTick : from.now;
            out_->clear();
            if (event > 0)
                happen(arbiter, static_cast<Participant>((event - 1) / kActs), (event - 1) % kActs, now);
            digest = (digest ^ visit(arbiter, now)) * 0x9e3779b97f4a7c15;
            ++steps_;
        }
        return digest | 1;
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
            default:
                toggle_bridge(arbiter, who, now);
        }
    }
    // The bridge closes under the press, or opens.
    void toggle_bridge(Arbiter& arbiter, Participant who, Time now) {
        const Target far{who == 2 ? 0u : 1u, false, 1};
        const bool reaches = arbiter.held(who, {}) + arbiter.missing(who, {}) > 1;
        arbiter.retarget(who, reaches ? std::span<const Target>{} : std::span{&far, 1}, now, *out_);
    }
    // An emergency is granted at once unless its own channel is held by an emergency, or cools one down, or
    // the radio is losing its floor at the talk limit and another emergency waits for that.
    void check_emergency(Arbiter& arbiter, Participant who, Time now) {
        const ChannelIndex own = who == 2 ? 1 : 0;
        const auto holder = arbiter.holder(own);
        const bool blocked = holder && *holder != who && arbiter.claim(*holder).level == Class::Emergency;
        const bool was_emergency = arbiter.claim(who).level == Class::Emergency;
        const bool waits_for_far =
            who == 0 && arbiter.holder(1) && arbiter.claim(*arbiter.holder(1)).level == Class::Emergency;
        bool others = false;
        for (Participant other = 0; other < kRadios; ++other)
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
        const bool has_floor = before == ParticipantState::Talking || before == ParticipantState::Revoking;
        require(has_floor == (verdict == Verdict::Pass), "media passes for the holder only");
        if (has_floor)
            require(arbiter.holds(who, who == 2 ? 1 : 0), "the holder does not hold its own channel");
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
    std::uint64_t visit(Arbiter& arbiter, Time now) {
        std::uint64_t decided = 0;
        for (const Decision& d : *out_)
            decided = decided * 31 + static_cast<std::uint64_t>(d.kind) * 7 + d.participant * 5 + d.channel;
        run_timers(arbiter, now);
        const std::uint64_t print = arbiter.fingerprint(now);
        if (seen_.emplace(print, kNotExpanded).second) {
            arbiter.check();
            check_rest(arbiter, now);
            frontier_.push_back({arbiter, now, print});
        } else if (++repeats_ % 64 == 0 && twins_.size() < 20'000) {
            twins_.push_back({arbiter, now, print});
        }
        return print ^ decided;
    }

    std::vector<Settings> settings_;
    std::unique_ptr<Decisions> out_ = std::make_unique<Decisions>();
    std::deque<State> frontier_;
    std::unordered_map<std::uint64_t, std::uint64_t> seen_;  // fingerprint to digest of its futures
    std::vector<State> twins_;
    std::size_t repeats_{}, compared_{};
    std::size_t steps_{};
};

}  // namespace

TEST_CASE("three radios on two channels: every reachable state is sound, and comes to rest when left alone") {
    const char* number = std::getenv("CROSSPATCH_LONG");
    const bool is_long = number && std::string_view{number} == "1";
    std::vector<Exploration::Ticks> sizes{{1, 3, 1, 1, 1, 2, 2, 3}};
    if (is_long) sizes.push_back({2, 3, 1, 1, 1, 1, 2, 2});
    for (const auto& ticks : sizes) {
        Exploration exploration{ticks};
        std::string failed;
        try {
            exploration.run();
        } catch (const std::exception& error) {
            failed = error.what();
        }
        CHECK(failed == "");
        CHECK(exploration.states() > 1'000);
        MESSAGE("all " << exploration.states() << " states in " << exploration.steps() << " steps, "
                       << exploration.compared() << " reached again and compared");
    }
}
