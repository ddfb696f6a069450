#include "crosspatch/media/transcoder.hpp"

#include <algorithm>
#include <utility>

#include "crosspatch/codec/rates.hpp"
#include "crosspatch/media/endpoint.hpp"
#include "crosspatch/media/mark.hpp"
#include "crosspatch/media/socket.hpp"
#include "src/media/fan_out.hpp"

namespace crosspatch::media {
namespace {

// Speech that breaks off in mid-word must not click.
void fade_out(std::span<std::int16_t> samples) {
    const auto count = static_cast<std::int32_t>(samples.size());
    for (std::int32_t i = 0; i < count; ++i) {
        std::int16_t& sample = samples[static_cast<std::size_t>(i)];
        sample = static_cast<std::int16_t>(sample * (count - i) / (count + 1));
    }
}

}  // namespace

bool TranscodeGroup::open(CodecPool& pool, const codec::Format& talker, const codec::Format& listener,
                          std::chrono::milliseconds ptime, const Treatment& treatment, bool pace) {
    const codec::Rates rates = codec::working_rates(talker, listener);
    encoder_ = pool.take_encoder(listener);
    if (encoder_ && rates.resampled()) resampler_ = pool.take_resampler(rates.decode, rates.encode);
    if (encoder_ && treatment.strip_tones) stripper_ = pool.take_stripper();
    if (!encoder_ || (rates.resampled() && !resampler_) || (treatment.strip_tones && !stripper_)) {
        close(pool);
        return false;
    }
    if (resampler_) resampler_->filter.start();
    if (stripper_) stripper_->filter.start(rates.decode);
    encoder_->codec->start(rates.encode, listener);
    format_ = listener;
    ptime_ = ptime;
    treatment_ = treatment;
    gain_ = codec::Gain{treatment.gain_db};
    decode_rate_ = rates.decode;
    encode_rate_ = rates.encode;
    frame_samples_ = rates.encode / 1000 * static_cast<std::uint32_t>(ptime.count());
    frame_ticks_ = listener.ticks(ptime);
    elapsed_ = 0;
    ahead_ = 0;
    holds_back_ = false;
    mark_at_ = 0;
    frames_encoded_ = 0;
    pace_ = pace;
    due_.reset();
    return true;
}

void TranscodeGroup::close(CodecPool& pool) {
    due_.reset();
    if (encoder_) pool.give_back(std::move(encoder_));
    if (resampler_) pool.give_back(std::move(resampler_));
    if (stripper_) pool.give_back(std::move(stripper_));
}

void TranscodeGroup::hand_over(CodecPool& from, CodecPool& to) const {
    if (encoder_) CodecPool::hand_over(*encoder_, from, to);
    if (resampler_) CodecPool::hand_over(*resampler_, from, to);
    if (stripper_) CodecPool::hand_over(*stripper_, from, to);
}

bool TranscodeGroup::serves(const codec::Format& listener, std::chrono::milliseconds ptime,
                            const Treatment& treatment, bool pace) const {
    return is_open() && format_ == listener && ptime_ == ptime && treatment_ == treatment && pace_ == pace;
}

void TranscodeGroup::feed(std::span<const std::int16_t> samples, std::span<Listener> listeners,
                          Scratch& scratch, Outbox& outbox, core::Time now) {
    if (treatment_ != Treatment{}) {
        const auto treated = std::span{scratch.adjusted}.first(samples.size());
        std::copy(samples.begin(), samples.end(), treated.begin());
        if (stripper_) stripper_->filter.process(treated);
        holds_back_ = stripper_ != nullptr;
        gain_.apply(treated);
        if (treatment_.mark) mix_mark(treated);
        samples = treated;
    }
    pack(samples, listeners, scratch, outbox, now);
}

// Over the talker, not before him: nothing of what he says is lost, and nothing comes later than it does without.
void TranscodeGroup::mix_mark(std::span<std::int16_t> samples) {
    const auto mark = treatment_.mark->at(decode_rate_);
    for (std::size_t i = 0; i < samples.size() && mark_at_ < mark.size(); ++i, ++mark_at_)
        samples[i] = static_cast<std::int16_t>(std::clamp(samples[i] + mark[mark_at_], -32768, 32767));
}

// What the stripper holds back goes out, as far as so many samples of silence push it.
void TranscodeGroup::push_out(std::size_t silence, std::span<Listener> listeners, Scratch& scratch,
                              Outbox& outbox) {
    const auto pushed = std::span{scratch.adjusted}.first(silence);
    std::fill(pushed.begin(), pushed.end(), std::int16_t{0});
    stripper_->filter.process(pushed);
    gain_.apply(pushed);
    pack(pushed, listeners, scratch, outbox, core::Time{});
    send_waiting(listeners, scratch, outbox);  // paced or not: it is late already
}

void TranscodeGroup::pack(std::span<const std::int16_t> samples, std::span<Listener> listeners,
                          Scratch& scratch, Outbox& outbox, core::Time now) {
    if (resampler_) {
        const std::size_t count = resampler_->filter.process(samples, scratch.resampled);
        samples = std::span{scratch.resampled}.first(count);
    }
    const std::size_t filled = std::min<std::size_t>(ahead_, samples.size());
    ahead_ -= static_cast<std::uint32_t>(filled);
    samples = samples.subspan(filled);
    if (pace_) return feed_paced(samples, listeners, scratch, outbox, now);
    std::vector<std::int16_t>& partial = encoder_->partial;
    if (partial.empty()) {  // the usual case: packets are as long here as there
        while (samples.size() >= frame_samples_) {
            encode(samples.first(frame_samples_), listeners, scratch, outbox);
            samples = samples.subspan(frame_samples_);
        }
    }
    while (!samples.empty()) {
        const std::size_t count = std::min<std::size_t>(samples.size(), frame_samples_ - partial.size());
        partial.insert(partial.end(), samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count));
        samples = samples.subspan(count);
        if (partial.size() < frame_samples_) break;
        encode(partial, listeners, scratch, outbox);
        partial.clear();
    }
}

// What is still there of the frame before leaves before this one's first packet. Beyond what there is room for, which the
// longest frame does not need, nothing waits.
void TranscodeGroup::feed_paced(std::span<const std::int16_t> samples, std::span<Listener> listeners,
                                Scratch& scratch, Outbox& outbox, core::Time now) {
    send_waiting(listeners, scratch, outbox);
    std::vector<std::int16_t>& partial = encoder_->partial;
    while (!samples.empty()) {
        const std::size_t count = std::min(samples.size(), partial.capacity() - partial.size());
        partial.insert(partial.end(), samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count));
        samples = samples.subspan(count);
        if (!samples.empty()) encode_first(listeners, scratch, outbox);
    }
    if (partial.size() < frame_samples_) return;
    encode_first(listeners, scratch, outbox);
    if (partial.size() >= frame_samples_) due_ = now + ptime_;
}

void TranscodeGroup::advance(std::span<Listener> listeners, Scratch& scratch, Outbox& outbox,
                             core::Time now) {
    while (due_ && now >= *due_) {
        encode_first(listeners, scratch, outbox);
        *due_ += ptime_;
        if (encoder_->partial.size() < frame_samples_) due_.reset();
    }
}

void TranscodeGroup::send_waiting(std::span<Listener> listeners, Scratch& scratch, Outbox& outbox) {
    due_.reset();
    while (encoder_->partial.size() >= frame_samples_) encode_first(listeners, scratch, outbox);
}

void TranscodeGroup::encode_first(std::span<Listener> listeners, Scratch& scratch, Outbox& outbox) {
    std::vector<std::int16_t>& partial = encoder_->partial;
    encode(std::span{partial}.first(frame_samples_), listeners, scratch, outbox);
    partial.erase(partial.begin(), partial.begin() + frame_samples_);
}

void TranscodeGroup::encode(std::span<const std::int16_t> frame, std::span<Listener> listeners,
                            Scratch& scratch, Outbox& outbox) {
    const std::size_t octets = encoder_->codec->encode(frame, scratch.payload);
    ++frames_encoded_;
    if (octets > 0) {
        const auto payload = std::span<const std::byte>{scratch.payload}.first(octets);
        fan_out(listeners, [&](Listener& listener) {
            Endpoint& to = *listener.endpoint;
            listener.heard |=
                to.send(outbox, !std::exchange(listener.started, true), to.sink.next_index(),
                        listener.base_timestamp + (elapsed_ - listener.first_timestamp), payload);
        });
    }
    elapsed_ += frame_ticks_;
}

void TranscodeGroup::flush(std::span<Listener> listeners, Scratch& scratch, Outbox& outbox) {
    if (std::exchange(holds_back_, false)) {
        const std::size_t held = stripper_->filter.delay_samples();
        push_out(held, listeners, scratch, outbox);
        ahead_ += static_cast<std::uint32_t>(held * encode_rate_ / decode_rate_);
    }
    send_waiting(listeners, scratch, outbox);
    std::vector<std::int16_t>& partial = encoder_->partial;
    if (partial.empty()) return;
    const std::size_t faded = std::min<std::size_t>(partial.size(), frame_samples_ / 4);
    fade_out(std::span{partial}.last(faded));
    ahead_ += frame_samples_ - static_cast<std::uint32_t>(partial.size());
    partial.resize(frame_samples_, 0);
    encode(partial, listeners, scratch, outbox);
    partial.clear();
}

void TranscodeGroup::restart(std::span<Listener> listeners, Scratch& scratch, Outbox& outbox) {
    flush(listeners, scratch, outbox);
    ahead_ = 0;
}

void TranscodeGroup::skip(std::chrono::microseconds silence, std::span<Listener> listeners, Scratch& scratch,
                          Outbox& outbox) {
    if (holds_back_) {  // it sounds during the first of the silence
        const std::size_t held = stripper_->filter.delay_samples();
        const auto lasts = static_cast<std::size_t>(silence.count() * decode_rate_ / 1'000'000);
        push_out(std::min(held, lasts), listeners, scratch, outbox);
        if (lasts < held) return;
        holds_back_ = false;
        silence -= codec::ToneStripper::kDelay;
    }
    flush(listeners, scratch, outbox);
    const auto samples = static_cast<std::uint32_t>(silence.count() * encode_rate_ / 1'000'000);
    const std::uint32_t filled = std::min(ahead_, samples);  // the silence that completed the last packet
    ahead_ -= filled;
    elapsed_ += static_cast<std::uint32_t>(std::uint64_t{samples - filled} * format_.clock / encode_rate_);
    for (Listener& listener : listeners)
        listener.started = false;  // RFC 3551 4.1: the marker follows a silence
}

void TranscodeGroup::set_loss(unsigned percent) { encoder_->codec->set_loss(percent); }

}  // namespace crosspatch::media
