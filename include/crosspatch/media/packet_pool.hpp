#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace crosspatch::media {

// Buffers for packets that have to wait: what overtook a lost packet, and what a voice detector holds back.
//
// Shape    `count` buffers of kOctets each, made once; the memory is touched only when a packet really waits.
// Errors   take() gives kNone when all are out: the caller goes on without waiting and counts it.
// Thread   its worker only; no allocation after construction.
class PacketPool {
public:
    using Slot = std::uint16_t;
    static constexpr Slot kNone = 0xFFFF;
    static constexpr std::size_t kOctets = 1200;  // contract.md: no packet above

    explicit PacketPool(Slot count);

    // Copies `octets` (at most kOctets) into a free buffer.
    Slot take(std::span<const std::byte> octets);
    std::span<const std::byte> octets(Slot slot) const;
    void give_back(Slot slot);
    std::size_t free() const { return free_.size(); }

private:
    std::unique_ptr<std::byte[]> memory_;
    std::vector<std::uint16_t> sizes_;
    std::vector<Slot> free_;
};

}  // namespace crosspatch::media
