// Writes ED-137 packets of every kind that we can write into a capture file, and says of each on standard
// output what is in it: key, squelch, id, PM, PTTS, SCT, quality "index/method", CLIMAX "mode/delay"; "-" for none.
//
// usage: ed137_packets FILE
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "crosspatch/rtp/ed137.hpp"

using namespace crosspatch::rtp;

namespace {

constexpr std::uint16_t kPort = 40000;

// A capture file of IPv4 datagrams without a link layer: https://www.tcpdump.org, LINKTYPE_RAW.
class Capture {
public:
    explicit Capture(const char* path) : file_{path, std::ios::binary} {
        const std::uint32_t head[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 101};
        put(std::as_bytes(std::span{head}));
    }
    void add(std::span<const std::byte> datagram) {
        std::array<std::byte, 28> ip{};
        store16(ip, 0, 0x4500);
        store16(ip, 2, static_cast<std::uint16_t>(ip.size() + datagram.size()));
        store16(ip, 8, 64 << 8 | 17);
        store32(ip, 12, 0x7f000001);
        store32(ip, 16, 0x7f000001);
        store16(ip, 20, kPort);
        store16(ip, 22, kPort);
        store16(ip, 24, static_cast<std::uint16_t>(8 + datagram.size()));
        const auto size = static_cast<std::uint32_t>(ip.size() + datagram.size());
        const std::uint32_t record[] = {count_++ / 50, 0, size, size};
        put(std::as_bytes(std::span{record}));
        put(ip);
        put(datagram);
    }
    bool good() { return file_.flush().good(); }

private:
    void put(std::span<const std::byte> octets) {
        file_.write(reinterpret_cast<const char*>(octets.data()),
                    static_cast<std::streamsize>(octets.size()));
    }
    std::ofstream file_;
    std::uint32_t count_{};
};

void write_one(Capture& capture, const ed137::Extension& extension, std::uint16_t number) {
    const auto octets = ed137::write(extension);
    const bool voice = extension.ptt != ed137::Ptt::Off || extension.squelch_open;
    Header header;
    header.payload_type = voice ? 8 : ed137::kKeepAlive;
    header.sequence = number;
    header.timestamp = number * 160u;
    header.ssrc = 0x1234;
    header.extension_profile = ed137::kProfile;
    header.extension = octets.view();
    std::vector<std::byte> packet(written_size(header) + (voice ? 160 : 0), std::byte{0xd5});
    write_header(packet, header);
    capture.add(packet);

    std::string quality{"-"}, climax{"-"};
    if (extension.quality)
        quality = std::to_string(extension.quality->index) + "/" + std::to_string(extension.quality->method);
    if (extension.climax)
        climax = std::to_string(extension.climax->absolute) + "/" + std::to_string(extension.climax->delay);
    std::printf("%d %d %d %d %d %d %s %s\n", static_cast<int>(extension.ptt), extension.squelch_open,
                extension.ptt_id, extension.muted, extension.summed, extension.simultaneous, quality.c_str(),
                climax.c_str());
}

// Every key with every id; every flag; every quality; every CLIMAX; and both.
std::vector<ed137::Extension> everything() {
    std::vector<ed137::Extension> all;
    for (int i = 0; i < 6 * 64; ++i)
        all.push_back({.ptt = static_cast<ed137::Ptt>(i / 64), .ptt_id = static_cast<std::uint8_t>(i % 64)});
    for (int i = 0; i < 16; ++i)
        all.push_back({.squelch_open = (i & 8) != 0,
                       .muted = (i & 4) != 0,
                       .summed = (i & 2) != 0,
                       .simultaneous = (i & 1) != 0});
    for (int i = 0; i < 256; ++i) {
        const ed137::Quality quality{static_cast<std::uint8_t>(i / 8), static_cast<std::uint8_t>(i % 8)};
        const ed137::Climax climax{i >= 128, static_cast<std::uint8_t>(i % 128)};
        all.push_back({.squelch_open = true, .quality = quality});
        all.push_back({.ptt = ed137::Ptt::Coupling, .ptt_id = 1, .climax = climax});
        all.push_back({.ptt = ed137::Ptt::Priority, .ptt_id = 2, .quality = quality, .climax = climax});
    }
    return all;
}

}  // namespace

int main(int count, char** words) {
    if (count != 2) {
        std::fprintf(stderr, "usage: ed137_packets FILE\n");
        return 2;
    }
    Capture capture{words[1]};
    std::uint16_t number = 0;
    for (const auto& extension : everything()) write_one(capture, extension, number++);
    return capture.good() ? EXIT_SUCCESS : EXIT_FAILURE;
}
