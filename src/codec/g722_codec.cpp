extern "C" {
#include <spandsp.h>
}

#include <new>

#include "src/codec/plain_codec.hpp"

// G.722 at 64 kbit/s by libspandsp, which also codes the lower band alone: then 8 kHz comes out or goes in
// without a resampler, and without the 1.4 ms of the band-splitting filter.
namespace crosspatch::codec {
namespace {

constexpr int kBitrate = 64000;
constexpr std::size_t kStateOctets = 176;  // what libspandsp takes for either state

int options(std::uint32_t rate) { return rate == 8000 ? G722_SAMPLE_RATE_8000 : 0; }

struct Free {
    void operator()(g722_encode_state_t* state) const noexcept { g722_encode_free(state); }
    void operator()(g722_decode_state_t* state) const noexcept { g722_decode_free(state); }
};

class G722Decoder final : public PlainDecoder {
public:
    explicit G722Decoder(const Format& format)
        : PlainDecoder{format}, state_{g722_decode_init(nullptr, kBitrate, 0)} {
        if (!state_) throw std::bad_alloc{};
        start(format.rate);
    }

private:
    void restart(std::uint32_t rate) noexcept override {
        g722_decode_init(state_.get(), kBitrate, options(rate));
    }
    bool expand(std::span<const std::byte> payload, std::span<std::int16_t> out) noexcept override {
        g722_decode(state_.get(), out.data(), reinterpret_cast<const std::uint8_t*>(payload.data()),
                    static_cast<int>(payload.size()));
        return true;
    }
    std::size_t own_memory() const noexcept override { return sizeof(*this) + kStateOctets; }

    std::unique_ptr<g722_decode_state_t, Free> state_;
};

class G722Encoder final : public PlainEncoder {
public:
    explicit G722Encoder(const Format& format)
        : PlainEncoder{format}, state_{g722_encode_init(nullptr, kBitrate, 0)} {
        if (!state_) throw std::bad_alloc{};
    }
    std::size_t memory() const noexcept override { return sizeof(*this) + kStateOctets; }

private:
    void restart(std::uint32_t rate) noexcept override {
        g722_encode_init(state_.get(), kBitrate, options(rate));
    }
    std::size_t samples_per_frame() const noexcept override { return rate() / 8000; }
    std::size_t octets_per_frame() const noexcept override { return 1; }
    void compress(std::span<const std::int16_t> frame, std::span<std::byte> out) noexcept override {
        g722_encode(state_.get(), reinterpret_cast<std::uint8_t*>(out.data()), frame.data(),
                    static_cast<int>(frame.size()));
    }

    std::unique_ptr<g722_encode_state_t, Free> state_;
};

}  // namespace

std::unique_ptr<Decoder> make_g722_decoder(const Format& format) {
    return std::make_unique<G722Decoder>(format);
}
std::unique_ptr<Encoder> make_g722_encoder(const Format& format) {
    return std::make_unique<G722Encoder>(format);
}

}  // namespace crosspatch::codec
