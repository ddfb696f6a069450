#pragma once
#include <cstdint>
#include <utility>

#include "crosspatch/floor/request.hpp"

namespace crosspatch::bridge {

// Whether a worker can carry one more talkspurt without hurting those that it carries, and what has to go when it cannot
// even carry those.
//
// Units    loads in microseconds of CPU for each second of talk, as estimated at the press; `busy` is the share of time in
//          which the worker really did not wait.
// Time     measured() is called twice a second.
// Thread   its worker's. Pure, no allocation.
class Admission {
public:
    // Of a second of CPU, how much talkspurts may take; a whole second or more: nobody is refused or cut off.
    void set_capacity(std::uint32_t capacity) { capacity_ = capacity; }

    // An emergency always, and who would be the only one: refusing him helps nobody.
    // Unless telling floors alone takes all that there is: that is of presses without talk.
    bool admits(std::uint64_t load, floor::Class level) const {
        if (level == floor::Class::Emergency || capacity_ >= kEverything) return true;
        if (running_ == 0 && telling() <= capacity_) return true;
        return !full_ && running_ + telling() + load <= capacity_;
    }
    void began(std::uint64_t load) { running_ += load; }
    void ended(std::uint64_t load) { running_ -= load; }
    // Floor messages have gone out to all handsets of a channel: what that takes, in nanoseconds. It counts for half a second
    // to a second, whether anybody talks or not.
    void told(std::uint64_t nanoseconds) { told_ += nanoseconds; }

    // How much of the running load has to be cut off now, at least; 0 as a rule. New ones are refused while the worker is
    // busier than the capacity allows, whatever the estimates say.
    std::uint64_t measured(double busy) {
        told_before_ = std::exchange(told_, 0);
        full_ = busy * 1e6 > static_cast<double>(capacity_);
        saturated_ = busy >= kSaturated && capacity_ < kEverything ? saturated_ + 1 : 0;
        if (saturated_ < kPatience) return 0;
        return running_ / 4 + 1;
    }
    std::uint64_t running() const { return running_; }
    std::uint64_t telling() const { return (told_ + told_before_) / 1'000; }  // as a load
    bool full() const { return full_; }

private:
    static constexpr double kSaturated = 0.97;  // packets wait for the worker now
    static constexpr int kPatience = 2;         // measurements in a row

    static constexpr std::uint64_t kEverything = 1'000'000;

    std::uint64_t capacity_{kEverything};
    std::uint64_t running_{};
    std::uint64_t told_{};  // since the last measurement, and in the half second before it
    std::uint64_t told_before_{};
    bool full_{};
    int saturated_{};
};

}  // namespace crosspatch::bridge
