#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "crosspatch/core/result.hpp"
#include "crosspatch/rtp/rtcp.hpp"

// Floor control messages: RTCP APP packets named MCPT. 3GPP TS 24.380 clause 8.2, as in the sheet, sections 1 to 3.
namespace crosspatch::rtp {

enum class FloorType : std::uint8_t {
    Request = 0,
    Granted = 1,
    Taken = 2,
    Deny = 3,
    Release = 4,
    Idle = 5,
    Revoke = 6,
    QueuePositionRequest = 8,
    QueuePositionInfo = 9,
    Ack = 10,
};
std::string_view name_of(FloorType type);  // `Floor Granted`

// Some messages can ask for a Floor Ack. A Request and a Revoke are answered in kind, and an Ack ends it.
bool can_want_ack(FloorType type);

// Why an APP packet is no floor message. One counter each: `counters[index_of(error)]`.
enum class FloorError : std::uint8_t {
    Packet,       // not exactly one RTCP APP packet without padding
    Name,         // not MCPT
    Subtype,      // a message that nobody here knows, or one that cannot ask for an Ack and does
    FieldEmpty,   // a field without a value: the standard has none
    FieldLength,  // a field's value is too short for what it is
    FieldEnd,     // a field, or its padding, runs past the end
};
constexpr std::size_t kFloorErrors = static_cast<std::size_t>(FloorError::FieldEnd) + 1;
constexpr std::size_t index_of(FloorError error) { return static_cast<std::size_t>(error); }
std::string_view name_of(FloorError error);  // `bad_field_length`

// Floor Indicator, clause 8.2.3.15: bits that combine.
namespace floor_indicator {
inline constexpr std::uint16_t kNormal = 0x8000;
inline constexpr std::uint16_t kBroadcast = 0x4000;
inline constexpr std::uint16_t kSystem = 0x2000;
inline constexpr std::uint16_t kEmergency = 0x1000;
inline constexpr std::uint16_t kImminentPeril = 0x0800;
inline constexpr std::uint16_t kQueueing = 0x0400;
inline constexpr std::uint16_t kDualFloor = 0x0200;
inline constexpr std::uint16_t kTemporaryGroup = 0x0100;
inline constexpr std::uint16_t kMultiTalker = 0x0080;
}  // namespace floor_indicator

struct RejectCause {
    std::uint16_t number{};
    std::string_view phrase;
    friend bool operator==(const RejectCause&, const RejectCause&) = default;
};

struct QueueInfo {
    static constexpr std::uint8_t kNotQueued = 254;
    static constexpr std::uint8_t kNotDisclosed = 255;
    std::uint8_t position{};  // 1 = next
    std::uint8_t priority{};
    friend bool operator==(const QueueInfo&, const QueueInfo&) = default;
};

struct TrackInfo {
    bool queueing{};
    std::string_view participant_type;
    std::span<const std::byte> references;  // whole words
    friend bool operator==(const TrackInfo& a, const TrackInfo& b);
};

// What a Floor Ack says about who sends it.
enum class FloorSource : std::uint16_t { Participant, Participating, Controlling, NonControlling };

// One floor message. Which of the fields a message has is said by its type; the others are neither written nor
// read.
//
// Shape    a view: texts and references point into what was read, and live as long as that does. A text that
//          is empty is a field that is not there.
// Units    `duration` is seconds.
// Trust    texts are the sender's raw octets, any value, not always UTF-8: core::escape() what people will see.
//          Nothing in a message says who sent it; the key that opened it does.
// Source   TS 24.380 clause 8.2.3.
struct FloorMessage {
    FloorType type{FloorType::Request};
    bool ack_wanted{};
    std::uint32_t sender{};  // the SSRC of who sends it

    std::optional<std::uint8_t> priority;                  // Floor Priority: 0 low to 255 high
    std::optional<std::uint16_t> duration;                 // Duration
    std::optional<RejectCause> reject_cause;               // Reject Cause
    std::optional<QueueInfo> queue_info;                   // Queue Info
    std::string_view granted_party;                        // Granted Party's Identity
    std::optional<bool> permission_to_request;             // Permission to Request the Floor
    std::string_view user_id;                              // User ID
    std::optional<std::uint16_t> queue_size;               // Queue Size
    std::optional<std::uint16_t> message_sequence_number;  // Message Sequence Number
    std::string_view queued_user_id;                       // Queued User ID
    std::optional<FloorSource> source;                     // Source
    std::optional<TrackInfo> track_info;                   // Track Info
    std::optional<std::uint8_t> message_type;              // Message Type: what an Ack is for
    std::optional<std::uint16_t> indicator;                // Floor Indicator
    // SSRC: who talks, in Granted and Taken; who is queued, in Queue Position Info. A second one in Granted,
    // about a queue behind another server, is not read.
    std::optional<std::uint32_t> ssrc;

    bool has(std::uint16_t bit) const { return indicator && (*indicator & bit) != 0; }
    friend bool operator==(const FloorMessage&, const FloorMessage&) = default;
};

// Any order of fields; of a field that stands twice the first counts; unknown fields are stepped over. At most one
// step a field, no allocation. What RtcpReader hands on is free of RTCP padding.
core::Result<FloorMessage, FloorError> parse_floor_message(const App& app);
// The same from a whole RTCP packet; several in one datagram are walked with parse_compound().
core::Result<FloorMessage, FloorError> parse_floor_message(std::span<const std::byte> packet);

// The octets that write_floor_message() needs; 0 if a text is too long, a reference is not whole words, or an Ack is
// wanted that cannot be.
std::size_t written_size(const FloorMessage& message);
// One RTCP packet at the front of `out`, fields in the standard's order; gives its size, 0 if it does not fit or
// cannot be written. Nothing is touched then.
std::size_t write_floor_message(std::span<std::byte> out, const FloorMessage& message);

}  // namespace crosspatch::rtp
