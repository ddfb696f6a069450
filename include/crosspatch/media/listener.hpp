#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace crosspatch::media {

class Endpoint;
struct Mark;

// What is done to the sound for one listener. As it stands: nothing, so he may get the talker's packets as they are.
struct Treatment {
    double gain_db{};
    bool strip_tones{};
    const Mark* mark{};        // mixed over the beginning of what he hears
    std::uint32_t mark_for{};  // whoever begins to hear it elsewhere hears it from its beginning
    bool operator==(const Treatment&) const = default;

    Treatment without_mark() const { return {.gain_db = gain_db, .strip_tones = strip_tones}; }
};

// One endpoint that hears a talkspurt, and how the talkspurt's numbers become its own.
//
// RTP towards a listener is one stream over all talkspurts: its sequence numbers and timestamps go on from where they
// were, and a gap in the talker's numbers stays a gap, so that the listener's own concealment and FEC work.
struct Listener {
    Endpoint* endpoint{};
    std::uint32_t channel{};  // through which it hears the talkspurt
    std::uint8_t group{};     // kRelay or the number of a TranscodeGroup
    bool started{};           // its stream is under way: the next packet carries no marker
    bool heard{};             // has been sent something of this talkspurt
    Treatment treatment{};
    std::uint64_t first_sequence{};  // relay: the talker's sequence number that base_index stands for
    std::uint64_t base_index{};      // relay: the packet index of that packet
    // relay: what was numbered otherwise before; a packet that comes late has the index that was its own. As many as events
    // and keep-alives may overtake one packet: they come each 50 ms or more, and later than 240 ms none is waited for.
    static constexpr std::size_t kShifts = 6;
    struct Shift {
        std::uint64_t before{};  // of the talker's numbers; 0: of none
        std::int32_t by{};       // so much less base_index was then
    };
    std::array<Shift, kShifts> shifts{};
    std::uint8_t newest_shift{};
    std::uint32_t
        first_timestamp{};  // the talker's (relay) or the group's (transcoding) clock at base_timestamp
    std::uint32_t base_timestamp{};

    static constexpr std::uint8_t kRelay = 0xFF;
    static constexpr std::uint8_t kNone = 0xFE;  // no encoder was free
    static constexpr std::uint8_t kNew = 0xFD;   // not arranged yet
};

}  // namespace crosspatch::media
