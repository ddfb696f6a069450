#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string_view>

#include "crosspatch/core/time.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/reception.hpp"
#include "crosspatch/rtp/rtcp.hpp"
#include "crosspatch/rtp/srtp_receiver.hpp"
#include "playout.hpp"

namespace crosspatch::radio {

// Opens what arrives, counts it, and hands the sound on to be played.
//
// Shape    one talker at a time: another SSRC takes the place of the one before.
// Time     passed in: `now` for logic, `wall` (the kernel's stamp) for what people see.
// Errors   nothing throws; what is refused is counted by cause.
// Thread   one.
class Listener {
public:
    struct Counters {
        std::uint64_t packets{};                        // authentic ones with our payload type
        std::uint64_t octets{};                         // payload
        std::map<std::string_view, std::uint64_t> bad;  // by cause
        std::uint64_t reports{};                        // RTCP datagrams
        std::uint64_t byes{};
        std::uint64_t streams{};    // SSRCs heard
        std::uint64_t soundless{};  // packets of the kind that carries no sound
        std::uint64_t lost{};       // of streams that are over
        std::optional<core::WallTime> first;
        std::optional<core::WallTime> last;
        std::optional<std::chrono::nanoseconds> round_trip;
        std::optional<unsigned> reported_loss;  // percent of our packets that the other side missed lately
    };

    // `own_ssrc`: what the other side's reports are looked through for. `play` outlives this.
    Listener(std::uint8_t payload_type, std::uint32_t clock, std::uint32_t own_ssrc, rtp::SrtpReceiver open,
             PlayOut& play);

    // A datagram from the other side; it is decrypted in place.
    void on_datagram(std::span<std::byte> datagram, core::Time now, core::WallTime wall);
    // Who is told of application packets, with their SRTCP index if they have one.
    using OnApp = std::function<void(const rtp::App&, std::optional<std::uint64_t> order, core::Time now)>;
    void hear_apps(OnApp on_app) { on_app_ = std::move(on_app); }
    // Who is told what each authentic packet says before its payload.
    using OnHeader = std::function<void(const rtp::Header&)>;
    void hear_headers(OnHeader on_header) { on_header_ = std::move(on_header); }
    // Packets of this type belong to the stream, but carry no sound: keep-alives, telephone events.
    void expect_soundless(std::uint8_t payload_type) { soundless_type_ = payload_type; }
    // Something that came from elsewhere, or was no whole datagram.
    void refuse(std::string_view cause) { ++counters_.bad[cause]; }

    // About what is heard, for the next report.
    std::optional<rtp::ReportBlock> report(core::Time now);
    const Counters& counters() const { return counters_; }
    // Packets that never came.
    std::uint64_t lost() const;
    std::chrono::nanoseconds jitter() const;
    std::optional<std::uint32_t> ssrc() const;

private:
    void on_rtp(std::span<std::byte> datagram, core::Time now, core::WallTime wall);
    void on_rtcp(std::span<std::byte> datagram, core::Time now, core::WallTime wall);
    void take_sound(const rtp::Header& header, std::span<const std::byte> payload, core::Time now,
                    core::WallTime wall);
    void pass_over(const rtp::Header& header, core::Time now);
    void follow(std::uint32_t ssrc);

    std::uint8_t payload_type_;
    std::optional<std::uint8_t> soundless_type_;
    std::uint32_t clock_;
    std::uint32_t own_ssrc_;
    rtp::SrtpReceiver open_;
    PlayOut& play_;
    std::optional<rtp::Reception> reception_;
    Counters counters_;
    OnApp on_app_;
    OnHeader on_header_;
};

}  // namespace crosspatch::radio
