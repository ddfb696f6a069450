// The least that a floor server can do: opens each message, and answers every Request by a Granted and every Release by an
// Idle, under the same keys as crosspatchd and from one port. No floor, log, reports or metrics. It is what presses.py
// puts beside crosspatchd.
//
//   bare_floor WORK     until it is killed; says `ready` once it listens
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "crosspatch/media/socket.hpp"
#include "crosspatch/rtp/floor_message.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/rtcp.hpp"
#include "crosspatch/rtp/srtp_receiver.hpp"
#include "crosspatch/rtp/srtp_sender.hpp"
#include "tests/bench/work.hpp"

namespace {

using namespace crosspatch;
using bench::Work;

struct Peer {
    Peer(const Work::Endpoint& endpoint, std::uint32_t number)
        : address{endpoint.address},
          ssrc{0x40000000U + number},
          open{endpoint.suite, std::span{&endpoint.to_gateway, 1}},
          seal{endpoint.suite, &endpoint.from_gateway} {
        seal.begin(ssrc, {1, 1});
        seal.set_reserved(ssrc, rtp::SrtpSender::unrecorded());
    }
    core::Address address;
    std::uint32_t ssrc;
    rtp::SrtpReceiver open;
    rtp::SrtpSender seal;
    std::vector<Peer*> channel;  // everybody on it, this one too
};

class Server {
public:
    explicit Server(const Work& work) {
        auto socket = media::open_udp(work.gateway);
        if (!socket) throw std::runtime_error{socket.error().context};
        socket_ = std::move(*socket);
        std::unordered_map<std::string, std::vector<Peer*>> channels;
        for (const Work::Endpoint& endpoint : work.endpoints) {
            auto& peer = peers_[endpoint.address];
            peer = std::make_unique<Peer>(endpoint, static_cast<std::uint32_t>(peers_.size()));
            channels[endpoint.channel].push_back(peer.get());
        }
        for (const Work::Endpoint& endpoint : work.endpoints)
            peers_[endpoint.address]->channel = channels[endpoint.channel];
    }

    [[noreturn]] void run() {
        fmt::print("ready\n");
        std::fflush(stdout);
        for (pollfd readable{socket_.get(), POLLIN, 0};; poll(&readable, 1, -1)) {
            for (media::Datagram& datagram : batch_.receive(socket_.get())) hear(datagram);
            outbox_.flush();
        }
    }

private:
    void hear(media::Datagram& datagram) {
        const auto found = peers_.find(datagram.from);
        if (found == peers_.end() || rtp::classify(datagram.octets) != rtp::DatagramKind::Rtcp) return;
        Peer& from = *found->second;
        const auto opened = from.open.open_rtcp(datagram.octets);
        if (!opened) return;
        (void)rtp::parse_compound(opened->plaintext, [&](const rtp::App& app) {
            const auto message = rtp::parse_floor_message(app);
            if (message && message->type == rtp::FloorType::Release)
                say(from, {.type = rtp::FloorType::Idle});
            if (!message || message->type != rtp::FloorType::Request) return;
            // A Granted to another SSRC is as long as the Taken that the others would get, and changes nothing there.
            for (Peer* peer : from.channel)
                say(*peer, {.type = rtp::FloorType::Granted,
                            .ack_wanted = peer == &from,
                            .duration = std::uint16_t{30},
                            .ssrc = message->sender});
        });
    }
    void say(Peer& to, rtp::FloorMessage message) {
        message.sender = to.ssrc;
        const auto buffer = outbox_.prepare();
        const auto size = rtp::write_floor_message(buffer.first(rtp::kMaxPacket), message);
        if (const auto sealed = to.seal.seal_rtcp(buffer, size))
            outbox_.commit(socket_.get(), to.address, *sealed);
    }

    core::UniqueFd socket_;
    std::unordered_map<core::Address, std::unique_ptr<Peer>> peers_;
    media::ReceiveBatch batch_;
    media::Outbox outbox_;
};

}  // namespace

int main(int count, char** arguments) try {
    if (count != 2) throw std::runtime_error{"usage: bare_floor WORK"};
    prctl(PR_SET_NAME, "media-0");  // what gateway_bench.py looks for
    Server server{bench::read_work(arguments[1])};
    const sched_param parameters{.sched_priority =
                                     10};  // as crosspatchd's media threads, where it is allowed
    sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters);
    server.run();
} catch (const std::exception& error) {
    fmt::print(stderr, "bare_floor: {}\n", error.what());
    return 1;
}
