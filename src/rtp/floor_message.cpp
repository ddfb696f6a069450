#include "crosspatch/rtp/floor_message.hpp"

#include <algorithm>
#include <array>

#include "crosspatch/rtp/octets.hpp"

namespace crosspatch::rtp {
namespace {

using Octets = std::span<const std::byte>;

constexpr std::string_view kName = "MCPT";
constexpr std::uint8_t kAckBit = 0x10;
constexpr std::size_t kHeader = 12;        // RTCP's four octets, SSRC and name
constexpr std::size_t kMaxValue = 255;     // what the length of a field below kLongLength can say
constexpr std::uint8_t kLongLength = 192;  // from here on a field's length has two octets

// Clause 8.2.3.1.
enum class Field : std::uint8_t {
    Priority = 0,
    Duration = 1,
    RejectCause = 2,
    QueueInfo = 3,
    GrantedParty = 4,
    Permission = 5,
    UserId = 6,
    QueueSize = 7,
    SequenceNumber = 8,
    QueuedUserId = 9,
    Source = 10,
    TrackInfo = 11,
    MessageType = 12,
    Indicator = 13,
    Ssrc = 14,
};

constexpr std::array kRequest{Field::Priority, Field::UserId, Field::TrackInfo, Field::Indicator};
constexpr std::array kGranted{Field::Duration,  Field::Ssrc,      Field::Priority,
                              Field::UserId,    Field::QueueSize, Field::QueuedUserId,
                              Field::QueueInfo, Field::TrackInfo, Field::Indicator};
constexpr std::array kTaken{Field::GrantedParty, Field::Permission, Field::UserId, Field::SequenceNumber,
                            Field::TrackInfo,    Field::Indicator,  Field::Ssrc};
constexpr std::array kDeny{Field::RejectCause, Field::UserId, Field::TrackInfo, Field::Indicator};
constexpr std::array kRelease{Field::UserId, Field::TrackInfo, Field::Indicator};
constexpr std::array kIdle{Field::SequenceNumber, Field::TrackInfo, Field::Indicator};
constexpr std::array kRevoke{Field::RejectCause, Field::TrackInfo, Field::Indicator};
constexpr std::array kQueuePositionRequest{Field::UserId, Field::TrackInfo};
constexpr std::array kQueuePositionInfo{Field::UserId,    Field::Ssrc,      Field::QueuedUserId,
                                        Field::QueueInfo, Field::TrackInfo, Field::Indicator};
constexpr std::array kAck{Field::Source, Field::MessageType, Field::TrackInfo};

struct Row {
    FloorType type;
    std::string_view name;
    bool can_want_ack;
    std::span<const Field> fields;  // in the order of the standard
};
constexpr std::array kRows{
    Row{FloorType::Request, "Floor Request", false, kRequest},
    Row{FloorType::Granted, "Floor Granted", true, kGranted},
    Row{FloorType::Taken, "Floor Taken", true, kTaken},
    Row{FloorType::Deny, "Floor Deny", true, kDeny},
    Row{FloorType::Release, "Floor Release", true, kRelease},
    Row{FloorType::Idle, "Floor Idle", true, kIdle},
    Row{FloorType::Revoke, "Floor Revoke", false, kRevoke},
    Row{FloorType::QueuePositionRequest, "Floor Queue Position Request", false, kQueuePositionRequest},
    Row{FloorType::QueuePositionInfo, "Floor Queue Position Info", true, kQueuePositionInfo},
    Row{FloorType::Ack, "Floor Ack", false, kAck},
};

const Row* find_row(std::uint8_t type) {
    const auto row = std::ranges::find(kRows, static_cast<FloorType>(type), &Row::type);
    return row == kRows.end() ? nullptr : &*row;
}

constexpr std::size_t whole_words(std::size_t octets) { return (octets + 3) / 4 * 4; }

std::string_view text_of(Octets octets) {
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}
Octets octets_of(std::string_view text) { return std::as_bytes(std::span{text}); }

core::Unexpected<FloorError> refuse(FloorError error) { return core::Unexpected{error}; }

// --- Reading ---

struct Tlv {
    std::uint8_t id;
    Octets value;
    std::size_t size;  // with header and padding
};

// Requires: at least one octet. The size is four or more, so the fields of a message have an end.
core::Result<Tlv, FloorError> first_field(Octets rest) {
    const std::uint8_t id = load8(rest);
    const std::size_t header = id >= kLongLength ? 3 : 2;
    if (rest.size() < header) return refuse(FloorError::FieldEnd);
    const std::size_t length = header == 3 ? load16(rest, 1) : load8(rest, 1);
    if (length == 0) return refuse(FloorError::FieldEmpty);
    const std::size_t size = whole_words(header + length);
    if (size > rest.size()) return refuse(FloorError::FieldEnd);
    return Tlv{id, rest.subspan(header, length), size};
}

bool take_track_info(Octets value, std::optional<TrackInfo>& to) {
    if (value.size() < 2) return false;
    const std::size_t type = load8(value, 1);
    const std::size_t references = 2 + whole_words(type);
    if (references > value.size() || (value.size() - references) % 4 != 0) return false;
    if (!to) to = TrackInfo{load8(value) != 0, text_of(value.subspan(2, type)), value.subspan(references)};
    return true;
}

// A field keeps what it has: the first one counts. False if the value is too short.
bool take(Field field, Octets value, FloorMessage& message) {
    const auto number = [&](std::size_t size, auto& to, auto read) {
        if (value.size() < size) return false;
        if (!to) to = read();
        return true;
    };
    const auto text = [&](std::string_view& to) {
        if (to.empty()) to = text_of(value);
        return true;
    };
    const auto octet = [&] { return load8(value); };
    const auto word = [&] { return load16(value); };
    switch (field) {
        case Field::Priority:
            return number(2, message.priority, octet);
        case Field::Duration:
            return number(2, message.duration, word);
        case Field::RejectCause:
            return number(2, message.reject_cause, [&] {
                return RejectCause{word(), text_of(value.subspan(2))};
            });
        case Field::QueueInfo:
            return number(2, message.queue_info, [&] { return QueueInfo{octet(), load8(value, 1)}; });
        case Field::GrantedParty:
            return text(message.granted_party);
        case Field::Permission:
            return number(2, message.permission_to_request, [&] { return word() != 0; });
        case Field::UserId:
            return text(message.user_id);
        case Field::QueueSize:
            return number(2, message.queue_size, word);
        case Field::SequenceNumber:
            return number(2, message.message_sequence_number, word);
        case Field::QueuedUserId:
            return text(message.queued_user_id);
        case Field::Source:
            return number(2, message.source, [&] { return static_cast<FloorSource>(word()); });
        case Field::TrackInfo:
            return take_track_info(value, message.track_info);
        case Field::MessageType:
            return number(2, message.message_type, octet);
        case Field::Indicator:
            return number(2, message.indicator, word);
        case Field::Ssrc:
            return number(6, message.ssrc, [&] { return load32(value); });
    }
    return true;
}

// --- Writing ---

constexpr std::size_t kUnwritable = ~std::size_t{0};

std::size_t track_info_size(const TrackInfo& track) {
    if (track.participant_type.size() > kMaxValue || track.references.size() % 4 != 0) return kUnwritable;
    return 2 + whole_words(track.participant_type.size()) + track.references.size();
}

// The octets of a field's value, 0 if the message does not have it.
std::size_t value_size(Field field, const FloorMessage& message) {
    const auto number = [](const auto& value) -> std::size_t { return value ? 2 : 0; };
    switch (field) {
        case Field::Priority:
            return number(message.priority);
        case Field::Duration:
            return number(message.duration);
        case Field::RejectCause:
            return message.reject_cause ? 2 + message.reject_cause->phrase.size() : 0;
        case Field::QueueInfo:
            return number(message.queue_info);
        case Field::GrantedParty:
            return message.granted_party.size();
        case Field::Permission:
            return number(message.permission_to_request);
        case Field::UserId:
            return message.user_id.size();
        case Field::QueueSize:
            return number(message.queue_size);
        case Field::SequenceNumber:
            return number(message.message_sequence_number);
        case Field::QueuedUserId:
            return message.queued_user_id.size();
        case Field::Source:
            return number(message.source);
        case Field::TrackInfo:
            return message.track_info ? track_info_size(*message.track_info) : 0;
        case Field::MessageType:
            return number(message.message_type);
        case Field::Indicator:
            return number(message.indicator);
        case Field::Ssrc:
            return message.ssrc ? 6 : 0;
    }
    return 0;
}

void put_octets(std::span<std::byte> to, std::size_t at, Octets octets) {
    std::ranges::copy(octets, to.begin() + static_cast<std::ptrdiff_t>(at));
}

void put_track_info(std::span<std::byte> to, const TrackInfo& track) {
    store8(to, 0, track.queueing ? 1 : 0);
    store8(to, 1, static_cast<std::uint8_t>(track.participant_type.size()));
    put_octets(to, 2, octets_of(track.participant_type));
    put_octets(to, 2 + whole_words(track.participant_type.size()), track.references);
}

// Requires: the message has the field, and `to` is zero and as long as its value.
void put(Field field, const FloorMessage& message, std::span<std::byte> to) {
    switch (field) {
        case Field::Priority:
            return store8(to, 0, *message.priority);
        case Field::Duration:
            return store16(to, 0, *message.duration);
        case Field::RejectCause:
            store16(to, 0, message.reject_cause->number);
            return put_octets(to, 2, octets_of(message.reject_cause->phrase));
        case Field::QueueInfo:
            store8(to, 0, message.queue_info->position);
            return store8(to, 1, message.queue_info->priority);
        case Field::GrantedParty:
            return put_octets(to, 0, octets_of(message.granted_party));
        case Field::Permission:
            return store16(to, 0, *message.permission_to_request ? 1 : 0);
        case Field::UserId:
            return put_octets(to, 0, octets_of(message.user_id));
        case Field::QueueSize:
            return store16(to, 0, *message.queue_size);
        case Field::SequenceNumber:
            return store16(to, 0, *message.message_sequence_number);
        case Field::QueuedUserId:
            return put_octets(to, 0, octets_of(message.queued_user_id));
        case Field::Source:
            return store16(to, 0, static_cast<std::uint16_t>(*message.source));
        case Field::TrackInfo:
            return put_track_info(to, *message.track_info);
        case Field::MessageType:
            return store8(to, 0, *message.message_type);
        case Field::Indicator:
            return store16(to, 0, *message.indicator);
        case Field::Ssrc:
            return store32(to, 0, *message.ssrc);
    }
}

}  // namespace

bool operator==(const TrackInfo& a, const TrackInfo& b) {
    return a.queueing == b.queueing && a.participant_type == b.participant_type &&
           std::ranges::equal(a.references, b.references);
}

std::string_view name_of(FloorType type) {
    const Row* row = find_row(static_cast<std::uint8_t>(type));
    return row ? row->name : "unknown";
}

bool can_want_ack(FloorType type) {
    const Row* row = find_row(static_cast<std::uint8_t>(type));
    return row && row->can_want_ack;
}

std::string_view name_of(FloorError error) {
    static constexpr std::array<std::string_view, kFloorErrors> kNames{
        "bad_packet", "bad_name", "bad_subtype", "empty_field", "bad_field_length", "bad_field_end"};
    return kNames[index_of(error)];
}

core::Result<FloorMessage, FloorError> parse_floor_message(const App& app) {
    if (app.name != kName) return refuse(FloorError::Name);
    const Row* row = find_row(app.subtype & (kAckBit - 1));
    const bool ack_wanted = (app.subtype & kAckBit) != 0;
    if (!row || (ack_wanted && !row->can_want_ack)) return refuse(FloorError::Subtype);
    FloorMessage message{.type = row->type, .ack_wanted = ack_wanted, .sender = app.ssrc};
    for (Octets rest = app.data; !rest.empty();) {
        const auto field = first_field(rest);
        if (!field) return refuse(field.error());
        rest = rest.subspan(field->size);
        const auto known = std::ranges::find(row->fields, static_cast<Field>(field->id));
        if (known != row->fields.end() && !take(*known, field->value, message))
            return refuse(FloorError::FieldLength);
    }
    return message;
}

core::Result<FloorMessage, FloorError> parse_floor_message(std::span<const std::byte> packet) {
    const bool padded = !packet.empty() && (load8(packet) & 0x20) != 0;
    auto reader = RtcpReader::read(packet);
    // read() has found whole packets; the first one must be all there is.
    if (!reader || padded || (load16(packet, 2) + 1U) * 4 != packet.size()) return refuse(FloorError::Packet);
    const auto item = reader->next();
    const App* app = item ? std::get_if<App>(&*item) : nullptr;
    if (!app) return refuse(FloorError::Packet);
    return parse_floor_message(*app);
}

std::size_t written_size(const FloorMessage& message) {
    const Row* row = find_row(static_cast<std::uint8_t>(message.type));
    if (!row || (message.ack_wanted && !row->can_want_ack)) return 0;
    std::size_t size = kHeader;
    for (const Field field : row->fields) {
        const std::size_t value = value_size(field, message);
        if (value > kMaxValue) return 0;
        if (value > 0) size += whole_words(2 + value);
    }
    return size;
}

std::size_t write_floor_message(std::span<std::byte> out, const FloorMessage& message) {
    const std::size_t size = written_size(message);
    if (size == 0 || size > out.size()) return 0;
    out = out.first(size);
    std::ranges::fill(out, std::byte{0});
    const auto subtype = static_cast<unsigned>(message.type) | (message.ack_wanted ? kAckBit : 0U);
    store8(out, 0, static_cast<std::uint8_t>(0x80U | subtype));
    store8(out, 1, static_cast<std::uint8_t>(RtcpType::App));
    store16(out, 2, static_cast<std::uint16_t>(size / 4 - 1));
    store32(out, 4, message.sender);
    put_octets(out, 8, octets_of(kName));
    std::size_t at = kHeader;
    for (const Field field : find_row(static_cast<std::uint8_t>(message.type))->fields) {
        const std::size_t value = value_size(field, message);
        if (value == 0) continue;
        store8(out, at, static_cast<std::uint8_t>(field));
        store8(out, at + 1, static_cast<std::uint8_t>(value));
        put(field, message, out.subspan(at + 2, value));
        at += whole_words(2 + value);
    }
    return size;
}

}  // namespace crosspatch::rtp
