#include "crosspatch/ptt/mcpt_participant.hpp"

#include <algorithm>
#include <utility>

#include "crosspatch/ptt/mcpt_server.hpp"

namespace crosspatch::ptt {
namespace {

using namespace std::chrono_literals;
using rtp::FloorMessage;
using rtp::FloorType;
using Kind = McptParticipant::Event::Kind;
using State = McptParticipant::State;

constexpr auto kNever = core::Time::max();
constexpr auto kSequenceLife = 10s;  // after it a server that counts anew is believed
constexpr auto kUnlimited = 60s;     // a Granted without a Duration

}  // namespace

std::string_view name_of(State state) {
    static constexpr std::array<std::string_view, 5> kNames{"no permission", "pending Request",
                                                            "has permission", "pending Release", "queued"};
    return kNames[static_cast<std::size_t>(state)];
}

std::string_view name_of(Kind kind) {
    static constexpr std::array<std::string_view, 10> kNames{"granted", "offered", "queued",    "denied",
                                                             "revoked", "lost",    "no answer", "released",
                                                             "taken",   "idle"};
    return kNames[static_cast<std::size_t>(kind)];
}

McptParticipant::McptParticipant(Settings settings) : settings_{std::move(settings)} {
    const Timers& timers = settings_.timers;
    assert(timers.sends > 0 && timers.release_repeat * timers.sends < 6s &&
           timers.request_repeat * timers.sends < 6s);
}

McptParticipant::Step McptParticipant::press(const floor::Claim& claim, core::Time now) {
    Step step;
    key_down_ = true;
    switch (state_) {
        case State::NoPermission:
            claim_ = claim;
            request(now, step);
            break;
        case State::PendingRelease:
            claim_ = claim;
            again_ = true;
            break;
        case State::Queued:
            if (offered_)
                talk({}, now, step);
            else
                raise(claim, now, step);
            break;
        case State::PendingRequest:
        case State::HasPermission:
            raise(claim, now, step);
            break;
    }
    return step;
}

// The same press with a higher claim: an emergency key beside the first one.
void McptParticipant::raise(const floor::Claim& claim, core::Time now, Step& step) {
    if (claim <= claim_) return;
    claim_ = claim;
    if (state_ != State::HasPermission) return request(now, step);
    send_first(request_message(), settings_.timers.request_repeat, now, step);
}

McptParticipant::Step McptParticipant::let_go(core::Time now) {
    Step step;
    key_down_ = again_ = false;
    const bool stays = state_ == State::Queued && settings_.stay_queued;
    if (state_ == State::NoPermission || state_ == State::PendingRelease || stays) return step;
    release(now, step);
    step.events.add({.kind = Kind::Released});
    return step;
}

McptParticipant::Step McptParticipant::cancel(core::Time now) {
    Step step;
    if (state_ != State::Queued) return step;
    release(now, step);
    step.events.add({.kind = Kind::Released});
    return step;
}

McptParticipant::Step McptParticipant::ask_position(core::Time now) {
    Step step;
    if (state_ == State::Queued && !offered_)
        send_first(message(FloorType::QueuePositionRequest), settings_.timers.position_repeat, now, step);
    return step;
}

McptParticipant::Step McptParticipant::on_message(const Message& message, core::Time now,
                                                  std::optional<std::uint64_t> order) {
    Step step;
    step.refused = check(message, now, order);
    if (step.refused) return step;
    remember(message, now, order);
    if (message.ack_wanted)
        step.send.add({.type = FloorType::Ack,
                       .sender = settings_.ssrc,
                       .source = rtp::FloorSource::Participant,
                       .message_type = static_cast<std::uint8_t>(message.type)});
    switch (message.type) {
        case FloorType::Granted:
            on_granted(message, now, step);
            break;
        case FloorType::Deny:
        case FloorType::Revoke:
            on_refused(message, now, step);
            break;
        case FloorType::QueuePositionInfo:
            on_position(message, now, step);
            break;
        case FloorType::Taken:
            on_taken(message, now, step);
            break;
        case FloorType::Idle:
            on_idle(message, now, step);
            break;
        default:
            on_ack(message, now, step);
            break;
    }
    return step;
}

std::optional<McptParticipant::Refusal> McptParticipant::check(const Message& message, core::Time now,
                                                               std::optional<std::uint64_t> order) const {
    // A server may go on under another SSRC, which shows when nothing is under way.
    const bool foreign = server_ && message.sender != *server_;
    if (message.sender == settings_.ssrc || (foreign && state_ != State::NoPermission))
        return Refusal::WrongSsrc;
    if (message.type == FloorType::Request || message.type == FloorType::Release ||
        message.type == FloorType::QueuePositionRequest)
        return Refusal::ClientMessage;
    if (!foreign && order && newest_ && *order < *newest_) return Refusal::Stale;
    if (message.type == FloorType::Granted && message.ssrc && *message.ssrc != settings_.ssrc)
        return Refusal::NotForUs;
    // Not told apart by `order`: Taken and Idle say themselves which is the later one.
    if (!foreign && message.message_sequence_number && sequence_ && now - sequence_at_ < kSequenceLife) {
        const auto ahead = static_cast<std::int16_t>(*message.message_sequence_number - *sequence_);
        if (ahead <= 0) return Refusal::Stale;
    }
    return std::nullopt;
}

void McptParticipant::remember(const Message& message, core::Time now, std::optional<std::uint64_t> order) {
    server_ = message.sender;
    if (order) newest_ = order;
    if (!message.message_sequence_number) return;
    sequence_ = message.message_sequence_number;
    sequence_at_ = now;
}

void McptParticipant::on_granted(const Message& message, core::Time now, Step& step) {
    switch (state_) {
        case State::PendingRequest:
            return talk(message, now, step);
        case State::Queued:
            if (key_down_) return talk(message, now, step);
            if (offered_) return;  // the same again: T132 goes on
            offered_ = true;
            duration_ = message.duration.value_or(0);
            repeat_at_ = kNever;
            expire_at_ = now + settings_.timers.user_action;
            return step.events.add({.kind = Kind::Offered});
        case State::HasPermission:
            if (level_of(message) >= claim_.level) repeat_at_ = kNever;  // a higher claim has been heard
            if (message.duration)
                expire_at_ = now + std::chrono::seconds{*message.duration} + settings_.timers.overtime;
            return;
        case State::NoPermission:
            return step.send.add(release_message());  // nobody wants it any more, and T1 need not run out
        case State::PendingRelease:
            return;  // its Release is under way
    }
}

// Deny and Revoke.
void McptParticipant::on_refused(const Message& message, core::Time now, Step& step) {
    const bool denied = message.type == FloorType::Deny;
    const auto cause = message.reject_cause.value_or(rtp::RejectCause{});
    const Event event{
        .kind = denied ? Kind::Denied : Kind::Revoked, .cause = cause.number, .text = cause.phrase};
    switch (state_) {
        case State::PendingRequest:
            if (!denied) return;  // of an earlier press; this one has its own answer
            enter(State::NoPermission);
            return step.events.add(event);
        case State::Queued:
            if (denied)
                enter(State::NoPermission);
            else
                release(now, step);
            return step.events.add(event);
        case State::HasPermission:
            release(now, step);
            return step.events.add(event);
        case State::NoPermission:
            if (!denied) step.send.add(release_message());  // T8 ends with it
            return;
        case State::PendingRelease:
            return;
    }
}

void McptParticipant::on_position(const Message& message, core::Time now, Step& step) {
    if (!message.queue_info) return;
    const std::uint8_t position = message.queue_info->position;
    const bool queued = position != rtp::QueueInfo::kNotQueued;
    switch (state_) {
        case State::PendingRequest:
            if (!queued) return;  // of an earlier press
            enter(State::Queued);
            repeat_at_ = now + settings_.timers.ask_position;
            return step.events.add({.kind = Kind::Queued, .position = position});
        case State::Queued:
            if (offered_) return;  // overtaken by the Granted
            if (!queued) {
                enter(State::NoPermission);
                return step.events.add({.kind = Kind::Lost});
            }
            sent_ = 0;
            repeat_at_ = now + settings_.timers.ask_position;
            return step.events.add({.kind = Kind::Queued, .position = position});
        case State::HasPermission:
            release(now, step);
            return step.events.add({.kind = Kind::Lost});
        case State::NoPermission:
            if (queued) step.send.add(release_message());
            return;
        case State::PendingRelease:
            return;
    }
}

void McptParticipant::on_taken(const Message& message, core::Time now, Step& step) {
    if (message.ssrc == settings_.ssrc) return;  // we are told of ourselves
    quiet_at_ = now + settings_.timers.media_end;
    step.events.add({.kind = Kind::Taken, .text = message.granted_party});
    switch (state_) {
        case State::PendingRequest:
            // Where presses wait, or may take the floor, the Request has an answer of its own.
            if (settings_.queueing || claim_.level != floor::Class::Normal) return;
            enter(State::NoPermission);
            return step.events.add({.kind = Kind::Denied, .cause = 1});
        case State::HasPermission:
            if (message.has(rtp::floor_indicator::kDualFloor)) return;  // beside us: both are heard
            release(now, step);
            return step.events.add({.kind = Kind::Lost});
        case State::PendingRelease:
            return end_release(now, step);
        case State::Queued:
            if (!offered_) return;
            release(now, step);  // the server's T132 was faster than ours
            return step.events.add({.kind = Kind::Lost});
        case State::NoPermission:
            return;
    }
}

void McptParticipant::on_idle(const Message& message, core::Time now, Step& step) {
    const bool beside = message.has(rtp::floor_indicator::kDualFloor);  // the holder goes on
    if (!beside) quiet_at_ = kNever;
    step.events.add({.kind = Kind::Idle});
    switch (state_) {
        case State::HasPermission:
            if (beside) return;
            release(now, step);
            return step.events.add({.kind = Kind::Lost});
        case State::PendingRelease:
            return end_release(now, step);
        case State::Queued:
            // With an offer it was overtaken by the Granted, or the server's T132 was faster than ours.
            enter(State::NoPermission);
            return step.events.add({.kind = Kind::Lost});
        case State::NoPermission:
        case State::PendingRequest:  // was sent before the Request came
            return;
    }
}

void McptParticipant::on_ack(const Message& message, core::Time now, Step& step) {
    const auto release = static_cast<std::uint8_t>(FloorType::Release);
    if (state_ == State::PendingRelease && settings_.ack_release && message.message_type == release)
        end_release(now, step);
}

McptParticipant::Step McptParticipant::on_media(core::Time now) {
    Step step;
    if (quiet_at_ != kNever) quiet_at_ = now + settings_.timers.media_end;
    if (state_ == State::PendingRelease) end_release(now, step);
    return step;
}

McptParticipant::Step McptParticipant::on_time(core::Time now) {
    Step step;
    if (quiet_at_ <= now) {
        quiet_at_ = kNever;
        step.events.add({.kind = Kind::Idle});
    }
    if (expire_at_ <= now)
        on_expiry(now, step);
    else if (repeat_at_ <= now)
        on_repeat(now, step);
    return step;
}

// T132, or a floor that was held beyond its time.
void McptParticipant::on_expiry(core::Time now, Step& step) {
    release(now, step);
    step.events.add({.kind = Kind::Lost});
}

void McptParticipant::on_repeat(core::Time now, Step& step) {
    const Timers& timers = settings_.timers;
    const bool last = sent_ >= timers.sends;
    const auto repeat = [&](const Message& message, std::chrono::milliseconds after) {
        step.send.add(message);
        ++sent_;
        repeat_at_ = now + after;
    };
    switch (state_) {
        case State::PendingRequest:
            if (!last) return repeat(request_message(), timers.request_repeat);
            enter(State::NoPermission);
            return step.events.add({.kind = Kind::NoAnswer});
        case State::PendingRelease:
            if (!last) return repeat(release_message(), timers.release_repeat);
            return end_release(now, step);
        case State::Queued:
            if (!last) return repeat(message(FloorType::QueuePositionRequest), timers.position_repeat);
            release(now, step);
            return step.events.add({.kind = Kind::Lost});
        case State::HasPermission:
            if (!last) return repeat(request_message(), timers.request_repeat);
            repeat_at_ = kNever;  // talks on with the claim that it has
            return;
        case State::NoPermission:
            return;
    }
}

std::optional<core::Time> McptParticipant::next_deadline() const {
    const auto first = std::min({repeat_at_, expire_at_, quiet_at_});
    return first == kNever ? std::nullopt : std::optional{first};
}

// All timers of a state end with it; T103 is the talker's.
void McptParticipant::enter(State state) {
    state_ = state;
    repeat_at_ = expire_at_ = kNever;
    sent_ = 0;
    offered_ = false;
}

void McptParticipant::request(core::Time now, Step& step) {
    enter(State::PendingRequest);
    send_first(request_message(), settings_.timers.request_repeat, now, step);
}

void McptParticipant::release(core::Time now, Step& step) {
    enter(State::PendingRelease);
    send_first(release_message(), settings_.timers.release_repeat, now, step);
}

void McptParticipant::end_release(core::Time now, Step& step) {
    enter(State::NoPermission);
    if (std::exchange(again_, false)) request(now, step);
}

void McptParticipant::talk(const Message& message, core::Time now, Step& step) {
    if (message.duration || !offered_) duration_ = message.duration.value_or(0);
    enter(State::HasPermission);
    const std::chrono::seconds limit = duration_ ? std::chrono::seconds{duration_} : kUnlimited;
    expire_at_ = now + limit + settings_.timers.overtime;
    step.events.add({.kind = Kind::Granted, .seconds = duration_});
}

void McptParticipant::send_first(Message message, std::chrono::milliseconds repeat, core::Time now,
                                 Step& step) {
    step.send.add(message);
    sent_ = 1;
    repeat_at_ = now + repeat;
}

McptParticipant::Message McptParticipant::message(FloorType type) const {
    return {.type = type, .sender = settings_.ssrc, .user_id = settings_.user_id};
}

McptParticipant::Message McptParticipant::request_message() const {
    Message request = message(FloorType::Request);
    request.priority = claim_.priority;
    request.indicator = indicator_of(claim_.level);
    return request;
}

McptParticipant::Message McptParticipant::release_message() const {
    Message release = message(FloorType::Release);
    release.ack_wanted = settings_.ack_release;
    release.indicator = indicator_of(claim_.level);
    return release;
}

}  // namespace crosspatch::ptt
