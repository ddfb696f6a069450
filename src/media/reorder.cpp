#include "crosspatch/media/reorder.hpp"

#include <utility>

namespace crosspatch::media {

void Reorder::release(Place& place) {
    if (place.slot == PacketPool::kNone) return;
    pool_->give_back(place.slot);
    place.slot = PacketPool::kNone;
}

void Reorder::clear() {
    for (Place& place : places_) release(place);
    if (handed_out_ != PacketPool::kNone) pool_->give_back(std::exchange(handed_out_, PacketPool::kNone));
    waiting_ = 0;
    gap_since_.reset();
}

// When the packets that still wait were first held up. The next gap counts from there, not from the end of the one
// before: the delay of several losses must not add up.
std::optional<core::Time> Reorder::first_arrival() const {
    if (waiting_ == 0) return std::nullopt;
    core::Time first = core::Time::max();
    for (const Place& place : places_)
        if (place.slot != PacketPool::kNone && place.arrived < first) first = place.arrived;
    return first;
}

void Reorder::start(std::uint64_t sequence) {
    clear();
    next_ = sequence;
}

void Reorder::move_to(PacketPool& pool) {
    if (handed_out_ != PacketPool::kNone) pool_->give_back(std::exchange(handed_out_, PacketPool::kNone));
    for (Place& place : places_) {
        if (place.slot == PacketPool::kNone) continue;
        const PacketPool::Slot slot = pool.take(pool_->octets(place.slot));
        if (slot == PacketPool::kNone) --waiting_;
        release(place);
        place.slot = slot;
    }
    pool_ = &pool;
    gap_since_ = first_arrival();
}

Reorder::Arrival Reorder::push(std::uint64_t sequence, std::uint32_t timestamp,
                               std::span<const std::byte> payload, core::Time now) {
    if (sequence < next_) return Arrival::Late;
    if (sequence == next_) {
        ++next_;
        gap_since_ = first_arrival();
        return Arrival::InOrder;
    }
    if (sequence - next_ >= kWindow) return Arrival::TooFarAhead;
    Place& spot = place(sequence);
    if (spot.slot != PacketPool::kNone) return Arrival::Duplicate;
    spot.slot = pool_->take(payload);
    if (spot.slot == PacketPool::kNone) return Arrival::NoRoom;
    spot.timestamp = timestamp;
    spot.arrived = now;
    ++waiting_;
    if (!gap_since_) gap_since_ = now;
    return Arrival::Early;
}

Reorder::Next Reorder::pop(core::Time now) {
    if (handed_out_ != PacketPool::kNone) pool_->give_back(std::exchange(handed_out_, PacketPool::kNone));
    if (waiting_ == 0) return {};
    Place& spot = place(next_);
    if (spot.slot != PacketPool::kNone) {
        handed_out_ = std::exchange(spot.slot, PacketPool::kNone);
        --waiting_;
        gap_since_ = first_arrival();
        return {Next::Kind::Packet, next_++, spot.timestamp, pool_->octets(handed_out_)};
    }
    if (now - *gap_since_ < patience_) return {};  // `now` may be Time::max(): no sum that overflows
    // gap_since_ stays: all that is missing before the first waiting packet has been waited for together.
    return {Next::Kind::Lost, next_++, 0, {}};
}

std::span<const std::byte> Reorder::after_lost() const {
    const Place& spot = place(next_);
    return spot.slot == PacketPool::kNone ? std::span<const std::byte>{} : pool_->octets(spot.slot);
}

std::optional<std::uint32_t> Reorder::waiting_timestamp() const {
    if (waiting_ == 0) return std::nullopt;
    for (std::uint64_t sequence = next_;; ++sequence)
        if (place(sequence).slot != PacketPool::kNone) return place(sequence).timestamp;
}

std::optional<core::Time> Reorder::deadline() const {
    if (waiting_ == 0) return std::nullopt;
    return *gap_since_ + patience_;
}

}  // namespace crosspatch::media
