#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cassert>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/floor/arbiter.hpp"

namespace crosspatch::floor::tests {
using namespace std::chrono_literals;
using std::chrono::milliseconds;

// What a press says besides who and where.
struct Say {
    Class level{Class::Normal};
    int priority{3};
    Signal signal{Signal::Media};
    bool may_preempt{};
    WhenBusy when_busy{WhenBusy::Skip};
    std::string_view to{"*"};  // far channels by letter; `*`: all of the scene
    Conversation bridge{1};
    milliseconds max_talk{};
};
inline constexpr Say kExplicit{.signal = Signal::Explicit};
inline constexpr Say kEmergency{.level = Class::Emergency, .may_preempt = true};

// A few channels and radios, and a tape of what was decided.
//
// Channels are A, B, C…; the radio b2 is the second one at home on B. Unless a press says otherwise it is
// heard on all channels. Time goes in steps of 10 ms; who talks sends a packet each 20 ms, and as the daemon
// does, asks for the floor when the arbiter says so.
class Scene {
public:
    static constexpr int kRadios = 16;  // per channel

    explicit Scene(std::size_t channels, Settings settings = {}, Timers timers = {})
        : settings_(channels, settings), timers_{timers} {
        set(settings);
    }
    // As a reload does.
    void set(const Settings& settings) {
        settings_.assign(settings_.size(), settings);
        arbiter.configure(
            Layout{.channels = settings_, .participants = settings_.size() * kRadios, .timers = timers_});
    }
    static Participant radio(std::string_view name) {
        const auto number = std::stoul(std::string{name.substr(1)});
        return static_cast<Participant>((name[0] - 'a') * kRadios) + static_cast<Participant>(number) - 1;
    }
    static ChannelIndex channel(char name) { return static_cast<ChannelIndex>(name - 'A'); }
    static std::string name(Participant who) {
        return std::string(1, static_cast<char>('a' + who / kRadios)) + std::to_string(who % kRadios + 1);
    }

    Answer press(std::string_view who, Say say = {}) {
        says_[radio(who)] = say;
        return ask(radio(who));
    }
    // From now on this radio sends media; the first packet is its press, unless it signals explicitly.
    void talk(std::string_view who) {
        says_.try_emplace(radio(who));
        send(radio(who));
        talking_.push_back({radio(who), now + 20ms});
    }
    void talk(std::string_view who, Say say) {
        says_[radio(who)] = say;
        talk(who);
    }
    void send_dtx(std::string_view who) { CHECK(arbiter.media(radio(who), now, true) == Verdict::Pass); }
    void fall_silent(std::string_view who) {
        std::erase_if(talking_, [&](const Talker& t) { return t.who == radio(who); });
    }
    void release(std::string_view who) {
        fall_silent(who);
        arbiter.release(radio(who), now, decisions_);
        note();
    }
    void wait(milliseconds time) {
        for (const auto end = now + time; now < end;) {
            now += 10ms;
            for (Talker& talker : talking_) {
                if (talker.next > now) continue;
                talker.next = now + 20ms;
                send(talker.who);
            }
            run_timers();
        }
    }
    // The process stands still: no packet is read and no timer runs.
    void freeze(milliseconds time) { now += time; }
    void run_timers() {
        while (arbiter.next_deadline().value_or(core::Time::max()) <= now) {
            arbiter.advance(now, decisions_);
            note();
        }
    }
    template <typename Call>
    void call(Call&& what) {
        what(arbiter, decisions_);
        note();
    }
    void retarget(std::string_view who, std::string_view to) {
        const auto far = targets(radio(who), Say{.to = to});
        call([&](Arbiter& a, Decisions& out) { a.retarget(radio(who), far, now, out); });
    }
    // The same with what the press may do at the moment in which it comes out of the queue.
    void reach(std::string_view who, Say say) {
        const auto far = targets(radio(who), say);
        call([&](Arbiter& a, Decisions& out) { a.reach(radio(who), far, now, out); });
    }
    std::vector<Target> targets(Participant who, const Say& say) const {
        std::vector<Target> far;
        for (ChannelIndex c = 0; c < settings_.size(); ++c) {
            const bool wanted =
                say.to == "*" || say.to.find(static_cast<char>('A' + c)) != std::string_view::npos;
            if (wanted && c != who / kRadios) far.push_back({c, say.may_preempt, say.bridge});
        }
        return far;
    }

    // What participants were told since the last look, in order.
    std::string tape() { return read(tape_); }
    // The same with the milliseconds since the scene began.
    std::string timed_tape() {
        tape_.clear();
        return read(timed_);
    }
    // What listeners were told.
    std::string announced() { return read(announced_); }
    // Who holds each channel: `A:a1 B:-`.
    std::string floors() const {
        std::string text;
        for (ChannelIndex c = 0; c < settings_.size(); ++c) {
            if (c) text += ' ';
            text += static_cast<char>('A' + c);
            const auto holder = arbiter.holder(c);
            text += ':' + (holder ? name(*holder) : std::string{"-"});
        }
        return text;
    }
    // Whether the radio's last packet was carried.
    bool is_heard(std::string_view who) const {
        const auto found = heard_.find(radio(who));
        return found != heard_.end() && found->second;
    }

    Arbiter arbiter;
    core::Time now{core::Time{} + 1h};

private:
    struct Talker {
        Participant who;
        core::Time next;
    };

    Answer ask(Participant who) {
        const Say& say = says_.at(who);
        const auto far = targets(who, say);
        const Request request{.participant = who,
                              .own = {who / kRadios, say.may_preempt, say.bridge},
                              .far = far,
                              .claim = {say.level, static_cast<std::uint8_t>(say.priority)},
                              .signal = say.signal,
                              .when_busy = say.when_busy,
                              .max_talk = say.max_talk};
        const Answer answer = arbiter.request(request, now, decisions_);
        note();
        return answer;
    }
    void send(Participant who) {
        auto verdict = arbiter.media(who, now, false);
        if (verdict == Verdict::NeedsRequest && says_.at(who).signal != Signal::Explicit) {
            ask(who);
            verdict = arbiter.media(who, now, false);
            CHECK(verdict != Verdict::NeedsRequest);
        }
        heard_[who] = verdict == Verdict::Pass;
    }
    void note() {
        arbiter.check();
        for (const Decision& decision : decisions_) note(decision);
        decisions_.clear();
    }
    void note(const Decision& d) {
        using Kind = Decision::Kind;
        const std::string channel(1, static_cast<char>('A' + d.channel));
        const auto cause = [&] {
            return number(d.cause) ? std::to_string(number(d.cause)) : std::string{phrase(d.cause)};
        };
        const auto left = [&] {
            return d.left.count() ? " for " + std::to_string(d.left.count()) : std::string{};
        };
        const auto who = [&] { return name(d.participant); };
        const auto tell = [&](const std::string& text) {
            tape_.push_back(text);
            timed_.push_back(std::to_string((now - start_) / 1ms) + ' ' + text);
        };
        switch (d.kind) {
            case Kind::Granted:
                return tell(who() + " granted");
            case Kind::Denied:
                return tell(who() + " denied " + cause());
            case Kind::Queued:
                return tell(who() + " queued " + std::to_string(d.position));
            case Kind::Withdrawn:
                return tell(who() + " withdrawn");
            case Kind::Skipped:
                return tell(who() + " skips " + channel);
            case Kind::Joined:
                return tell(who() + " joins " + channel);
            case Kind::Left:
                return tell(who() + " leaves " + channel);
            case Kind::Warned:
                return tell(who() + " warned" + left());
            case Kind::Revoked:
                return tell(who() + " revoked " + cause() + left());
            case Kind::Released:
                return tell(who() + " ends (" + cause() + ")");
            case Kind::RepeatGranted:
                return tell(who() + " granted again");
            case Kind::RepeatRevoked:
                return tell(who() + " revoked again");
            case Kind::Taken:
                return announced_.push_back(channel + (d.beside ? " beside it " : " taken by ") + who());
            case Kind::Idle:
                return announced_.push_back(channel + (d.beside ? " nobody beside it" : " idle"));
            case Kind::RepeatTaken:
                return announced_.push_back(channel + " still " + who());
            case Kind::RepeatIdle:
                return announced_.push_back(channel + " still idle");
        }
    }
    static std::string read(std::vector<std::string>& lines) {
        std::string text;
        for (const std::string& line : lines) text += (text.empty() ? "" : ", ") + line;
        lines.clear();
        return text;
    }

    std::vector<Settings> settings_;
    Timers timers_;
    Decisions decisions_;
    std::map<Participant, Say> says_;
    std::map<Participant, bool> heard_;
    std::vector<Talker> talking_;
    std::vector<std::string> tape_, timed_, announced_;
    core::Time start_{now};
};

}  // namespace crosspatch::floor::tests
