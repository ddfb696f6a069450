#include "crosspatch/bridge/talker_tone.hpp"

namespace crosspatch::bridge {
namespace {

using namespace std::chrono_literals;
using core::config::Word;

struct Known {
    std::string_view name;
    codec::Tone shape;
};
// In the order of TalkerTone. High and short: go on. Low and long: stop.
constexpr std::array<Known, kTalkerTones> kKnown{{
    {"granted", {.hertz = 910, .on = 60ms, .off = 40ms, .bursts = 3}},
    {"denied", codec::kDenyTone},
    {"queued", {.hertz = 620, .on = 80ms, .off = 80ms, .bursts = 2}},
    {"warning", {.hertz = 1400, .on = 80ms, .off = 120ms, .bursts = 3}},
    {"revoked", {.hertz = 425, .on = 800ms, .off = 0ms, .bursts = 1}},
    {"lost", {.hertz = 300, .on = 150ms, .off = 100ms, .bursts = 2}},
}};

}  // namespace

codec::Tone shape_of(TalkerTone tone) { return kKnown[static_cast<std::size_t>(tone)].shape; }

TalkerToneSet read_tones(const core::config::Node& list) {
    std::array<Word, kTalkerTones> words;
    for (std::size_t i = 0; i < kTalkerTones; ++i) words[i] = {kKnown[i].name, static_cast<int>(i)};
    TalkerToneSet set;
    for (const core::config::Node& one : list.list())
        if (const auto index = core::config::choice(one, "tone", words))
            set.insert(static_cast<TalkerTone>(*index));
    return set;
}

}  // namespace crosspatch::bridge
