#pragma once
// The hearing half of the load generator: what arrives at one endpoint, and whether it is what was said.
#include <algorithm>
#include <vector>

#include "crosspatch/codec/format.hpp"
#include "crosspatch/media/socket.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/rtcp.hpp"
#include "crosspatch/rtp/srtp_receiver.hpp"
#include "tests/bench/load_talker.hpp"

namespace crosspatch::bench {

// What all listeners have heard together.
struct Tally {
    struct Delay {
        Stamp arrived;
        std::uint32_t us;
    };
    std::vector<Delay> delays;  // one for each packet that arrived
    std::uint64_t checked{};    // decrypted and looked into
    std::uint64_t wrong{};      // of these, not what was said
    std::uint64_t stray{};      // belongs to no talkspurt
    Stamp longest_gap{};        // between two packets of one talkspurt at one listener
};

// One endpoint's ear.
//
// A packet belongs to the latest talkspurt that had begun when the kernel stamped it; the first one with a marker is
// the talkspurt's first packet, and the others follow by their sequence numbers.
class Ear {
public:
    Ear(const Work& work, std::size_t index, const std::vector<Spurt>& spurts)
        : work_{work},
          endpoint_{work.endpoints[index]},
          spurts_{spurts},
          srtp_{endpoint_.suite, std::span{&endpoint_.from_gateway, 1}} {}

    void expect(std::size_t spurt) { expected_.push_back(spurt); }
    bool expects_anything() const { return !expected_.empty(); }
    // Packets of the talkspurt that is heard now.
    std::size_t heard() const { return heard_; }

    void take(media::Datagram& datagram, Tally& tally) {
        if (rtp::classify(datagram.octets) != rtp::DatagramKind::Rtp) return;
        const auto header = rtp::parse_header(datagram.octets);
        if (!header) return;
        follow_schedule(datagram.received);
        if (position_ == 0) return void(++tally.stray);
        const Spurt& spurt = spurts_[expected_[position_ - 1]];
        if (!started_) begin(*header, spurt, datagram.received);
        const auto packet = static_cast<std::uint16_t>(header->sequence - first_sequence_);
        if (packet >= spurt.sent_at.size()) return void(++tally.stray);
        const Stamp delay = datagram.received - spurt.sent_at[packet];
        tally.delays.push_back(
            {datagram.received, static_cast<std::uint32_t>(std::max<std::int64_t>(delay.count(), 0) / 1000)});
        if (heard_++ > 0) tally.longest_gap = std::max(tally.longest_gap, datagram.received - last_);
        last_ = datagram.received;
        if (++arrived_ % kCheckOneIn == 1) check(datagram, *header, spurt, packet, tally);
    }

private:
    static constexpr std::uint64_t kCheckOneIn = 16;

    void follow_schedule(Stamp arrived) {
        while (position_ < expected_.size()) {
            const Spurt& next = spurts_[expected_[position_]];
            if (next.sent_at.empty() || next.sent_at.front() > arrived) return;
            ++position_;
            started_ = false;
            heard_ = 0;
        }
    }
    void begin(const rtp::Header& header, const Spurt& spurt, Stamp arrived) {
        started_ = true;
        first_sequence_ = header.sequence;
        if (header.marker) return;
        // The first packet was lost on its way: this is the answer to the latest that had been sent.
        const auto later = std::upper_bound(spurt.sent_at.begin(), spurt.sent_at.end(), arrived);
        first_sequence_ = static_cast<std::uint16_t>(header.sequence - (later - spurt.sent_at.begin() - 1));
    }
    void check(media::Datagram& datagram, const rtp::Header& header, const Spurt& spurt, std::size_t packet,
               Tally& tally) {
        ++tally.checked;
        const auto opened = srtp_.open_rtp(datagram.octets, header.size, header.ssrc, header.sequence);
        if (!opened || header.payload_type != endpoint_.payload_type) return void(++tally.wrong);
        const codec::Format& said = work_.endpoints[spurt.plan->talker].format;
        const std::span<const std::byte> payload = opened->plaintext;
        if (codec::same_payload(said, endpoint_.format)) {
            const auto& original = spurt.payload(packet);
            tally.wrong += !std::equal(payload.begin(), payload.end(), original.begin(), original.end());
        } else {
            tally.wrong +=
                codec::packet_duration(endpoint_.format, payload) != endpoint_.format.ticks(kPtime);
        }
    }

    const Work& work_;
    const Work::Endpoint& endpoint_;
    const std::vector<Spurt>& spurts_;
    rtp::SrtpReceiver srtp_;
    std::vector<std::size_t> expected_;  // talkspurts that this endpoint hears, by their starts
    std::size_t position_{};             // one past the one that is heard now
    bool started_{};
    std::uint16_t first_sequence_{};
    std::size_t heard_{};
    std::uint64_t arrived_{};
    Stamp last_{};
};

}  // namespace crosspatch::bench
