#pragma once
// A handset of the floor load: it presses and lets go as told, says so in SRTCP, and times the first answer to each
// Request from its send call to the kernel's stamp.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "crosspatch/core/time.hpp"
#include "crosspatch/media/socket.hpp"
#include "crosspatch/ptt/mcpt_participant.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/rtcp.hpp"
#include "crosspatch/rtp/srtp_receiver.hpp"
#include "crosspatch/rtp/srtp_sender.hpp"
#include "tests/bench/load_talker.hpp"

namespace crosspatch::bench {

// What all handsets have asked and been told together.
struct Answers {
    std::vector<std::uint32_t> us;  // of each Request that was answered
    std::uint64_t requests{};       // without those that were sent again
    std::uint64_t repeated{};       // sent again, because no answer had come for a second
    std::uint64_t unanswered{};     // given up, or overtaken by the next
    std::uint64_t granted{};        // what the first answers said
    std::uint64_t queued{};
    std::uint64_t denied{};
    std::uint64_t bad{};  // datagrams that could not be opened or read
};

// Keeps to the participant's machine of TS 24.380, as crosspatch-radio does, and sends no media.
class Handset {
public:
    // Several runs against one gateway go on from `first_index`, so that it takes none for a replay.
    Handset(const Work::Endpoint& endpoint, std::uint32_t number, std::uint64_t first_index, int socket,
            const sockaddr_storage& gateway)
        : socket_{socket},
          gateway_{gateway},
          ssrc_{0x1000U + number},
          seal_{endpoint.suite, &endpoint.to_gateway},
          open_{endpoint.suite, std::span{&endpoint.from_gateway, 1}},
          terminal_{{.ssrc = ssrc_}} {
        seal_.begin(ssrc_, {1, static_cast<std::uint32_t>(first_index)});
        seal_.set_reserved(ssrc_, rtp::SrtpSender::unrecorded());
    }

    void key(bool down, Answers& answers) {
        const core::Time now = core::monotonic_now();
        if (down) give_up(answers);
        carry_out(down ? terminal_.press({.priority = 3}, now) : terminal_.let_go(now), answers);
    }
    void take(media::Datagram& datagram, Answers& answers) {
        if (rtp::classify(datagram.octets) != rtp::DatagramKind::Rtcp) return;
        const auto opened = open_.open_rtcp(datagram.octets);
        if (!opened) return void(++answers.bad);
        const auto read = rtp::parse_compound(opened->plaintext, [&](const rtp::App& app) {
            const auto message = rtp::parse_floor_message(app);
            if (!message) return void(++answers.bad);
            if (asked_at_ && answers_us(*message)) count(*message, datagram.received, answers);
            carry_out(terminal_.on_message(*message, core::monotonic_now(), opened->index), answers);
        });
        if (!read) ++answers.bad;
    }
    void pass_time(core::Time now, Answers& answers) {
        if (const auto due = terminal_.next_deadline(); due && *due <= now)
            carry_out(terminal_.on_time(now), answers);
    }
    // The answer to the last Request is not waited for any more.
    void give_up(Answers& answers) {
        answers.unanswered += asked_at_.has_value();
        asked_at_.reset();
    }

private:
    bool answers_us(const rtp::FloorMessage& message) const {
        return message.type == rtp::FloorType::Deny || message.type == rtp::FloorType::QueuePositionInfo ||
               (message.type == rtp::FloorType::Granted && message.ssrc.value_or(ssrc_) == ssrc_);
    }
    void count(const rtp::FloorMessage& message, Stamp arrived, Answers& answers) {
        const auto took = std::max<std::int64_t>((arrived - *asked_at_).count(), 0) / 1000;
        answers.us.push_back(static_cast<std::uint32_t>(took));
        answers.granted += message.type == rtp::FloorType::Granted;
        answers.denied += message.type == rtp::FloorType::Deny;
        answers.queued += message.type == rtp::FloorType::QueuePositionInfo;
        asked_at_.reset();
    }
    void carry_out(const ptt::McptParticipant::Step& step, Answers& answers) {
        for (const rtp::FloorMessage& message : step.send) {
            const std::size_t size =
                rtp::write_floor_message(std::span{buffer_}.first(rtp::kMaxPacket), message);
            const auto sealed = seal_.seal_rtcp(buffer_, size);
            if (message.type == rtp::FloorType::Request) ask(answers);
            sendto(socket_, buffer_.data(), *sealed, 0, reinterpret_cast<const sockaddr*>(&gateway_),
                   sizeof(sockaddr_in));
        }
    }
    void ask(Answers& answers) {
        if (asked_at_) return void(++answers.repeated);
        ++answers.requests;
        asked_at_ = stamp_now();
    }

    int socket_;
    const sockaddr_storage& gateway_;
    std::uint32_t ssrc_;
    rtp::SrtpSender seal_;
    rtp::SrtpReceiver open_;
    ptt::McptParticipant terminal_;
    std::optional<Stamp> asked_at_;  // of the Request that waits for its answer
    std::array<std::byte, rtp::kMaxPacket + 64> buffer_{};
};

}  // namespace crosspatch::bench
