#pragma once
#include <cstdint>

namespace crosspatch::rtp {

// Which of the last 128 packet indices were seen.
//
// Shape    24 octets: the highest index, and one bit for it and each of the 127 below. All zero is empty.
// Errors   check() names what is wrong; accept() requires that it said Fresh.
// Thread   its owner's; nothing allocates.
// Source   RFC 3711 §3.3.2. Two calls, because the list moves only after the tag verifies.
class ReplayWindow {
public:
    enum class Verdict : std::uint8_t { Fresh, Seen, TooOld };
    static constexpr std::uint64_t kWidth = 128;

    Verdict check(std::uint64_t index) const {
        if (index > highest_) return Verdict::Fresh;
        const auto behind = highest_ - index;
        if (behind >= kWidth) return Verdict::TooOld;
        const auto word = behind < 64 ? near_ : far_;
        return word >> (behind % 64) & 1U ? Verdict::Seen : Verdict::Fresh;
    }

    void accept(std::uint64_t index) {
        if (index > highest_) {
            advance(index - highest_);
            highest_ = index;
            near_ |= 1U;
            return;
        }
        const auto behind = highest_ - index;
        (behind < 64 ? near_ : far_) |= std::uint64_t{1} << (behind % 64);
    }

    // Everything up to and including `index` counts as seen; only more recent ones are fresh.
    void seen_up_to(std::uint64_t index) {
        highest_ = index;
        near_ = far_ = ~std::uint64_t{0};
    }

    bool empty() const { return near_ == 0; }  // the highest index is always marked
    std::uint64_t highest() const { return highest_; }

private:
    void advance(std::uint64_t steps) {
        if (steps >= kWidth) {
            near_ = far_ = 0;
        } else if (steps >= 64) {
            far_ = near_ << (steps - 64);
            near_ = 0;
        } else {
            far_ = far_ << steps | near_ >> (64 - steps);
            near_ <<= steps;
        }
    }

    std::uint64_t highest_{};
    std::uint64_t near_{};  // bit n: highest_ - n
    std::uint64_t far_{};   // bit n: highest_ - 64 - n
};

}  // namespace crosspatch::rtp
