#include "crosspatch/app/cut_marks.hpp"

#include <cassert>

namespace crosspatch::app {

CutMarks::Mark CutMarks::of(std::uint32_t index) const {
    assert(index < kMost);
    const Block* block = blocks_[index / kBlock].load(std::memory_order_acquire);
    return block ? (*block)[index % kBlock].load(std::memory_order_acquire) : Mark{0};
}

void CutMarks::change(std::uint32_t index) {
    assert(index < kMost);
    auto& owned = owned_[index / kBlock];
    if (!owned) {
        owned = std::make_unique<Block>();
        blocks_[index / kBlock].store(owned.get(), std::memory_order_release);
    }
    (*owned)[index % kBlock].fetch_add(1, std::memory_order_acq_rel);
}

}  // namespace crosspatch::app
