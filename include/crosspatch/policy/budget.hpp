#pragma once
#include <cstdint>

namespace crosspatch::policy {

// How much more may be done before an answer in words is cut short. A unit is about a nanosecond's worth; counting, unlike a
// clock, stops at the same place every time.
class Budget {
public:
    explicit Budget(std::uint64_t units) : left_{units} {}
    // False from then on: there is not enough left for it.
    bool spend(std::uint64_t units) {
        spent_ |= units > left_;
        left_ -= spent_ ? left_ : units;
        return !spent_;
    }
    bool spent() const { return spent_; }

private:
    std::uint64_t left_;
    bool spent_{};
};

}  // namespace crosspatch::policy
