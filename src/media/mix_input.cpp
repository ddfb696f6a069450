#include "crosspatch/media/mix_input.hpp"

#include <algorithm>
#include <utility>

#include "crosspatch/codec/rates.hpp"
#include "crosspatch/media/transcoder.hpp"

namespace crosspatch::media {

bool MixInput::open(CodecPool& pool, const codec::Format& talker, double gain_db) {
    const codec::Rates rates = codec::working_rates(talker, codec::l16(kRate));
    if (rates.resampled()) {
        resampler_ = pool.take_resampler(rates.decode, rates.encode);
        if (!resampler_) return false;
        resampler_->filter.start();
    }
    rate_ = rates.decode;
    gain_db_ = gain_db;
    gain_ = codec::Gain{gain_db};
    first_ = filled_ = 0;
    gives_ = false;
    left_out_ = 0;
    return true;
}

void MixInput::close(CodecPool& pool) {
    if (resampler_) pool.give_back(std::move(resampler_));
    rate_ = 0;
    filled_ = 0;
}

void MixInput::hand_over(CodecPool& from, CodecPool& to) const {
    if (resampler_) CodecPool::hand_over(*resampler_, from, to);
}

void MixInput::hear(std::span<const std::int16_t> samples, Scratch& scratch) {
    std::copy(samples.begin(), samples.end(), scratch.adjusted.begin());
    const auto adjusted = std::span{scratch.adjusted}.first(samples.size());
    gain_.apply(adjusted);
    samples = adjusted;
    if (resampler_) {
        const std::size_t count = resampler_->filter.process(samples, scratch.resampled);
        samples = std::span{scratch.resampled}.first(count);
    }
    for (const std::int16_t sample : samples) put(sample);
    if (filled_ > samples_of(kMost)) drop_oldest(filled_ - samples_of(kPrime));
}

void MixInput::put(std::int16_t sample) {
    if (filled_ == ring_.size()) drop_oldest(1);
    ring_[(first_ + filled_++) % ring_.size()] = sample;
}

void MixInput::drop_oldest(std::size_t count) {
    first_ = (first_ + count) % ring_.size();
    filled_ -= count;
    left_out_ += count;
}

// Once it has run dry the time of the silence has passed already.
void MixInput::skip(std::chrono::microseconds silence) {
    if (filled_ == 0) return;
    const auto samples = static_cast<std::size_t>(silence.count() * kRate / 1'000'000);
    for (std::size_t i = std::min(samples, ring_.size() - filled_); i > 0; --i) put(0);
}

bool MixInput::add_to(std::span<std::int32_t> sum, bool last) {
    gives_ = gives_ || last || filled_ >= samples_of(kPrime);
    if (!gives_ || filled_ == 0) {
        gives_ = false;
        return false;
    }
    const std::size_t count = std::min(sum.size(), filled_);
    for (std::size_t i = 0; i < count; ++i) sum[i] += ring_[(first_ + i) % ring_.size()];
    first_ = (first_ + count) % ring_.size();
    filled_ -= count;
    return true;
}

}  // namespace crosspatch::media
