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
      next_timestamp_{start.timestamp},
      last_timestamp_{start.timestamp} {
    // The SSRC is random and used once, so no disk has to remember its packet numbers.
    seal_.begin(start.ssrc, {start.sequence, 0});
    seal_.set_reserved(start.ssrc, rtp::SrtpSender::unrecorded());
}

std::span<const std::byte> Sender::packet(std::span<const std::int16_t> frame, bool first, core::Time now,
                                          core::WallTime wall) {
    if (first) {
        encoder_->start(format_.rate, format_);
        ++counters_.talkspurts;
        next_timestamp_ = next_timestamp(now);
    }
    const auto size = write_header(payload_type_, first, next_timestamp_);
    const auto payload = encoder_->encode(frame, std::span{buffer_}.subspan(size, codec::kMaxPayload));
    if (payload > 0) last_timestamp_ = next_timestamp_;
    next_timestamp_ += step_;
    if (payload == 0) return {};
    const auto sealed = seal_rtp(size, payload);
    if (sealed.empty()) return {};
    ++counters_.packets;
    counters_.octets += payload;
    if (!counters_.first) counters_.first = wall;
    counters_.last = wall;
    return sealed;
}

std::span<const std::byte> Sender::packet(const Soundless& content) {
    const auto size = write_header(content.payload_type, content.marker, content.timestamp);
    std::ranges::copy(content.payload, buffer_.begin() + static_cast<std::ptrdiff_t>(size));
    if (rtp::timestamp_distance(last_timestamp_, content.timestamp) > 0) last_timestamp_ = content.timestamp;
    return seal_rtp(size, content.payload.size());
}

std::size_t Sender::write_header(std::uint8_t payload_type, bool marker, std::uint32_t timestamp) {
    rtp::Header header;
    header.marker = marker;
    header.payload_type = payload_type;
    header.sequence = static_cast<std::uint16_t>(index_);
    header.timestamp = timestamp;
    header.ssrc = start_.ssrc;
    if (extension_) {
        header.extension_profile = rtp::ed137::kProfile;
        header.extension = extension_->view();
    }
    return rtp::write_header(buffer_, header);
}

std::span<const std::byte> Sender::seal_rtp(std::size_t header, std::size_t payload) {
    const auto sealed = seal_.seal_rtp(buffer_, header, header + payload, start_.ssrc, index_);
    if (!sealed) {
        ++counters_.refused;
        return {};
    }
    ++index_;
    ++packets_;
    octets_ += payload;
    return std::span{buffer_}.first(*sealed);
}

std::span<const std::byte> Sender::report(const std::optional<rtp::ReportBlock>& block, bool leaving,
                                          core::Time now, core::WallTime wall) {
    rtp::RtcpBuilder builder{std::span{buffer_}.first(rtp::kMaxPacket)};
    const auto blocks = block ? std::span{&*block, 1} : std::span<const rtp::ReportBlock>{};
    // RFC 3550 section 6.4: a sender report from whoever sent since the last one.
    if (packets_ > reported_)
        builder.sender_report({start_.ssrc, rtp::NtpTime::from(wall), timestamp_at(now),
                               static_cast<std::uint32_t>(packets_), static_cast<std::uint32_t>(octets_)},
                              blocks);
    else
        builder.receiver_report(start_.ssrc, blocks);
    reported_ = packets_;
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

std::uint32_t Sender::next_timestamp(core::Time now) const {
    const auto running = timestamp_at(now);
    return rtp::timestamp_distance(next_timestamp_, running) > 0 ? running : next_timestamp_;
}

std::uint32_t Sender::idle_timestamp(core::Time now) const {
    const auto running = timestamp_at(now);
    return rtp::timestamp_distance(last_timestamp_, running) > 0 ? running : last_timestamp_;
}

}  // namespace crosspatch::radio
