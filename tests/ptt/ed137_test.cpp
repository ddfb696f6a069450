#include "crosspatch/ptt/ed137.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/allocations.hpp"

using namespace crosspatch;
using namespace crosspatch::ptt;
using namespace std::chrono_literals;
using crosspatch::floor::Class;
using rtp::ed137::Extension;
using rtp::ed137::Ptt;
using Kind = Ed137::Change::Kind;

namespace {

// A session and its peer; keeps what the session makes of packets and time on a tape: "found +0 ^2 - lost",
// a press and a claim with their class.
struct Scene {
    Ed137 session;
    std::string tape{};
    std::uint16_t sequence{100};
    std::uint32_t ssrc{7};

    static core::Time at(std::chrono::milliseconds when) { return core::Time{1h + when}; }
    void note(const Ed137::Changes& changes) {
        for (const auto& change : changes) {
            if (!change) continue;
            if (!tape.empty()) tape += ' ';
            const std::string level = std::to_string(static_cast<int>(change->level));
            switch (change->kind) {
                case Kind::Found:
                    tape += "found";
                    break;
                case Kind::Pressed:
                    tape += "+" + level;
                    break;
                case Kind::Claimed:
                    tape += "^" + level;
                    break;
                case Kind::Released:
                    tape += "-";
                    break;
                case Kind::Lost:
                    tape += "lost";
                    break;
            }
        }
    }
    void hear(const Extension& extension, std::chrono::milliseconds when, std::uint16_t number) {
        const auto octets = rtp::ed137::write(extension);
        rtp::Header header;
        header.sequence = number;
        header.ssrc = ssrc;
        header.extension_profile = rtp::ed137::kProfile;
        header.extension = octets.view();
        note(session.on_packet(header, at(when)));
    }
    void hear(const Extension& extension, std::chrono::milliseconds when) {
        hear(extension, when, ++sequence);
    }
    void wait(std::chrono::milliseconds until) { note(session.on_time(at(until))); }

    Extension says() const {
        const auto octets = session.extension();
        rtp::Header header;
        header.extension_profile = rtp::ed137::kProfile;
        header.extension = octets.view();
        return rtp::ed137::read(header).value();
    }
    // Sends every packet without sound that is due; gives how many there were.
    int send(std::chrono::milliseconds when) {
        int sent = 0;
        while (session.keep_alive_due(at(when)) && sent < 10) {
            session.sent(at(when));
            ++sent;
        }
        return sent;
    }
};

Scene vcs(std::uint8_t repeats = 0) {
    return {Ed137{{.role = Ed137Role::Vcs, .ptt_id = 3, .repeats = repeats}}};
}
Scene grs() { return {Ed137{{.role = Ed137Role::Grs, .ptt_id = 9}}}; }

}  // namespace

TEST_CASE("a ground station's open squelch is a press, its key given back is none") {
    Scene scene = vcs();
    scene.hear({}, 0ms);
    scene.hear({.ptt = Ptt::Emergency, .ptt_id = 3}, 20ms);
    CHECK(scene.tape == "found");
    scene.hear({.squelch_open = true, .quality = rtp::ed137::Quality{12, 0}}, 40ms);
    scene.hear({.squelch_open = true}, 60ms);
    scene.hear({}, 80ms);
    CHECK(scene.tape == "found +0 -");
}

TEST_CASE("a voice switch's key is a press of its class") {
    struct {
        Ptt key;
        const char* tape;
    } const rows[] = {{Ptt::Off, "found"},         {Ptt::Normal, "found +0"},    {Ptt::Coupling, "found +0"},
                      {Ptt::Priority, "found +1"}, {Ptt::Emergency, "found +2"}, {Ptt::Test, "found"},
                      {Ptt::Reserved6, "found"},   {Ptt::Reserved7, "found"}};
    for (const auto& row : rows) {
        CAPTURE(static_cast<int>(row.key));
        Scene scene = grs();
        scene.hear({.ptt = row.key, .ptt_id = 9}, 0ms);
        CHECK(scene.tape == row.tape);
    }
    Scene scene = grs();
    scene.hear({.squelch_open = true}, 0ms);  // a voice switch has no squelch
    CHECK(scene.tape == "found");
}

TEST_CASE("a claim changes under one press, and a test ends it") {
    Scene scene = grs();
    scene.hear({.ptt = Ptt::Normal}, 0ms);
    scene.hear({.ptt = Ptt::Coupling}, 20ms);
    scene.hear({.ptt = Ptt::Emergency}, 40ms);
    scene.hear({.ptt = Ptt::Normal}, 60ms);
    scene.hear({.ptt = Ptt::Test}, 80ms);
    CHECK(scene.tape == "found +0 ^2 ^0 -");
}

TEST_CASE("an overtaken packet presses nothing, a sender that began anew does") {
    Scene scene = grs();
    scene.hear({.ptt = Ptt::Normal}, 0ms, 65534);
    scene.hear({}, 20ms, 1);
    scene.hear({.ptt = Ptt::Normal}, 30ms, 65535);
    scene.hear({.ptt = Ptt::Normal}, 30ms, 1);
    CHECK(scene.tape == "found +0 -");
    scene.ssrc = 8;
    scene.hear({.ptt = Ptt::Normal}, 40ms, 500);
    CHECK(scene.tape == "found +0 - +0");
}

TEST_CASE("packets without the extension are no sign of life") {
    Scene scene = grs();
    scene.hear({.ptt = Ptt::Normal}, 0ms);
    rtp::Header plain;
    plain.ssrc = scene.ssrc;
    for (int ms = 20; ms <= 3000; ms += 20) {
        plain.sequence = ++scene.sequence;
        scene.note(scene.session.on_packet(plain, Scene::at(std::chrono::milliseconds{ms})));
    }
    CHECK(scene.tape == "found +0 - lost");
}

TEST_CASE("a session is lost after period x multiplier, its press with it, and is found again") {
    Scene scene{Ed137{{.role = Ed137Role::Grs, .period = 100ms, .multiplier = 3}}};
    CHECK_FALSE(scene.session.found());
    scene.wait(10s);
    CHECK(scene.tape == "");
    scene.hear({.ptt = Ptt::Priority}, 10s, 40'000);
    scene.session.sent(Scene::at(10s + 250ms));
    CHECK(scene.session.next_deadline() == Scene::at(10s + 300ms));
    scene.wait(10s + 299ms);
    CHECK(scene.tape == "found +1");
    scene.wait(10s + 300ms);
    CHECK(scene.tape == "found +1 - lost");
    CHECK_FALSE(scene.session.pressed());
    scene.wait(20s);
    scene.hear({.ptt = Ptt::Normal}, 20s, 39'000);  // after a loss any number begins anew
    CHECK(scene.tape == "found +1 - lost found +0");
    scene.hear({}, 30s, 39'001);  // nobody called on_time(): what it would have said comes first
    CHECK(scene.tape == "found +1 - lost found +0 - lost found");
}

TEST_CASE("a keep-alive goes out each period without sound, also while nobody answers") {
    Scene scene = vcs();
    CHECK(scene.session.next_deadline() == core::Time::min());
    CHECK(scene.send(0ms) == 1);
    CHECK(scene.says() == Extension{});
    CHECK(scene.session.next_deadline() == Scene::at(200ms));
    CHECK(scene.send(199ms) == 0);
    CHECK(scene.send(200ms) == 1);
    scene.session.sent(Scene::at(350ms));  // a packet with sound
    CHECK(scene.send(400ms) == 0);
    CHECK(scene.send(550ms) == 1);
}

TEST_CASE("as a voice switch we key with the class of who talks, and let go at once and repeatedly") {
    struct {
        Class level;
        Ptt key;
    } const rows[] = {{Class::Normal, Ptt::Normal},
                      {Class::ImminentPeril, Ptt::Priority},
                      {Class::Emergency, Ptt::Emergency}};
    for (const auto& row : rows) {
        Scene scene = vcs(2);
        scene.send(0ms);
        scene.session.talk_begins(row.level, Scene::at(100ms));
        CHECK(scene.says() == Extension{.ptt = row.key, .ptt_id = 3});
        CHECK(scene.send(100ms) == 0);  // the sound brings it
        scene.session.sent(Scene::at(120ms));
        scene.session.talk_ends(Scene::at(140ms));
        CHECK(scene.says() == Extension{});
        CHECK(scene.session.next_deadline() == core::Time::min());
        CHECK(scene.send(140ms) == 3);
        CHECK(scene.send(150ms) == 0);
        CHECK(scene.send(340ms) == 1);
    }
    Scene scene = vcs(3);
    scene.send(0ms);
    scene.session.talk_begins(Class::Normal, Scene::at(10ms));
    scene.session.talk_begins(Class::Emergency, Scene::at(20ms));  // it claims more
    CHECK(scene.says().ptt == Ptt::Emergency);
    scene.session.talk_ends(Scene::at(30ms));
    scene.session.talk_begins(Class::Normal, Scene::at(30ms));
    CHECK(scene.send(30ms) == 0);  // nothing is left to be let go
    CHECK(scene.says().ptt == Ptt::Normal);
}

TEST_CASE("a carrier of our own that the station hears back is no press") {
    Scene scene = vcs();
    scene.hear({}, 0ms);
    scene.session.talk_begins(Class::Normal, Scene::at(10ms));
    scene.hear({.squelch_open = true}, 30ms);
    scene.session.talk_ends(Scene::at(1000ms));
    scene.hear({.squelch_open = true}, 1100ms);
    scene.hear({}, 1200ms);
    CHECK(scene.tape == "found");
    scene.hear({.squelch_open = true}, 1249ms);  // still within kEcho
    scene.send(1249ms);
    CHECK(scene.session.next_deadline() == Scene::at(1250ms));
    scene.wait(1250ms);
    CHECK(scene.tape == "found +0");  // somebody answers
    scene.hear({}, 1300ms);
    CHECK(scene.tape == "found +0 -");
    scene.hear({.squelch_open = true}, 1400ms);
    scene.session.talk_begins(Class::Emergency, Scene::at(1410ms));
    scene.hear({.squelch_open = true}, 1420ms);
    CHECK(scene.tape == "found +0 - +0");  // a press from before stays one
}

TEST_CASE("as a ground station we give back what has the floor, and open the squelch for others") {
    Scene scene = grs();
    scene.send(0ms);
    scene.hear({.ptt = Ptt::Coupling, .ptt_id = 9}, 10ms);
    CHECK(scene.says() == Extension{});  // not decided yet
    scene.session.press_granted(Scene::at(10ms));
    CHECK(scene.says() == Extension{.ptt = Ptt::Coupling, .ptt_id = 9});
    CHECK(scene.send(10ms) == 1);  // at once: the operator waits for it
    scene.hear({.ptt = Ptt::Emergency, .ptt_id = 9}, 30ms);
    CHECK(scene.says().ptt == Ptt::Emergency);
    scene.hear({}, 50ms);
    CHECK(scene.says() == Extension{});
    CHECK(scene.send(50ms) == 1);  // two changes, but only the last one is to be told

    scene.session.talk_begins(Class::Emergency, Scene::at(100ms));
    CHECK(scene.says() == Extension{.squelch_open = true});
    scene.hear({.ptt = Ptt::Normal, .ptt_id = 9}, 120ms);
    scene.session.press_refused(Scene::at(120ms));
    CHECK(scene.says() == Extension{.squelch_open = true, .muted = true});
    scene.session.talk_ends(Scene::at(140ms));
    CHECK(scene.says() == Extension{.muted = true});
    CHECK(scene.send(140ms) >= 1);
    scene.hear({}, 160ms);
    CHECK(scene.says() == Extension{});
}

TEST_CASE("an answer without a press says nothing, and a revoked talker is muted") {
    Scene scene = grs();
    scene.session.press_granted(Scene::at(0ms));
    scene.session.press_refused(Scene::at(0ms));
    CHECK(scene.says() == Extension{});
    scene.hear({.ptt = Ptt::Normal}, 10ms);
    scene.session.press_granted(Scene::at(10ms));
    scene.session.press_refused(Scene::at(20ms));
    CHECK(scene.says() == Extension{.muted = true});
    scene.wait(5s);
    CHECK(scene.tape == "found +0 - lost");
    CHECK(scene.says() == Extension{});
}

TEST_CASE("a key that flutters is told at once 25 times a second, and beyond that with the keep-alives") {
    Scene scene = grs();
    std::chrono::milliseconds now{0};
    int sent = 0;
    bool down = false;
    const auto flutter = [&](std::chrono::milliseconds until) {
        for (sent = 0; now < until; now += 5ms) {
            scene.hear({.ptt = (down = !down) ? Ptt::Normal : Ptt::Off}, now);
            if (down) scene.session.press_granted(Scene::at(now));
            sent += scene.send(now);
        }
    };
    flutter(1000ms);
    CHECK(sent >= 25);
    CHECK(sent <= 30);  // and one each 200 ms
    flutter(2900ms);
    CHECK(sent <= 60);
    scene.hear({}, now);
    CHECK(scene.session.next_deadline() <= Scene::at(now) + 200ms);
    CHECK(scene.session.next_deadline() > Scene::at(now));
    now += 200ms;
    CHECK(scene.send(now) >= 1);
    CHECK(scene.says().ptt == Ptt::Off);
}

TEST_CASE("a session takes no memory") {
    Scene scene = grs();
    const auto octets = rtp::ed137::write({.ptt = Ptt::Normal});
    rtp::Header header;
    header.extension_profile = rtp::ed137::kProfile;
    header.extension = octets.view();
    const auto before = tests::allocations();
    for (int i = 0; i < 1000; ++i) {
        header.sequence = static_cast<std::uint16_t>(i);
        const auto now = Scene::at(i * 20ms);
        static_cast<void>(scene.session.on_packet(header, now));
        static_cast<void>(scene.session.on_time(now));
        scene.session.press_granted(now);
        if (scene.session.keep_alive_due(now)) scene.session.sent(now);
    }
    CHECK(tests::allocations() == before);
}
