#include "crosspatch/ptt/mcpt_server.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "crosspatch/floor/cause.hpp"

namespace crosspatch::ptt {
namespace {

using floor::Class;
using floor::Decision;
using rtp::FloorMessage;
using rtp::FloorType;
using Kind = Decision::Kind;
using namespace std::chrono_literals;

constexpr std::size_t kMaxText = 255;         // what a field can hold
constexpr std::uint16_t kOther = 255;         // Reject Cause of both messages
constexpr std::uint16_t kLastPosition = 253;  // above it Queue Info has other meanings

// Cut between two code points, where it is too long.
std::string_view fitting(std::string_view text) {
    if (text.size() <= kMaxText) return text;
    std::size_t size = kMaxText;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
    return text.substr(0, size);
}

// To the nearest second; what is left of a talkspurt is never told as none.
std::uint16_t seconds_of(std::chrono::milliseconds left) {
    const auto seconds = (left + 500ms) / 1000ms;
    return static_cast<std::uint16_t>(std::clamp<std::int64_t>(seconds, 1, 0xFFFF));
}

bool is_clients(FloorType type) {
    return type == FloorType::Request || type == FloorType::Release ||
           type == FloorType::QueuePositionRequest || type == FloorType::Ack;
}

}  // namespace

std::string_view name_of(McptServer::Refusal refusal) {
    static constexpr std::array<std::string_view, McptServer::kRefusals> kNames{
        "wrong_ssrc", "server_message", "ack_of_ack", "unasked_ack", "stale", "too_many"};
    return kNames[static_cast<std::size_t>(refusal)];
}

Class level_of(const FloorMessage& message) {
    if (message.has(rtp::floor_indicator::kEmergency)) return Class::Emergency;
    if (message.has(rtp::floor_indicator::kImminentPeril)) return Class::ImminentPeril;
    return Class::Normal;
}

std::uint16_t indicator_of(Class level) {
    switch (level) {
        case Class::Emergency:
            return rtp::floor_indicator::kEmergency;
        case Class::ImminentPeril:
            return rtp::floor_indicator::kImminentPeril;
        case Class::Normal:
            break;
    }
    return rtp::floor_indicator::kNormal;
}

void McptServer::set_client(std::uint32_t ssrc) {
    client_ = ssrc;
    newest_.reset();
    ack_awaited_ = false;
}

void McptServer::forget_client() {
    client_.reset();
    newest_.reset();
    ack_awaited_ = false;
}

core::Result<McptServer::Heard, McptServer::Refusal> McptServer::on_message(
    const FloorMessage& message, core::Time now, std::optional<std::uint64_t> order) {
    if (const auto refusal = check(message, order)) return core::Unexpected{*refusal};
    if (flooded(message, now)) return core::Unexpected{Refusal::TooMany};
    client_ = message.sender;
    if (order) newest_ = order;

    Heard heard{.ack_wanted = message.ack_wanted, .user_id = message.user_id};
    switch (message.type) {
        case FloorType::Request:
            heard.kind = Heard::Kind::Request;
            heard.level = level_of(message);
            heard.priority = message.priority;
            heard.broadcast = message.has(rtp::floor_indicator::kBroadcast);
            break;
        case FloorType::Release:
            heard.kind = Heard::Kind::Release;
            ack_awaited_ = false;
            answer_owed_ = true;
            break;
        case FloorType::QueuePositionRequest:
            heard.kind = Heard::Kind::QueuePositionRequest;
            break;
        default:
            heard.kind = Heard::Kind::Ack;
            ack_awaited_ = false;
            break;
    }
    return heard;
}

std::optional<McptServer::Refusal> McptServer::check(const FloorMessage& message,
                                                     std::optional<std::uint64_t> order) const {
    if (message.sender == settings_.ssrc || (client_ && message.sender != *client_))
        return Refusal::WrongSsrc;
    if (!is_clients(message.type)) return Refusal::ServerMessage;
    // Several messages of one datagram have one index.
    if (order && newest_ && *order < *newest_) return Refusal::Stale;
    if (message.type != FloorType::Ack) return std::nullopt;
    if (message.source && *message.source != rtp::FloorSource::Participant) return Refusal::ServerMessage;
    if (!message.message_type) return Refusal::Unasked;
    const auto acknowledged = static_cast<FloorType>(*message.message_type & 0x0F);
    if (acknowledged == FloorType::Ack) return Refusal::AckOfAck;
    if (acknowledged != FloorType::Granted || !ack_awaited_) return Refusal::Unasked;
    return std::nullopt;
}

bool McptServer::flooded(const FloorMessage& message, core::Time now) {
    const Class level = message.type == FloorType::Request ? level_of(message) : Class::Normal;
    if (now >= window_end_ || level > window_level_) {
        window_end_ = now + 1s;
        window_level_ = level;
        window_count_ = 0;
    }
    if (window_count_ >= kPerSecond) return true;
    ++window_count_;
    return false;
}

std::optional<FloorMessage> McptServer::tell(const Decision& decision, const Scene& scene) {
    switch (decision.kind) {
        case Kind::Taken:
        case Kind::RepeatTaken:
            if (!scene.talker || decision.participant == settings_.participant) return std::nullopt;
            return taken(*scene.talker, scene, decision.beside);
        case Kind::Idle:
        case Kind::RepeatIdle:
            // To who is queued, for another channel or until the hang is over, it would mean that he is not any more.
            if (queued_) return std::nullopt;
            return idle(decision.beside);
        default:
            if (decision.participant != settings_.participant) return std::nullopt;
            return tell_own(decision, scene);
    }
}

std::optional<FloorMessage> McptServer::tell_own(const Decision& decision, const Scene& scene) {
    switch (decision.kind) {
        case Kind::Granted:
        case Kind::RepeatGranted:
            queued_ = false;
            return granted(decision, scene);
        case Kind::Denied:
            queued_ = false;
            return refusal(FloorType::Deny, decision.cause, scene);
        case Kind::Queued:
            queued_ = true;
            return queue_position(decision.position, scene);
        case Kind::Withdrawn:
            queued_ = false;
            if (decision.cause == floor::Cause::TalkerReleased) return state(scene);
            return refusal(FloorType::Deny, decision.cause, scene);
        case Kind::Revoked:
        case Kind::RepeatRevoked:
            ack_awaited_ = false;  // the Ack of an earlier Granted must not end the repeats of this
            return refusal(FloorType::Revoke, decision.cause, scene);
        case Kind::Released:
            ack_awaited_ = false;
            return std::nullopt;  // Taken or Idle follows, for everybody on the channel
        default:
            return std::nullopt;
    }
}

std::optional<FloorMessage> McptServer::state(const Scene& scene, bool beside) {
    if (!scene.talker) return idle(beside);
    if (scene.talker->who == settings_.participant) return std::nullopt;
    return taken(*scene.talker, scene, beside);
}

std::optional<FloorMessage> McptServer::answer(const Scene& scene) {
    if (!answer_owed_) return std::nullopt;
    answer_owed_ = false;
    return state(scene);
}

FloorMessage McptServer::queue_position(std::uint16_t position, const Scene& scene) const {
    FloorMessage info = message(FloorType::QueuePositionInfo, scene.claim.level, false);
    info.ssrc = client_;
    info.queue_info = rtp::QueueInfo{rtp::QueueInfo::kNotQueued, scene.claim.priority};
    if (position > 0)
        info.queue_info->position = static_cast<std::uint8_t>(std::min(position, kLastPosition));
    return info;
}

FloorMessage McptServer::acknowledgement(const FloorMessage& message) const {
    return {.type = FloorType::Ack,
            .sender = settings_.ssrc,
            .source = rtp::FloorSource::Controlling,
            .message_type = static_cast<std::uint8_t>(message.type)};
}

FloorMessage McptServer::message(FloorType type, Class level, bool broadcast) const {
    std::uint16_t indicator = indicator_of(level);
    if (broadcast && level == Class::Normal) indicator = 0;  // a broadcast call is no normal one
    if (broadcast) indicator |= rtp::floor_indicator::kBroadcast;
    if (settings_.queueing) indicator |= rtp::floor_indicator::kQueueing;
    return {.type = type, .sender = settings_.ssrc, .indicator = indicator};
}

FloorMessage McptServer::granted(const Decision& decision, const Scene& scene) {
    FloorMessage granted = message(FloorType::Granted, scene.claim.level, scene.broadcast);
    granted.ack_wanted = true;
    granted.priority = scene.claim.priority;
    granted.ssrc = client_;
    if (decision.beside) *granted.indicator |= rtp::floor_indicator::kDualFloor;
    if (decision.left > 0ms) granted.duration = seconds_of(decision.left);
    ack_awaited_ = true;
    return granted;
}

// A cause of the other message, or of none, is told by its phrase.
FloorMessage McptServer::refusal(FloorType type, floor::Cause cause, const Scene& scene) const {
    const auto of_type = type == FloorType::Deny ? floor::Message::Deny : floor::Message::Revoke;
    FloorMessage refusal = message(type, scene.claim.level, false);
    refusal.reject_cause = rtp::RejectCause{floor::message(cause) == of_type ? floor::number(cause) : kOther,
                                            floor::phrase(cause)};
    return refusal;
}

FloorMessage McptServer::taken(const Talker& talker, const Scene& scene, bool beside) {
    answer_owed_ = false;
    FloorMessage taken = message(FloorType::Taken, talker.level, scene.broadcast);
    if (beside) *taken.indicator |= rtp::floor_indicator::kDualFloor;
    taken.granted_party = fitting(talker.identity);
    taken.permission_to_request = settings_.may_request && !scene.broadcast;
    taken.message_sequence_number = sequence_++;
    taken.ssrc = talker.ssrc;
    return taken;
}

FloorMessage McptServer::idle(bool beside) {
    answer_owed_ = false;
    FloorMessage idle = message(FloorType::Idle, Class::Normal, false);
    if (beside) *idle.indicator |= rtp::floor_indicator::kDualFloor;
    idle.message_sequence_number = sequence_++;
    return idle;
}

}  // namespace crosspatch::ptt
