#include <array>

#include "src/codec/g711.hpp"
#include "src/codec/plain_codec.hpp"

// Codecs that turn each sample into one or two octets, without memory of the one before.
namespace crosspatch::codec {
namespace {

struct Ulaw {
    static constexpr std::size_t kOctets = 1;
    static void write(std::int16_t sample, std::byte* out) { *out = std::byte{g711::to_ulaw(sample)}; }
    static std::int16_t read(const std::byte* in) {
        return g711::from_ulaw(std::to_integer<std::uint8_t>(*in));
    }
};

struct Alaw {
    static constexpr std::size_t kOctets = 1;
    static void write(std::int16_t sample, std::byte* out) { *out = std::byte{g711::to_alaw(sample)}; }
    static std::int16_t read(const std::byte* in) {
        return g711::from_alaw(std::to_integer<std::uint8_t>(*in));
    }
};

struct Linear {  // RFC 3551 §4.5.11: most significant octet first
    static constexpr std::size_t kOctets = 2;
    static void write(std::int16_t sample, std::byte* out) {
        const auto bits = static_cast<std::uint16_t>(sample);
        out[0] = std::byte(bits >> 8U);
        out[1] = std::byte(bits & 0xFFU);
    }
    static std::int16_t read(const std::byte* in) {
        const unsigned bits = std::to_integer<unsigned>(in[0]) << 8U | std::to_integer<unsigned>(in[1]);
        return static_cast<std::int16_t>(bits);
    }
};

template <typename Law>
class PcmDecoder final : public PlainDecoder {
public:
    explicit PcmDecoder(const Format& format) : PlainDecoder{format} { start(format.rate); }

private:
    void restart(std::uint32_t) noexcept override {}
    bool expand(std::span<const std::byte> payload, std::span<std::int16_t> out) noexcept override {
        const std::byte* in = payload.data();
        for (std::int16_t& sample : out) {
            sample = Law::read(in);
            in += Law::kOctets;
        }
        return true;
    }
    std::size_t own_memory() const noexcept override { return sizeof(*this); }
};

template <typename Law>
class PcmEncoder final : public PlainEncoder {
public:
    explicit PcmEncoder(const Format& format) : PlainEncoder{format} {}
    std::size_t memory() const noexcept override { return sizeof(*this); }

private:
    void restart(std::uint32_t) noexcept override {}
    std::size_t samples_per_frame() const noexcept override { return 1; }
    std::size_t octets_per_frame() const noexcept override { return Law::kOctets; }
    void compress(std::span<const std::int16_t> frame, std::span<std::byte> out) noexcept override {
        std::byte* to = out.data();
        for (const std::int16_t sample : frame) {
            Law::write(sample, to);
            to += Law::kOctets;
        }
    }
};

}  // namespace

std::unique_ptr<Decoder> make_pcm_decoder(const Format& format) {
    if (format.kind == Kind::Pcmu) return std::make_unique<PcmDecoder<Ulaw>>(format);
    if (format.kind == Kind::Pcma) return std::make_unique<PcmDecoder<Alaw>>(format);
    return std::make_unique<PcmDecoder<Linear>>(format);
}

std::unique_ptr<Encoder> make_pcm_encoder(const Format& format) {
    if (format.kind == Kind::Pcmu) return std::make_unique<PcmEncoder<Ulaw>>(format);
    if (format.kind == Kind::Pcma) return std::make_unique<PcmEncoder<Alaw>>(format);
    return std::make_unique<PcmEncoder<Linear>>(format);
}

}  // namespace crosspatch::codec
