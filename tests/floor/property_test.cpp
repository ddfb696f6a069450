#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <random>

#include "tests/floor/referee.hpp"

using namespace crosspatch::floor;
using namespace crosspatch::floor::tests;
using crosspatch::core::Time;

namespace {

// Short limits, so that a schedule of a few seconds runs into all of them.
constexpr Timers kTimers{.unanswered = 700ms, .patience = 900ms, .ageing = 1500ms, .requests_per_second = 0};

// One random run: three channels, six radios, presses of all kinds, talkers that come and go, late timers.
class Schedule {
public:
    static constexpr std::size_t kChannels = 3, kRadios = 6;

    Schedule(std::uint64_t seed, Decisions& out)
        : out_{out},
          random_{seed},
          settings_{settings()},
          layout_{.channels = settings_,
                  .participants = kRadios,
                  .announce_again = below(2) == 0,
                  .timers = kTimers},
          arbiter_{layout_},
          other_{layout_},
          referee_{settings_, kRadios, kTimers} {}

    void run(int steps) {
        for (int step = 0; step < steps; ++step) {
            one_thing();
            if (below(16) == 0) move();
            pass_time(1ms * below(below(8) == 0 ? 700 : 60));
        }
        talking_ = 0;
        pass_time(20s);
        arbiter_.check();
        referee_.check_quiet(arbiter_);
    }

private:
    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
    std::vector<Settings> settings() {
        std::vector<Settings> all(kChannels);
        for (Settings& s : all) {
            s.max_talk = 1ms * (1000 + 500 * below(5));
            s.warn = 1ms * (300 * below(3));
            s.grace = 1ms * (200 * below(4));
            s.cooldown = 1ms * (400 * below(3));
            s.hang = 1ms * (300 * below(3));
            s.queue = static_cast<std::uint8_t>(below(4));
            s.both_heard = below(3) == 0;
        }
        return all;
    }

    Request random_press(Participant who) {
        far_.clear();
        const auto home = static_cast<ChannelIndex>(below(12) == 0 ? below(kChannels) : who % kChannels);
        for (ChannelIndex channel = 0; channel < kChannels; ++channel)
            if (below(4) != 0) far_.push_back({channel, below(2) == 0, below(3)});
        return {.participant = who,
                .own = {home, below(2) == 0, below(3)},
                .far = far_,
                .claim = {static_cast<Class>(below(6) == 0 ? 1 + below(2) : 0),
                          static_cast<std::uint8_t>(below(3))},
                .signal = who < 2    ? (who ? Signal::Vox : Signal::Media)
                          : below(8) ? Signal::Explicit
                                     : Signal::Media,
                .when_busy = below(4) ? WhenBusy::Skip : WhenBusy::Wait};
    }
    void ask(Participant who) {
        const Request request = random_press(who);
        const bool must = referee_.must_be_granted(request, now_);
        out_.clear();
        const Answer answer = arbiter_.request(request, now_, out_);
        referee_.request(request, answer, must, now_, out_);
    }
    void send(Participant who) {
        const bool dtx = below(20) == 0;
        const Verdict verdict = arbiter_.media(who, now_, dtx);
        referee_.media(who, verdict, dtx, now_);
        if (verdict == Verdict::NeedsRequest && who < 2) ask(who);
    }
    void one_thing() {
        const auto who = static_cast<Participant>(below(kRadios));
        out_.clear();
        switch (below(11)) {
            case 0:
            case 1:
            case 2:
                ask(who);
                break;
            case 3:
            case 4:
                talking_ |= 1u << who;
                break;
            case 5:
            case 6:
                talking_ &= ~(1u << who);
                break;
            case 7:
                arbiter_.release(who, now_, out_);
                referee_.release(who, now_, out_);
                break;
            case 8: {
                far_.clear();
                for (ChannelIndex channel = 0; channel < kChannels; ++channel)
                    if (below(2)) far_.push_back({channel, below(2) == 0, below(3)});
                referee_.far_is(who, far_);
                arbiter_.retarget(who, far_, now_, out_);
                referee_.other(now_, out_);
                break;
            }
            case 9: {  // with who holds what right now, as the caller does when a press has come out of the queue
                far_.clear();
                for (ChannelIndex channel = 0; channel < kChannels; ++channel)
                    if (below(2)) far_.push_back({channel, below(2) == 0, below(3)});
                if (arbiter_.participant_state(who) == ParticipantState::Talking) referee_.far_is(who, far_);
                arbiter_.reach(who, far_, now_, out_);
                referee_.other(now_, out_);
                break;
            }
            default:
                if (below(4) == 0)
                    arbiter_.revoke(who, Cause::RevokeOther, now_, out_);
                else
                    arbiter_.acknowledge(who);
                referee_.other(now_, out_);
        }
        referee_.check(arbiter_, now_);
        if (below(4) == 0) arbiter_.check();
    }
    // Everything goes over to another arbiter, as it does when channels move between media workers.
    void move() {
        static constexpr ChannelIndex kAllChannels[] = {2, 0, 1};
        static constexpr Participant kAllRadios[] = {5, 3, 0, 1, 4, 2};
        if (arbiter_.next_deadline() == Time::min()) return;
        const auto before = arbiter_.fingerprint(now_);
        other_.adopt(arbiter_, kAllChannels, kAllRadios);
        REQUIRE(other_.fingerprint(now_) == before);
        other_.check();
        arbiter_.check();
        std::swap(arbiter_, other_);
    }
    // Packets each 20 ms from who talks; timers up to 20 ms late.
    void pass_time(Time::duration time) {
        for (const Time end = now_ + time; now_ < end;) {
            if (!talking_ && !arbiter_.next_deadline()) now_ = end;
            now_ = std::min(end, now_ + 20ms);
            for (Participant who = 0; who < kRadios; ++who)
                if (talking_ >> who & 1) send(who);
            if (below(8) == 0 && talking_) continue;
            run_timers();
        }
        run_timers();
        referee_.check(arbiter_, now_);
    }
    void run_timers() {
        while (arbiter_.next_deadline().value_or(Time::max()) <= now_) {
            out_.clear();
            arbiter_.advance(now_, out_);
            referee_.timers(now_, out_);
        }
    }

    Decisions& out_;
    std::mt19937_64 random_;
    std::vector<Settings> settings_;
    Layout layout_;
    Arbiter arbiter_, other_;
    Referee referee_;
    std::vector<Target> far_;
    std::uint32_t talking_{};  // a bit for each radio that sends
    Time now_{1h};
};

}  // namespace

TEST_CASE(
    "no schedule breaks the rules: one holder, one answer, leases, limits, order, an end to everything") {
    const char* number = std::getenv("CROSSPATCH_LONG");
    const bool is_long = number && std::string_view{number} == "1";
    const char* only = std::getenv("CROSSPATCH_SEED");
    const std::uint64_t first = only ? std::strtoull(only, nullptr, 10) : 1;
    const std::uint64_t count = only ? 1 : is_long ? 1'000'000 : 100'000;
    std::string failed;
    const auto out = std::make_unique<Decisions>();
    for (std::uint64_t seed = first; seed < first + count && failed.empty(); ++seed) {
        try {
            Schedule{seed, *out}.run(40);
        } catch (const std::exception& error) {
            failed = "CROSSPATCH_SEED=" + std::to_string(seed) + ": " + error.what();
        }
    }
    CHECK(failed == "");
    MESSAGE(count << " random schedules");
}
