#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crosspatch/codec/format.hpp"

namespace crosspatch::codec {

// Payloads of one talkspurt in, samples out; hides what was lost.
//
// Shape    made ahead and used again: start() puts it back to its first state in place.
// Units    16-bit samples, mono, at the rate of start(). Spans may be of any size: what does not fit `out` is
// refused
//          whole (decode, recover) or cut (conceal). kMaxSamples always suffices.
// Time     none.
// Errors   nothing throws; 0 samples say "not decodable" and leave the state as it was: conceal() then.
// Thread   its worker only; no allocation, lock or log call after make_decoder().
// Source   RFC 6716 (Opus), G.711, G.722, GSM 06.10, libcodec2; concealer.hpp for those without concealment.
class Decoder {
public:
    virtual ~Decoder() = default;

    // The rates that start() takes, rising.
    virtual std::span<const std::uint32_t> rates() const noexcept = 0;
    // Forgets everything heard so far. Requires one of rates().
    virtual void start(std::uint32_t rate) noexcept = 0;
    // The samples of one packet, whatever frame size, band or channels its sender chose (stereo is mixed
    // down).
    virtual std::size_t decode(std::span<const std::byte> payload, std::span<std::int16_t> out) noexcept = 0;
    // The packet of `samples` that was lost just before `next`, from the copy inside `next`; 0 if there is
    // none. `next` is then decoded as usual.
    virtual std::size_t recover(std::span<const std::byte> next, std::size_t samples,
                                std::span<std::int16_t> out) noexcept = 0;
    // Fills `samples` (at most out.size()) with what plausibly follows; silent after 60 (Opus: 100) ms in a
    // row.
    virtual std::size_t conceal(std::size_t samples, std::span<std::int16_t> out) noexcept = 0;
    // Octets that it holds, the codec library's state included.
    virtual std::size_t memory() const noexcept = 0;
};

// Started at format.rate. Throws std::bad_alloc only.
std::unique_ptr<Decoder> make_decoder(const Format& format);

}  // namespace crosspatch::codec
