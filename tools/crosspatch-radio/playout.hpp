#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "crosspatch/codec/decoder.hpp"
#include "crosspatch/codec/format.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/rtp/sequence.hpp"

namespace crosspatch::radio {

// Plays the packets of one talker on time, as a radio's loudspeaker would: each packet waits until its turn,
// what is not there by then is concealed, and what comes after its turn is lost.
//
// Shape    at most 1,024 packets wait. A talkspurt begins with a marker or after silence; its first packet
// waits `delay`,
//          the others keep their distance to it by timestamp.
// Units    samples at rate(), 16 bits, mono.
// Time     passed in; next() says when play() has something to do.
// Errors   counted by cause in Counters.
// Thread   one.
class PlayOut {
public:
    // Called with the moment that the samples belong to; moments rise, and within a talkspurt nothing is left
    // out.
    using Sink = std::function<void(core::Time, std::span<const std::int16_t>)>;

    // Decoded sound without a gap.
    struct Span {
        core::Time from;
        core::Time until;
    };

    struct Counters {
        std::uint64_t played{};       // packets
        std::uint64_t late{};         // came after their turn
        std::uint64_t duplicates{};   // were there already
        std::uint64_t overflow{};     // came too far ahead of their turn
        std::uint64_t undecodable{};  // authentic, but nothing that the codec understands
        std::uint64_t concealed{};    // frames made up for packets that did not come in time
        std::uint64_t recovered{};    // of these, made from the copy inside the next packet
        std::uint64_t talkspurts{};
        std::uint64_t samples{};       // decoded, not made up
        double energy{};               // of these: the sum of their squares
        core::Duration longest_gap{};  // between decoded frames, where packets were lost
        std::vector<Span> heard;       // in order; at most kMaxSpans
    };
    static constexpr std::size_t kMaxSpans = 1000;

    PlayOut(const codec::Format& format, std::chrono::milliseconds delay, Sink sink);

    // A packet of the stream that is heard at present. Requires at least one octet of payload.
    void push(std::uint16_t sequence, std::uint32_t timestamp, bool marker,
              std::span<const std::byte> payload, core::Time now);
    // A packet of the same stream that carries no sound: where it stood in the sequence, nothing is missing.
    void pass_over(std::uint16_t sequence);
    // Another SSRC: what waits of the old one is dropped, and counting goes on.
    void restart();
    // Plays what is due.
    void play(core::Time now);
    std::optional<core::Time> next() const;

    std::uint32_t rate() const { return format_.rate; }
    const Counters& counters() const { return counters_; }

private:
    struct Waiting {
        std::uint32_t sequence;  // extended
        core::Time due;
        bool first;  // of a talkspurt
        std::vector<std::byte> payload;
    };
    core::Duration in_time(std::int64_t ticks) const;
    core::Duration length_of(std::size_t samples) const;
    core::Time due_of(std::uint32_t timestamp) const;
    bool begins_talkspurt(core::Time due, bool marker, core::Time now) const;
    void anchor(std::uint32_t timestamp, core::Time now);
    void play_front();
    void count_gap(const Waiting& packet);
    std::uint32_t missing_before(const Waiting& packet);
    void fill();
    bool worth_waiting() const;
    void give(std::size_t samples);
    void count_heard(std::size_t samples);

    codec::Format format_;
    std::chrono::milliseconds delay_;
    Sink sink_;
    std::unique_ptr<codec::Decoder> decoder_;
    std::deque<Waiting> waiting_;          // by sequence
    std::deque<std::uint32_t> soundless_;  // passed over since the last packet that was played; extended
    std::optional<rtp::ExtendedSequence> newest_;
    std::uint32_t expected_{};  // sequence to play next, once something was played
    bool played_{};             // something of this stream
    std::uint32_t anchor_timestamp_{};
    core::Time anchor_due_{};  // when anchor_timestamp_ has its turn
    bool talking_{};
    core::Time cursor_{};       // end of what was played of the talkspurt
    core::Time heard_until_{};  // end of the last decoded frame
    std::size_t frame_;         // samples of the last decoded packet
    std::uint32_t
        made_up_{};   // frames concealed since then; counted once a gap in the sequence proves a loss
    bool resting_{};  // the last packet said "I am silent" (DTX)
    std::vector<std::int16_t> samples_;
    Counters counters_;
};

}  // namespace crosspatch::radio
