#include "crosspatch/codec/format.hpp"

#include <fmt/format.h>

#include <array>
#include <cassert>

#include "src/codec/opus_packet.hpp"

namespace crosspatch::codec {
namespace {

using namespace std::chrono_literals;

struct Mode {
    Codec2Mode mode;
    std::uint32_t bitrate;
    std::uint8_t frame_ms;
    std::uint8_t octets;  // of one frame, its last bits unused where they do not fill the octet
};
constexpr std::array kModes{
    Mode{Codec2Mode::Mode3200, 3200, 20, 8}, Mode{Codec2Mode::Mode2400, 2400, 20, 6},
    Mode{Codec2Mode::Mode1600, 1600, 40, 8}, Mode{Codec2Mode::Mode1400, 1400, 40, 7},
    Mode{Codec2Mode::Mode1300, 1300, 40, 7}, Mode{Codec2Mode::Mode1200, 1200, 40, 6},
};
constexpr std::size_t kGsmOctets = 33;
constexpr auto kLongestFramed = 120ms;  // RFC 6716 §3.2: no Opus packet is longer; we hold the others to it
constexpr auto kLongestSampled = 200ms;

const Mode& mode_of(const Format& format) {
    for (const Mode& mode : kModes)
        if (mode.mode == format.mode) return mode;
    assert(false && "a Codec2 mode that is not in the table");
    return kModes[0];
}

Format narrowband(Kind kind, std::uint32_t bitrate) {
    Format format;
    format.kind = kind;
    format.rate = 8000;
    format.clock = 8000;
    format.bitrate = bitrate;
    format.complexity = 0;
    format.fec = Fec::Off;
    format.vbr = false;
    return format;
}

// `size` octets as frames of `octets` each, `ticks` long each; nothing if that does not come out even or is
// too long.
std::optional<std::uint32_t> framed(std::size_t size, std::size_t octets, std::uint32_t ticks,
                                    std::uint32_t longest) {
    if (size == 0 || size % octets != 0) return std::nullopt;
    const std::size_t total = size / octets * ticks;
    return total <= longest ? std::optional{static_cast<std::uint32_t>(total)} : std::nullopt;
}

bool in_whole_frames(const Format& format, std::chrono::milliseconds ptime) {
    if (format.kind == Kind::Opus && (ptime == 30ms || ptime == 50ms)) return false;
    return ptime >= format.frame() && ptime <= 60ms && ptime % format.frame() == 0ms;
}

// Opus fits its packets to the room there is.
bool fits(const Format& format, std::chrono::milliseconds ptime) {
    return format.kind == Kind::Opus || format.octets(ptime) <= kMaxPayload;
}

std::string possible_ptimes(const Format& format) {
    std::string list;
    for (auto ptime = 10ms; ptime <= 60ms; ptime += 10ms)
        if (in_whole_frames(format, ptime) && fits(format, ptime))
            list += fmt::format("{}{}ms", list.empty() ? "" : ", ", ptime.count());
    return list;
}

}  // namespace

Format opus() { return Format{}; }
Format pcmu() { return narrowband(Kind::Pcmu, 64000); }
Format pcma() { return narrowband(Kind::Pcma, 64000); }
Format gsm() { return narrowband(Kind::Gsm, 13200); }

Format g722() {
    Format format = narrowband(Kind::G722, 64000);
    format.rate =
        16000;  // the clock stays 8000: RFC 3551 §4.5.2 keeps an old mistake for the sake of those in use
    return format;
}

Format l16(std::uint32_t rate) {
    assert(rate == 8000 || rate == 16000 || rate == 48000);
    Format format = narrowband(Kind::L16, rate * 16);
    format.rate = format.clock = rate;
    return format;
}

Format codec2(Codec2Mode mode) {
    Format format = narrowband(Kind::Codec2, 0);
    format.mode = mode;
    format.bitrate = mode_of(format).bitrate;
    return format;
}

std::optional<Format> format_named(std::string_view name) {
    for (const Format& format : {opus(), pcmu(), pcma(), g722(), gsm(), l16(8000), l16(16000), l16(48000)})
        if (format.name() == name) return format;
    for (const Mode& mode : kModes)
        if (codec2(mode.mode).name() == name) return codec2(mode.mode);
    return std::nullopt;
}

std::string Format::name() const {
    switch (kind) {
        case Kind::Opus:
            return "opus";
        case Kind::Pcmu:
            return "pcmu";
        case Kind::Pcma:
            return "pcma";
        case Kind::G722:
            return "g722";
        case Kind::Gsm:
            return "gsm";
        case Kind::L16:
            return fmt::format("l16/{}", rate);
        case Kind::Codec2:
            return fmt::format("codec2/{}", bitrate);
    }
    return {};
}

std::optional<std::uint8_t> Format::static_payload_type() const {
    switch (kind) {
        case Kind::Pcmu:
            return std::uint8_t{0};
        case Kind::Gsm:
            return std::uint8_t{3};
        case Kind::Pcma:
            return std::uint8_t{8};
        case Kind::G722:
            return std::uint8_t{9};
        case Kind::Opus:
        case Kind::L16:
        case Kind::Codec2:
            break;
    }
    return std::nullopt;
}

std::chrono::milliseconds Format::frame() const {
    if (kind == Kind::Gsm) return 20ms;
    if (kind == Kind::Codec2) return std::chrono::milliseconds{mode_of(*this).frame_ms};
    return 10ms;
}

std::size_t Format::octets(std::chrono::milliseconds time) const {
    const auto frames = static_cast<std::size_t>(time / frame());
    if (kind == Kind::Gsm) return frames * kGsmOctets;
    if (kind == Kind::Codec2) return frames * mode_of(*this).octets;
    return static_cast<std::size_t>(time.count()) * bitrate / 8000;
}

std::uint32_t Format::ticks(std::chrono::milliseconds time) const {
    return static_cast<std::uint32_t>(time.count()) * (clock / 1000);
}

core::Result<void> check_ptime(const Format& format, std::chrono::milliseconds ptime) {
    if (!in_whole_frames(format, ptime))
        return core::unexpected(core::Error::Code::Invalid,
                                fmt::format("{} cannot be sent in packets of {} ms; possible: {}",
                                            format.name(), ptime.count(), possible_ptimes(format)));
    if (!fits(format, ptime))
        return core::unexpected(
            core::Error::Code::Invalid,
            fmt::format("{} ms of {} are {} octets, too many for one packet; possible: {}", ptime.count(),
                        format.name(), format.octets(ptime), possible_ptimes(format)));
    return {};
}

bool same_payload(const Format& talker, const Format& listener) {
    if (talker.kind != listener.kind) return false;
    if (talker.kind == Kind::L16) return talker.rate == listener.rate;
    return talker.kind != Kind::Codec2 || talker.mode == listener.mode;
}

std::optional<std::uint32_t> packet_duration(const Format& format,
                                             std::span<const std::byte> payload) noexcept {
    const std::uint32_t longest_framed = format.ticks(kLongestFramed);
    switch (format.kind) {
        case Kind::Opus: {
            const auto packet = OpusPacket::parse(payload);
            return packet ? std::optional{packet->samples_48k} : std::nullopt;
        }
        case Kind::Gsm:
            return framed(payload.size(), kGsmOctets, 160, longest_framed);
        case Kind::Codec2: {
            const Mode& mode = mode_of(format);
            return framed(payload.size(), mode.octets, mode.frame_ms * 8U, longest_framed);
        }
        case Kind::L16:  // half a sample at the end is not played
            return framed(payload.size() / 2, 1, 1,
                          std::min(format.ticks(kLongestSampled), static_cast<std::uint32_t>(kMaxSamples)));
        case Kind::Pcmu:
        case Kind::Pcma:
        case Kind::G722:
            break;
    }
    return framed(payload.size(), 1, 1, format.ticks(kLongestSampled));
}

bool is_dtx(const Format& format, std::span<const std::byte> payload) noexcept {
    return format.kind == Kind::Opus && payload.size() <= 2 && packet_duration(format, payload).has_value();
}

}  // namespace crosspatch::codec
