#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "crosspatch/rtp/index_journal.hpp"

namespace crosspatch::rtp {

// One copy of a record on disk: 64 octets, big-endian.
//
//    0 version (1)     1 kind: 0 free, 1 send, 2 receive     2 address family: 0, 4, 6
//    4 SSRC            8 key fingerprint                    16 RTP limit
//   24 RTCP limit     28 port                               32 address
//   48 generation     56 the first octets of SHA-256 over 0 to 55; the rest is zero
//
// The generation is the number of the sync that wrote the copy; of two sound copies the later one holds.
inline constexpr std::size_t kSlotSize = 64;

struct SlotReading {
    enum class State : std::uint8_t { Empty, Sound, Damaged };
    State state{State::Empty};  // Empty: never written
    std::uint64_t generation{};
    std::optional<IndexRecord> record;  // nothing: free
};

void write_slot(std::span<std::byte, kSlotSize> to, const std::optional<IndexRecord>& record,
                std::uint64_t generation);
SlotReading read_slot(std::span<const std::byte, kSlotSize> from);

}  // namespace crosspatch::rtp
