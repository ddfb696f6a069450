#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "crosspatch/codec/encoder.hpp"
#include "crosspatch/codec/format.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/rtp/ed137.hpp"
#include "crosspatch/rtp/floor_message.hpp"
#include "crosspatch/rtp/rtcp.hpp"
#include "crosspatch/rtp/srtp_sender.hpp"

namespace crosspatch::radio {

// Turns frames into sealed packets, and says about them what reports say.
//
// Shape    one stream from start to end of the program. Packets with sound go out only while somebody talks; the
//          timestamp runs on with real time, so that silence has its true length at the other side.
// Units    frames of frame_samples() at format.rate.
// Time     passed in.
// Errors   a packet that cannot be sealed is not sent, and counted.
// Thread   one.
// Source   RFC 3550 section 5.1; RFC 3551 section 4.1 (marker at the start of a talkspurt).
class Sender {
public:
    struct Counters {
        std::uint64_t packets{};  // with sound
        std::uint64_t octets{};   // payload
        std::uint64_t talkspurts{};
        std::uint64_t refused{};
        std::optional<core::WallTime> first;
        std::optional<core::WallTime> last;
    };
    // Where a stream begins; random, but for tests that name their SSRC.
    struct Start {
        std::uint32_t ssrc;
        std::uint16_t sequence;  // below 32,768: RFC 3711 section 3.3.1
        std::uint32_t timestamp;
    };

    Sender(const codec::Format& format, std::uint8_t payload_type, std::chrono::milliseconds ptime,
           rtp::SrtpSender seal, Start start, core::Time now);

    // One frame as a packet; `first` says that the button has just been pressed. Empty: the codec has nothing
    // to say (DTX), or the packet was refused. Valid until the next call.
    std::span<const std::byte> packet(std::span<const std::int16_t> frame, bool first, core::Time now,
                                      core::WallTime wall);

    // A packet between those with sound.
    struct Soundless {
        std::uint8_t payload_type;
        bool marker{};
        std::uint32_t timestamp;
        std::span<const std::byte> payload;
    };
    // The same without sound. Empty: it was refused. Valid until the next call.
    std::span<const std::byte> packet(const Soundless& content);

    // What every packet from now on says before its payload.
    void set_extension(const rtp::ed137::Octets& extension) { extension_ = extension; }

    // A sealed report with `block` about what is heard; with a BYE if `leaving`. Valid until the next call.
    std::span<const std::byte> report(const std::optional<rtp::ReportBlock>& block, bool leaving,
                                      core::Time now, core::WallTime wall);

    // A sealed floor message, alone in its datagram. Valid until the next call.
    std::span<const std::byte> floor_message(const rtp::FloorMessage& message);

    // What the other side reports, so that the codec can protect its packets.
    void set_loss(unsigned percent) { encoder_->set_loss(percent); }

    std::size_t frame_samples() const { return frame_samples_; }
    std::uint32_t ssrc() const { return start_.ssrc; }
    const Counters& counters() const { return counters_; }

    // The moment in the RTP clock, which runs on with real time.
    std::uint32_t timestamp_at(core::Time now) const;
    // The timestamp of sound that begins now: later than all that was said.
    std::uint32_t next_timestamp(core::Time now) const;
    // The timestamp of a packet that says nothing: no earlier than the last one's.
    std::uint32_t idle_timestamp(core::Time now) const;

private:
    std::size_t write_header(std::uint8_t payload_type, bool marker, std::uint32_t timestamp);
    std::span<const std::byte> seal_rtp(std::size_t header, std::size_t payload);
    std::span<const std::byte> seal_rtcp(std::size_t size);

    codec::Format format_;
    std::uint8_t payload_type_;
    std::uint32_t step_;  // RTP clock ticks a packet
    std::size_t frame_samples_;
    std::unique_ptr<codec::Encoder> encoder_;
    rtp::SrtpSender seal_;
    Start start_;
    core::Time begun_;
    std::string cname_;
    std::uint64_t index_;
    std::uint32_t next_timestamp_;
    std::uint32_t last_timestamp_;
    std::optional<rtp::ed137::Octets> extension_;
    std::uint64_t packets_{};   // of the stream, with sound or without
    std::uint64_t octets_{};    // their payload
    std::uint64_t reported_{};  // packets, at the last report
    std::array<std::byte, 2048> buffer_{};
    Counters counters_;
};

}  // namespace crosspatch::radio
