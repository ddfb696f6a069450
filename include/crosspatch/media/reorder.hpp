#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "crosspatch/core/time.hpp"
#include "crosspatch/media/packet_pool.hpp"

namespace crosspatch::media {

// Puts the packets of one talkspurt back in order without holding any that is in order.
//
// Shape    64 places for packets that came early, their octets in the worker's PacketPool; 1.1 kB.
// Units    `sequence` is the extended sequence number (RFC 3550 A.1), `timestamp` the RTP clock's.
// Time     never reads a clock: `now` is the arrival time that the caller saw.
// Errors   nothing throws; a refused packet is named by its Arrival, the caller counts it.
// Thread   its worker only; no allocation, lock or log call.
// Source   RFC 3550 section 6.4.1: a gap is waited for 4 x the measured jitter, never longer than the limit.
class Reorder {
public:
    enum class Arrival {
        InOrder,      // hand it on at once, then pop() until Nothing
        Early,        // kept; a gap is open before it
        Late,         // its place has passed
        Duplicate,    // it is already waiting
        TooFarAhead,  // beyond the window: the caller restarts the stream here
        NoRoom,       // the pool is out of buffers
    };
    struct Next {
        enum class Kind { Nothing, Packet, Lost } kind{Kind::Nothing};
        std::uint64_t sequence{};
        std::uint32_t timestamp{};
        std::span<const std::byte> payload;  // empty unless Packet; valid until the next call
    };
    static constexpr std::size_t kWindow = 64;

    explicit Reorder(PacketPool& pool) : pool_{&pool} {}
    ~Reorder() { clear(); }
    Reorder(const Reorder&) = delete;
    Reorder& operator=(const Reorder&) = delete;

    // Forgets everything; the next packet expected is `sequence`.
    void start(std::uint64_t sequence);

    // Goes on with another worker's pool; what that has no room for is missing from here on.
    void move_to(PacketPool& pool);

    // How long a gap may hold up what follows it.
    void set_patience(core::Duration patience) { patience_ = patience; }
    core::Duration patience() const { return patience_; }

    Arrival push(std::uint64_t sequence, std::uint32_t timestamp, std::span<const std::byte> payload,
                 core::Time now);

    // Call until Nothing. Lost: the gap's deadline has passed, or too much has piled up behind it.
    Next pop(core::Time now);

    // The payload right behind the place that pop() last called Lost, for in-band FEC; empty if that is missing too.
    std::span<const std::byte> after_lost() const;

    // The timestamp of the first packet that waits behind the open gap.
    std::optional<std::uint32_t> waiting_timestamp() const;

    // When pop() would next say Lost; nothing while no gap is open.
    std::optional<core::Time> deadline() const;

    std::uint64_t expected() const { return next_; }

private:
    struct Place {
        PacketPool::Slot slot{PacketPool::kNone};
        std::uint32_t timestamp{};
        core::Time arrived{};
    };
    Place& place(std::uint64_t sequence) { return places_[sequence % kWindow]; }
    const Place& place(std::uint64_t sequence) const { return places_[sequence % kWindow]; }
    void release(Place& place);
    void clear();
    std::optional<core::Time> first_arrival() const;

    PacketPool* pool_;
    std::array<Place, kWindow> places_{};
    std::uint64_t next_{};
    std::uint32_t waiting_{};                         // packets that came early
    PacketPool::Slot handed_out_{PacketPool::kNone};  // what the last Packet's payload points into
    std::optional<core::Time> gap_since_;             // when a later packet first overtook next_
    core::Duration patience_{std::chrono::milliseconds{20}};
};

}  // namespace crosspatch::media
