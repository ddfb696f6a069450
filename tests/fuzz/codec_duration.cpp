// What a payload says about its duration, against what comes out when it is decoded. Octet 0 picks the
// format.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "crosspatch/codec/decoder.hpp"

namespace {

using namespace crosspatch::codec;

struct Target {
    Format format;
    std::unique_ptr<Decoder> decoder;
};

std::vector<Target> make_targets() {
    std::vector<Target> targets;
    for (const char* name :
         {"opus", "pcmu", "g722", "gsm", "l16/16000", "l16/48000", "codec2/2400", "codec2/1300"})
        targets.push_back({*format_named(name), make_decoder(*format_named(name))});
    return targets;
}

void expect(bool kept) {
    if (!kept) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<Target> targets = make_targets();
    static std::array<std::int16_t, kMaxSamples> out;
    if (size < 1) return 0;
    const Target& target = targets[data[0] % targets.size()];
    const Format& format = target.format;
    const auto payload = std::as_bytes(std::span{data, size}).subspan(1);

    const auto ticks = packet_duration(format, payload);
    expect(!ticks || (*ticks > 0 && *ticks <= format.clock / 5));
    expect(!is_dtx(format, payload) || (ticks && payload.size() <= 2));
    const std::size_t samples = target.decoder->decode(payload, out);
    if (!ticks) expect(samples == 0);
    // An Opus or GSM frame may be refused for what is inside; if not, it is as long as it said.
    if (samples > 0) expect(samples == std::size_t{*ticks} * format.rate / format.clock);
    if (format.kind != Kind::Opus && format.kind != Kind::Gsm) expect(ticks.has_value() == (samples > 0));
    return 0;
}
