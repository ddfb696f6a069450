#include "crosspatch/app/tone_book.hpp"

#include <algorithm>
#include <array>

#include "crosspatch/codec/encoder.hpp"
#include "crosspatch/codec/tone.hpp"

namespace crosspatch::app {
namespace {

using namespace std::chrono_literals;

// Tones that no set of selective calling has and that are no part of a DTMF digit, so that nothing answers to them.
constexpr std::array kMarkHertz{480.0, 530.0, 640.0, 720.0, 790.0, 910.0};
constexpr double kEncryptedHertz = 1100.0;
constexpr double kClearHertz = 400.0;
constexpr double kMarkLevel_dbov = -24.0;  // some 6 dB below speech: it is heard, and so is what is said

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

const media::Mark& ToneBook::mark(std::size_t place, bool encrypted) {
    constexpr std::size_t kPatterns = kMarkHertz.size() * (kMarkHertz.size() - 1);
    place %= kPatterns;
    const auto [found, is_new] = marks_.try_emplace({place, encrypted});
    media::Mark& mark = found->second;
    if (!is_new) return mark;
    // Every ordered pair of two different tones in turn; neighbours in the configuration differ in the first one.
    const std::size_t first = place % kMarkHertz.size();
    const std::size_t second = (first + 1 + place / kMarkHertz.size()) % kMarkHertz.size();
    for (std::size_t i = 0; i < media::Mark::kRates.size(); ++i)
        for (const auto& [hertz, length] :
             {std::pair{kMarkHertz[first], 90ms}, std::pair{kMarkHertz[second], 90ms},
              std::pair{encrypted ? kEncryptedHertz : kClearHertz, 60ms}}) {
            const auto tone =
                codec::render({.hertz = hertz, .level_dbov = kMarkLevel_dbov, .on = length, .bursts = 1},
                              media::Mark::kRates[i]);
            mark.samples[i].insert(mark.samples[i].end(), tone.begin(), tone.end());
        }
    return mark;
}

}  // namespace crosspatch::app
