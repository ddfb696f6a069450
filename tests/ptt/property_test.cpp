#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "crosspatch/ptt/ed137.hpp"
#include "crosspatch/ptt/event_key.hpp"
#include "tests/ptt/lossy.hpp"

using namespace crosspatch;
using namespace crosspatch::ptt;
using namespace crosspatch::ptt::tests;
using rtp::ed137::Extension;
using rtp::ed137::Ptt;

namespace {

constexpr auto kTick = 5ms;
constexpr auto kSlack = 2 * kTick;  // a key is looked at once a tick, and so is the path

// What one run came to; empty is good.
struct Verdict {
    std::string fault;
    int presses{};
    void require(bool good, const char* what) {
        if (!good && fault.empty()) fault = what;
    }
};

// A peer whose key goes up and down at random, with packets each 20 ms while it is down and keep-alives else.
Verdict run_ed137(std::uint64_t seed) {
    struct Packet {
        std::uint16_t sequence;
        bool down;
    };
    constexpr auto kTimeout = 2000ms;
    Verdict verdict;
    LossyPath<Packet> path{seed};
    KeyBook key;
    const bool grs = seed % 2 == 0;
    Ed137 session{{.role = grs ? Ed137Role::Grs : Ed137Role::Vcs}};
    auto sequence = static_cast<std::uint16_t>(path.below(65536));
    bool down = false, pressed = false;
    core::Time now{1h}, next_packet{now};
    const auto take = [&](const Ed137::Changes& changes) {
        for (const auto& change : changes) {
            if (!change) continue;
            if (change->kind == Ed137::Change::Kind::Pressed) {
                verdict.require(!pressed, "pressed twice");
                verdict.require(key.was_down_within(kSlack + path.kDelay, now), "a press that was not keyed");
                pressed = true;
                ++verdict.presses;
            } else if (change->kind == Ed137::Change::Kind::Released) {
                verdict.require(pressed, "released twice");
                pressed = false;
            }
        }
        verdict.require(pressed == session.pressed(), "the changes do not add up");
    };
    const auto live = [&](core::Duration time, bool changes_key) {
        for (const core::Time end = now + time; now < end; now += kTick) {
            if (changes_key && path.below(60) == 0) {
                down = !down;
                next_packet = now;  // told at once
            }
            if (changes_key && path.below(100) == 0) path.set_loss(path.below(3) * 48);
            key.set(down, now);
            if (now >= next_packet) {
                path.send({++sequence, down}, now);
                next_packet = now + (down ? 20ms : 200ms);
            }
            path.deliver(now, [&](const Packet& packet) {
                const auto octets = rtp::ed137::write({.ptt = grs && packet.down ? Ptt::Normal : Ptt::Off,
                                                       .squelch_open = !grs && packet.down});
                rtp::Header header;
                header.sequence = packet.sequence;
                header.extension_profile = rtp::ed137::kProfile;
                header.extension = octets.view();
                take(session.on_packet(header, now));
            });
            session.sent(now);
            if (session.next_deadline() <= now) take(session.on_time(now));
            verdict.require(!pressed || key.was_down_within(kSlack + path.kDelay + kTimeout, now), "stuck");
        }
    };
    live(10s, true);
    path.set_loss(0);
    live(500ms, false);
    verdict.require(pressed == down, "after the trouble the press is not the key");
    path.set_loss(100);
    live(2100ms + path.kDelay, false);
    verdict.require(!pressed && !session.found(), "a dead peer is not lost");
    return verdict;
}

// A key sent as telephone events: each 50 ms while it is down, the end three times.
Verdict run_event(std::uint64_t seed) {
    struct Packet {
        rtp::TelephoneEvent event;
        std::uint32_t timestamp;
    };
    Verdict verdict;
    LossyPath<Packet> path{seed};
    KeyBook key;
    EventKey session{12};
    bool down = false, pressed = false;
    core::Time now{1h}, since{now}, next_packet{now};
    std::uint32_t started = path.below(0xFFFFFFFF);
    const auto ticks = [&](core::Time from) { return static_cast<std::uint32_t>((now - from) / 125us); };
    const auto take = [&](const std::optional<EventKey::Change>& change) {
        if (!change) return;
        const bool presses = *change == EventKey::Change::Pressed;
        verdict.require(presses != pressed, "pressed or released twice");
        if (presses)
            verdict.require(key.was_down_within(kSlack + path.kDelay, now), "a press that was not keyed");
        pressed = presses;
        verdict.presses += presses;
    };
    const auto send = [&](bool end) {
        path.send({{12, end, 10, static_cast<std::uint16_t>(ticks(since))}, started}, now);
    };
    const auto live = [&](core::Duration time, bool changes_key) {
        for (const core::Time end = now + time; now < end; now += kTick) {
            if (changes_key && path.below(60) == 0) {
                if (down) {
                    for (int i = 0; i < 3; ++i) send(true);
                } else {
                    started += ticks(since) + 1;
                    since = now;
                }
                down = !down;
                next_packet = now;
            }
            if (changes_key && path.below(100) == 0) path.set_loss(path.below(3) * 48);
            key.set(down, now);
            if (down && now >= next_packet) {
                send(false);
                next_packet = now + 50ms;
            }
            path.deliver(now, [&](const Packet& packet) {
                for (const auto& change : session.on_packet(packet.event, packet.timestamp, now))
                    take(change);
            });
            if (session.next_deadline().value_or(core::Time::max()) <= now) take(session.on_time(now));
            verdict.require(
                !pressed || key.was_down_within(kSlack + path.kDelay + rtp::TelephoneEvents::kPatience, now),
                "stuck");
        }
    };
    live(10s, true);
    path.set_loss(0);
    live(700ms, false);
    verdict.require(pressed == down, "after the trouble the press is not the key");
    path.set_loss(100);
    live(600ms + path.kDelay, false);
    verdict.require(!pressed, "a dead key is not up");
    return verdict;
}

void run_all(Verdict (*run)(std::uint64_t)) {
    int presses = 0;
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        const Verdict verdict = run(seed);
        if (!verdict.fault.empty()) FAIL("seed " << seed << ": " << verdict.fault);
        presses += verdict.presses;
    }
    CHECK(presses > 5'000);  // it was really keyed
    MESSAGE(presses << " presses in 1000 runs");
}

}  // namespace

TEST_CASE("ED-137 over a path that loses, doubles and mixes up: never stuck, never pressed by itself") {
    run_all(run_ed137);
}

TEST_CASE("an event key over a path that loses, doubles and mixes up: never stuck, never pressed by itself") {
    run_all(run_event);
}
