#include "crosspatch/codec/resampler.hpp"

#include <speex/speex_resampler.h>

#include <cassert>
#include <new>

namespace crosspatch::codec {
namespace {

constexpr int kQuality = 4;  // what speexdsp calls VOIP grade

SpeexResamplerState* speex(void* state) { return static_cast<SpeexResamplerState*>(state); }

}  // namespace

void Resampler::Free::operator()(void* state) const noexcept { speex_resampler_destroy(speex(state)); }

Resampler::Resampler(std::uint32_t in_rate, std::uint32_t out_rate) : in_rate_{in_rate}, out_rate_{out_rate} {
    int error{};
    state_.reset(speex_resampler_init(1, in_rate, out_rate, kQuality, &error));
    if (!state_) throw std::bad_alloc{};
}

void Resampler::start() noexcept { speex_resampler_reset_mem(speex(state_.get())); }

std::size_t Resampler::process(std::span<const std::int16_t> in, std::span<std::int16_t> out) noexcept {
    assert(out.size() >= output_samples(in.size()));
    auto taken = static_cast<spx_uint32_t>(in.size());
    auto given = static_cast<spx_uint32_t>(out.size());
    speex_resampler_process_int(speex(state_.get()), 0, in.data(), &taken, out.data(), &given);
    assert(taken == in.size());
    return given;
}

std::size_t Resampler::output_samples(std::size_t input_samples) const noexcept {
    return (input_samples * out_rate_ + in_rate_ - 1) / in_rate_;
}

std::size_t Resampler::delay_samples() const noexcept {
    return static_cast<std::size_t>(speex_resampler_get_output_latency(speex(state_.get())));
}

}  // namespace crosspatch::codec
