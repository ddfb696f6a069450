#pragma once
#include <array>
#include <cstdint>
#include <random>
#include <string_view>

#include "crosspatch/rtp/floor_message.hpp"

// Floor messages at random: every type, every combination of its fields.
namespace crosspatch::tests {

inline rtp::FloorMessage random_floor_message(std::mt19937& random) {
    using rtp::FloorType;
    static constexpr std::array kTypes{
        FloorType::Request,           FloorType::Granted, FloorType::Taken,  FloorType::Deny,
        FloorType::Release,           FloorType::Idle,    FloorType::Revoke, FloorType::QueuePositionRequest,
        FloorType::QueuePositionInfo, FloorType::Ack};
    static constexpr std::string_view kText =
        "sip:unit-17.north%40gate@control-room.metro-pd.example;user=radio";
    static constexpr std::array kReferences{std::byte{0}, std::byte{1}, std::byte{2}, std::byte{3},
                                            std::byte{9}, std::byte{8}, std::byte{7}, std::byte{6}};
    const auto coin = [&] { return random() % 2 == 0; };
    const auto octet = [&] { return static_cast<std::uint8_t>(random()); };
    const auto word = [&] { return static_cast<std::uint16_t>(random()); };
    const auto text = [&] { return kText.substr(0, 1 + random() % kText.size()); };

    rtp::FloorMessage message{.type = kTypes[random() % kTypes.size()],
                              .sender = static_cast<std::uint32_t>(random())};
    const auto is = [&](auto... types) { return ((message.type == types) || ...) && coin(); };
    message.ack_wanted = rtp::can_want_ack(message.type) && coin();
    if (is(FloorType::Request, FloorType::Granted)) message.priority = octet();
    if (is(FloorType::Granted)) message.duration = word();
    if (is(FloorType::Granted)) message.queue_size = word();
    if (is(FloorType::Deny, FloorType::Revoke))
        message.reject_cause = {word(), coin() ? text() : std::string_view{}};
    if (is(FloorType::Granted, FloorType::QueuePositionInfo)) message.queue_info = {octet(), octet()};
    if (is(FloorType::Granted, FloorType::QueuePositionInfo)) message.queued_user_id = text();
    if (is(FloorType::Granted, FloorType::QueuePositionInfo, FloorType::Taken))
        message.ssrc = static_cast<std::uint32_t>(random());
    if (is(FloorType::Taken)) message.granted_party = text();
    if (is(FloorType::Taken)) message.permission_to_request = coin();
    if (is(FloorType::Taken, FloorType::Idle)) message.message_sequence_number = word();
    if (is(FloorType::Request, FloorType::Granted, FloorType::Taken, FloorType::Deny, FloorType::Release,
           FloorType::QueuePositionRequest, FloorType::QueuePositionInfo))
        message.user_id = text();
    if (is(FloorType::Ack)) message.source = static_cast<rtp::FloorSource>(random() % 4);
    if (is(FloorType::Ack)) message.message_type = static_cast<std::uint8_t>(random() % 10);
    if (message.type != FloorType::Ack && message.type != FloorType::QueuePositionRequest && coin())
        message.indicator = word();
    if (coin())
        message.track_info = {coin(), std::string_view{"uni"}.substr(0, random() % 4),
                              std::span{kReferences}.first(random() % 3 * 4)};
    return message;
}

}  // namespace crosspatch::tests
