#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "crosspatch/core/time.hpp"
#include "crosspatch/rtp/ntp.hpp"
#include "crosspatch/rtp/rtcp.hpp"
#include "crosspatch/rtp/sequence.hpp"

namespace crosspatch::rtp {

// Counts what comes from one remote source, and says it in report blocks.
//
// Shape    fixed size, no queue; one per remote SSRC, thrown away when the SSRC changes.
// Units    packets; `clock` in Hz is the payload's RTP clock (48000 for Opus, 8000 for G.722).
// Time     never reads a clock: arrival times are passed in.
// Errors   none. A jump of the sequence number is believed once the next packet follows on it, a jump of the
//          timestamp at once. Both only restart the measurement; no loss is counted for what was never sent.
// Thread   its worker only; no allocation.
// Source   RFC 3550 sections A.1 (sequence), A.3 (loss), A.8 (jitter), 6.4.1 (block). Packets are authentic
//          before they come here, so there is no probation: the first packet counts.
class Reception {
public:
    enum class Arrival : std::uint8_t {
        InOrder,    // the next one, or the first of all
        AfterGap,   // newer, with some missing in between
        Reordered,  // older than the highest, and new to us
        Duplicate,  // seen before
        Jump,       // too far away to belong; counted nowhere but in `jumps`
        Restarted   // follows on a jump: counting starts anew from it
    };
    // Packets of one telephone event share a timestamp, so they say nothing about jitter.
    enum class Timing : std::uint8_t { Media, Event };

    // Since the first packet or the last restart; from `duplicates` on since the first packet.
    struct Totals {
        std::uint32_t expected;
        std::uint32_t received;  // duplicates count, as RFC 3550 has it
        std::int32_t lost;       // cut to 24 bits with sign
        std::uint64_t duplicates, reordered, jumps, restarts, timestamp_jumps;
    };

    Reception(std::uint32_t ssrc, std::uint32_t clock);

    Arrival on_packet(std::uint16_t sequence, std::uint32_t timestamp, core::Time arrival,
                      Timing timing = Timing::Media);
    void on_sender_report(NtpTime ntp, core::Time arrival);

    // The block for the next report; starts a new interval for the fraction lost. Nothing if no packet came
    // since the last one: a silent source is not reported on (section 6.4).
    std::optional<ReportBlock> report(core::Time now);

    std::uint32_t ssrc() const { return ssrc_; }
    Totals totals() const;
    std::uint32_t highest_sequence() const { return highest_.highest(); }
    std::uint32_t jitter_units() const { return jitter_x16_ >> 4; }
    std::chrono::nanoseconds jitter() const;

private:
    Arrival place(std::uint16_t sequence);
    Arrival place_older(std::uint32_t behind);
    void restart(std::uint16_t sequence);
    void advance(std::uint32_t steps);
    void measure(std::uint32_t timestamp, core::Time arrival);
    std::uint32_t in_clock_units(core::Time arrival) const;
    std::uint32_t expected() const { return highest_.highest() - base_ + 1; }

    std::uint32_t ssrc_;
    std::uint32_t clock_;
    ExtendedSequence highest_{0};
    std::uint32_t base_{};
    std::uint32_t received_{};
    std::uint32_t expected_before_{};  // at the last report
    std::uint32_t received_before_{};
    std::array<std::uint64_t, 2> seen_{};      // bit n: the packet n before the highest came
    std::optional<std::uint16_t> after_jump_;  // the number that would confirm a jump
    bool started_{};
    bool has_transit_{};
    bool heard_since_report_{};
    std::uint32_t transit_{};
    std::uint32_t jitter_x16_{};
    core::Time origin_{};          // arrival times are counted from the first packet
    std::uint32_t last_report_{};  // NtpTime::middle() of the last sender report
    core::Time last_report_at_{};
    std::uint64_t duplicates_{}, reordered_{}, jumps_{}, restarts_{}, timestamp_jumps_{};
};

}  // namespace crosspatch::rtp
