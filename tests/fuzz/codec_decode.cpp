// Every decoder under payloads that nobody sane would send.
//
// Octet 0 picks the format and the rate. Then packets: an octet that says what to do with it, one for its
// length, its octets.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "crosspatch/codec/decoder.hpp"
#include "crosspatch/codec/rates.hpp"

namespace {

using namespace crosspatch::codec;

constexpr std::size_t kBeyond = 64;
constexpr std::int16_t kUntouched = 0x5A5A;

struct Target {
    std::unique_ptr<Decoder> decoder;
    std::uint32_t rate;
};

// Making an Opus decoder costs more than a run; they are made once and started again, as the packet path
// does.
std::vector<Target> make_targets() {
    std::vector<Target> targets;
    for (const char* name : {"opus", "pcmu", "pcma", "g722", "gsm", "l16/8000", "l16/48000", "codec2/3200",
                             "codec2/2400", "codec2/1600", "codec2/1400", "codec2/1300", "codec2/1200"}) {
        const Format format = *format_named(name);
        for (const std::uint32_t rate : own_rates(format)) targets.push_back({make_decoder(format), rate});
    }
    return targets;
}

void expect(bool kept) {
    if (!kept) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<Target> targets = make_targets();
    if (size < 1) return 0;
    const Target& target = targets[data[0] % targets.size()];
    target.decoder->start(target.rate);
    auto rest = std::as_bytes(std::span{data, size}).subspan(1);
    for (int packets = 0; rest.size() >= 2 && packets < 32; ++packets) {
        const auto action = std::to_integer<unsigned>(rest[0]);
        const auto length =
            std::min(std::to_integer<std::size_t>(rest[1]) * (action & 0x80U ? 8 : 1), rest.size() - 2);
        const auto payload = rest.subspan(2, length);
        rest = rest.subspan(2 + length);
        const std::size_t room = action & 0x40U ? kMaxSamples : (action & 0x3FU) * target.rate / 400;
        // The codec libraries are built without sanitizers: samples beyond the room show what they overwrite.
        std::vector<std::int16_t> memory(room + kBeyond, kUntouched);
        const auto out = std::span{memory}.first(room);
        const std::size_t asked = (action & 0x0FU) * target.rate / 400;
        switch (action >> 4U & 3U) {
            case 0:
                expect(target.decoder->recover(payload, asked, out) <= room);
                break;
            case 1:
                expect(target.decoder->conceal(asked, out) == std::min(asked, room));
                break;
            default:
                expect(target.decoder->decode(payload, out) <= room);
        }
        expect(std::ranges::count(std::span{memory}.subspan(room), kUntouched) == kBeyond);
    }
    return 0;
}
