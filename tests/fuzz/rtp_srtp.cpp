// Our SRTP receiver against libsrtp2's: what the input makes of genuine packets, both take or both refuse.
//
// Input: octet 0 picks suite and start; then steps of four octets {what, a, b, c}. A step seals the next
// packet, delivers or repeats one, damages, cuts or lengthens it, or delivers octets of the input as they
// are.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include "crosspatch/rtp/octets.hpp"
#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/srtp_receiver.hpp"
#include "crosspatch/rtp/srtp_sender.hpp"
#include "tests/rtp/srtp_oracle.hpp"

namespace {

using namespace crosspatch::rtp;
using Octets = std::vector<std::byte>;

void must(bool holds) {
    if (!holds) std::abort();
}

constexpr Suite kSuites[] = {Suite::Aes256Gcm, Suite::Aes128Gcm, Suite::AesCm128HmacSha1_80};

Octets octets_of(Suite suite) {
    Octets made(info(suite).key_size + info(suite).salt_size);
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<std::byte>(i * 37 + 11);
    return made;
}

// One key a suite, made once: guarded memory is slow to come by.
const MasterKey& key_of(Suite suite) {
    static const auto made = [] {
        std::vector<MasterKey> keys;
        for (const auto it : kSuites) {
            keys.push_back(std::move(*MasterKey::make(it, crosspatch::core::Secret{octets_of(it)})));
        }
        return keys;
    }();
    return made[static_cast<std::size_t>(suite)];
}

struct Path {
    Path(Suite suite, std::uint64_t start)
        : sender{suite, &key_of(suite)},
          receiver{suite, {&key_of(suite), 1}},
          oracle{suite, octets_of(suite), Oracle::Side::Receives},
          index{start} {
        for (std::uint32_t ssrc : {1U, 2U}) must(sender.begin(ssrc, {start, 1}));
        sender.set_reserved(2, SrtpSender::unrecorded());
    }

    // With contributing sources and an extension where the input wants them.
    Octets seal(std::uint8_t shape, std::size_t payload) {
        const std::size_t sources = shape % 4;
        const std::size_t extension = shape & 0x10 ? 8 : 0;
        const std::size_t header = 12 + sources * 4 + extension;
        Octets packet(header + payload + 16, std::byte{0x33});
        store16(packet, 0, static_cast<std::uint16_t>(0x8060U | sources << 8 | (extension ? 0x1000U : 0U)));
        store16(packet, 2, static_cast<std::uint16_t>(index & 0xFFFF));
        store32(packet, 8, 2);
        if (extension) store32(packet, 12 + sources * 4, 0xBEDE0001);
        const auto sealed = sender.seal_rtp(packet, header, header + payload, 2, index);
        must(sealed.has_value());
        packet.resize(*sealed);
        return packet;
    }
    Octets seal_rtcp(std::size_t words) {
        Octets packet(8 + words * 4 + 20, std::byte{0x44});
        store32(packet, 0, 0x80C80000U | static_cast<std::uint32_t>(1 + words));
        store32(packet, 4, 2);
        const auto sealed = sender.seal_rtcp(packet, 8 + words * 4);
        must(sealed.has_value());
        packet.resize(*sealed);
        return packet;
    }

    // False: they differ as they are known to; nothing after that compares.
    bool deliver(const Octets& packet) {
        const auto header = parse_header(packet);
        if (!header) return true;
        const auto before = highest;
        Octets ours = packet;
        const auto opened = receiver.open_rtp(ours, header->size, header->ssrc, header->sequence);
        Octets theirs = packet;
        theirs.resize(packet.size() + 4);
        std::size_t size = packet.size();
        const auto status = oracle.unprotect(theirs.data(), size);
        if (opened && header->ssrc == 2) highest = std::max(highest, opened->index);
        if (opened.has_value() != (status == srtp_err_status_ok)) {
            // We take a stream up again that ran on for more than half a cycle unheard; RFC 3711 gives it up.
            must(opened && opened->index > before + 32768);
            return false;
        }
        if (!opened) {
            must(ours == packet || opened.error() == SrtpError::RocMismatch);
            return true;
        }
        must(opened->plaintext.size() + header->size == size);
        must(std::equal(opened->plaintext.begin(), opened->plaintext.end(), theirs.begin() + header->size));
        return true;
    }
    void deliver_rtcp(const Octets& packet) {
        Octets ours = packet;
        const auto opened = receiver.open_rtcp(ours);
        Octets theirs = packet;
        theirs.resize(packet.size() + 4);
        std::size_t size = packet.size();
        const bool accepted =
            packet.size() >= 8 && oracle.unprotect_rtcp(theirs.data(), size) == srtp_err_status_ok;
        must(opened.has_value() == accepted);
        must(!opened || opened->plaintext.size() == size);
    }

    SrtpSender sender;
    SrtpReceiver receiver;
    Oracle oracle;
    std::uint64_t index;
    std::uint64_t highest{};
};

struct Step {
    std::uint8_t what, a, b, c;
};

void change(Octets& packet, const Step& step) {
    const std::size_t at = (step.b << 8 | step.c) % packet.size();
    switch (step.a % 5) {
        case 0:
            packet[at] ^= static_cast<std::byte>(1U << step.a / 5 % 8);
            break;
        case 1:
            packet.resize(at + 1);
            break;
        case 2:
            packet.insert(packet.end(), 1 + step.b % 16, static_cast<std::byte>(step.c));
            break;
        case 3:
            packet.insert(packet.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::byte>(step.a));
            break;
        case 4:
            store16(packet, 2, static_cast<std::uint16_t>(step.b << 8 | step.c));
            break;
    }
}

bool run(Path& path, const Step& step, std::vector<Octets>& sent, std::vector<Octets>& reports) {
    const auto pick = [&](std::vector<Octets>& from) -> Octets& { return from[step.b % from.size()]; };
    switch (step.what % 8) {
        case 0:
        case 1:
            path.index += 1 + step.a;
            sent.push_back(path.seal(step.b, step.c));
            return path.deliver(sent.back());
        case 2:
            path.index += 1 + (step.a << 8 | step.b);
            sent.push_back(path.seal(0, step.c));
            return true;
        case 3:
            return sent.empty() || path.deliver(pick(sent));
        case 4: {
            if (sent.empty()) return true;
            Octets packet = sent.back();
            change(packet, step);
            return path.deliver(packet);
        }
        case 5:
            reports.push_back(path.seal_rtcp(step.a % 16));
            path.deliver_rtcp(pick(reports));
            return true;
        case 6: {
            if (reports.empty()) return true;
            Octets packet = pick(reports);
            change(packet, step);
            path.deliver_rtcp(packet);
            return true;
        }
        default:
            return true;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 5) return 0;
    // Below 32,768, as every stream must begin: libsrtp2 does not look back before that.
    Path path{kSuites[data[0] % 3], static_cast<std::uint64_t>(data[0] / 3) * 380};
    std::vector<Octets> sent;
    std::vector<Octets> reports;
    for (std::size_t at = 1; at + 4 <= size && sent.size() < 200; at += 4) {
        const Step step{data[at], data[at + 1], data[at + 2], data[at + 3]};
        if (step.what % 8 == 7) {  // as they are
            const std::size_t length = std::min<std::size_t>(step.a, size - at - 4);
            const auto* from = reinterpret_cast<const std::byte*>(data + at + 4);
            const Octets raw{from, from + length};
            if (!path.deliver(raw)) return 0;
            path.deliver_rtcp(raw);
        } else if (!run(path, step, sent, reports)) {
            return 0;
        }
    }
    return 0;
}
