#pragma once
#include "tests/bridge/town.hpp"

namespace crosspatch::tests {

// The guard's key is a telephone event. The officer's radio is an ED-137 one: a voice switch with a key (we are the
// ground station), or a ground station with a squelch.
struct Keys : Town {
    explicit Keys(ptt::Ed137Role ours = ptt::Ed137Role::Grs) {
        plan.endpoints[kGuard].signal = plan.endpoints[kOfficer].signal = floor::Signal::Key;
        plan.endpoints[kGuard].event_key = std::make_shared<ptt::EventKey>(std::nullopt);
        plan.endpoints[kGuard].pre_roll =
            std::make_shared<media::PreRoll>(8000, media::PreRoll::kForEvents, media::PreRoll::kEventPackets);
        plan.endpoints[kOfficer].ed137 =
            std::make_shared<ptt::Ed137>(ptt::Ed137Settings{.role = ours, .ptt_id = 5});
        plan.endpoints[kOfficer].may_emergency = true;
        plan.channels[kTac].on_air = {kOfficer};
        open_town();
    }

    media::Packet next(std::uint32_t who, media::Packet::Kind kind) {
        const Speech& voice = *speech[who];
        const std::size_t n = said[who]++;
        media::Packet one = voice.packet(n % voice.size());
        one.kind = kind;
        one.sequence = 100 + n;
        one.ssrc = ssrc;
        one.new_stream = n == 0;
        one.timestamp = static_cast<std::uint32_t>(n) * 160;
        if (kind != media::Packet::Kind::Sound) {
            one.duration = 0;
            one.payload = {};
        }
        return one;
    }
    bool take(std::uint32_t who, const media::Packet& packet) {
        media::Endpoint& from = radios[who]->endpoint;
        if (packet.kind != media::Packet::Kind::Sound) {
            exchange.beside(from, packet, stage.now);
            flush();
            return false;
        }
        media::Talkspurt* talkspurt = exchange.pass(from, packet, stage.now);
        if (talkspurt) talkspurt->carry(packet, stage.now);
        flush();
        return talkspurt != nullptr;
    }
    // One event packet of the guard's; `since`: when the event began.
    void event(std::uint32_t since, bool end = false) {
        const auto octets =
            rtp::write_telephone_event({10, end, 10, static_cast<std::uint16_t>(160 * ++grown)});
        media::Packet packet = next(kGuard, media::Packet::Kind::Event);
        packet.timestamp = since;
        packet.payload = octets;
        take(kGuard, packet);
    }
    // One packet of the officer's radio, with this extension.
    bool radio(const rtp::ed137::Extension& says, bool sound = true) {
        const rtp::ed137::Octets octets = rtp::ed137::write(says);
        media::Packet packet =
            next(kOfficer, sound ? media::Packet::Kind::Sound : media::Packet::Kind::KeepAlive);
        packet.extension_profile = rtp::ed137::kProfile;
        packet.extension = octets.view();
        return take(kOfficer, packet);
    }
    // What the officer's radio was sent since the last look: type and extension of each packet.
    struct Sent {
        std::uint8_t type;
        std::uint16_t sequence;
        rtp::ed137::Extension extension;
    };
    std::vector<Sent> sent() {
        std::vector<Sent> all;
        media::ReceiveBatch in;
        for (auto batch = in.receive(radios[kOfficer]->wire.get()); !batch.empty();
             batch = in.receive(radios[kOfficer]->wire.get()))
            for (const media::Datagram& datagram : batch) {
                if (rtp::classify(datagram.octets) != rtp::DatagramKind::Rtp) continue;
                const auto header = rtp::parse_header(datagram.octets);
                REQUIRE(header);
                const auto extension = rtp::ed137::read(*header);
                REQUIRE(extension);
                all.push_back({header->payload_type, header->sequence, *extension});
            }
        return all;
    }
    int grown{};
    std::uint32_t ssrc{1};
};

}  // namespace crosspatch::tests
