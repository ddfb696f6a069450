#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "crosspatch/ptt/mcpt_participant.hpp"
#include "options.hpp"
#include "talk.hpp"

namespace crosspatch::radio {

// The key of a radio that asks before it talks: floor messages of TS 24.380 both ways.
//
// Shape    what a floor participant sends goes out by `send`; what a person sees is printed to standard error and kept
//          for the closing report.
// Time     passed in; on_time() at next() or later.
// Errors   a message that is none, or not for us, is counted.
// Thread   one.
class Handset {
public:
    using Send = std::function<void(const rtp::FloorMessage&)>;

    Handset(const Options::Floor& floor, std::uint32_t ssrc, core::Time start, Send send);

    void key(bool down, core::Time now);
    void on_app(const rtp::App& app, std::optional<std::uint64_t> order, core::Time now);
    void on_media(core::Time now) { carry_out(terminal_.on_media(now), now); }
    void on_time(core::Time now);
    std::optional<core::Time> next() const { return terminal_.next_deadline(); }

    bool may_talk() const { return terminal_.may_talk(); }
    bool is_at_rest() const { return terminal_.state() == ptt::McptParticipant::State::NoPermission; }

    // A file is talked with this key: pressed when its turn comes, let go at its end; the words wait for the floor, and
    // what was denied or cut off is not said. The frame that may go out now, if one may.
    std::optional<FileTalk::Frame> take(FileTalk& file, core::Time now);
    // When take() has something to do without a message coming first.
    std::optional<core::Time> next(const FileTalk& file) const;

    // What happened, as a JSON object.
    std::string json() const;

private:
    void carry_out(const ptt::McptParticipant::Step& step, core::Time now);
    void show(const ptt::McptParticipant::Event& event, core::Time now);

    Options::Floor floor_;
    core::Time start_;
    ptt::McptParticipant terminal_;
    Send send_;
    bool down_{};
    bool begun_{};       // the file's words of this press have begun
    std::string shown_;  // the last line, which is not shown twice
    std::string events_;
    std::uint64_t sent_{};
    std::uint64_t received_{};
    std::uint64_t refused_{};
};

}  // namespace crosspatch::radio
