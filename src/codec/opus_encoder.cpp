#include <opus.h>

#include <algorithm>
#include <cassert>

#include "crosspatch/codec/rates.hpp"
#include "src/codec/codecs.hpp"
#include "src/codec/opus_state.hpp"

namespace crosspatch::codec {
namespace {

constexpr unsigned kFecOnPercent = 3;
constexpr unsigned kFecOffPercent = 1;
// libopus weighs error correction by the loss it is told. Below 5 % it takes CELT frames, which carry none;
// above 20 % it starves the voice itself.
constexpr unsigned kLeastLoss = 5;
constexpr unsigned kMostLoss = 20;

int bandwidth(std::uint32_t rate) {
    if (rate <= 8000) return OPUS_BANDWIDTH_NARROWBAND;
    if (rate <= 12000) return OPUS_BANDWIDTH_MEDIUMBAND;
    if (rate <= 16000) return OPUS_BANDWIDTH_WIDEBAND;
    return rate <= 24000 ? OPUS_BANDWIDTH_SUPERWIDEBAND : OPUS_BANDWIDTH_FULLBAND;
}

// Opus for voice, mono.
class OpusVoiceEncoder final : public Encoder {
public:
    explicit OpusVoiceEncoder(const Format& format) : state_{beginning()} {
        OpusVoiceEncoder::start(format.rate, format);
    }

    std::span<const std::uint32_t> rates() const noexcept override { return own_rates(format_); }

    void start(std::uint32_t rate, const Format& format) noexcept override {
        assert(format.kind == Kind::Opus);
        format_ = format;
        in_dtx_ = false;
        state_.renew(rate);
        set(OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
        set(OPUS_SET_FORCE_CHANNELS(1));
        set(OPUS_SET_MAX_BANDWIDTH(bandwidth(std::min(rate, format.rate))));
        set(OPUS_SET_BITRATE(static_cast<opus_int32>(format.bitrate)));
        set(OPUS_SET_COMPLEXITY(static_cast<opus_int32>(format.complexity)));
        set(OPUS_SET_VBR(format.vbr ? 1 : 0));
        set(OPUS_SET_VBR_CONSTRAINT(1));
        set(OPUS_SET_DTX(format.dtx ? 1 : 0));
        set(OPUS_SET_LSB_DEPTH(16));
        fec_ = format.fec == Fec::On;
        tell_loss(0);
    }

    std::size_t encode(std::span<const std::int16_t> frame, std::span<std::byte> out) noexcept override {
        const std::size_t room = std::min(out.size(), kMaxPayload);
        if (room == 0 || frame.empty() || frame.size() > kMaxSamples) return 0;
        const opus_int32 octets =
            opus_encode(encoder(), frame.data(), static_cast<int>(frame.size()),
                        reinterpret_cast<unsigned char*>(out.data()), static_cast<opus_int32>(room));
        if (octets <= 0) return 0;
        // The first packet of a silence is sent, so that the far side knows it for one; the next that is
        // worth sending is libopus' own refresh after 400 ms.
        const bool silent = format_.dtx && octets <= 2;
        const bool known = in_dtx_;
        in_dtx_ = silent;
        return silent && known ? 0 : static_cast<std::size_t>(octets);
    }

    void set_loss(unsigned percent) noexcept override {
        if (format_.fec == Fec::Off) return;
        if (format_.fec == Fec::Auto) fec_ = fec_ ? percent >= kFecOffPercent : percent >= kFecOnPercent;
        tell_loss(percent);
    }

    bool fec() const noexcept override { return fec_; }

    std::size_t memory() const noexcept override { return sizeof(*this) + state_.octets(); }

private:
    static const OpusBeginning& beginning() {
        static const OpusBeginning all{static_cast<std::size_t>(opus_encoder_get_size(1)), initialise};
        return all;
    }
    static void initialise(void* memory, std::uint32_t rate) {
        const int error = opus_encoder_init(static_cast<OpusEncoder*>(memory), static_cast<opus_int32>(rate),
                                            1, OPUS_APPLICATION_VOIP);
        assert(error == OPUS_OK);
        (void)error;
    }
    OpusEncoder* encoder() noexcept { return static_cast<OpusEncoder*>(state_.get()); }

    void set(int request, opus_int32 value) noexcept {
        const int error = opus_encoder_ctl(encoder(), request, value);
        assert(error == OPUS_OK);
        (void)error;
    }

    void tell_loss(unsigned percent) noexcept {
        set(OPUS_SET_INBAND_FEC(fec_ ? 1 : 0));
        set(OPUS_SET_PACKET_LOSS_PERC(
            fec_ ? static_cast<opus_int32>(std::clamp(percent, kLeastLoss, kMostLoss)) : 0));
    }

    Format format_;
    OpusState state_;
    bool fec_{};
    bool in_dtx_{};
};

}  // namespace

std::unique_ptr<Encoder> make_opus_encoder(const Format& format) {
    return std::make_unique<OpusVoiceEncoder>(format);
}

}  // namespace crosspatch::codec
