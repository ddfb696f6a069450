#include "crosspatch/rtp/reception.hpp"

#include <algorithm>
#include <cassert>

namespace crosspatch::rtp {
namespace {

constexpr std::uint32_t kMaxDropout = 3000;  // RFC 3550 section A.1: a gap above this is no loss but a jump
constexpr std::uint32_t kMaxMisorder = 100;  // and so is a packet further back than this
constexpr std::uint32_t kCycle = 1u << 16;
constexpr std::int32_t kMostLost = 0x7FFFFF;  // 24 bits with sign
constexpr std::int64_t kNanoseconds = 1'000'000'000;

}  // namespace

Reception::Reception(std::uint32_t ssrc, std::uint32_t clock) : ssrc_{ssrc}, clock_{clock} {
    assert(clock > 0);
}

Reception::Arrival Reception::on_packet(std::uint16_t sequence, std::uint32_t timestamp, core::Time arrival,
                                        Timing timing) {
    if (!started_) origin_ = arrival;
    const Arrival placed = place(sequence);
    heard_since_report_ = true;
    if (placed == Arrival::Jump) return placed;
    ++received_;
    if (placed == Arrival::Restarted) has_transit_ = false;
    if (placed != Arrival::Duplicate && timing == Timing::Media) measure(timestamp, arrival);
    return placed;
}

Reception::Arrival Reception::place(std::uint16_t sequence) {
    if (!started_) {
        started_ = true;
        restart(sequence);
        return Arrival::InOrder;
    }
    const std::uint32_t ahead = static_cast<std::uint16_t>(sequence - highest_.highest());
    const std::uint32_t behind = (kCycle - ahead) % kCycle;
    if (ahead == 0 || behind < kMaxMisorder) return place_older(behind);
    if (ahead < kMaxDropout) {
        advance(ahead);
        after_jump_.reset();
        return ahead == 1 ? Arrival::InOrder : Arrival::AfterGap;
    }
    if (after_jump_ == sequence) {
        // The packet that jumped was the first of the new count.
        restart(static_cast<std::uint16_t>(sequence - 1));
        received_ = 1;
        advance(1);
        ++restarts_;
        return Arrival::Restarted;
    }
    after_jump_ = static_cast<std::uint16_t>(sequence + 1);
    ++jumps_;
    return Arrival::Jump;
}

Reception::Arrival Reception::place_older(std::uint32_t behind) {
    std::uint64_t& word = seen_[behind / 64];
    const std::uint64_t bit = std::uint64_t{1} << behind % 64;
    if (word & bit) {
        ++duplicates_;
        return Arrival::Duplicate;
    }
    word |= bit;
    ++reordered_;
    // Overtaken by what we took for the first: the count begins earlier, or the loss would come out negative.
    if (behind > highest_.highest() - base_) base_ = highest_.highest() - behind;
    return Arrival::Reordered;
}

void Reception::restart(std::uint16_t sequence) {
    highest_ = ExtendedSequence{sequence};
    base_ = sequence;
    received_ = 0;
    expected_before_ = 0;
    received_before_ = 0;
    seen_ = {1, 0};
    after_jump_.reset();
}

void Reception::advance(std::uint32_t steps) {
    highest_.extend(static_cast<std::uint16_t>(highest_.highest() + steps));
    if (steps >= 128) {
        seen_ = {0, 0};
    } else if (steps >= 64) {
        seen_ = {0, seen_[0] << (steps - 64)};
    } else {
        seen_ = {seen_[0] << steps, seen_[1] << steps | seen_[0] >> (64 - steps)};
    }
    seen_[0] |= 1;
}

void Reception::measure(std::uint32_t timestamp, core::Time arrival) {
    const std::uint32_t transit = in_clock_units(arrival) - timestamp;
    const std::int64_t change = timestamp_distance(transit_, transit);
    const auto size = static_cast<std::uint64_t>(change < 0 ? -change : change);
    transit_ = transit;
    if (!has_transit_) {
        has_transit_ = true;
    } else if (size > clock_) {
        // More than a second at once is the sender's clock set anew, or a radio whose clock stands still
        // between talkspurts; no play-out buffer could use it as jitter.
        ++timestamp_jumps_;
    } else {
        jitter_x16_ += static_cast<std::uint32_t>(size);
        jitter_x16_ -= (jitter_x16_ - static_cast<std::uint32_t>(size) + 8) >> 4;
    }
}

std::uint32_t Reception::in_clock_units(core::Time arrival) const {
    const std::int64_t since = std::chrono::nanoseconds{arrival - origin_}.count();
    const std::int64_t clock = clock_;
    const std::int64_t units = since / kNanoseconds * clock + since % kNanoseconds * clock / kNanoseconds;
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(units));  // wraps like a timestamp
}

void Reception::on_sender_report(NtpTime ntp, core::Time arrival) {
    last_report_ = ntp.middle();
    last_report_at_ = arrival;
}

std::optional<ReportBlock> Reception::report(core::Time now) {
    if (!started_ || !heard_since_report_) return std::nullopt;
    heard_since_report_ = false;

    const std::uint32_t expected_now = expected();
    const std::uint32_t expected_since = expected_now - expected_before_;
    const auto lost_since = static_cast<std::int32_t>(expected_since - (received_ - received_before_));
    expected_before_ = expected_now;
    received_before_ = received_;

    ReportBlock block;
    block.ssrc = ssrc_;
    // Below 256: what raises `expected` is itself a packet received, so never is everything lost.
    if (lost_since > 0)
        block.fraction_lost = static_cast<std::uint8_t>(
            (std::uint64_t{static_cast<std::uint32_t>(lost_since)} << 8) / expected_since);
    block.cumulative_lost = totals().lost;
    block.highest_sequence = highest_.highest();
    block.jitter = jitter_units();
    block.last_sender_report = last_report_;
    if (last_report_ != 0) block.delay_since_report = to_short_duration(now - last_report_at_);
    return block;
}

Reception::Totals Reception::totals() const {
    if (!started_) return {};
    const auto lost = static_cast<std::int32_t>(expected() - received_);
    return {expected(),  received_,       std::clamp(lost, -kMostLost - 1, kMostLost),
            duplicates_, reordered_,      jumps_,
            restarts_,   timestamp_jumps_};
}

std::chrono::nanoseconds Reception::jitter() const {
    return std::chrono::nanoseconds{std::int64_t{jitter_x16_} * (kNanoseconds / 16) / clock_};
}

}  // namespace crosspatch::rtp
