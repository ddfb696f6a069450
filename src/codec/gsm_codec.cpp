#include <gsm.h>
#include <malloc.h>

#include <array>
#include <cstring>
#include <new>
#include <vector>

#include "src/codec/plain_codec.hpp"

// GSM full rate by libgsm.
namespace crosspatch::codec {
namespace {

constexpr std::size_t kSamples = 160;
constexpr std::size_t kOctets = 33;

// libgsm's state with a way back to its beginning, which the library lacks. A state is one block of plain
// numbers without pointers (version 1.0.22, gsm_create(): one calloc), so a copy taken when it is new can be
// laid over it later; a test holds a restarted coder against a fresh one, octet for octet.
class GsmState {
public:
    GsmState() : state_{gsm_create()} {
        if (!state_) throw std::bad_alloc{};
        fresh_.resize(malloc_usable_size(state_.get()));
        std::memcpy(fresh_.data(), state_.get(), fresh_.size());
    }
    void restart() noexcept { std::memcpy(state_.get(), fresh_.data(), fresh_.size()); }
    ::gsm get() const noexcept { return state_.get(); }
    std::size_t memory() const noexcept { return 2 * fresh_.size(); }

private:
    struct Free {
        void operator()(::gsm state) const noexcept { gsm_destroy(state); }
    };
    std::unique_ptr<gsm_state, Free> state_;
    std::vector<std::byte> fresh_;
};

class GsmDecoder final : public PlainDecoder {
public:
    explicit GsmDecoder(const Format& format) : PlainDecoder{format} { start(format.rate); }

private:
    void restart(std::uint32_t) noexcept override { state_.restart(); }
    bool expand(std::span<const std::byte> payload, std::span<std::int16_t> out) noexcept override {
        for (std::size_t at = 0; at < payload.size();
             at += kOctets)  // the signature of every frame before any changes the state
            if (std::to_integer<unsigned>(payload[at]) >> 4U != GSM_MAGIC) return false;
        std::array<gsm_byte, kOctets> frame;
        for (std::size_t i = 0; i * kOctets < payload.size(); ++i) {
            std::memcpy(frame.data(), &payload[i * kOctets], kOctets);  // gsm_decode() wants it writable
            if (gsm_decode(state_.get(), frame.data(), &out[i * kSamples]) != 0) return false;
        }
        return true;
    }
    std::size_t own_memory() const noexcept override { return sizeof(*this) + state_.memory(); }

    GsmState state_;
};

class GsmEncoder final : public PlainEncoder {
public:
    explicit GsmEncoder(const Format& format) : PlainEncoder{format} {}
    std::size_t memory() const noexcept override { return sizeof(*this) + state_.memory(); }

private:
    void restart(std::uint32_t) noexcept override { state_.restart(); }
    std::size_t samples_per_frame() const noexcept override { return kSamples; }
    std::size_t octets_per_frame() const noexcept override { return kOctets; }
    void compress(std::span<const std::int16_t> frame, std::span<std::byte> out) noexcept override {
        std::array<gsm_signal, kSamples> samples;
        for (std::size_t i = 0; i * kSamples < frame.size(); ++i) {
            std::copy_n(&frame[i * kSamples], kSamples, samples.begin());  // gsm_encode() wants them writable
            gsm_encode(state_.get(), samples.data(), reinterpret_cast<gsm_byte*>(&out[i * kOctets]));
        }
    }

    GsmState state_;
};

}  // namespace

std::unique_ptr<Decoder> make_gsm_decoder(const Format& format) {
    return std::make_unique<GsmDecoder>(format);
}
std::unique_ptr<Encoder> make_gsm_encoder(const Format& format) {
    return std::make_unique<GsmEncoder>(format);
}

}  // namespace crosspatch::codec
