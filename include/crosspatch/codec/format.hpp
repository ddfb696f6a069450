#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "crosspatch/core/config.hpp"
#include "crosspatch/core/result.hpp"

namespace crosspatch::codec {

enum class Kind : std::uint8_t { Opus, Pcmu, Pcma, G722, Gsm, L16, Codec2 };
enum class Fec : std::uint8_t { Auto, On, Off };

// The values are libcodec2's own numbers of its modes. 700C and 450 are left out: their encoder takes memory
// from the heap for every frame (measured, version 1.0.5), which the packet path must not.
enum class Codec2Mode : std::uint8_t {
    Mode3200 = 0,
    Mode2400 = 1,
    Mode1600 = 2,
    Mode1400 = 3,
    Mode1300 = 4,
    Mode1200 = 5
};

// More payload than this is never sent: a packet stays within 1,200 octets with RTP header, extension and
// tag.
inline constexpr std::size_t kMaxPayload = 1100;
// The most samples that one decode() gives: 120 ms at 48 kHz. A caller's buffer of this size always suffices.
inline constexpr std::size_t kMaxSamples = 5760;

// What one endpoint speaks: the codec and its settings.
//
// Shape    a value; equal formats may share an encoder.
// Units    `rate` is in samples per second: the most that the audio carries, not the RTP clock; `bitrate` in
// bit/s. Thread   any. Source   RFC 3551 table 4 (static types, G.722's clock of 8000), RFC 7587 (Opus: clock
// 48000, whatever the rate).
struct Format {
    Kind kind{Kind::Opus};
    std::uint32_t rate{16000};
    std::uint32_t clock{48000};    // RTP timestamp ticks per second
    std::uint32_t bitrate{24000};  // Opus: the target; others: what the codec makes
    std::uint8_t complexity{5};    // Opus, 0 to 10
    Fec fec{Fec::Auto};            // Opus; Auto: on from 3 % reported loss
    bool dtx{false};               // Opus: send nothing while nobody speaks
    bool vbr{true};                // Opus: off hides the rhythm of speech in the packet sizes (RFC 6562)
    Codec2Mode mode{Codec2Mode::Mode3200};  // Codec2
    bool operator==(const Format&) const = default;

    std::string name() const;  // as the configuration writes it: `opus`, `l16/16000`, `codec2/3200`
    // RFC 3551's number; Opus, L16 and Codec2 have none and take a dynamic one (96 to 127).
    std::optional<std::uint8_t> static_payload_type() const;
    // One codec frame: 20 or 40 ms for GSM and Codec2; 10 ms, the step of `ptime`, for the others.
    std::chrono::milliseconds frame() const;
    // Payload octets of `time`, a multiple of frame(). Opus: the average.
    std::size_t octets(std::chrono::milliseconds time) const;
    // RTP clock ticks of `time`.
    std::uint32_t ticks(std::chrono::milliseconds time) const;
};

Format opus();
Format pcmu();
Format pcma();
Format g722();
Format gsm();
Format l16(std::uint32_t rate);  // requires 8000, 16000 or 48000
Format codec2(Codec2Mode mode);

// The format of a configuration name, with its defaults: `opus`, `l16/8000`, `codec2/3200`.
std::optional<Format> format_named(std::string_view name);

// Reads `codec: opus` or `codec: {name: opus, rate: 16000, …}`. Every problem is reported where it stands.
std::optional<Format> read_format(const core::config::Node& node);

// May packets last `ptime` in this format? If not, the error says which are possible.
core::Result<void> check_ptime(const Format& format, std::chrono::milliseconds ptime);

// Can who expects `listener` decode payloads of `talker` as they are? Opus: always, whatever the settings.
bool same_payload(const Format& talker, const Format& listener);

// How long the payload plays, in RTP clock ticks, without decoding it; nothing if it is no payload of this
// format or longer than is bounded: 120 ms, or 200 ms of G.711, G.722 and L16, whose packets ffmpeg fills to
// the MTU.
std::optional<std::uint32_t> packet_duration(const Format& format,
                                             std::span<const std::byte> payload) noexcept;

// Nothing but "I am silent": 1 or 2 octets of Opus. Comfort noise, not a loss; the floor's lease is longer
// after it.
bool is_dtx(const Format& format, std::span<const std::byte> payload) noexcept;

}  // namespace crosspatch::codec
