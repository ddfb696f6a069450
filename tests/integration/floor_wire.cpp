// Prints floor messages as they go on the wire, one a line: its name, what tshark shall read in it, and its octets.
#include <fmt/format.h>

#include <array>
#include <random>
#include <string>

#include "crosspatch/core/text.hpp"
#include "crosspatch/rtp/floor_message.hpp"
#include "tests/rtp/floor_messages.hpp"

using namespace crosspatch;

namespace {

std::string expected(const rtp::FloorMessage& message) {
    std::string text;
    const auto note = [&](const char* field, auto value) { text += fmt::format(" {}={}", field, value); };
    if (message.priority) note("priority", *message.priority);
    if (message.duration) note("duration", *message.duration);
    if (message.queue_info) note("queue_pos_inf", message.queue_info->position);
    if (message.queue_size) note("queue_size", *message.queue_size);
    if (message.message_sequence_number) note("msg_seq_num", *message.message_sequence_number);
    if (message.permission_to_request) note("perm_to_req_floor", *message.permission_to_request ? 1 : 0);
    if (!message.user_id.empty()) note("user_id", message.user_id);
    if (message.source) note("source", static_cast<unsigned>(*message.source));
    return text;
}

}  // namespace

int main() {
    std::mt19937 random{24380};
    for (int round = 0; round < 500; ++round) {
        rtp::FloorMessage message = tests::random_floor_message(random);
        // The sheet, section 11: tshark pads a type text of whole words by four octets too many.
        if (message.track_info) message.track_info->participant_type = "uni";
        std::array<std::byte, rtp::kMaxPacket> packet{};
        const auto size = rtp::write_floor_message(packet, message);
        if (size == 0) return 1;
        fmt::print("{}\t{}\t{}\n", rtp::name_of(message.type), expected(message),
                   core::to_hex(std::span<const std::byte>{packet}.first(size)));
    }
    return 0;
}
