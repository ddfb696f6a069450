#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "crosspatch/floor/arbiter.hpp"
#include "crosspatch/ptt/mcpt_participant.hpp"
#include "crosspatch/ptt/mcpt_server.hpp"

namespace crosspatch::ptt::tests {
using namespace std::chrono_literals;
using std::chrono::milliseconds;

// How bad the wire is, and what kind of handsets hang on it.
struct Weather {
    double loss{};
    double doubled{};
    milliseconds delay{};  // up to so much, each packet for itself: they overtake each other
    bool srtcp{true};  // packets have an index: doubles are dropped, and what was overtaken is seen as such
    bool queueing{true};
    bool stay_queued{};
};

struct Tally {
    std::uint64_t schedules{}, presses{}, raised{}, granted{}, queued{}, offered{}, denied{}, revoked{},
        lost{}, unanswered{};
    std::uint64_t messages{}, refused{}, media{};
    milliseconds overlap{};  // the longest that two believed to have permission

    void add(const Tally& other) {
        schedules += other.schedules;
        presses += other.presses;
        raised += other.raised;
        granted += other.granted;
        queued += other.queued;
        offered += other.offered;
        denied += other.denied;
        revoked += other.revoked;
        lost += other.lost;
        unanswered += other.unanswered;
        messages += other.messages;
        refused += other.refused;
        media += other.media;
        overlap = std::max(overlap, other.overlap);
    }
};

// One channel, an arbiter, three handsets and what lies between them; everything at random from one seed.
//
// Time     simulated, from event to event. Keys go up and down for kBusy; then all let go, and kRest later all must be
//          idle. Throws at the first thing that must not be.
class Wire {
public:
    static constexpr std::size_t kHandsets = 3;
    static constexpr auto kBusy = 15s;
    static constexpr auto kRest = 20s;
    static constexpr milliseconds kGrace{3000};

    Wire(std::uint32_t seed, const Weather& weather) : weather_{weather}, random_{seed} {
        const std::array channel{floor::Settings{.queue = std::uint8_t(weather.queueing ? 8 : 0),
                                                 .max_talk = milliseconds{1000 + random_() % 4000},
                                                 .warn = 500ms,
                                                 .grace = kGrace,
                                                 .cooldown = 1000ms,
                                                 .hang = milliseconds{random_() % 1000}}};
        arbiter_.configure({.channels = channel, .participants = kHandsets});
        for (std::uint32_t i = 0; i < kHandsets; ++i)
            handsets_.push_back(
                {.server = McptServer{{.ssrc = kGateway, .participant = i, .queueing = weather.queueing}},
                 .terminal = McptParticipant{{.ssrc = 100 + i,
                                              .user_id = "sip:unit" + std::to_string(i),
                                              .queueing = weather.queueing,
                                              .stay_queued = weather.stay_queued,
                                              .ack_release = random_() % 2 == 0}},
                 .act_at = now_ + milliseconds{random_() % 3000}});
    }

    Tally run() {
        tally_.schedules = 1;
        for (; now_ < start_ + kBusy + kRest; now_ = next_event()) {
            step();
            watch();
        }
        for (const Handset& handset : handsets_)
            require(handset.terminal.state() == State::NoPermission, "not idle");
        require(!arbiter_.holder(0), "the floor is held");
        for (std::uint32_t i = 0; i < kHandsets; ++i)
            require(arbiter_.participant_state(i) == floor::ParticipantState::Silent, "the arbiter waits");
        return tally_;
    }

private:
    using State = McptParticipant::State;
    using Kind = McptParticipant::Event::Kind;
    static constexpr std::uint32_t kGateway = 7;
    static constexpr auto kFrame = 60ms;

    struct Handset {
        McptServer server;
        McptParticipant terminal;
        core::Time act_at;  // when a finger does something
        bool down{};
        core::Time speak_at{core::Time::max()};
        State state{State::NoPermission};
        core::Time since{};
        std::uint64_t index_up{}, index_down{};
        std::set<std::uint64_t> seen_up{}, seen_down{};  // the replay windows
    };

    static void require(bool holds, const char* what) {
        if (!holds) throw std::runtime_error{what};
    }

    core::Time next_event() {
        core::Time next = start_ + kBusy + kRest;
        const auto sooner = [&](core::Time time) { next = std::min(next, time); };
        if (!on_the_way_.empty()) sooner(on_the_way_.begin()->first);
        if (const auto due = arbiter_.next_deadline()) sooner(*due);
        for (const Handset& handset : handsets_) {
            if (const auto due = handset.terminal.next_deadline()) sooner(*due);
            sooner(handset.act_at);
            sooner(handset.speak_at);
        }
        return std::max(next, now_);
    }

    void step() {
        while (!on_the_way_.empty() && on_the_way_.begin()->first <= now_) {
            const auto arrive = std::move(on_the_way_.begin()->second);
            on_the_way_.erase(on_the_way_.begin());
            arrive();
        }
        while (arbiter_.next_deadline().value_or(core::Time::max()) <= now_) {
            arbiter_.advance(now_, decisions_);
            act();
        }
        for (std::uint32_t i = 0; i < kHandsets; ++i) {
            Handset& handset = handsets_[i];
            if (handset.terminal.next_deadline().value_or(core::Time::max()) <= now_)
                carry_out(i, handset.terminal.on_time(now_));
            if (handset.act_at <= now_) use_key(i);
            if (handset.speak_at <= now_) speak(i);
        }
    }

    void use_key(std::uint32_t i) {
        Handset& handset = handsets_[i];
        const bool over = now_ >= start_ + kBusy;
        handset.act_at = over ? core::Time::max() : now_ + milliseconds{250 + random_() % 3000};
        if (!over) handset.act_at = std::min(handset.act_at, start_ + kBusy);
        if (handset.down && !over && random_() % 8 == 0) {  // the emergency key beside the first one
            ++tally_.raised;
            return carry_out(i, handset.terminal.press({floor::Class::Emergency, 0}, now_));
        }
        if (over && !handset.down) return carry_out(i, handset.terminal.cancel(now_));
        handset.down = !handset.down && !over;
        if (!handset.down) {
            carry_out(i, handset.terminal.let_go(now_));
            if (over) carry_out(i, handset.terminal.cancel(now_));
            return;
        }
        ++tally_.presses;
        const auto level = random_() % 8 == 0 ? floor::Class::Emergency : floor::Class::Normal;
        carry_out(i, handset.terminal.press({level, static_cast<std::uint8_t>(random_() % 3)}, now_));
    }

    // What a terminal wants done.
    void carry_out(std::uint32_t i, const McptParticipant::Step& wanted) {
        for (const auto& message : wanted.send) to_server(i, message);
        for (const auto& event : wanted.events) {
            tally_.granted += event.kind == Kind::Granted;
            tally_.queued += event.kind == Kind::Queued;
            tally_.offered += event.kind == Kind::Offered;
            tally_.denied += event.kind == Kind::Denied;
            tally_.revoked += event.kind == Kind::Revoked;
            tally_.lost += event.kind == Kind::Lost;
            tally_.unanswered += event.kind == Kind::NoAnswer;
        }
        tally_.refused += wanted.refused.has_value();
        Handset& handset = handsets_[i];
        if (!handset.terminal.may_talk())
            handset.speak_at = core::Time::max();
        else if (handset.speak_at == core::Time::max())
            handset.speak_at = now_;
    }

    void speak(std::uint32_t i) {
        handsets_[i].speak_at = now_ + kFrame;
        send([this, i] { on_media(i); });
    }
    void on_media(std::uint32_t i) {
        ++tally_.media;
        const auto verdict = arbiter_.media(i, now_, false);
        if (verdict == floor::Verdict::NeedsRequest) {
            arbiter_.trespass(i, now_, decisions_);
            act();
        }
        if (verdict != floor::Verdict::Pass) return;
        for (std::uint32_t other = 0; other < kHandsets; ++other)
            if (other != i)
                send([this, other] { carry_out(other, handsets_[other].terminal.on_media(now_)); });
    }

    void send(const std::function<void()>& arrive) {
        const auto chance = [&](double p) { return std::uniform_real_distribution{}(random_) < p; };
        for (int copies = chance(weather_.doubled) ? 2 : 1; copies > 0; --copies) {
            if (chance(weather_.loss)) continue;
            const auto delay =
                5ms + milliseconds{random_() % static_cast<unsigned>(weather_.delay.count() + 1)};
            on_the_way_.emplace(now_ + delay, arrive);
        }
    }

    // As octets, there and back.
    template <typename Arrive>
    void send_message(const rtp::FloorMessage& message, std::uint64_t index, std::set<std::uint64_t>& seen,
                      const Arrive& arrive) {
        ++tally_.messages;
        std::vector<std::byte> octets(rtp::kMaxPacket);
        octets.resize(rtp::write_floor_message(octets, message));
        require(!octets.empty(), "a message that cannot be written");
        send([this, octets, index, &seen, arrive] {
            if (weather_.srtcp && !seen.insert(index).second) return;
            const auto read = rtp::parse_floor_message(octets);
            require(read.has_value(), "a message that cannot be read");
            arrive(*read, weather_.srtcp ? std::optional{index} : std::nullopt);
        });
    }
    void to_server(std::uint32_t i, const rtp::FloorMessage& message) {
        Handset& handset = handsets_[i];
        send_message(message, handset.index_up++, handset.seen_up,
                     [this, i](const auto& read, auto order) { at_server(i, read, order); });
    }
    void to_terminal(std::uint32_t i, const std::optional<rtp::FloorMessage>& message) {
        if (!message) return;
        Handset& handset = handsets_[i];
        send_message(*message, handset.index_down++, handset.seen_down,
                     [this, i](const auto& read, auto order) {
                         carry_out(i, handsets_[i].terminal.on_message(read, now_, order));
                     });
    }

    // What the bridge does with a message.
    void at_server(std::uint32_t i, const rtp::FloorMessage& message, std::optional<std::uint64_t> order) {
        McptServer& server = handsets_[i].server;
        const auto heard = server.on_message(message, now_, order);
        if (!heard) {
            ++tally_.refused;
            return;
        }
        if (heard->ack_wanted) to_terminal(i, server.acknowledgement(message));
        switch (heard->kind) {
            case McptServer::Heard::Kind::Request:
                arbiter_.request({.participant = i,
                                  .own = {.channel = 0, .may_preempt = true},
                                  .claim = {heard->level, heard->priority.value_or(3)},
                                  .signal = floor::Signal::Explicit},
                                 now_, decisions_);
                return act();
            case McptServer::Heard::Kind::Release:
                arbiter_.acknowledge(i);
                arbiter_.release(i, now_, decisions_);
                act();
                return to_terminal(i, server.answer(scene(i, arbiter_.holder(0))));
            case McptServer::Heard::Kind::QueuePositionRequest:
                return to_terminal(
                    i, server.queue_position(arbiter_.queue_position(i), scene(i, arbiter_.holder(0))));
            case McptServer::Heard::Kind::Ack:
                return arbiter_.acknowledge(i);
        }
    }
    void act() {
        arbiter_.check();
        for (const floor::Decision& decision : decisions_) {
            const bool taken = decision.kind == floor::Decision::Kind::Taken ||
                               decision.kind == floor::Decision::Kind::RepeatTaken;
            for (std::uint32_t i = 0; i < kHandsets; ++i) {
                const auto talker = taken ? std::optional{decision.participant} : arbiter_.holder(0);
                to_terminal(i, handsets_[i].server.tell(decision, scene(i, talker)));
            }
        }
        decisions_.clear();
    }
    McptServer::Scene scene(std::uint32_t i, std::optional<floor::Participant> talker) const {
        McptServer::Scene scene{.claim = arbiter_.claim(i)};
        if (talker) scene.talker = {*talker, "unit", 100 + *talker, arbiter_.claim(*talker).level};
        return scene;
    }

    // What must hold at every moment.
    void watch() {
        int believers = 0;
        for (Handset& handset : handsets_) {
            const State state = handset.terminal.state();
            believers += state == State::HasPermission;
            if (state != handset.state) handset.since = now_;
            handset.state = state;
            const auto stays = now_ - handset.since;
            if (state == State::PendingRequest || state == State::PendingRelease)
                require(stays < 6s, "stuck in a pending state");
            if (state == State::Queued) require(stays < 30s, "stuck in the queue");
            if (state == State::HasPermission) require(stays < 5s + kGrace + 2s, "talks without end");
        }
        if (believers < 2) {
            alone_at_ = now_;
            return;
        }
        const auto overlap = std::chrono::duration_cast<milliseconds>(now_ - alone_at_);
        tally_.overlap = std::max(tally_.overlap, overlap);
        require(overlap <= kGrace, "two have permission for longer than the grace");
    }

    Weather weather_;
    std::mt19937 random_;
    const core::Time start_{core::Time{} + 1h};
    core::Time now_{start_};
    core::Time alone_at_{start_};
    floor::Arbiter arbiter_;
    floor::Decisions decisions_;
    std::vector<Handset> handsets_;
    std::multimap<core::Time, std::function<void()>> on_the_way_;
    Tally tally_;
};

}  // namespace crosspatch::ptt::tests
