// Floor messages from any octets, as a datagram of APP packets and as the fields of one message of each type: the views
// stay inside, and what was read is written again and reads the same.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "crosspatch/rtp/floor_message.hpp"

using namespace crosspatch::rtp;

namespace {

using Octets = std::span<const std::byte>;

void require(bool holds) {
    if (!holds) std::abort();
}

bool lies_in(Octets part, Octets whole) {
    return part.empty() ||
           (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}
bool lies_in(std::string_view text, Octets whole) { return lies_in(std::as_bytes(std::span{text}), whole); }

void check(const App& app) {
    const auto message = parse_floor_message(app);
    if (!message) return require(index_of(message.error()) < kFloorErrors);
    require(lies_in(message->user_id, app.data) && lies_in(message->granted_party, app.data) &&
            lies_in(message->queued_user_id, app.data));
    if (message->reject_cause) require(lies_in(message->reject_cause->phrase, app.data));
    if (message->track_info) {
        require(lies_in(message->track_info->participant_type, app.data));
        require(lies_in(message->track_info->references, app.data));
    }
    // A field of 192 and above is the only one that can be longer than a writer can say, and none such is kept.
    std::array<std::byte, kMaxPacket * 2> out{};
    const std::size_t size = write_floor_message(out, *message);
    require(size > 0 && size % 4 == 0 && size <= 12 + app.data.size());
    const auto again = parse_floor_message(Octets{out}.first(size));
    require(again.has_value() && *again == *message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Octets octets = std::as_bytes(std::span{data, size});
    if (!parse_compound(octets, [](const App& app) { check(app); })) (void)parse_floor_message(octets);
    if (size > kMaxPacket) return 0;
    for (std::uint8_t subtype = 0; subtype < 32; ++subtype) check(App{subtype, 0x1234, "MCPT", octets});
    return 0;
}
