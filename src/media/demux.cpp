#include "crosspatch/media/demux.hpp"

#include "crosspatch/media/endpoint.hpp"
#include "crosspatch/rtp/packet.hpp"

namespace crosspatch::media {

void Demux::attach(Endpoint& endpoint) {
    const Source::Settings& settings = endpoint.source.settings();
    // Where an SSRC is configured it decides alone: several radios may share one address behind a NAT.
    if (settings.ssrc)
        by_ssrc_[*settings.ssrc] = &endpoint;
    else
        by_source_[settings.remote] = &endpoint;
}

void Demux::detach(const Endpoint& endpoint) {
    const Source::Settings& settings = endpoint.source.settings();
    // What replaces it may stand there already.
    const auto drop = [&](auto& table, const auto& key) {
        if (const auto found = table.find(key); found != table.end() && found->second == &endpoint)
            table.erase(found);
    };
    if (settings.ssrc)
        drop(by_ssrc_, *settings.ssrc);
    else
        drop(by_source_, settings.remote);
}

Endpoint* Demux::find(std::span<const std::byte> datagram, const core::Address& from) const {
    if (const auto ssrc = by_ssrc_.empty() ? std::nullopt : rtp::claimed_ssrc(datagram))
        if (const auto found = by_ssrc_.find(*ssrc); found != by_ssrc_.end()) return found->second;
    const auto found = by_source_.find(from);
    return found != by_source_.end() ? found->second : nullptr;
}

}  // namespace crosspatch::media
