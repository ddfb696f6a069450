#include "crosspatch/media/source.hpp"

#include <utility>

#include "crosspatch/rtp/packet.hpp"

namespace crosspatch::media {
namespace {

constexpr std::chrono::seconds kOnce{1};  // an SSRC change or a move at most so often

Drop drop_of(rtp::SrtpError error) {
    using E = rtp::SrtpError;
    switch (error) {
        case E::Replay:
            return Drop::Replay;
        case E::TooOld:
            return Drop::TooOld;
        case E::UnencryptedRtcp:
            return Drop::Unencrypted;
        case E::TooManySsrcs:
            return Drop::TooManySsrcs;
        case E::RocMismatch:
            return Drop::RocMismatch;
        case E::BelowRestartLimit:
            return Drop::BelowRestartLimit;
        case E::TooShort:
            return Drop::BadHeader;
        case E::TooLong:
            return Drop::TooLong;
        default:
            return Drop::Authentication;
    }
}

}  // namespace

Source::Source(const Settings& settings, rtp::SrtpReceiver receiver)
    : settings_{settings}, srtp_{std::move(receiver)}, remote_{settings.remote} {}

Drop Source::drop(Drop cause) {
    counters_.dropped(cause);
    return cause;
}

core::Address Source::rtcp_remote() const {
    if (!settings_.rtcp_on_next_port || !remote_) return remote_;
    return remote_.with_port(static_cast<std::uint16_t>(remote_.port() + 1));
}

// Until they have sent from another, their port has the number of ours; on our own host that cannot be.
core::Address Source::floor_remote() const {
    if (settings_.floor_port == 0) return rtcp_remote();
    if (floor_remote_ || !remote_ || remote_.is_loopback()) return floor_remote_;
    return remote_.with_port(settings_.floor_port);
}

std::optional<Drop> Source::check_origin(const Datagram& datagram, PortUse port) const {
    if (datagram.truncated || datagram.octets.size() > rtp::kMaxPacket) return Drop::TooLong;
    // A fixed remote never moves; a learned one may, but only after authentication. Floor messages of their own port
    // come from the same host, from a port that only the key vouches for.
    if (settings_.learn) return std::nullopt;
    const core::Address expected = port == PortUse::Media  ? remote_
                                   : port == PortUse::Rtcp ? rtcp_remote()
                                                           : remote_.with_port(datagram.from.port());
    return datagram.from == expected ? std::nullopt : std::optional{Drop::ForeignSource};
}

core::Result<Packet, Drop> Source::open_rtp(Datagram& datagram, core::Time now,
                                            std::chrono::nanoseconds wall_now) {
    if (const auto refused = check_origin(datagram, PortUse::Media)) return core::Unexpected{drop(*refused)};
    const auto header = rtp::parse_header(datagram.octets);
    if (!header) return core::Unexpected{drop(Drop::BadHeader)};
    if (settings_.ssrc && header->ssrc != *settings_.ssrc) return core::Unexpected{drop(Drop::UnknownSource)};
    if (header->ssrc == own_ssrc_) return core::Unexpected{drop(Drop::OwnSsrc)};
    const auto kind = kind_of(header->payload_type);
    if (!kind) return core::Unexpected{drop(Drop::PayloadType)};

    // Nothing below this line happens for a packet that the radio's key has not vouched for.
    const auto opened = srtp_.open_rtp(datagram.octets, header->size, header->ssrc, header->sequence);
    if (!opened) return core::Unexpected{drop(drop_of(opened.error()))};
    bool changed = false;
    if (const auto refused = accept_ssrc(header->ssrc, now, changed)) return core::Unexpected{drop(*refused)};
    follow(datagram.from, opened->newest, false, now);
    last_heard_ = now;
    ++counters_.packets;
    counters_.octets += datagram.octets.size();
    if (opened->by_old_key) ++counters_.old_key_packets;
    reception_->on_packet(
        header->sequence, header->timestamp, now,
        *kind == Packet::Kind::Sound ? rtp::Reception::Timing::Media : rtp::Reception::Timing::Event);
    counters_.jitter_us.set(static_cast<std::uint64_t>(reception_->jitter().count() / 1000));

    const auto payload = rtp::payload_of(*header, opened->plaintext);
    if (!payload) return core::Unexpected{drop(Drop::BadHeader)};
    Packet packet{.kind = *kind,
                  .sequence = opened->index,
                  .timestamp = header->timestamp,
                  .ssrc = header->ssrc,
                  .marker = header->marker,
                  .dtx = *kind == Packet::Kind::Sound && codec::is_dtx(settings_.format, *payload),
                  .new_stream = changed,
                  .stale = datagram.received.count() > 0 && wall_now - datagram.received > kStale,
                  .extension_profile = header->extension_profile,
                  .extension = header->extension,
                  .payload = *payload,
                  .received = datagram.received};
    if (packet.kind != Packet::Kind::Sound) return packet;
    last_sound_ = now;
    const auto duration = codec::packet_duration(settings_.format, *payload);
    if (!duration) return core::Unexpected{drop(Drop::BadPayload)};
    packet.duration = *duration;
    return packet;
}

std::optional<Packet::Kind> Source::kind_of(std::uint8_t payload_type) const {
    if (payload_type == settings_.payload_type) return Packet::Kind::Sound;
    if (payload_type == settings_.event_payload_type) return Packet::Kind::Event;
    if (payload_type == settings_.keep_alive_payload_type) return Packet::Kind::KeepAlive;
    return std::nullopt;
}

core::Result<Source::Rtcp, Drop> Source::open_rtcp(Datagram& datagram, core::Time now, PortUse port) {
    const PortUse from = port == PortUse::Media ? PortUse::Rtcp : port;  // multiplexed
    if (const auto refused = check_origin(datagram, from)) return core::Unexpected{drop(*refused)};
    if (datagram.octets.size() < 8) return core::Unexpected{drop(Drop::BadRtcp)};
    const auto ssrc = rtp::claimed_ssrc(datagram.octets);
    if (settings_.ssrc && ssrc != settings_.ssrc) return core::Unexpected{drop(Drop::UnknownSource)};
    if (ssrc == own_ssrc_) return core::Unexpected{drop(Drop::OwnSsrc)};
    const auto opened = srtp_.open_rtcp(datagram.octets);
    if (!opened) return core::Unexpected{drop(drop_of(opened.error()))};
    if (port != PortUse::Floor)
        follow(datagram.from, opened->newest, true, now);
    else if (opened->newest)
        follow_floor(datagram.from, now);
    last_heard_ = now;
    Rtcp rtcp{opened->plaintext, std::nullopt};
    if (srtp_.suite() != rtp::Suite::None) rtcp.index = static_cast<std::uint32_t>(opened->index);
    return rtcp;
}

std::optional<Drop> Source::accept_ssrc(std::uint32_t ssrc, core::Time now, bool& changed) {
    if (reception_ && reception_->ssrc() == ssrc) return std::nullopt;
    if (reception_ && now < ssrc_changed_ + kOnce) return Drop::SsrcFlapping;
    changed = true;
    if (reception_) ++counters_.ssrc_changes;
    ssrc_changed_ = now;
    reception_.emplace(ssrc, settings_.format.clock);
    return std::nullopt;
}

void Source::follow_floor(const core::Address& from, core::Time now) {
    if (from == floor_remote_ || (floor_remote_ && now < floor_moved_at_ + kOnce)) return;
    const core::Address before = floor_remote();
    if (floor_remote_) ++counters_.moves;
    floor_moved_ = before && before != from;
    floor_remote_ = from;
    floor_moved_at_ = now;
}

void Source::follow(const core::Address& from, bool newest, bool rtcp, core::Time now) {
    if (!settings_.learn || !newest) return;
    // On a port of its own, RTCP says where RTP is: one below.
    const core::Address remote = rtcp && settings_.rtcp_on_next_port
                                     ? from.with_port(static_cast<std::uint16_t>(from.port() - 1))
                                     : from;
    if (remote == remote_) return;
    if (remote_ && now < moved_at_ + kOnce) return;
    if (remote_) ++counters_.moves;
    remote_ = remote;
    moved_at_ = now;
    moved_ = true;
}

}  // namespace crosspatch::media
