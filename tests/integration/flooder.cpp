// Junk for one port of the gateway, and beside it talkers whose packets it must not lose. flood_test.py runs it.
//
//   flooder SECONDS RATE KIND PORT FROM [KEY TALKER GATEWAY LISTENER]...
//
// KIND is `noise` (random octets) or `forged` (RTP headers before an SRTP tag that does not verify); PORT takes RATE of
// them a second, and they come from the port FROM (0: any), which may be that of a radio. Each KEY (a file) TALKER (the radio's port) GATEWAY (its port there) LISTENER (the
// other radio's port) is a channel: 50 packets a second go in from TALKER, and those that come out at LISTENER are
// counted. Says {"junk": N, "sent": N, "heard": N, "behind_ms": N} as JSON; behind_ms is how late the slowest packet came.
#include <fmt/format.h>
#include <poll.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "crosspatch/core/text.hpp"
#include "crosspatch/media/socket.hpp"
#include "crosspatch/rtp/octets.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/srtp_sender.hpp"

namespace {

using namespace crosspatch;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
constexpr std::uint32_t kFirstSsrc = 0x5000;
constexpr std::size_t kPayload = 160;  // 20 ms of G.711

core::Address loopback(const std::string& port) { return *core::Address::parse("127.0.0.1:" + port, true); }

core::UniqueFd open_port(const core::Address& local) {
    auto fd = media::open_udp(local);
    if (!fd) throw std::runtime_error{fd.error().context};
    return std::move(*fd);
}

rtp::MasterKey read_key(const std::string& file) {
    std::string text;
    std::ifstream{file} >> text;
    const auto octets = core::from_base64(text);
    if (!octets) throw std::runtime_error{file + " is no key"};
    auto key = rtp::MasterKey::make(rtp::Suite::Aes256Gcm, core::Secret{*octets});
    if (!key) throw std::runtime_error{key.error().context};
    return std::move(*key);
}

// One radio that talks, and one on the same channel that listens.
class Channel {
public:
    Channel(std::uint32_t ssrc, const rtp::MasterKey& key, const core::Address& talker,
            const core::Address& gateway, const core::Address& listener)
        : sender_{rtp::Suite::Aes256Gcm, &key},
          talker_{open_port(talker)},
          listener_{open_port(listener)},
          length_{gateway.fill(gateway_)} {
        sender_.begin(ssrc, {1, 1});
        sender_.set_reserved(ssrc, rtp::SrtpSender::unrecorded());
    }

    void talk() {
        std::array<std::byte, 256> packet;
        const std::uint64_t index = sender_.next().rtp;
        rtp::write_fixed_header(std::span{packet}.first<rtp::kMinHeader>(), 0, sent_ == 0,
                                static_cast<std::uint16_t>(index),
                                static_cast<std::uint32_t>(index * kPayload), sender_.ssrc());
        std::fill_n(packet.begin() + rtp::kMinHeader, kPayload, std::byte{0xD5});
        const auto sealed =
            sender_.seal_rtp(packet, rtp::kMinHeader, rtp::kMinHeader + kPayload, sender_.ssrc(), index);
        sendto(talker_.get(), packet.data(), *sealed, 0, reinterpret_cast<const sockaddr*>(&gateway_),
               length_);
        sent_at_[sent_++ % sent_at_.size()] = Clock::now();
    }

    void listen() {
        std::array<std::byte, 2048> octets;
        for (;;) {
            const auto size = recv(listener_.get(), octets.data(), octets.size(), MSG_DONTWAIT);
            if (size < 0) return;
            const auto packet = std::span{octets}.first(static_cast<std::size_t>(size));
            if (rtp::classify(packet) != rtp::DatagramKind::Rtp) continue;
            const std::uint16_t sequence = rtp::load16(packet, 2);
            if (heard_ == 0) first_ = sequence;
            ++heard_;
            const auto place = static_cast<std::uint16_t>(sequence - first_);
            behind_ = std::max(behind_, Clock::now() - sent_at_[place % sent_at_.size()]);
        }
    }

    int listener() const { return listener_.get(); }
    std::uint64_t sent() const { return sent_; }
    std::uint64_t heard() const { return heard_; }
    Clock::duration behind() const { return behind_; }

private:
    rtp::SrtpSender sender_;
    core::UniqueFd talker_, listener_;
    sockaddr_storage gateway_;
    socklen_t length_;
    std::uint64_t sent_{}, heard_{};
    std::uint16_t first_{};
    std::array<Clock::time_point, 256> sent_at_{};
    Clock::duration behind_{};
};

// RATE datagrams a second in a burst each millisecond; how many the system took.
std::uint64_t flood(std::size_t rate, bool forged, const core::Address& from, const core::Address& to,
                    const std::atomic<bool>& stop) {
    constexpr std::size_t kBatch = 64;
    const core::UniqueFd fd = open_port(from);
    std::array<std::array<std::byte, 180>, kBatch> octets;
    std::array<iovec, kBatch> vectors;
    std::array<mmsghdr, kBatch> headers{};
    sockaddr_storage address;
    const socklen_t length = to.fill(address);
    std::mt19937 random{7};
    for (std::size_t i = 0; i < kBatch; ++i) {
        for (std::byte& octet : octets[i]) octet = static_cast<std::byte>(random());
        vectors[i] = {octets[i].data(), octets[i].size()};
        headers[i].msg_hdr = {&address, length, &vectors[i], 1, nullptr, 0, 0};
    }
    std::uint64_t sent = 0;
    const auto began = Clock::now();
    while (!stop) {
        const auto passed = std::chrono::duration<double>(Clock::now() - began).count();
        const auto due = static_cast<std::uint64_t>(passed * static_cast<double>(rate));
        while (sent < due && !stop) {
            if (forged)
                for (std::size_t i = 0; i < kBatch; ++i)
                    rtp::write_fixed_header(std::span{octets[i]}.first<rtp::kMinHeader>(), 0, false,
                                            static_cast<std::uint16_t>(sent + i),
                                            static_cast<std::uint32_t>((sent + i) * kPayload), kFirstSsrc);
            const auto count = static_cast<unsigned>(std::min<std::uint64_t>(kBatch, due - sent));
            const int done = sendmmsg(fd.get(), headers.data(), count, 0);
            if (done <= 0) break;
            sent += static_cast<std::uint64_t>(done);
        }
        std::this_thread::sleep_for(1ms);
    }
    return sent;
}

void listen_all(std::vector<std::unique_ptr<Channel>>& channels, Clock::time_point until) {
    std::vector<pollfd> polled;
    for (const auto& channel : channels) polled.push_back({channel->listener(), POLLIN, 0});
    for (auto now = Clock::now(); now < until; now = Clock::now()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now);
        poll(polled.data(), polled.size(), static_cast<int>(left.count()));
        for (std::size_t i = 0; i < channels.size(); ++i)
            if (polled[i].revents) channels[i]->listen();
    }
}

int run(const std::vector<std::string>& arguments) {
    const auto seconds = std::strtod(arguments.at(0).c_str(), nullptr);
    const std::size_t rate = std::strtoul(arguments.at(1).c_str(), nullptr, 10);
    std::vector<std::unique_ptr<Channel>> channels;
    for (std::size_t at = 5; at + 3 < arguments.size(); at += 4)
        channels.push_back(std::make_unique<Channel>(
            kFirstSsrc + static_cast<std::uint32_t>(channels.size()), read_key(arguments[at]),
            loopback(arguments[at + 1]), loopback(arguments[at + 2]), loopback(arguments[at + 3])));
    std::atomic<bool> stop{false};
    std::uint64_t junk = 0;
    std::thread flooder{[&] {
        std::this_thread::sleep_for(500ms);  // the talkspurts are under way by then
        junk = flood(rate, arguments.at(2) == "forged", loopback(arguments.at(4)), loopback(arguments.at(3)),
                     stop);
    }};
    const auto frames = static_cast<std::size_t>(seconds * 50);
    auto due = Clock::now();
    for (std::size_t frame = 0; frame < frames; ++frame) {
        // Spread over the 20 ms, as radios are that know nothing of one another.
        for (const auto& channel : channels) {
            channel->talk();
            due += std::chrono::duration_cast<Clock::duration>(20ms) / channels.size();
            listen_all(channels, due);
        }
    }
    stop = true;
    flooder.join();
    listen_all(channels, Clock::now() + 500ms);
    std::uint64_t sent = 0;
    std::uint64_t heard = 0;
    Clock::duration behind{};
    for (const auto& channel : channels) {
        sent += channel->sent();
        heard += channel->heard();
        behind = std::max(behind, channel->behind());
    }
    fmt::print("{{\"junk\": {}, \"sent\": {}, \"heard\": {}, \"behind_ms\": {}}}\n", junk, sent, heard,
               std::chrono::duration_cast<std::chrono::milliseconds>(behind).count());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 10 || (argc - 6) % 4 != 0) {
        fmt::print(stderr, "flooder SECONDS RATE noise|forged PORT FROM KEY TALKER GATEWAY LISTENER ...\n");
        return 2;
    }
    if (sodium_init() < 0) return 1;
    try {
        return run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        fmt::print(stderr, "flooder: {}\n", error.what());
        return 1;
    }
}
