#pragma once
#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crosspatch/core/time.hpp"
#include "crosspatch/floor/request.hpp"
#include "crosspatch/rtp/floor_message.hpp"

namespace crosspatch::ptt {

// A terminal's side of floor messages: the floor participant of TS 24.380.
//
//     state            leaves it by
//     NoPermission     press
//     PendingRequest   Granted, Deny, Queue Position Info, letting go; Taken, if that answers it; T101 three times
//     HasPermission    letting go, Revoke; whatever says that somebody else or nobody talks; the Duration and `overtime`
//     PendingRelease   Taken, Idle, media, the Release's Ack; T100 three times
//     Queued           Granted, Deny, Idle, letting go; T132; a position that nobody tells when asked three times
//
// When in doubt it gives the floor up and says so by a Release: then nobody talks who has no permission, and no floor is
// kept for who does not talk. What comes too late is given back in the same way.
//
// Shape    some 200 octets; messages and texts in a Step are views, to be written and read at once.
// Time     passed in; call on_time() at next_deadline() or later.
// Errors   a message that it does not take is named by its Refusal and changes nothing.
// Thread   its owner's; only the constructor allocates.
// Source   TS 24.380, as in the sheet, sections 4 (timers) and 7 (states). Ours beyond it: what gives a floor back that
//          is not wanted any more, asking for the position unasked, and `overtime`.
class McptParticipant {
public:
    enum class State : std::uint8_t { NoPermission, PendingRequest, HasPermission, PendingRelease, Queued };

    struct Timers {
        std::chrono::milliseconds release_repeat{1000};   // T100; with C100 below six seconds in all
        std::chrono::milliseconds request_repeat{1000};   // T101; likewise
        std::chrono::milliseconds media_end{4000};        // T103: a talker who is not heard has ended
        std::chrono::milliseconds position_repeat{1000};  // T104
        std::chrono::milliseconds user_action{2000};  // T132: granted out of the queue, the key is not down
        std::chrono::milliseconds ask_position{10'000};  // queued for so long without a word
        std::chrono::milliseconds overtime{3000};        // beyond the Duration, if nobody revokes
        std::uint8_t sends{3};                           // C100, C101, C104: the first one included
    };
    struct Settings {
        std::uint32_t ssrc{};
        std::string user_id;      // told in each message; empty: not told
        bool queueing{true};      // mc_queueing was agreed: Taken does not answer a Request
        bool stay_queued{false};  // letting the key go keeps the place in the queue
        bool ack_release{false};  // ask for an Ack of each Release
        Timers timers{};
    };

    // What a person hears or sees.
    struct Event {
        enum class Kind : std::uint8_t {
            Granted,   // talk; `seconds` 0: not said
            Offered,   // granted out of the queue: press the key to talk
            Queued,    // `position`, 255: not disclosed
            Denied,    // `cause`, `text` its phrase
            Revoked,   // likewise: stop talking
            Lost,      // the floor or the place in the queue is gone, nobody said why
            NoAnswer,  // to a Request
            Released,  // the floor is given back
            Taken,     // somebody talks; `text` his identity
            Idle,      // nobody does
        };
        Kind kind{Kind::Idle};
        std::uint16_t cause{};
        std::uint16_t seconds{};
        std::uint8_t position{};
        std::string_view text;  // the server's raw octets
    };
    enum class Refusal : std::uint8_t {
        WrongSsrc,      // another server's, or our own come back
        ClientMessage,  // only a participant sends it
        NotForUs,       // grants the floor to another SSRC
        Stale,          // a later one has come already
    };

    // A few of them, in order.
    template <typename Item, std::size_t kMost>
    class Few {
    public:
        const Item* begin() const { return items_.data(); }
        const Item* end() const { return items_.data() + size_; }
        std::size_t size() const { return size_; }
        bool empty() const { return size_ == 0; }
        void add(const Item& item) {
            assert(size_ < kMost);
            items_[size_++] = item;
        }

    private:
        std::array<Item, kMost> items_{};
        std::size_t size_{};
    };
    // What is to be sent and told, in this order.
    struct Step {
        Few<rtp::FloorMessage, 4> send;
        Few<Event, 4> events;
        std::optional<Refusal> refused;
    };

    // Requires: T100 and T101 with their counters stay below six seconds.
    explicit McptParticipant(Settings settings);

    // The key goes down: ask with this claim, or take up what was offered. While a Release is pending, asks after it.
    // With the key down already, a higher claim is asked for at once.
    Step press(const floor::Claim& claim, core::Time now);
    Step let_go(core::Time now);
    // Leaves the queue, whatever the key does.
    Step cancel(core::Time now);
    // Queue Position Request, as a person asks for it. Only while queued.
    Step ask_position(core::Time now);
    // `order` as for McptServer::on_message().
    Step on_message(const rtp::FloorMessage& message, core::Time now,
                    std::optional<std::uint64_t> order = std::nullopt);
    // Somebody's media has come.
    Step on_media(core::Time now);
    Step on_time(core::Time now);
    std::optional<core::Time> next_deadline() const;

    State state() const { return state_; }
    bool may_talk() const { return state_ == State::HasPermission; }

private:
    using Message = rtp::FloorMessage;

    std::optional<Refusal> check(const Message& message, core::Time now,
                                 std::optional<std::uint64_t> order) const;
    void remember(const Message& message, core::Time now, std::optional<std::uint64_t> order);
    void on_granted(const Message& message, core::Time now, Step& step);
    void on_refused(const Message& message, core::Time now, Step& step);
    void on_position(const Message& message, core::Time now, Step& step);
    void on_taken(const Message& message, core::Time now, Step& step);
    void on_idle(const Message& message, core::Time now, Step& step);
    void on_ack(const Message& message, core::Time now, Step& step);
    void on_expiry(core::Time now, Step& step);
    void on_repeat(core::Time now, Step& step);

    void enter(State state);
    void request(core::Time now, Step& step);
    void raise(const floor::Claim& claim, core::Time now, Step& step);
    void release(core::Time now, Step& step);
    void end_release(core::Time now, Step& step);
    void talk(const Message& message, core::Time now, Step& step);
    void send_first(Message message, std::chrono::milliseconds repeat, core::Time now, Step& step);
    Message message(rtp::FloorType type) const;
    Message request_message() const;
    Message release_message() const;

    Settings settings_;
    State state_{State::NoPermission};
    floor::Claim claim_;
    bool key_down_{};
    bool again_{};    // pressed anew while a Release is pending
    bool offered_{};  // queued, and granted: T132 runs
    std::uint8_t sent_{};
    core::Time repeat_at_{core::Time::max()};  // T100, T101, T104, or when to ask for the position
    core::Time expire_at_{core::Time::max()};  // T132, or Duration and overtime
    core::Time quiet_at_{core::Time::max()};   // T103; running: somebody talks
    std::uint16_t duration_{};                 // of the last Granted
    std::optional<std::uint32_t> server_;
    std::optional<std::uint64_t> newest_;    // order of the last message taken
    std::optional<std::uint16_t> sequence_;  // of the last Taken or Idle
    core::Time sequence_at_{};
};

std::string_view name_of(McptParticipant::State state);  // `pending Request`
std::string_view name_of(McptParticipant::Event::Kind kind);

}  // namespace crosspatch::ptt
