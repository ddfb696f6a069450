// RTP headers, extensions, padding and telephone events from any octets: the views stay inside the datagram,
// a header that is written again reads the same, and no walk takes more steps than there are octets.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "crosspatch/rtp/extension.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/telephone_event.hpp"

using namespace crosspatch::rtp;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

bool lies_in(std::span<const std::byte> part, std::span<const std::byte> whole) {
    return part.empty() ||
           (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void walk_extension(const Header& header) {
    ExtensionElements elements{header};
    std::size_t used = 0;
    while (const auto element = elements.next()) {
        require(lies_in(element->data, header.extension));
        require(element->id != 0);
        used += 1 + element->data.size();
        require(used <= header.extension.size());
    }
    for (std::uint8_t id = 0; id < 16; ++id)
        if (const auto level = audio_level(header, id)) require(level->minus_dbov <= 127);
}

void rebuild(Header header) {
    std::array<std::byte, kMaxPacket> again{};
    const std::size_t size = write_header(again, header);
    require(size == written_size(header) && size <= header.size);
    const auto read = parse_header(std::span{again}.first(size));
    require(read.has_value());
    header.size = size;  // contributing sources are not written
    if (header.extension_profile == 0) header.extension = {};
    require(*read == header);

    patch(std::span{again}.first<kMinHeader>(), !header.marker, 1, 2, 3);
    const auto patched = parse_header(std::span{again}.first(size));
    require(patched && patched->marker != header.marker && patched->payload_type == header.payload_type);
    require(patched->sequence == 1 && patched->timestamp == 2 && patched->ssrc == 3);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto datagram = std::as_bytes(std::span{data, size});
    const DatagramKind kind = classify(datagram);
    const auto claimed = claimed_ssrc(datagram);
    const auto header = parse_header(datagram);
    if (!header) return 0;
    require(kind == DatagramKind::Rtp && claimed == header->ssrc);
    require(header->size >= kMinHeader && header->size <= datagram.size());
    require(lies_in(header->extension, datagram) && header->extension.size() % 4 == 0);
    walk_extension(*header);
    rebuild(*header);

    const auto payload = payload_of(*header, datagram.subspan(header->size));
    if (!payload) return 0;
    require(lies_in(*payload, datagram));
    require(header->padding == (header->size + payload->size() < datagram.size()));
    if (const auto event = parse_telephone_event(*payload)) {
        auto octets = write_telephone_event(*event);
        require(std::ranges::equal(octets, payload->first(kTelephoneEventSize)) ||
                ((*payload)[1] & std::byte{0x40}) != std::byte{0});  // the reserved bit is not kept
    }
    return 0;
}
