#include "crosspatch/media/tap.hpp"

#include <bit>
#include <cassert>
#include <type_traits>

namespace crosspatch::media {

static_assert(std::is_trivially_copyable_v<codec::Format>, "it crosses as octets");

// Written to once, so that no worker waits for its pages. Behind the end there is room for the longest entry that may begin in the last place.
Tap::Tap(std::size_t octets)
    : mask_{octets - 1}, ring_{std::make_unique<std::byte[]>(octets + length(kMostPayload))} {
    assert(std::has_single_bit(octets));
}

Tap::Item Tap::item(const Head& head, std::span<const std::byte> rest) {
    Item made{.kind = head.kind, .talkspurt = head.talkspurt, .at = head.at};
    switch (head.kind) {
        case Kind::Begins:
            made.endpoint = head.what;
            std::memcpy(&made.format, rest.data(), sizeof made.format);
            break;
        case Kind::HeardOn:
            made.channel = head.what;
            break;
        case Kind::Sound:
            made.timestamp = head.what;
            made.payload = rest;
            break;
        case Kind::Ends:
            break;
    }
    return made;
}

}  // namespace crosspatch::media
