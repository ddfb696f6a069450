#pragma once
#include <algorithm>
#include <cassert>

#include "crosspatch/codec/rates.hpp"
#include "src/codec/codecs.hpp"
#include "src/codec/concealer.hpp"

// What the codecs other than Opus have in common. Private.
namespace crosspatch::codec {

// A decoder that checks lengths and conceals; the codec itself only turns whole payloads into samples.
class PlainDecoder : public Decoder {
public:
    std::span<const std::uint32_t> rates() const noexcept final { return own_rates(format_); }

    void start(std::uint32_t rate) noexcept final {
        rate_ = rate;
        concealer_.start(rate);
        restart(rate);
    }

    std::size_t decode(std::span<const std::byte> payload, std::span<std::int16_t> out) noexcept final {
        const auto ticks = packet_duration(format_, payload);
        if (!ticks) return 0;
        const std::size_t samples = std::size_t{*ticks} * rate_ / format_.clock;
        if (samples > out.size() || !expand(payload, out.first(samples))) return 0;
        concealer_.heard(out.first(samples));
        return samples;
    }

    std::size_t recover(std::span<const std::byte>, std::size_t, std::span<std::int16_t>) noexcept final {
        return 0;  // none of them carries a copy
    }

    std::size_t conceal(std::size_t samples, std::span<std::int16_t> out) noexcept final {
        samples = std::min({samples, out.size(), kMaxSamples});
        concealer_.conceal(out.first(samples));
        return samples;
    }

    std::size_t memory() const noexcept final { return own_memory() + concealer_.memory(); }

protected:
    explicit PlainDecoder(const Format& format)
        : format_{format}, concealer_{format.rate}, rate_{format.rate} {}
    const Format& format() const noexcept { return format_; }

private:
    virtual void restart(std::uint32_t rate) noexcept = 0;
    // `out` is exactly as long as the payload plays; false if the payload turns out to be none of this codec.
    virtual bool expand(std::span<const std::byte> payload, std::span<std::int16_t> out) noexcept = 0;
    virtual std::size_t own_memory() const noexcept = 0;

    Format format_;
    Concealer concealer_;
    std::uint32_t rate_;
};

// An encoder without settings; the codec itself only turns whole frames into octets.
class PlainEncoder : public Encoder {
public:
    std::span<const std::uint32_t> rates() const noexcept final { return own_rates(format_); }

    void start(std::uint32_t rate, const Format& format) noexcept final {
        assert(same_payload(format, format_));
        (void)format;
        rate_ = rate;
        restart(rate);
    }

    std::size_t encode(std::span<const std::int16_t> frame, std::span<std::byte> out) noexcept final {
        const std::size_t step = samples_per_frame();
        if (frame.empty() || frame.size() % step != 0) return 0;
        const std::size_t octets = frame.size() / step * octets_per_frame();
        if (octets > std::min(out.size(), kMaxPayload)) return 0;
        compress(frame, out.first(octets));
        return octets;
    }

    void set_loss(unsigned) noexcept final {}
    bool fec() const noexcept final { return false; }

protected:
    explicit PlainEncoder(const Format& format) : format_{format}, rate_{format.rate} {}
    const Format& format() const noexcept { return format_; }
    std::uint32_t rate() const noexcept { return rate_; }

private:
    virtual void restart(std::uint32_t rate) noexcept = 0;
    virtual std::size_t samples_per_frame() const noexcept = 0;
    virtual std::size_t octets_per_frame() const noexcept = 0;
    virtual void compress(std::span<const std::int16_t> frame, std::span<std::byte> out) noexcept = 0;

    Format format_;
    std::uint32_t rate_;
};

}  // namespace crosspatch::codec
