// What reading a packet costs, in ns and against copying the same octets: header and padding of an RTP
// packet, the header with an audio level, a compound RTCP datagram, and the writing of a header. Rounds are
// interleaved and the medians compared, so that a busy machine moves both sides alike.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <span>
#include <vector>

#include "crosspatch/core/text.hpp"
#include "crosspatch/rtp/extension.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/reception.hpp"
#include "crosspatch/rtp/rtcp.hpp"

using namespace crosspatch;
using namespace crosspatch::rtp;

namespace {

constexpr int kRounds = 15;
constexpr int kPackets = 200'000;
constexpr std::size_t kRing = 64;  // packets in turn, all in the nearest cache as after a receive

using Ring = std::vector<std::vector<std::byte>>;

// Keeps the compiler from leaving the work out.
template <typename Value>
void keep(const Value& value) {
    asm volatile("" : : "g"(&value) : "memory");
}

template <typename Work>
double ns_per_packet(const Ring& ring, Work work) {
    const auto start = std::chrono::steady_clock::now();
    for (int packet = 0; packet < kPackets; ++packet) work(ring[static_cast<std::size_t>(packet) % kRing]);
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
           kPackets;
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

template <typename Work>
void compare(const char* what, const Ring& ring, Work work) {
    std::array<std::byte, kMaxPacket> copy;
    std::vector<double> ours, copied;
    for (int round = 0; round < kRounds; ++round) {
        ours.push_back(ns_per_packet(ring, work));
        copied.push_back(ns_per_packet(ring, [&](std::span<const std::byte> octets) {
            std::memcpy(copy.data(), octets.data(), octets.size());
            keep(copy);
        }));
    }
    fmt::print("{:<34} {:>5} octets {:>7.2f} ns, memcpy {:>5.2f} ns, ratio {:.2f}\n", what,
               ring.front().size(), median(ours), median(copied), median(ours) / median(copied));
}

Ring ring_of(const char* head, std::size_t size) {
    auto packet = core::from_hex(head).value();
    packet.resize(std::max(size, packet.size()), std::byte{0x55});
    return Ring(kRing, packet);
}

}  // namespace

int main() {
    const auto read = [](std::span<const std::byte> datagram) {
        const auto header = parse_header(datagram);
        const auto payload = payload_of(*header, datagram.subspan(header->size));
        keep(*payload);
    };
    const Ring opus = ring_of("806f123400000140cafebabe", 12 + 62);
    compare("header and payload, Opus", opus, read);
    compare("header and payload, PCMU", ring_of("8000123400000140cafebabe", 12 + 160), read);
    compare("the same with an audio level", ring_of("906f123400000140cafebabebede0001109e0000", 20 + 62),
            [](std::span<const std::byte> datagram) {
                const auto header = parse_header(datagram);
                const auto level = audio_level(*header, 1);
                const auto payload = payload_of(*header, datagram.subspan(header->size));
                keep(level);
                keep(*payload);
            });

    std::array<std::byte, kMaxPacket> out{};
    Header header;
    header.payload_type = 111;
    compare("writing a header", opus, [&](std::span<const std::byte>) {
        ++header.sequence;
        keep(write_header(out, header));
    });
    Reception reception{1, 48000};
    std::uint16_t sequence = 0;
    core::Time now{};
    compare("counting a packet (Reception)", opus, [&](std::span<const std::byte>) {
        ++sequence;
        now += std::chrono::milliseconds{20};
        keep(reception.on_packet(sequence, sequence * 960u, now));
    });

    const Ring compound = ring_of(
        "81c8000c00001234e8d4a5108000000000027100000003e8000271000000567819fffffd0001000a00000028a5100080"
        "0001000081ca0004000012340107677740686f737400000081cb00030000123404646f6e65000000",
        88);
    compare("RTCP compound, every view", compound, [](std::span<const std::byte> datagram) {
        const auto done = parse_compound(datagram, [](const auto& view) { keep(view); });
        keep(done);
    });
}
