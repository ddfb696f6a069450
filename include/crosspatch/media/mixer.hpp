#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "crosspatch/core/time.hpp"
#include "crosspatch/media/mix_input.hpp"
#include "crosspatch/media/talkspurt.hpp"

namespace crosspatch::media {

// Two talkers at once on one channel: their sum is a talkspurt of its own, for who hears both.
//
// Shape    three inputs and a Talkspurt of L16 at 16 kHz. Made with a channel that lets two be heard; runs from when the
//          second one comes until nobody is left.
// Time     two talkers have two clocks, so this has a third: a packet each kFrame, as deadline() and advance() say. What
//          goes through it is later by MixInput::kPrime and at most two packets.
// Errors   none; who has no encoder is counted by the talkspurt.
// Thread   its worker only; no allocation but in reserve().
// Source   TS 24.380, dual floor; floor.override: both_heard.
class Mixer {
public:
    static constexpr std::chrono::milliseconds kFrame{20};
    static constexpr std::size_t kTalkers = 2;

    explicit Mixer(const TalkPath& path);  // which outlives it
    explicit Mixer(const TalkPath&&) = delete;
    ~Mixer();
    Mixer(const Mixer&) = delete;
    Mixer& operator=(const Mixer&) = delete;

    void reserve(std::size_t listeners) { mixed_.reserve(listeners); }
    // Goes on with another worker's pools, as Talkspurt::move_to().
    void move_to(const TalkPath& to);

    void start(core::Time now);
    bool running() const { return mixed_.running(); }
    // Lets `talkspurt` be heard here; false if there is no place, or no resampler or decoder left.
    bool admit(Talkspurt& talkspurt, double gain_db);
    // It is over, or nobody here may hear it any more: what has come of it is still said.
    void dismiss(Talkspurt& talkspurt);
    template <typename Predicate>
    void dismiss_if(Predicate&& gone) {
        for (Seat& seat : seats_)
            if (seat.talkspurt && gone(*seat.talkspurt)) dismiss(*seat.talkspurt);
    }
    bool hears(const Talkspurt& talkspurt) const { return gain_db(talkspurt).has_value(); }
    // Whether something is still to be said of a talker who is not heard here any more.
    bool has_remains() const;
    // Whether anything of it has been said here.
    bool has_said(const Talkspurt& talkspurt) const;
    // How loud it is in the sum; nothing if it is not heard here.
    std::optional<double> gain_db(const Talkspurt& talkspurt) const;
    // Who hears the sum: add, remove and arrange them here.
    Talkspurt& mixed() { return mixed_; }
    const Talkspurt& mixed() const { return mixed_; }

    void advance(core::Time now);
    std::optional<core::Time> deadline() const;
    // Says what has come, at once, and ends.
    void finish(core::Time now);

private:
    struct Seat {
        MixInput input;
        Talkspurt* talkspurt{};
    };
    bool say(core::Time now, bool last);

    const TalkPath* path_;
    Talkspurt mixed_;
    std::array<Seat, kTalkers + 1> seats_;  // the third: of who has just ended, with what he still has to say
    Packet packet_{};
    core::Time next_{};
};

}  // namespace crosspatch::media
