#include <codec2/codec2.h>

#include <array>
#include <cstring>
#include <new>

#include "src/codec/plain_codec.hpp"

// Codec2 by libcodec2 (LGPL, linked dynamically).
namespace crosspatch::codec {
namespace {

constexpr std::size_t kStateOctets = 31'308;  // what codec2_create() takes in these modes, version 1.0.5
constexpr std::size_t kMostSamples = 320;
constexpr std::size_t kMostOctets = 8;
constexpr int kFlush = 4;

// libcodec2's state, sizes and a way back to silence: the library can neither reset nor build in given
// memory, so a new talkspurt is preceded by a few frames of silence that nobody hears (80 to 160 ms of it,
// some 0.1 ms of work).
class Codec2State {
public:
    explicit Codec2State(const Format& format) : state_{codec2_create(static_cast<int>(format.mode))} {
        if (!state_) throw std::bad_alloc{};
        samples = static_cast<std::size_t>(codec2_samples_per_frame(state_.get()));
        octets = static_cast<std::size_t>(codec2_bytes_per_frame(state_.get()));
        assert(samples <= kMostSamples && octets <= kMostOctets);
    }
    CODEC2* get() const noexcept { return state_.get(); }

    std::size_t samples{};  // of one frame
    std::size_t octets{};

private:
    struct Free {
        void operator()(CODEC2* state) const noexcept { codec2_destroy(state); }
    };
    std::unique_ptr<CODEC2, Free> state_;
};

using Samples = std::array<short, kMostSamples>;
using Octets = std::array<unsigned char, kMostOctets>;

class Codec2Decoder final : public PlainDecoder {
public:
    explicit Codec2Decoder(const Format& format) : PlainDecoder{format}, state_{format} {
        const Codec2State encoder{format};
        Samples silence{};
        for (int i = 0; i < kFlush; ++i) codec2_encode(encoder.get(), silent_.data(), silence.data());
        PlainDecoder::start(format.rate);
    }

private:
    void restart(std::uint32_t) noexcept override {
        Samples unheard;
        for (int i = 0; i < kFlush; ++i) codec2_decode(state_.get(), unheard.data(), silent_.data());
    }
    bool expand(std::span<const std::byte> payload, std::span<std::int16_t> out) noexcept override {
        for (std::size_t i = 0; i * state_.octets < payload.size(); ++i)
            codec2_decode(state_.get(), &out[i * state_.samples],
                          reinterpret_cast<const unsigned char*>(&payload[i * state_.octets]));
        return true;
    }
    std::size_t own_memory() const noexcept override { return sizeof(*this) + kStateOctets; }

    Codec2State state_;
    Octets silent_{};  // one frame of silence
};

class Codec2Encoder final : public PlainEncoder {
public:
    explicit Codec2Encoder(const Format& format) : PlainEncoder{format}, state_{format} {}
    std::size_t memory() const noexcept override { return sizeof(*this) + kStateOctets; }

private:
    void restart(std::uint32_t) noexcept override {
        Samples silence{};
        Octets unsent;
        for (int i = 0; i < kFlush; ++i) codec2_encode(state_.get(), unsent.data(), silence.data());
    }
    std::size_t samples_per_frame() const noexcept override { return state_.samples; }
    std::size_t octets_per_frame() const noexcept override { return state_.octets; }
    void compress(std::span<const std::int16_t> frame, std::span<std::byte> out) noexcept override {
        Samples samples;
        for (std::size_t i = 0; i * state_.samples < frame.size(); ++i) {
            std::copy_n(&frame[i * state_.samples], state_.samples, samples.begin());  // wanted writable
            codec2_encode(state_.get(), reinterpret_cast<unsigned char*>(&out[i * state_.octets]),
                          samples.data());
        }
    }

    Codec2State state_;
};

}  // namespace

std::unique_ptr<Decoder> make_codec2_decoder(const Format& format) {
    return std::make_unique<Codec2Decoder>(format);
}
std::unique_ptr<Encoder> make_codec2_encoder(const Format& format) {
    return std::make_unique<Codec2Encoder>(format);
}

}  // namespace crosspatch::codec
