#include "crosspatch/media/sink.hpp"

#include <algorithm>
#include <cassert>

#include "crosspatch/media/socket.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/rtcp_builder.hpp"
#include "crosspatch/rtp/sequence.hpp"

namespace crosspatch::media {
namespace {

constexpr std::size_t kRtcpTrailer = 64;  // room for the SRTCP index and tag

}  // namespace

Sink::Sink(Settings settings, rtp::SrtpSender sender, std::uint32_t first_timestamp, core::Time now)
    : socket_{settings.socket},
      payload_type_{settings.payload_type},
      packet_ticks_{settings.format.ticks(settings.ptime)},
      srtp_{std::move(sender)},
      settings_{std::move(settings)},
      first_timestamp_{first_timestamp},
      epoch_{now} {}

std::uint32_t Sink::timestamp_at(core::Time now) const {
    using std::chrono::microseconds;
    const auto since = std::chrono::duration_cast<microseconds>(now - epoch_).count();
    const auto ticks =
        static_cast<std::uint64_t>(std::max<std::int64_t>(since, 0)) * settings_.format.clock / 1'000'000;
    const auto clock = first_timestamp_ + static_cast<std::uint32_t>(ticks);
    if (sent_any_ && rtp::timestamp_distance(clock, sent_until_) > 0) return sent_until_;
    return clock;
}

// RFC 3550 section 6.4.1: the counts of a report are those of its SSRC.
void Sink::follow_ssrc() {
    if (counted_ssrc_ == srtp_.ssrc()) return;
    counted_ssrc_ = srtp_.ssrc();
    payload_octets_ = packets_in_stream_ = 0;
    at_reports_ = {};
    loss_percent_.set(0);
}

void Sink::set_extension(std::uint16_t profile, std::span<const std::byte> octets) {
    assert(octets.size() <= kMaxExtension && octets.size() % 4 == 0);
    extension_size_ = octets.empty() ? 0 : static_cast<std::uint8_t>(4 + octets.size());
    rtp::store16(extension_, 0, profile);
    rtp::store16(extension_, 2, static_cast<std::uint16_t>(octets.size() / 4));
    std::ranges::copy(octets, extension_.begin() + 4);
}

bool Sink::send(Outbox& outbox, const core::Address& to, bool marker, std::uint64_t index,
                std::uint32_t timestamp, std::span<const std::byte> payload) {
    if (!put(outbox, to, payload_type_, marker, index, timestamp, payload)) return false;
    const auto ends = timestamp + packet_ticks_;
    if (!sent_any_ || rtp::timestamp_distance(sent_until_, ends) > 0) sent_until_ = ends;
    sent_any_ = true;
    return true;
}

bool Sink::send_empty(Outbox& outbox, const core::Address& to, std::uint8_t payload_type, core::Time now) {
    return put(outbox, to, payload_type, false, next_index(), timestamp_at(now), {});
}

bool Sink::put(Outbox& outbox, const core::Address& to, std::uint8_t payload_type, bool marker,
               std::uint64_t index, std::uint32_t timestamp, std::span<const std::byte> payload) {
    const std::size_t header = rtp::kMinHeader + extension_size_;
    if (!to || header + payload.size() > rtp::kMaxPacket) {
        if (to) ++counters_.refused;
        return false;
    }
    const std::span<std::byte> buffer = outbox.prepare();
    rtp::write_fixed_header(buffer.first<rtp::kMinHeader>(), payload_type, marker,
                            static_cast<std::uint16_t>(index), timestamp, srtp_.ssrc());
    if (extension_size_ > 0) {
        buffer[0] |= rtp::kExtensionBit;
        std::copy_n(extension_.begin(), extension_size_, buffer.begin() + rtp::kMinHeader);
    }
    const auto sealed = srtp_.seal_rtp(buffer, header, payload, srtp_.ssrc(), index);
    if (!sealed) {
        ++counters_.refused;
        return false;
    }
    outbox.commit(socket_, to, *sealed);
    follow_ssrc();
    payload_octets_ += static_cast<std::uint32_t>(payload.size());
    ++packets_in_stream_;
    ++counters_.packets;
    counters_.octets += *sealed;
    return true;
}

bool Sink::send_report(Outbox& outbox, const core::Address& to, std::optional<rtp::ReportBlock> heard,
                       core::Time now, core::WallTime wall, bool bye) {
    if (settings_.rtcp_socket < 0 || !to || left_) return false;
    follow_ssrc();
    const std::span<std::byte> buffer = outbox.prepare();
    rtp::RtcpBuilder compound{buffer.first(buffer.size() - kRtcpTrailer)};
    const std::span<const rtp::ReportBlock> blocks{heard ? &*heard : nullptr, heard ? 1U : 0U};
    const std::uint32_t own = srtp_.ssrc();
    // RFC 3550 section 6.4: a sender is who sent since the report before the last.
    if (packets_in_stream_ != at_reports_[1])
        compound.sender_report({.ssrc = own,
                                .ntp = rtp::NtpTime::from(wall),
                                .rtp_time = timestamp_at(now),
                                .packets = packets_in_stream_,
                                .octets = payload_octets_},
                               blocks);
    else
        compound.receiver_report(own, blocks);
    compound.sdes_cname(own, settings_.cname);
    if (bye) compound.bye(std::span{&own, 1});
    const auto sealed = srtp_.seal_rtcp(buffer, compound.octets().size());
    if (!sealed) {
        ++counters_.refused;
        return false;
    }
    outbox.commit(settings_.rtcp_socket, to, *sealed);
    at_reports_ = {packets_in_stream_, at_reports_[0]};
    left_ = bye;
    return true;
}

bool Sink::send_floor_message(Outbox& outbox, const core::Address& to, rtp::FloorMessage message) {
    const int socket = settings_.floor_socket < 0 ? settings_.rtcp_socket : settings_.floor_socket;
    if (socket < 0 || !to || left_) return false;
    const std::span<std::byte> buffer = outbox.prepare();
    message.sender = srtp_.ssrc();
    const std::size_t written = rtp::write_floor_message(buffer.first(buffer.size() - kRtcpTrailer), message);
    const auto sealed = srtp_.seal_rtcp(buffer, written);
    if (!sealed) {
        ++counters_.refused;
        return false;
    }
    outbox.commit(socket, to, *sealed);
    return true;
}

void Sink::on_report(const rtp::ReportBlock& block, core::WallTime wall) {
    if (block.ssrc != srtp_.ssrc()) return;
    loss_percent_.set(static_cast<std::uint64_t>(block.fraction_lost) * 100 / 256);
    const auto trip =
        rtp::round_trip(block.last_sender_report, block.delay_since_report, rtp::NtpTime::from(wall));
    if (trip) round_trip_us_.set(static_cast<std::uint64_t>(trip->count() / 1000));
}

}  // namespace crosspatch::media
