#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace crosspatch::app {

// A number for each bridge or endpoint that changes whenever a cut of it is noted: what is posted to bring it on carries the
// number of when it was posted, and is old once that has changed, however late it is carried out.
//
// Shape    blocks of kBlock, made at the first cut there; indices are dense, a configuration names fewer than kMost. 16 bits
//          suffice: a lane holds fewer tasks than cuts would have to pass between.
// Thread   of(): any, no lock, no allocation. change(): control.
class CutMarks {
public:
    using Mark = std::uint16_t;
    static constexpr std::size_t kBlock = 1024;
    static constexpr std::size_t kMost = kBlock * 1024;

    Mark of(std::uint32_t index) const;
    void change(std::uint32_t index);

private:
    using Block = std::array<std::atomic<Mark>, kBlock>;
    std::array<std::unique_ptr<Block>, kMost / kBlock> owned_;
    std::array<std::atomic<Block*>, kMost / kBlock> blocks_{};  // nullptr: nothing was cut there
};

}  // namespace crosspatch::app
