#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "crosspatch/codec/tone.hpp"
#include "crosspatch/core/config.hpp"

namespace crosspatch::bridge {

// What a talker is told by ear.
//
// Thread   any; values only, read_tones() and shape_of() are control's.
// Source   contract.md, Floor (deny_tone; a tone where a far channel is skipped).
enum class TalkerTone : std::uint8_t {
    Granted,  // talk permit
    Denied,   // somebody else talks, or it is not allowed
    Queued,
    Warning,  // the talk limit is near
    Revoked,
    FarSideLost,  // a channel on the bridge does not hear him, or no longer
};
inline constexpr std::size_t kTalkerTones = 6;

// Which of them an endpoint wants.
class TalkerToneSet {
public:
    void insert(TalkerTone tone) { bits_ |= bit(tone); }
    bool contains(TalkerTone tone) const { return (bits_ & bit(tone)) != 0; }
    bool empty() const { return bits_ == 0; }
    bool operator==(const TalkerToneSet&) const = default;

private:
    static std::uint8_t bit(TalkerTone tone) {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(tone));
    }
    std::uint8_t bits_{};
};

// How it sounds. All of them can be told apart on a narrow channel: by pitch, length and number.
codec::Tone shape_of(TalkerTone tone);

// Reads `tones: [denied, warning, …]`.
TalkerToneSet read_tones(const core::config::Node& list);

}  // namespace crosspatch::bridge
