#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crosspatch/codec/format.hpp"

namespace crosspatch::codec {

// Samples of one talkspurt in, payloads out.
//
// Shape    made ahead and used again: start() puts it back to its first state in place, with other settings
// if asked. Units    16-bit samples, mono, at the rate of start(); loss in percent of packets. Time     none.
// Errors   nothing throws; 0 octets: nothing to send (DTX), or the frame's length is not one of the format's
//          (check_ptime()), or `out` is too small.
// Thread   its worker only; no allocation, lock or log call after make_encoder().
// Source   RFC 6716 (Opus), RFC 3551 §4.5 (L16 big-endian, G.711, G.722, GSM), libcodec2.
class Encoder {
public:
    virtual ~Encoder() = default;

    // The rates that start() takes, rising. More than one for Opus and G.722.
    virtual std::span<const std::uint32_t> rates() const noexcept = 0;
    // Forgets the talkspurt before and its loss. Requires one of rates() and a format of the same kind and
    // mode (L16: rate) as at make_encoder(). Opus sends no wider band than `rate` and `format.rate` both
    // carry.
    virtual void start(std::uint32_t rate, const Format& format) noexcept = 0;
    // One packet's payload from exactly one packet's samples. `out` of kMaxPayload octets always suffices.
    virtual std::size_t encode(std::span<const std::int16_t> frame, std::span<std::byte> out) noexcept = 0;
    // The worst loss that a listener reports. Fec::Auto: error correction goes on from 3 %, off again below 1
    // %.
    virtual void set_loss(unsigned percent) noexcept = 0;
    // Does it send error correction at present?
    virtual bool fec() const noexcept = 0;
    // Octets that it holds, the codec library's state included.
    virtual std::size_t memory() const noexcept = 0;
};

// Started at the highest of rates() that format.rate carries. Throws std::bad_alloc only.
std::unique_ptr<Encoder> make_encoder(const Format& format);

}  // namespace crosspatch::codec
