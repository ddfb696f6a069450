#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/rtp/floor_message.hpp"
#include "tests/bridge/town.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::tests {

constexpr std::uint32_t device(std::uint32_t who) { return 0xD000 + who; }

// A town in which all four radios have floor messages.
struct Handsets : Town {
    explicit Handsets(bool bridged = true) : Handsets{Rules{}, bridged} {}
    explicit Handsets(const Rules& with, bool bridged = true) : Town{with} {
        for (std::uint32_t who = 0; who < 4; ++who) {
            bridge::Topology::Endpoint& one = plan.endpoints[who];
            one.signal = floor::Signal::Explicit;
            one.identity = kNames[who];
            one.may_emergency = who == kOfficer;
            one.floor_messages = std::make_shared<ptt::McptServer>(
                ptt::McptServer::Settings{.ssrc = 0x1000 + who, .participant = who, .queueing = true});
            plan.channels[one.channel].messaged.push_back(who);
        }
        plan.channels[kOps].floor.queue = plan.channels[kTac].floor.queue = 4;
        plan.channels[kOps].floor.lease = plan.channels[kTac].floor.lease = 600ms;
        open_town(bridged);
        for (std::uint32_t who = 0; who < 4; ++who) told(who);
    }

    void send(std::uint32_t who, rtp::FloorMessage message) {
        if (message.sender == 0) message.sender = device(who);
        Octets octets(rtp::written_size(message));
        REQUIRE(rtp::write_floor_message(octets, message) == octets.size());
        const auto before = allocations();
        const auto read = rtp::parse_compound(
            octets, rtp::Overload{[&](const rtp::App& app) {
                                      exchange.signalled(radios[who]->endpoint, app, ++order, stage.now);
                                  },
                                  [](const auto&) {}});
        allocated = allocations() - before;
        REQUIRE(read);
        flush();
    }
    void ask(std::uint32_t who, std::uint16_t indicator = rtp::floor_indicator::kNormal,
             std::optional<std::uint8_t> priority = std::nullopt) {
        send(who, {.type = rtp::FloorType::Request, .priority = priority, .indicator = indicator});
    }
    // What this radio was told since the last look; texts are not kept.
    std::vector<rtp::FloorMessage> told(std::uint32_t who) {
        std::vector<rtp::FloorMessage> all;
        media::ReceiveBatch in;
        for (auto batch = in.receive(radios[who]->wire.get()); !batch.empty();
             batch = in.receive(radios[who]->wire.get()))
            for (const media::Datagram& datagram : batch) {
                if (rtp::classify(datagram.octets) != rtp::DatagramKind::Rtcp) continue;
                const auto message =
                    rtp::parse_floor_message(datagram.octets.first(datagram.octets.size() - trailer));
                REQUIRE(message);
                CHECK(message->sender == 0x1000 + who);
                identity = message->granted_party;
                all.push_back(*message);
            }
        return all;
    }
    std::vector<rtp::FloorType> types(std::uint32_t who) {
        std::vector<rtp::FloorType> all;
        for (const rtp::FloorMessage& one : told(who)) all.push_back(one.type);
        return all;
    }

    static constexpr std::array<std::string_view, 4> kNames{"sip:guard@gw", "sip:post@gw", "sip:officer@gw",
                                                            "sip:car@gw"};
    std::size_t trailer = rtp::overhead(rtp::Suite::None).rtcp;
    std::uint32_t order{};
    std::size_t allocated{};  // while the last message was heeded
    std::string identity;     // of the last Taken
};

}  // namespace crosspatch::tests
