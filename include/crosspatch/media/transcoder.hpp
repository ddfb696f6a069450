#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "crosspatch/codec/format.hpp"
#include "crosspatch/codec/gain.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/media/codec_pool.hpp"
#include "crosspatch/media/listener.hpp"

namespace crosspatch::media {

class Outbox;

// Room for the samples and the payload of one packet; one per worker, used by all its talkspurts in turn.
struct Scratch {
    std::array<std::int16_t, codec::kMaxSamples> decoded;
    std::array<std::int16_t, codec::kMaxSamples> adjusted;       // without tones, after gain
    std::array<std::int16_t, codec::kMaxSamples * 6> resampled;  // 8 kHz to 48 kHz at most
    std::array<std::byte, codec::kMaxPayload> payload;
};

// One egress group of a talkspurt: what is encoded once and sent to all listeners with the same codec, settings,
// packet time and treatment.
//
// Shape    an encoder and perhaps a resampler and a tone stripper from the pool; samples that do not fill a packet yet,
//          or, paced, wait for their time: of one frame of the talker and the rest of a packet at most; and those that
//          the stripper holds back.
// Units    samples at the branch's decode rate in; `elapsed` counts ticks of the listeners' RTP clock.
// Thread   its worker only; no allocation.
class TranscodeGroup {
public:
    // Takes what it needs from the pool; false if that has run out, and then nothing is taken.
    bool open(CodecPool& pool, const codec::Format& talker, const codec::Format& listener,
              std::chrono::milliseconds ptime, const Treatment& treatment, bool pace = false);
    void close(CodecPool& pool);
    // What it has taken goes back to another worker's pool in the end.
    void hand_over(CodecPool& from, CodecPool& to) const;
    bool is_open() const { return encoder_ != nullptr; }
    bool serves(const codec::Format& listener, std::chrono::milliseconds ptime, const Treatment& treatment,
                bool pace = false) const;
    bool paced() const { return pace_; }
    std::uint32_t decode_rate() const { return decode_rate_; }

    // Encodes and sends every packet that is full now. A paced group sends the first one: the others of the same frame
    // follow `ptime` apart, and at once when the next frame is there before them, so that no delay adds up.
    void feed(std::span<const std::int16_t> samples, std::span<Listener> listeners, Scratch& scratch,
              Outbox& outbox, core::Time now);
    // When the next packet of a paced frame is to leave; advance() sends it.
    std::optional<core::Time> due() const { return due_; }
    void advance(std::span<Listener> listeners, Scratch& scratch, Outbox& outbox, core::Time now);
    // True if samples wait for the rest of their packet.
    bool has_partial() const { return encoder_->partial.size() % frame_samples_ != 0 || holds_back_; }
    // Sends what waits, faded out and filled up with silence. What the talker says in the time of that silence
    // is left out, so that the listeners' delay does not grow.
    void flush(std::span<Listener> listeners, Scratch& scratch, Outbox& outbox);
    // The talker's clock begins anew: what waits is sent, and what follows has no gap to it.
    void restart(std::span<Listener> listeners, Scratch& scratch, Outbox& outbox);
    // The talker was silent for so long: the listeners' clock goes on, nothing is sent.
    void skip(std::chrono::microseconds silence, std::span<Listener> listeners, Scratch& scratch,
              Outbox& outbox);
    // Where the clock of a listener who joins now stands.
    std::uint32_t elapsed() const { return elapsed_; }
    void set_loss(unsigned percent);
    std::uint64_t frames_encoded() const { return frames_encoded_; }

private:
    void mix_mark(std::span<std::int16_t> samples);
    void push_out(std::size_t silence, std::span<Listener> listeners, Scratch& scratch, Outbox& outbox);
    void pack(std::span<const std::int16_t> samples, std::span<Listener> listeners, Scratch& scratch,
              Outbox& outbox, core::Time now);
    void feed_paced(std::span<const std::int16_t> samples, std::span<Listener> listeners, Scratch& scratch,
                    Outbox& outbox, core::Time now);
    void send_waiting(std::span<Listener> listeners, Scratch& scratch, Outbox& outbox);
    void encode_first(std::span<Listener> listeners, Scratch& scratch, Outbox& outbox);
    void encode(std::span<const std::int16_t> frame, std::span<Listener> listeners, Scratch& scratch,
                Outbox& outbox);

    std::unique_ptr<CodecPool::Encoder> encoder_;
    std::unique_ptr<CodecPool::Resampler> resampler_;
    std::unique_ptr<CodecPool::Stripper> stripper_;
    codec::Format format_{};
    codec::Gain gain_{};
    Treatment treatment_{};
    std::chrono::milliseconds ptime_{};
    std::uint32_t decode_rate_{};
    std::uint32_t encode_rate_{};
    std::uint32_t frame_samples_{};  // of one packet, at the encoder's rate
    std::uint32_t frame_ticks_{};
    std::uint32_t elapsed_{};
    std::uint32_t ahead_{};  // samples of silence that were sent in the talker's place
    bool holds_back_{};      // the stripper has samples of the talker that are not out yet
    std::size_t mark_at_{};  // samples of the mark that have been played
    std::uint64_t frames_encoded_{};
    bool pace_{};
    std::optional<core::Time> due_;
};

}  // namespace crosspatch::media
