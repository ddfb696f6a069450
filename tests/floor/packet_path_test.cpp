#include <doctest/doctest.h>

#include "crosspatch/floor/arbiter.hpp"
#include "tests/support/allocations.hpp"

using namespace crosspatch::floor;
using namespace std::chrono_literals;
using crosspatch::core::Time;

namespace {

// A city: one channel for the police and seventy teams, all on one bridge, ten radios on each.
struct City {
    static constexpr std::size_t kChannels = 71, kRadios = 10;
    std::vector<Settings> settings = std::vector<Settings>(kChannels);
    Arbiter arbiter{Layout{.channels = settings, .participants = kChannels * kRadios}};
    std::unique_ptr<Decisions> out = std::make_unique<Decisions>();
    std::vector<Target> far;
    Time now{1h};

    City() {
        for (ChannelIndex channel = 0; channel < kChannels; ++channel) far.push_back({channel, true, 1});
    }
    Answer press(Participant who, Signal signal, Claim claim = {}) {
        out->clear();
        return arbiter.request({.participant = who,
                                .own = {static_cast<ChannelIndex>(who / kRadios), true, 1},
                                .far = far,
                                .claim = claim,
                                .signal = signal},
                               now, *out);
    }
    void run_timers() {
        while (arbiter.next_deadline().value_or(Time::max()) <= now) {
            out->clear();
            arbiter.advance(now, *out);
        }
    }
};

}  // namespace

TEST_CASE("after configure nothing allocates: presses, packets, queues, pre-emption, timers, releases") {
    City city;
    const auto before = crosspatch::tests::allocations();
    for (int round = 0; round < 200; ++round) {
        const auto base = static_cast<Participant>(round % 60) * 10;
        city.press(base, Signal::Media);
        for (Participant i = 1; i < 10; ++i) city.press(base + i, i % 2 ? Signal::Explicit : Signal::Vox);
        city.press(base + 40, Signal::Explicit, {Class::Emergency, 0});
        for (int packet = 0; packet < 60; ++packet) {
            city.arbiter.media(base, city.now, false);
            city.arbiter.media(base + 40, city.now, packet % 7 == 0);
            city.now += 20ms;
            city.run_timers();
        }
        city.out->clear();
        city.arbiter.retarget(base + 40, std::span{city.far}.first(5), city.now, *city.out);
        city.out->clear();
        city.arbiter.release(base + 40, city.now, *city.out);
        city.out->clear();
        city.arbiter.set_standing(base + 1, Standing::Disabled, city.now, *city.out);
        city.out->clear();
        city.arbiter.set_standing(base + 1, Standing::MayTalk, city.now, *city.out);
        city.now += 3s;
        city.run_timers();
    }
    CHECK(crosspatch::tests::allocations() == before);
    city.arbiter.check();
}

TEST_CASE("a call that causes more than the buffer holds goes on from advance() until all is done") {
    // An emergency holds channels 0 to 199; on each a press waits that is to be heard on 100 more, all busy.
    constexpr ChannelIndex kTaken = 200, kBusy = 100, kChannels = kTaken + kBusy;
    const std::vector<Settings> settings(kChannels);
    Arbiter arbiter{Layout{.channels = settings, .participants = kChannels * 2}};
    const auto out = std::make_unique<Decisions>();
    std::vector<Target> far(kChannels);
    for (ChannelIndex channel = 0; channel < kChannels; ++channel) far[channel] = {channel, false, 1};
    const Time now{1h};
    const auto press = [&](Participant who, Class level, std::span<const Target> reach) {
        out->clear();
        return arbiter.request({.participant = who,
                                .own = {who / 2, false, 1},
                                .far = reach,
                                .claim = {level, 0},
                                .signal = Signal::Explicit},
                               now, *out);
    };
    for (ChannelIndex channel = kTaken; channel < kChannels; ++channel) press(channel * 2, Class::Normal, {});
    CHECK(press(0, Class::Emergency, std::span{far}.first(kTaken)) == Answer::Granted);
    for (ChannelIndex channel = 0; channel < kTaken; ++channel)
        CHECK(press(channel * 2 + 1, Class::Normal, std::span{far}.last(kBusy)) == Answer::Queued);

    std::size_t granted = 0, skipped = 0, taken = 0, idle = 0, calls = 0;
    for (out->clear(), arbiter.release(0, now, *out);; out->clear(), arbiter.advance(now, *out)) {
        ++calls;
        arbiter.check();
        for (const Decision& d : *out) {
            granted += d.kind == Decision::Kind::Granted;
            skipped += d.kind == Decision::Kind::Skipped;
            taken += d.kind == Decision::Kind::Taken;
            idle += d.kind == Decision::Kind::Idle;
        }
        if (arbiter.next_deadline() != Time::min()) break;
    }
    CHECK(granted == kTaken);
    CHECK(skipped == kTaken * kBusy);
    CHECK(taken == kTaken);
    CHECK(idle == 0);  // listeners are told how it ends, not what was in between
    CHECK(calls > skipped / Decisions::kCapacity);
}
