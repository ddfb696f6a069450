#include "crosspatch/app/tone_book.hpp"

#include <algorithm>
#include <array>

#include "crosspatch/codec/encoder.hpp"
#include "crosspatch/codec/tone.hpp"

namespace crosspatch::app {
namespace {

bridge::Topology::Tone encode(const codec::Tone& tone, const codec::Format& format,
                              std::chrono::milliseconds ptime) {
    const auto encoder = codec::make_encoder(format);
    const std::uint32_t rate = encoder->rates().front();
    encoder->start(rate, format);
    std::vector<std::int16_t> samples = codec::render(tone, rate);
    const std::size_t frame = rate / 1000 * static_cast<std::size_t>(ptime.count());
    samples.resize((samples.size() + frame - 1) / frame * frame, 0);
    bridge::Topology::Tone made;
    std::array<std::byte, codec::kMaxPayload> payload;
    for (std::size_t at = 0; at < samples.size(); at += frame) {
        const std::size_t octets = encoder->encode(std::span{samples}.subspan(at, frame), payload);
        made.packets.emplace_back(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(octets));
    }
    return made;
}

}  // namespace

std::shared_ptr<const bridge::Topology::Tones> ToneBook::tones(const codec::Format& format,
                                                               std::chrono::milliseconds ptime,
                                                               bridge::TalkerToneSet set) {
    if (set.empty()) return nullptr;
    std::erase_if(made_, [](const Made& one) { return one.tones.expired(); });
    for (const Made& one : made_)
        if (one.format == format && one.ptime == ptime && one.set == set) return one.tones.lock();
    auto tones = std::make_shared<bridge::Topology::Tones>();
    for (std::size_t i = 0; i < bridge::kTalkerTones; ++i) {
        const auto tone = static_cast<bridge::TalkerTone>(i);
        if (set.contains(tone)) (*tones)[i] = encode(bridge::shape_of(tone), format, ptime);
    }
    made_.push_back({format, ptime, set, tones});
    return tones;
}

}  // namespace crosspatch::app
