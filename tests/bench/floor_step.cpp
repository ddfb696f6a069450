// What the arbiter costs: ns for a media packet, a press with its release, and a press over a city of 71
// channels.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "crosspatch/floor/arbiter.hpp"

using namespace crosspatch::floor;
using namespace std::chrono_literals;
using crosspatch::core::Time;

namespace {

// Median of nine rounds, ns for each of `count` runs of `step`.
template <typename Step>
double measure(int count, Step&& step) {
    std::vector<double> rounds;
    for (int round = 0; round < 9; ++round) {
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < count; ++i) step(i);
        const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
        rounds.push_back(took.count() / count);
    }
    std::nth_element(rounds.begin(), rounds.begin() + 4, rounds.end());
    return rounds[4];
}

struct City {
    static constexpr std::uint32_t kChannels = 71, kRadios = 30;
    std::vector<Settings> settings = std::vector<Settings>(kChannels);
    Arbiter arbiter{Layout{
        .channels = settings, .participants = kChannels * kRadios, .timers = {.requests_per_second = 0}}};
    std::unique_ptr<Decisions> out = std::make_unique<Decisions>();
    std::vector<Target> far;
    Time now{1h};

    void press(Participant who, std::size_t reach) {
        out->clear();
        arbiter.request(
            {.participant = who, .own = {who / kRadios, false, 1}, .far = std::span{far}.first(reach)}, now,
            *out);
    }
    void release(Participant who) {
        out->clear();
        arbiter.release(who, now, *out);
    }
    void run_timers() {
        while (arbiter.next_deadline().value_or(Time::max()) <= now) {
            out->clear();
            arbiter.advance(now, *out);
        }
    }
};

}  // namespace

int main() {
    City city;
    for (ChannelIndex channel = 0; channel < City::kChannels; ++channel)
        city.far.push_back({channel, false, 1});

    for (Participant who = 0; who < City::kChannels * City::kRadios; who += City::kRadios) city.press(who, 0);
    const double media = measure(2'000'000, [&](int i) {
        const auto talker = static_cast<Participant>(i % 71) * City::kRadios;
        city.now += 20ms / 71;
        city.arbiter.media(talker, city.now, false);
    });
    const double media_and_timers = measure(200'000, [&](int i) {
        const auto talker = static_cast<Participant>(i % 71) * City::kRadios;
        city.now += 20ms / 71;
        if (city.arbiter.media(talker, city.now, false) == Verdict::NeedsRequest) city.press(talker, 0);
        city.run_timers();
    });
    for (Participant who = 0; who < City::kChannels * City::kRadios; who += City::kRadios) city.release(who);
    city.now += 60s;
    city.run_timers();
    const double own = measure(200'000, [&](int i) {
        const auto who = static_cast<Participant>(i % 71) * City::kRadios;
        city.press(who, 0);
        city.release(who);
    });
    const double all = measure(5'000, [&](int i) {
        const auto who = static_cast<Participant>(i % 71) * City::kRadios;
        city.press(who, city.far.size());
        city.release(who);
    });
    city.press(0, city.far.size());
    const double refused = measure(200'000, [&](int i) {
        const auto who = static_cast<Participant>(1 + i % 29);
        city.press(who, city.far.size());
        city.release(who);
    });
    fmt::print("media packet, 71 talkers               {:8.1f} ns\n", media);
    fmt::print("media packet and the timers it brings  {:8.1f} ns\n", media_and_timers);
    fmt::print("press and release, own channel only    {:8.1f} ns\n", own);
    fmt::print("press and release, 71 channels         {:8.1f} ns\n", all);
    fmt::print("press refused, 71 channels             {:8.1f} ns\n", refused);
    return 0;
}
