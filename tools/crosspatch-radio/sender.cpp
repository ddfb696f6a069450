#include "sender.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crosspatch/rtp/rtcp_builder.hpp"
#include "crosspatch/rtp/sequence.hpp"

namespace crosspatch::radio {

Sender::Sender(const codec::Format& format, std::uint8_t payload_type, std::chrono::milliseconds ptime,
               rtp::SrtpSender seal, Start start, core::Time now)
    : format_{format},
      payload_type_{payload_type},
      step_{format.ticks(ptime)},
      frame_samples_{static_cast<std::size_t>(ptime.count()) * format.rate / 1000},
      encoder_{codec::make_encoder(format)},
      seal_{std::move(seal)},
      start_{start},
      begun_{now},
      cname_{fmt::format("{:08x}@crosspatch-radio", start.timestamp)},
      index_{start.sequence},
      next_timestamp_{start.timestamp} {
    // The SSRC is random and used once, so no disk has to remember its packet numbers.
    seal_.begin(start.ssrc, {start.sequence, 0});
    seal_.set_reserved(start.ssrc, rtp::SrtpSender::unrecorded());
}

std::span<const std::byte> Sender::packet(std::span<const std::int16_t> frame, bool first, core::Time now,
                                          core::WallTime wall) {
    if (first) {
        encoder_->start(format_.rate, format_);
        ++counters_.talkspurts;
        const auto running = timestamp_at(now);
        if (rtp::timestamp_distance(next_timestamp_, running) > 0) next_timestamp_ = running;
    }
    rtp::Header header;
    header.marker = first;
    header.payload_type = payload_type_;
    header.sequence = static_cast<std::uint16_t>(index_);
    header.timestamp = next_timestamp_;
    header.ssrc = start_.ssrc;
    const auto size = rtp::write_header(buffer_, header);
    const auto payload = encoder_->encode(frame, std::span{buffer_}.subspan(size, codec::kMaxPayload));
    next_timestamp_ += step_;
    if (payload == 0) return {};
    const auto sealed = seal_.seal_rtp(buffer_, size, size + payload, start_.ssrc, index_);
    if (!sealed) {
        ++counters_.refused;
        return {};
    }
    ++index_;
    ++counters_.packets;
    counters_.octets += payload;
    if (!counters_.first) counters_.first = wall;
    counters_.last = wall;
    return std::span{buffer_}.first(*sealed);
}

std::span<const std::byte> Sender::report(const std::optional<rtp::ReportBlock>& block, bool leaving,
                                          core::Time now, core::WallTime wall) {
    rtp::RtcpBuilder builder{std::span{buffer_}.first(rtp::kMaxPacket)};
    const auto blocks = block ? std::span{&*block, 1} : std::span<const rtp::ReportBlock>{};
    // RFC 3550 section 6.4: a sender report from whoever talked since the last one.
    if (counters_.packets > reported_)
        builder.sender_report(
            {start_.ssrc, rtp::NtpTime::from(wall), timestamp_at(now),
             static_cast<std::uint32_t>(counters_.packets), static_cast<std::uint32_t>(counters_.octets)},
            blocks);
    else
        builder.receiver_report(start_.ssrc, blocks);
    reported_ = counters_.packets;
    builder.sdes_cname(start_.ssrc, cname_);
    if (leaving) builder.bye(std::span{&start_.ssrc, 1});
    return seal_rtcp(builder.octets().size());
}

std::span<const std::byte> Sender::floor_message(const rtp::FloorMessage& message) {
    return seal_rtcp(rtp::write_floor_message(std::span{buffer_}.first(rtp::kMaxPacket), message));
}

std::span<const std::byte> Sender::seal_rtcp(std::size_t size) {
    const auto sealed = seal_.seal_rtcp(buffer_, size);
    if (!sealed) {
        ++counters_.refused;
        return {};
    }
    return std::span{buffer_}.first(*sealed);
}

std::uint32_t Sender::timestamp_at(core::Time now) const {
    const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - begun_).count();
    return start_.timestamp + static_cast<std::uint32_t>(elapsed * format_.clock / 1'000'000);
}

}  // namespace crosspatch::radio
