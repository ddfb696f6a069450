#include "src/codec/opus_state.hpp"

#include <algorithm>
#include <cassert>

namespace crosspatch::codec {

std::span<const OpusBeginning::Word> OpusBeginning::at(std::uint32_t rate) const noexcept {
    const auto found = std::ranges::find(kOpusRates, rate);
    assert(found != kOpusRates.end());
    return used_[static_cast<std::size_t>(found - kOpusRates.begin())];
}

void OpusBeginning::learn(std::span<const std::uint64_t> memory, std::vector<Word>& used) {
    for (std::uint32_t at = 0; at < memory.size(); ++at)
        if (memory[at] != 0) used.push_back({at, memory[at]});
}

void OpusState::renew(std::uint32_t rate) noexcept {
    std::ranges::fill(memory_, 0U);
    for (const OpusBeginning::Word& word : beginning_.at(rate)) memory_[word.at] = word.value;
}

}  // namespace crosspatch::codec
