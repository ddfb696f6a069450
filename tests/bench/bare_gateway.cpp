// The least that a gateway can do: the same packets in and out as crosspatchd, under the same keys, and nothing else. No
// order window, floor, policy, log, reports or metrics. It is the denominator of gateway_bench.py.
//
//   bare_gateway WORK     until it is killed; says `ready` once it listens
#include <fmt/format.h>
#include <netinet/ip.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "crosspatch/codec/decoder.hpp"
#include "crosspatch/codec/encoder.hpp"
#include "crosspatch/codec/rates.hpp"
#include "crosspatch/core/unique_fd.hpp"
#include "crosspatch/rtp/octets.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/srtp_receiver.hpp"
#include "crosspatch/rtp/srtp_sender.hpp"
#include "tests/bench/work.hpp"

namespace {

using namespace crosspatch;
using bench::Work;

// What is sent in one go: sendmmsg() with every header made once and only the sizes and addresses set.
class Batch {
public:
    explicit Batch(int socket) : socket_{socket}, memory_(kDatagrams * kOctets) {
        for (std::size_t i = 0; i < kDatagrams; ++i) {
            vectors_[i].iov_base = memory_.data() + i * kOctets;
            headers_[i].msg_hdr.msg_iov = &vectors_[i];
            headers_[i].msg_hdr.msg_iovlen = 1;
            headers_[i].msg_hdr.msg_namelen = sizeof(sockaddr_in);
        }
    }
    std::span<std::byte> room() {
        if (used_ == kDatagrams) flush();
        return {memory_.data() + used_ * kOctets, kOctets};
    }
    void add(const sockaddr_storage& to, std::size_t octets) {
        headers_[used_].msg_hdr.msg_name = const_cast<sockaddr_storage*>(&to);
        vectors_[used_++].iov_len = octets;
    }
    void flush() {
        std::size_t done = 0;
        while (done < used_) {
            const int sent = sendmmsg(socket_, &headers_[done], static_cast<unsigned>(used_ - done), 0);
            done += sent > 0 ? static_cast<std::size_t>(sent) : 1;
        }
        used_ = 0;
    }

private:
    static constexpr std::size_t kDatagrams = 64;
    static constexpr std::size_t kOctets = 1280;
    int socket_;
    std::vector<std::byte> memory_;
    std::array<mmsghdr, kDatagrams> headers_{};
    std::array<iovec, kDatagrams> vectors_{};
    std::size_t used_{};
};

// One stream that we send.
struct Listener {
    Listener(const Work::Endpoint& endpoint, std::uint32_t number)
        : srtp{endpoint.suite, &endpoint.from_gateway}, ssrc{0x40000000U + number} {
        srtp.begin(ssrc, {1, 1});
        srtp.set_reserved(ssrc, rtp::SrtpSender::unrecorded());
        endpoint.address.fill(address);
    }
    void send(Batch& batch, std::span<const std::byte> packet) {
        const std::span<std::byte> out = batch.room();
        std::memcpy(out.data(), packet.data(), packet.size());
        const std::uint64_t index = srtp.next().rtp;
        rtp::store16(out, 2, static_cast<std::uint16_t>(index));
        rtp::store32(out, 8, ssrc);
        const auto sealed = srtp.seal_rtp(out, rtp::kMinHeader, packet.size(), ssrc, index);
        if (sealed) batch.add(address, *sealed);
    }
    rtp::SrtpSender srtp;
    std::uint32_t ssrc;
    sockaddr_storage address{};
};

// Listeners of one codec: relayed to, or with an encoder for all of them.
struct Group {
    codec::Format format;
    std::uint8_t payload_type{};
    codec::Rates rates{};
    std::unique_ptr<codec::Encoder> encoder;  // none: relayed
    std::uint32_t timestamp{};
    std::vector<Listener*> listeners;
};

// One talker with all that its packets cause.
class Talker {
public:
    Talker(const Work& work, std::size_t index, std::vector<std::unique_ptr<Listener>>& all)
        : format_{work.endpoints[index].format},
          srtp_{work.endpoints[index].suite, std::span{&work.endpoints[index].to_gateway, 1}} {
        for (const std::size_t listener : work.listeners_of(index)) {
            const Work::Endpoint& to = work.endpoints[listener];
            if (!all[listener])
                all[listener] = std::make_unique<Listener>(to, static_cast<std::uint32_t>(listener));
            group_of(to).listeners.push_back(all[listener].get());
        }
    }

    void carry(std::span<std::byte> datagram, Batch& batch) {
        const auto header = rtp::parse_header(datagram);
        if (!header) return;
        const auto opened = srtp_.open_rtp(datagram, header->size, header->ssrc, header->sequence);
        if (!opened) return;
        std::uint32_t decoded_at = 0;
        std::size_t count = 0;
        for (Group& group : groups_) {
            std::span<const std::byte> payload = opened->plaintext;
            std::uint32_t timestamp = header->timestamp;
            if (group.encoder) {
                if (decoded_at != group.rates.decode) {  // one decode for all groups of a rate
                    decoded_at = group.rates.decode;
                    count = decoder_at(decoded_at).decode(payload, samples_);
                }
                const std::size_t octets = group.encoder->encode(std::span{samples_}.first(count), encoded_);
                payload = std::span{encoded_}.first(octets);
                timestamp = group.timestamp;
                group.timestamp += group.format.ticks(bench::kPtime);
            }
            send(group, *header, timestamp, payload, batch);
        }
    }

private:
    Group& group_of(const Work::Endpoint& to) {
        const bool relayed = codec::same_payload(format_, to.format);
        for (Group& group : groups_)
            if (relayed ? !group.encoder : group.encoder && group.format == to.format) return group;
        Group& group = groups_.emplace_back();
        group.format = to.format;
        group.payload_type = to.payload_type;
        if (relayed) return group;
        group.rates = codec::working_rates(format_, to.format);
        if (group.rates.resampled()) throw std::runtime_error{"bare_gateway has no resampler"};
        group.encoder = codec::make_encoder(to.format);
        group.encoder->start(group.rates.encode, to.format);
        decoder_at(group.rates.decode);
        return group;
    }
    codec::Decoder& decoder_at(std::uint32_t rate) {
        for (auto& [its_rate, decoder] : decoders_)
            if (its_rate == rate) return *decoder;
        decoders_.emplace_back(rate, codec::make_decoder(format_));
        decoders_.back().second->start(rate);
        return *decoders_.back().second;
    }
    void send(const Group& group, const rtp::Header& talkers, std::uint32_t timestamp,
              std::span<const std::byte> payload, Batch& batch) {
        rtp::Header header;
        header.marker = talkers.marker;
        header.payload_type = group.payload_type;
        header.timestamp = timestamp;
        rtp::write_header(packet_, header);
        std::memcpy(packet_.data() + rtp::kMinHeader, payload.data(), payload.size());
        const auto packet = std::span{packet_}.first(rtp::kMinHeader + payload.size());
        for (Listener* listener : group.listeners) listener->send(batch, packet);
    }

    codec::Format format_;
    rtp::SrtpReceiver srtp_;
    std::vector<Group> groups_;
    std::vector<std::pair<std::uint32_t, std::unique_ptr<codec::Decoder>>> decoders_;
    std::array<std::int16_t, codec::kMaxSamples> samples_;
    std::array<std::byte, codec::kMaxPayload> encoded_;
    std::array<std::byte, rtp::kMaxPacket> packet_;
};

core::UniqueFd open_socket(const core::Address& local) {
    core::UniqueFd fd{socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const int buffer = 1 << 20;
    const int expedited_forwarding = 46 << 2;
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    setsockopt(fd.get(), IPPROTO_IP, IP_TOS, &expedited_forwarding, sizeof expedited_forwarding);
    sockaddr_storage address;
    const socklen_t length = local.fill(address);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0)
        throw std::runtime_error{"cannot listen on " + local.to_string()};
    return fd;
}

class Gateway {
public:
    explicit Gateway(const Work& work) : socket_{open_socket(work.gateway)}, batch_{socket_.get()} {
        listeners_.resize(work.endpoints.size());
        std::set<std::size_t> talkers;
        for (const Work::Spurt& spurt : work.spurts) talkers.insert(spurt.talker);
        for (const std::size_t talker : talkers)
            talkers_[work.endpoints[talker].address] = std::make_unique<Talker>(work, talker, listeners_);
        for (std::size_t i = 0; i < kDatagrams; ++i) {
            vectors_[i] = {memory_.data() + i * kOctets, kOctets};
            headers_[i].msg_hdr.msg_iov = &vectors_[i];
            headers_[i].msg_hdr.msg_iovlen = 1;
            headers_[i].msg_hdr.msg_name = &sources_[i];
        }
    }

    [[noreturn]] void run() {
        core::UniqueFd epoll{epoll_create1(EPOLL_CLOEXEC)};
        epoll_event event{.events = EPOLLIN, .data = {.fd = socket_.get()}};
        if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, socket_.get(), &event) != 0)
            throw std::runtime_error{"cannot watch the socket"};
        fmt::print("ready\n");
        std::fflush(stdout);
        for (;;) {
            epoll_wait(epoll.get(), &event, 1, -1);
            receive();
        }
    }

private:
    void receive() {
        for (mmsghdr& header : headers_) header.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
        const int count = recvmmsg(socket_.get(), headers_.data(), kDatagrams, MSG_DONTWAIT, nullptr);
        for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count); ++i) {
            const auto talker = talkers_.find(core::Address{sources_[i]});
            if (talker == talkers_.end()) continue;
            talker->second->carry({memory_.data() + i * kOctets, headers_[i].msg_len}, batch_);
        }
        batch_.flush();
    }

    static constexpr std::size_t kDatagrams = 32;
    static constexpr std::size_t kOctets = 2048;
    core::UniqueFd socket_;
    Batch batch_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::unordered_map<core::Address, std::unique_ptr<Talker>> talkers_;
    std::vector<std::byte> memory_ = std::vector<std::byte>(kDatagrams * kOctets);
    std::array<mmsghdr, kDatagrams> headers_{};
    std::array<iovec, kDatagrams> vectors_{};
    std::array<sockaddr_storage, kDatagrams> sources_{};
};

// As crosspatchd's media threads, where this machine allows it: else one of the two waits for other programs' turns.
void make_realtime() {
    const sched_param parameters{.sched_priority = 10};
    sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters);
    mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

}  // namespace

int main(int count, char** arguments) try {
    if (count != 2) throw std::runtime_error{"usage: bare_gateway WORK"};
    prctl(PR_SET_NAME, "media-0");  // what gateway_bench.py looks for
    Gateway gateway{bench::read_work(arguments[1])};
    make_realtime();
    gateway.run();
} catch (const std::exception& error) {
    fmt::print(stderr, "bare_gateway: {}\n", error.what());
    return 1;
}
