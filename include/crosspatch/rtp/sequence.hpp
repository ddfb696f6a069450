#pragma once
#include <cstdint>

// Sequence numbers and timestamps wrap, so they are compared by their distance. RFC 3550 section A.1.
namespace crosspatch::rtp {

// Steps from `from` to `to`: -32768 to 32767, negative when `to` is the older one.
constexpr std::int32_t distance(std::uint16_t from, std::uint16_t to) {
    return static_cast<std::int16_t>(static_cast<std::uint16_t>(to - from));
}
constexpr bool is_newer(std::uint16_t sequence, std::uint16_t than) { return distance(than, sequence) > 0; }

constexpr std::int32_t timestamp_distance(std::uint32_t from, std::uint32_t to) {
    return static_cast<std::int32_t>(to - from);
}

// Sequence numbers that count on past 65535: cycles in the upper 16 bits, the packet's number in the lower.
//
// Shape    one number; wraps after 2^32 packets, 2.7 years of 20 ms packets.
// Errors   none: a number half a cycle away counts as older, as RFC 3711 section 3.3.1 has it.
// Thread   its owner's.
class ExtendedSequence {
public:
    constexpr explicit ExtendedSequence(std::uint16_t first) : highest_{first} {}

    // The number nearest to the highest one; moves nothing. What is older than cycle 0 wraps below 0.
    constexpr std::uint32_t nearest(std::uint16_t sequence) const {
        return highest_ +
               static_cast<std::uint32_t>(distance(static_cast<std::uint16_t>(highest_), sequence));
    }
    // The same, and becomes the highest if it is newer.
    constexpr std::uint32_t extend(std::uint16_t sequence) {
        const std::uint32_t extended = nearest(sequence);
        if (is_newer(sequence, static_cast<std::uint16_t>(highest_))) highest_ = extended;
        return extended;
    }
    constexpr std::uint32_t highest() const { return highest_; }
    constexpr std::uint16_t cycles() const { return static_cast<std::uint16_t>(highest_ >> 16); }

private:
    std::uint32_t highest_;
};

}  // namespace crosspatch::rtp
