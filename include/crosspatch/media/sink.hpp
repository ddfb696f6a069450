#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "crosspatch/codec/format.hpp"
#include "crosspatch/core/address.hpp"
#include "crosspatch/core/counter.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/rtp/floor_message.hpp"
#include "crosspatch/rtp/ntp.hpp"
#include "crosspatch/rtp/rtcp.hpp"
#include "crosspatch/rtp/srtp_sender.hpp"

namespace crosspatch::media {

class Outbox;

// The sending half of an endpoint: one RTP stream of our own, continuous over all talkspurts.
//
// Shape    own SSRC, packet index (the sequence number is its low 16 bits) and timestamp base; the clock runs on while
//          nobody talks, so that a listener's jitter buffer stays aligned.
// Errors   what may not be sealed is not sent and is counted.
// Thread   built by control, then its worker's only; counters may be read by anybody. No allocation.
// Source   RFC 3550 sections 5.1, 6.4.1; RFC 3551 section 4.1 (marker); srtp.md section 11 (restart).
class Sink {
public:
    struct Settings {
        codec::Format format;
        std::uint8_t payload_type{};
        std::chrono::milliseconds ptime{20};
        bool pace{};  // the packets of a longer frame leave ptime apart
        int socket{-1};
        int rtcp_socket{-1};   // the same with mux; -1: no RTCP
        int floor_socket{-1};  // for floor messages; -1: rtcp_socket
        std::string cname;
    };
    struct Counters {
        core::Counter packets;
        core::Counter octets;   // of datagrams
        core::Counter refused;  // not sealed: no reservation, or an index that was used
    };

    static constexpr std::size_t kMaxExtension = 8;
    static constexpr std::size_t kHot = 256;  // octets at its front that every packet touches

    // `first_timestamp` is random. The sender has begun its stream.
    Sink(Settings settings, rtp::SrtpSender sender, std::uint32_t first_timestamp, core::Time now);

    // One packet to `to`. `index` may be behind the newest by less than 128, never one that was used.
    bool send(Outbox& outbox, const core::Address& to, bool marker, std::uint64_t index,
              std::uint32_t timestamp, std::span<const std::byte> payload);

    // A packet without sound, under its own payload type: the next number, the clock of now.
    bool send_empty(Outbox& outbox, const core::Address& to, std::uint8_t payload_type, core::Time now);
    // The header extension of every RTP packet from now on: whole words, at most kMaxExtension octets; none: without.
    void set_extension(std::uint16_t profile, std::span<const std::byte> octets);

    // A compound with our report, what we heard from the radio, and our CNAME; with `bye` when we leave: the
    // last one.
    bool send_report(Outbox& outbox, const core::Address& to, std::optional<rtp::ReportBlock> heard,
                     core::Time now, core::WallTime wall, bool bye = false);
    // One floor message as an RTCP packet of its own, from the stream's SSRC whatever the message says.
    bool send_floor_message(Outbox& outbox, const core::Address& to, rtp::FloorMessage message);
    // What the radio reports about our stream.
    void on_report(const rtp::ReportBlock& block, core::WallTime wall);

    std::uint64_t next_index() const { return srtp_.next().rtp; }
    // Where the RTP clock stands now; never before the end of what was sent.
    std::uint32_t timestamp_at(core::Time now) const;
    const Settings& settings() const { return settings_; }
    std::uint32_t ssrc() const { return srtp_.ssrc(); }
    rtp::SrtpSender& srtp() { return srtp_; }
    // Loss that the radio reports, percent; 0 until it does.
    unsigned reported_loss() const { return static_cast<unsigned>(loss_percent_.read()); }
    std::chrono::microseconds round_trip() const { return std::chrono::microseconds{round_trip_us_.read()}; }
    const Counters& counters() const { return counters_; }

private:
    bool put(Outbox& outbox, const core::Address& to, std::uint8_t payload_type, bool marker,
             std::uint64_t index, std::uint32_t timestamp, std::span<const std::byte> payload);
    void follow_ssrc();
    // What every packet touches stands together: with a thousand listeners each cache line counts. The sender has
    // what it seldom needs at its end.
    int socket_;
    std::uint8_t payload_type_;
    std::uint8_t extension_size_{};  // with its own four octets
    bool sent_any_{};
    bool left_{};                   // BYE was said
    std::uint32_t packet_ticks_;    // of the RTP clock, in one packet
    std::uint32_t sent_until_{};    // timestamp after the last packet
    std::uint32_t counted_ssrc_{};  // the stream that these two are of
    std::uint32_t payload_octets_{};
    std::uint32_t packets_in_stream_{};
    Counters counters_;
    rtp::SrtpSender srtp_;

    std::array<std::byte, 4 + kMaxExtension> extension_{};
    Settings settings_;
    std::uint32_t first_timestamp_;
    core::Time epoch_;
    std::array<std::uint32_t, 2>
        at_reports_{};  // packets_in_stream_ at the last report, and at the one before
    core::Counter loss_percent_;
    core::Counter round_trip_us_;
};

}  // namespace crosspatch::media
