#include "listener.hpp"

#include <algorithm>

namespace crosspatch::radio {

Listener::Listener(std::uint8_t payload_type, std::uint32_t clock, std::uint32_t own_ssrc,
                   rtp::SrtpReceiver open, PlayOut& play)
    : payload_type_{payload_type}, clock_{clock}, own_ssrc_{own_ssrc}, open_{std::move(open)}, play_{play} {}

void Listener::on_datagram(std::span<std::byte> datagram, core::Time now, core::WallTime wall) {
    switch (rtp::classify(datagram)) {
        case rtp::DatagramKind::Rtp:
            return on_rtp(datagram, now, wall);
        case rtp::DatagramKind::Rtcp:
            return on_rtcp(datagram, now, wall);
        default:
            return refuse("not_rtp");
    }
}

void Listener::on_rtp(std::span<std::byte> datagram, core::Time now, core::WallTime wall) {
    const auto header = rtp::parse_header(datagram);
    if (!header) return refuse(rtp::name_of(header.error()));
    const auto opened = open_.open_rtp(datagram, header->size, header->ssrc, header->sequence);
    if (!opened) return refuse(rtp::name(opened.error()));
    const auto payload = rtp::payload_of(*header, opened->plaintext);
    if (!payload) return refuse(rtp::name_of(payload.error()));
    if (header->ssrc == own_ssrc_) return refuse("own_ssrc");
    const bool soundless = header->payload_type == soundless_type_;
    if (!soundless && header->payload_type != payload_type_) return refuse("payload_type");
    if (on_header_) on_header_(*header);
    if (soundless) return pass_over(*header, now);
    if (payload->empty()) return refuse("empty");
    take_sound(*header, *payload, now, wall);
}

void Listener::take_sound(const rtp::Header& header, std::span<const std::byte> payload, core::Time now,
                          core::WallTime wall) {
    follow(header.ssrc);
    reception_->on_packet(header.sequence, header.timestamp, now);
    ++counters_.packets;
    counters_.octets += payload.size();
    if (!counters_.first) counters_.first = wall;
    counters_.last = wall;
    play_.push(header.sequence, header.timestamp, header.marker, payload, now);
}

void Listener::pass_over(const rtp::Header& header, core::Time now) {
    follow(header.ssrc);
    reception_->on_packet(header.sequence, header.timestamp, now, rtp::Reception::Timing::Event);
    ++counters_.soundless;
    play_.pass_over(header.sequence);
}

void Listener::follow(std::uint32_t ssrc) {
    if (reception_ && reception_->ssrc() == ssrc) return;
    counters_.lost = lost();
    reception_.emplace(ssrc, clock_);
    ++counters_.streams;
    play_.restart();
}

void Listener::on_rtcp(std::span<std::byte> datagram, core::Time now, core::WallTime wall) {
    const auto opened = open_.open_rtcp(datagram);
    if (!opened) return refuse(rtp::name(opened.error()));
    const auto order = opened->index > 0 ? std::optional{opened->index} : std::nullopt;
    const auto parsed = rtp::parse_compound(
        opened->plaintext, rtp::Overload{[&](const rtp::SenderReport& report) {
                                             if (reception_ && reception_->ssrc() == report.ssrc)
                                                 reception_->on_sender_report(report.ntp, now);
                                         },
                                         [&](const rtp::ReportBlock& block) {
                                             if (block.ssrc != own_ssrc_) return;
                                             counters_.reported_loss = block.fraction_lost * 100U / 256U;
                                             if (const auto trip = rtp::round_trip(block.last_sender_report,
                                                                                   block.delay_since_report,
                                                                                   rtp::NtpTime::from(wall)))
                                                 counters_.round_trip = *trip;
                                         },
                                         [&](const rtp::App& app) {
                                             if (on_app_) on_app_(app, order, now);
                                         },
                                         [&](const rtp::Bye&) { ++counters_.byes; }});
    if (!parsed) return refuse(rtp::name_of(parsed.error()));
    ++counters_.reports;
}

std::optional<rtp::ReportBlock> Listener::report(core::Time now) {
    return reception_ ? reception_->report(now) : std::nullopt;
}

std::uint64_t Listener::lost() const {
    const auto now_lost = reception_ ? std::max(reception_->totals().lost, 0) : 0;
    return counters_.lost + static_cast<std::uint64_t>(now_lost);
}

std::chrono::nanoseconds Listener::jitter() const {
    return reception_ ? reception_->jitter() : std::chrono::nanoseconds{0};
}

std::optional<std::uint32_t> Listener::ssrc() const {
    return reception_ ? std::optional{reception_->ssrc()} : std::nullopt;
}

}  // namespace crosspatch::radio
