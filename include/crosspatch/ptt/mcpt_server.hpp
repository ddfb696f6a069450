#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/floor/decision.hpp"
#include "crosspatch/floor/request.hpp"
#include "crosspatch/rtp/floor_message.hpp"

namespace crosspatch::ptt {

// The gateway's side of floor messages towards one endpoint: what a message asks of the arbiter, and what the
// arbiter's decisions say to the endpoint.
//
// How it is used
//     on_message()   for each message that was opened with the endpoint's key. Request: cut the claim down and ask
//                    the arbiter. Release: acknowledge() and release() there, act on what it decides, then send
//                    answer(), if there still is one. Queue Position Request: send queue_position(). Ack:
//                    acknowledge() there. If `ack_wanted`, send acknowledgement() first.
//     tell()         for each decision about the endpoint, and for Taken and Idle of its channel.
//     state()        to who joins during a call.
// When something is told again is the arbiter's to say: its Repeat… decisions are told like the first.
//
// Shape    some 50 octets; messages are views of what the caller gave: write them at once.
// Trust    nothing in a message says who sent it. User ID, priority and indicator are handed on as claimed.
// Time     `now` is the arrival; only the limit on floods looks at it.
// Errors   a refused message is named by its Refusal and changes nothing; the caller counts it.
// Thread   its worker only; no allocation.
// Source   TS 24.380, as in the sheet, sections 5, 6 and 9; bad-input.md 61 to 69.
class McptServer {
public:
    struct Settings {
        std::uint32_t ssrc{};  // ours, towards this endpoint
        floor::Participant participant{floor::kNobody};
        bool queueing{};         // the channel lets explicit presses wait
        bool may_request{true};  // false: listen-only
        std::uint16_t
            sequence{};  // of the first Taken or Idle, best at random: a restart then looks like one
    };
    enum class Refusal : std::uint8_t {
        WrongSsrc,      // another device's, or our own come back
        ServerMessage,  // only a floor control server sends it
        AckOfAck,
        Unasked,  // an Ack for what asked for none, or has been acknowledged
        Stale,    // a later message has come already
        TooMany,  // above kPerSecond
    };
    static constexpr std::size_t kRefusals = static_cast<std::size_t>(Refusal::TooMany) + 1;
    static constexpr int kPerSecond = 20;  // messages; a Request of a higher class than all before gets past

    // What a message means.
    struct Heard {
        enum class Kind : std::uint8_t { Request, Release, QueuePositionRequest, Ack } kind{};
        bool ack_wanted{};
        // Of a Request, all of it claimed:
        floor::Class level{floor::Class::Normal};
        std::optional<std::uint8_t> priority;  // nothing: what the endpoint has without saying so
        bool broadcast{};
        std::string_view user_id;
    };

    // Who talks on the channel.
    struct Talker {
        floor::Participant who{floor::kNobody};
        std::string_view identity;  // for people, as Granted Party's Identity
        std::uint32_t ssrc{};       // under which this endpoint hears him
        floor::Class level{floor::Class::Normal};
    };
    // How things stand when a decision is told.
    struct Scene {
        floor::Claim claim{};  // of this endpoint's own press, after it was cut down
        std::optional<Talker> talker;
        bool broadcast{};  // the talkspurt on the channel is a broadcast call
    };

    explicit McptServer(const Settings& settings) : settings_{settings}, sequence_{settings.sequence} {}

    // The endpoint sends as `ssrc` from now on, or under a new key. Until told, the first message says it.
    void set_client(std::uint32_t ssrc);
    // Under a new key, or after a rest: whoever comes next is the client.
    void forget_client();
    void set_queueing(bool queueing) { settings_.queueing = queueing; }

    // `order` is the message's SRTCP index, if it has one: what was overtaken is then refused, so that an old
    // Release does not end a new press. Without it a message counts when it comes.
    core::Result<Heard, Refusal> on_message(const rtp::FloorMessage& message, core::Time now,
                                            std::optional<std::uint64_t> order = std::nullopt);

    // The message that tells a decision to this endpoint; nothing if it is none of its business, or is nothing that
    // TS 24.380 has words for (Joined, Skipped, Left, Warned).
    std::optional<rtp::FloorMessage> tell(const floor::Decision& decision, const Scene& scene);
    // Taken or Idle, as things stand; nothing to who talks himself. `beside`: of who talks beside the holder.
    std::optional<rtp::FloorMessage> state(const Scene& scene, bool beside = false);
    // The answer to a Release that nothing told since then has answered.
    std::optional<rtp::FloorMessage> answer(const Scene& scene);
    // `position` as Arbiter::queue_position() gives it; 0: not queued.
    rtp::FloorMessage queue_position(std::uint16_t position, const Scene& scene) const;
    rtp::FloorMessage acknowledgement(const rtp::FloorMessage& message) const;

    std::optional<std::uint32_t> client() const { return client_; }

private:
    std::optional<Refusal> check(const rtp::FloorMessage& message, std::optional<std::uint64_t> order) const;
    bool flooded(const rtp::FloorMessage& message, core::Time now);
    std::optional<rtp::FloorMessage> tell_own(const floor::Decision& decision, const Scene& scene);
    rtp::FloorMessage message(rtp::FloorType type, floor::Class level, bool broadcast) const;
    rtp::FloorMessage granted(const floor::Decision& decision, const Scene& scene);
    rtp::FloorMessage refusal(rtp::FloorType type, floor::Cause cause, const Scene& scene) const;
    rtp::FloorMessage taken(const Talker& talker, const Scene& scene, bool beside);
    rtp::FloorMessage idle(bool beside);

    Settings settings_;
    std::uint16_t sequence_;
    std::optional<std::uint32_t> client_;
    std::optional<std::uint64_t> newest_;  // order of the last message taken
    bool ack_awaited_{};                   // for the last Granted
    bool answer_owed_{};                   // for the last Release
    bool queued_{};
    core::Time window_end_{core::Time::min()};
    int window_count_{};
    floor::Class window_level_{floor::Class::Normal};
};

std::string_view name_of(McptServer::Refusal refusal);  // `wrong_ssrc`

// What a Floor Indicator claims.
floor::Class level_of(const rtp::FloorMessage& message);
std::uint16_t indicator_of(floor::Class level);

}  // namespace crosspatch::ptt
