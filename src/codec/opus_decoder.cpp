#include <opus.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "crosspatch/codec/rates.hpp"
#include "src/codec/codecs.hpp"
#include "src/codec/opus_packet.hpp"
#include "src/codec/opus_state.hpp"

namespace crosspatch::codec {
namespace {

constexpr std::size_t kFadeFromMs = 80;    // four frames of 20 ms at libopus' own level,
constexpr std::size_t kFadeUntilMs = 100;  // the fifth goes down to silence

const unsigned char* octets_of(std::span<const std::byte> payload) {
    return reinterpret_cast<const unsigned char*>(payload.data());
}

// Opus, mono.
class OpusVoiceDecoder final : public Decoder {
public:
    explicit OpusVoiceDecoder(const Format& format) : format_{format}, state_{beginning()} {
        OpusVoiceDecoder::start(format.rate);
    }

    std::span<const std::uint32_t> rates() const noexcept override { return own_rates(format_); }

    void start(std::uint32_t rate) noexcept override {
        state_.renew(rate);
        rate_ = rate;
        concealed_ = 0;
        after_celt_ = true;  // nothing heard yet, so nothing to correct
    }

    std::size_t decode(std::span<const std::byte> payload, std::span<std::int16_t> out) noexcept override {
        const auto packet = OpusPacket::parse(payload);
        if (!packet || packet->samples_48k * std::uint64_t{rate_} / 48000U > out.size()) return 0;
        const std::size_t samples = run(payload, out.first(std::min(out.size(), kMaxSamples)), false);
        if (samples == 0) return 0;
        concealed_ = 0;
        after_celt_ = packet->celt;
        return samples;
    }

    // libopus would quietly conceal where there is no copy; the caller wants to know.
    std::size_t recover(std::span<const std::byte> next, std::size_t samples,
                        std::span<std::int16_t> out) noexcept override {
        const auto packet = OpusPacket::parse(next);
        if (!packet || !packet->has_fec || after_celt_) return 0;
        const std::size_t frame = frame_samples(next);
        if (samples < frame || samples > std::min(out.size(), kMaxSamples) || samples % granule() != 0)
            return 0;
        const std::size_t recovered = run(next, out.first(samples), true);
        if (recovered > 0) concealed_ = 0;
        return recovered;
    }

    std::size_t conceal(std::size_t samples, std::span<std::int16_t> out) noexcept override {
        samples = std::min({samples, out.size(), kMaxSamples});
        const auto gap = out.first(samples);
        if (concealed_ >= rate_ / 1000 * kFadeUntilMs) {
            std::ranges::fill(gap, std::int16_t{0});
        } else {
            make_up(gap);
            fade(gap);
            concealed_ += samples;
        }
        return samples;
    }

    std::size_t memory() const noexcept override { return sizeof(*this) + state_.octets(); }

private:
    static const OpusBeginning& beginning() {
        static const OpusBeginning all{static_cast<std::size_t>(opus_decoder_get_size(1)), initialise};
        return all;
    }
    static void initialise(void* memory, std::uint32_t rate) {
        const int error =
            opus_decoder_init(static_cast<OpusDecoder*>(memory), static_cast<opus_int32>(rate), 1);
        assert(error == OPUS_OK);
        (void)error;
    }
    OpusDecoder* decoder() noexcept { return static_cast<OpusDecoder*>(state_.get()); }
    std::size_t granule() const noexcept { return rate_ / 400; }  // 2.5 ms, the step of Opus

    std::size_t frame_samples(std::span<const std::byte> packet) const noexcept {
        return static_cast<std::size_t>(
            opus_packet_get_samples_per_frame(octets_of(packet), static_cast<opus_int32>(rate_)));
    }

    std::size_t run(std::span<const std::byte> payload, std::span<std::int16_t> out, bool fec) noexcept {
        const int samples = opus_decode(decoder(), payload.empty() ? nullptr : octets_of(payload),
                                        static_cast<opus_int32>(payload.size()), out.data(),
                                        static_cast<int>(out.size()), fec ? 1 : 0);
        return samples > 0 ? static_cast<std::size_t>(samples) : 0;
    }

    // libopus conceals whole steps of 2.5 ms; the rest of an odd gap is cut from one more.
    void make_up(std::span<std::int16_t> gap) noexcept {
        const std::size_t rest = gap.size() % granule();
        const auto whole = gap.first(gap.size() - rest);
        const std::size_t made = whole.empty() ? 0 : run({}, whole, false);
        std::ranges::fill(gap.subspan(made), std::int16_t{0});
        if (rest == 0) return;
        std::array<std::int16_t, 120> step{};
        run({}, std::span{step}.first(granule()), false);
        std::copy_n(step.begin(), rest, gap.end() - static_cast<std::ptrdiff_t>(rest));
    }

    void fade(std::span<std::int16_t> gap) noexcept {
        const std::size_t from = rate_ / 1000 * kFadeFromMs;
        const std::size_t until = rate_ / 1000 * kFadeUntilMs;
        for (std::size_t i = 0; i < gap.size(); ++i) {
            const std::size_t age = concealed_ + i;
            if (age < from) continue;
            const auto left = static_cast<std::int64_t>(age < until ? until - age : 0);
            gap[i] = static_cast<std::int16_t>(gap[i] * left / static_cast<std::int64_t>(until - from));
        }
    }

    Format format_;
    OpusState state_;
    std::uint32_t rate_{};
    std::size_t concealed_{};  // samples in a row
    bool after_celt_{true};
};

}  // namespace

std::unique_ptr<Decoder> make_opus_decoder(const Format& format) {
    return std::make_unique<OpusVoiceDecoder>(format);
}

}  // namespace crosspatch::codec
