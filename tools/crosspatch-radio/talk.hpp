#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "crosspatch/core/time.hpp"

namespace crosspatch::radio {

// A file that is talked in real time, as often as asked, with the button let go in between.
//
// Units    16-bit samples; a frame is what one packet carries, the last one padded with silence.
// Time     passed in; a frame is due when its first sample would have been spoken.
// Thread   one.
class FileTalk {
public:
    struct Frame {
        bool first;  // the button has just been pressed
        std::span<const std::int16_t> samples;
    };

    FileTalk(std::vector<std::int16_t> samples, std::size_t frame, std::chrono::milliseconds ptime,
             int repeat, std::chrono::milliseconds gap, core::Time begin);

    // When take() next has a frame; nothing once all was talked.
    std::optional<core::Time> next() const;
    // The frame that is due, if one is; valid while the object lives.
    std::optional<Frame> take(core::Time now);

    // When the last sample of what was taken so far has been spoken; nothing before the first frame.
    std::optional<core::Time> said_until() const { return said_until_; }

    // For a key that has to ask first: no frame of this turn has been taken yet; the turn begins now; or it is over.
    bool is_at_start() const { return position_ == 0; }
    void begin(core::Time now) { due_ = now; }
    void skip(core::Time now);

private:
    std::vector<std::int16_t> samples_;  // whole frames
    std::size_t frame_;
    std::chrono::milliseconds ptime_;
    int left_;  // times to talk, this one included
    std::chrono::milliseconds gap_;
    core::Time due_;
    std::optional<core::Time> said_until_;
    std::size_t position_{};
};

// A talker that sends all the time: what is not said is silence.
//
// Time     passed in; frames are due one packet's length apart from `begin` on. A turn of the file begins with the frame
//          in whose time it falls due.
// Thread   one.
class OpenMicrophone {
public:
    OpenMicrophone(std::size_t frame, std::chrono::milliseconds ptime, core::Time begin)
        : silence_(frame), ptime_{ptime}, due_{begin} {}

    core::Time next() const { return due_; }
    // The frame that is due, if one is: of `file` if it talks, which may be none; valid while both live.
    std::optional<FileTalk::Frame> take(FileTalk* file, core::Time now);

private:
    std::vector<std::int16_t> silence_;
    std::chrono::milliseconds ptime_;
    core::Time due_;
    bool begun_{};
};

// A microphone's samples, cut into frames.
class FrameCutter {
public:
    explicit FrameCutter(std::size_t frame) : frame_{frame} {}

    void add(std::span<const std::int16_t> samples);
    // A whole frame, if there is one; valid until the next call.
    std::optional<std::span<const std::int16_t>> take();
    // The button was let go: what is left is not said.
    void clear();

private:
    std::size_t frame_;
    std::size_t taken_{};
    std::vector<std::int16_t> samples_;
};

}  // namespace crosspatch::radio
