#include "src/codec/opus_state.hpp"

#include <algorithm>
#include <cassert>

namespace crosspatch::codec {

void OpusState::renew(std::uint32_t rate) noexcept {
    const auto found = std::ranges::find(kOpusRates, rate);
    assert(found != kOpusRates.end());
    forget();
    for (const Word& word : new_[static_cast<std::size_t>(found - kOpusRates.begin())])
        memory_[word.at] = word.value;
}

std::size_t OpusState::octets() const noexcept {
    std::size_t total = memory_.size() * sizeof(memory_[0]);
    for (const auto& words : new_) total += words.capacity() * sizeof(Word);
    return total;
}

void OpusState::forget() noexcept { std::ranges::fill(memory_, 0U); }

void OpusState::learn(std::vector<Word>& words) {
    const auto used = std::ranges::count_if(memory_, [](std::uint64_t value) { return value != 0; });
    words.reserve(static_cast<std::size_t>(used));
    for (std::uint32_t at = 0; at < memory_.size(); ++at)
        if (memory_[at] != 0) words.push_back({at, memory_[at]});
}

}  // namespace crosspatch::codec
