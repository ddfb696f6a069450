#include "crosspatch/app/radios.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

#include "crosspatch/codec/tone.hpp"
#include "crosspatch/media/socket.hpp"

namespace crosspatch::app {
namespace {

// The socket that one of `leaving` has on `local`, shared: what changes hands loses no packet. Else a new one.
core::Result<core::UniqueFd> open_or_share(const core::Address& local,
                                           std::span<const Radio* const> leaving) {
    const auto share = [&](int held) -> core::Result<core::UniqueFd> {
        core::UniqueFd shared{fcntl(held, F_DUPFD_CLOEXEC, 0)};
        if (shared) return shared;
        return core::unexpected(core::Error::Code::Exhausted,
                                "no file descriptor is free: raise LimitNOFILE of the service");
    };
    for (const Radio* radio : leaving) {
        if (radio->rtp && radio->local == local) return share(radio->rtp.get());
        if (radio->rtcp && radio->rtcp_local() == local) return share(radio->rtcp.get());
        if (radio->floor && radio->floor_local() == local) return share(radio->floor.get());
    }
    return media::open_udp(local);
}

core::Result<void> open_ports(Radio& radio, const Radio* before, std::span<const Radio* const> leaving) {
    const endpoint::Settings& settings = radio.settings;
    if (!settings.listen) return {};
    const auto fail = [&](const core::Error& error) {
        return core::unexpected(error.code, fmt::format("endpoint '{}': {}", settings.id, error.context));
    };
    // A port that the kernel picked stays the endpoint's own as long as the configuration still says 0.
    const bool keeps = before && before->settings.listen == settings.listen && before->rtp;
    auto rtp = open_or_share(keeps ? before->local : settings.listen, leaving);
    if (!rtp) return fail(rtp.error());
    radio.rtp = std::move(*rtp);
    radio.local = media::local_address(radio.rtp.get());
    const auto open_beside = [&](core::UniqueFd& port, const core::Address& local) -> core::Result<void> {
        auto opened = open_or_share(local, leaving);
        if (!opened) return fail(opened.error());
        port = std::move(*opened);
        return {};
    };
    if (settings.rtcp == endpoint::Rtcp::NextPort)
        if (const auto opened = open_beside(radio.rtcp, radio.rtcp_local()); !opened) return opened;
    return settings.floor_port == 0 ? core::Result<void>{} : open_beside(radio.floor, radio.floor_local());
}

}  // namespace

KeyUsers::KeyUsers(const Radios& radios) {
    using Kind = rtp::IndexRecord::Kind;
    uses_.reserve(2 * radios.size());
    for (const auto& [index, radio] : radios) {
        if (radio->send_key) uses_.push_back({Kind::Send, *radio->send_key, radio.get()});
        if (!radio->receive_keys.empty())
            uses_.push_back({Kind::Receive, radio->receive_keys.front(), radio.get()});
    }
    std::sort(uses_.begin(), uses_.end(), before);
}

std::vector<const Radio*> KeyUsers::of(rtp::IndexRecord::Kind kind, const rtp::KeyFingerprint& key) const {
    const auto [first, last] = std::equal_range(uses_.begin(), uses_.end(), Use{kind, key, nullptr}, before);
    std::vector<const Radio*> radios;
    for (auto use = first; use != last; ++use) radios.push_back(use->radio);
    return radios;
}

StreamBook::StreamBook(std::vector<rtp::IndexRecord> from_disk) {
    for (const rtp::IndexRecord& record : from_disk) note(record);
}

std::pair<StreamBook::Records::const_iterator, StreamBook::Records::const_iterator> StreamBook::of(
    rtp::IndexRecord::Kind kind, const rtp::KeyFingerprint& key) const {
    return {records_.lower_bound(Key{kind, key, 0}), records_.upper_bound(Key{kind, key, UINT32_MAX})};
}

std::optional<rtp::IndexRecord> StreamBook::sent(const rtp::KeyFingerprint& key) const {
    const std::pair<rtp::IndexRecord, std::uint64_t>* newest = nullptr;
    const auto [first, last] = of(rtp::IndexRecord::Kind::Send, key);
    for (auto it = first; it != last; ++it)
        if (!newest || it->second.second > newest->second) newest = &it->second;
    return newest ? std::optional{newest->first} : std::nullopt;
}

std::optional<rtp::IndexRecord> StreamBook::sent(const rtp::KeyFingerprint& key, std::uint32_t ssrc) const {
    const auto found = records_.find(Key{rtp::IndexRecord::Kind::Send, key, ssrc});
    return found == records_.end() ? std::nullopt : std::optional{found->second.first};
}

std::vector<rtp::IndexRecord> StreamBook::received(const rtp::KeyFingerprint& key) const {
    std::vector<rtp::IndexRecord> found;
    const auto [first, last] = of(rtp::IndexRecord::Kind::Receive, key);
    for (auto it = first; it != last; ++it) found.push_back(it->second.first);
    return found;
}

void StreamBook::note(const rtp::IndexRecord& record) {
    auto& [kept, order] = records_[Key{record.kind, record.key, record.ssrc}];
    const core::Address address = record.address ? record.address : kept.address;
    const std::uint16_t floor_port = record.floor_port != 0 ? record.floor_port : kept.floor_port;
    if (record.address ||
        record.floor_port != 0)  // the radio is there now, whichever stream it was heard on before
        for (auto it = records_.lower_bound(Key{record.kind, record.key, 0}); it != records_.end(); ++it) {
            if (std::get<0>(it->first) != record.kind || std::get<1>(it->first) != record.key) break;
            if (record.address) it->second.first.address = {};
            if (record.floor_port != 0) it->second.first.floor_port = 0;
        }
    const rtp::IndexLimits limits{std::max(kept.limits.rtp, record.limits.rtp),
                                  std::max(kept.limits.rtcp, record.limits.rtcp)};
    kept = record;
    kept.address = address;
    kept.floor_port = floor_port;
    kept.limits = limits;
    order = ++noted_;
}

rtp::SrtpReceiver make_receiver(const rtp::SrtpSettings& srtp, const StreamBook& book, rtp::Expect expect) {
    rtp::SrtpReceiver receiver{srtp.suite, srtp.receive, expect};
    for (const rtp::MasterKey& key : srtp.receive)
        for (const rtp::IndexRecord& record : book.received(key.fingerprint()))
            receiver.restore(key.fingerprint(), record.ssrc, record.limits);
    return receiver;
}

rtp::SrtpSender make_sender(const rtp::SrtpSettings& srtp, const StreamBook& book,
                            std::optional<std::uint32_t> ssrc, rtp::IndexLimits start_at_least) {
    rtp::SrtpSender sender{srtp.suite, srtp.send ? &*srtp.send : nullptr};
    std::optional<rtp::IndexRecord> before;
    if (srtp.send)
        before = ssrc ? book.sent(srtp.send->fingerprint(), *ssrc) : book.sent(srtp.send->fingerprint());
    // RFC 3711 3.3.1: below 32,768, so that a first packet is not taken for one of before a wrap. 3.4: neither index
    // begins again with a new key.
    rtp::IndexLimits start = start_at_least;
    if (before) start = {std::max(start.rtp, before->limits.rtp), std::max(start.rtcp, before->limits.rtcp)};
    if (start.rtp == 0) start.rtp = randombytes_uniform(0x8000);
    sender.begin(before ? before->ssrc : ssrc.value_or(randombytes_random() | 1U), start);
    if (srtp.suite == rtp::Suite::None) sender.set_reserved(sender.ssrc(), rtp::SrtpSender::unrecorded());
    return sender;
}

namespace {

std::optional<std::uint8_t> event_type_of(const endpoint::Settings& settings) {
    if (settings.signal != endpoint::Signal::Event) return std::nullopt;
    return settings.event.payload_type;
}

std::optional<std::uint8_t> keep_alive_type_of(const endpoint::Settings& settings) {
    if (settings.signal != endpoint::Signal::Ed137) return std::nullopt;
    return rtp::ed137::kKeepAlive;
}

}  // namespace

core::Result<std::unique_ptr<Radio>> build_radio(const endpoint::Config& config, std::uint32_t index,
                                                 const StreamBook& book, int shared_socket,
                                                 const std::string& cname, const Radio* before,
                                                 std::span<const Radio* const> leaving) {
    auto radio = std::make_unique<Radio>();
    radio->settings = config.settings;
    radio->index = index;
    for (const rtp::MasterKey& key : config.srtp->receive) radio->receive_keys.push_back(key.fingerprint());
    if (config.srtp->send) radio->send_key = config.srtp->send->fingerprint();
    if (const auto opened = open_ports(*radio, before, leaving); !opened)
        return core::Unexpected{opened.error()};

    const endpoint::Settings& settings = config.settings;
    const int rtp = radio->rtp ? radio->rtp.get() : shared_socket;
    const int rtcp = settings.rtcp == endpoint::Rtcp::Off ? -1 : radio->rtcp ? radio->rtcp.get() : rtp;
    radio->media = std::make_unique<media::Endpoint>(
        index,
        media::Endpoint::Parts{.source = {.format = settings.format,
                                          .payload_type = settings.payload_type,
                                          .event_payload_type = event_type_of(settings),
                                          .keep_alive_payload_type = keep_alive_type_of(settings),
                                          .remote = settings.remote,
                                          .learn = !settings.remote,
                                          .own_port = static_cast<bool>(radio->rtp),
                                          .rtcp_on_next_port = settings.rtcp == endpoint::Rtcp::NextPort,
                                          .floor_port = settings.floor_port,
                                          .ssrc = settings.ssrc},
                               .receiver = make_receiver(*config.srtp, book, expected_of(settings)),
                               .sink = {.format = settings.format,
                                        .payload_type = settings.payload_type,
                                        .ptime = settings.ptime,
                                        .pace = settings.pace,
                                        .socket = rtp,
                                        .rtcp_socket = rtcp,
                                        .floor_socket = radio->floor ? radio->floor.get() : -1,
                                        .cname = cname},
                               .sender = make_sender(*config.srtp, book, std::nullopt, {}),
                               .first_timestamp = randombytes_random()},
        core::monotonic_now());
    // Where it was before a restart. The new key has the last word.
    for (auto key = radio->receive_keys.rbegin(); key != radio->receive_keys.rend(); ++key)
        for (const rtp::IndexRecord& record : book.received(*key)) {
            if (record.address && !settings.remote) radio->media->source.restore_remote(record.address);
            if (record.floor_port != 0) radio->media->source.restore_floor_port(record.floor_port);
        }
    radio->identity = fmt::format("sip:{}@{}", settings.talker.id, cname);
    if (settings.signal == endpoint::Signal::Mcptt)
        radio->floor_messages = std::make_shared<ptt::McptServer>(
            ptt::McptServer::Settings{.ssrc = radio->media->sink.ssrc(),
                                      .participant = index,
                                      .may_request = settings.direction != bridge::Direction::Listen,
                                      .sequence = static_cast<std::uint16_t>(randombytes_random())});
    if (settings.signal == endpoint::Signal::Event) {
        using media::PreRoll;
        radio->event_key = std::make_shared<ptt::EventKey>(settings.event.event);
        radio->pre_roll =
            std::make_shared<PreRoll>(settings.format.clock, PreRoll::kForEvents, PreRoll::kEventPackets);
    }
    if (settings.signal == endpoint::Signal::Ed137)
        radio->ed137 = std::make_shared<ptt::Ed137>(settings.ed137);
    if (settings.signal == endpoint::Signal::Vox)
        radio->vox = std::make_shared<media::VoxInput>(settings.format);
    return radio;
}

}  // namespace crosspatch::app
