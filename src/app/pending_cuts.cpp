#include "crosspatch/app/pending_cuts.hpp"

#include <algorithm>

namespace crosspatch::app {

// Never 0: a bit says that it is one.
std::uint64_t PendingCuts::packed(api::Cut what, std::uint32_t index) {
    return std::uint64_t{index} << 32U | 0x100U | static_cast<std::uint64_t>(what);
}

std::size_t PendingCuts::add(api::Cut what, std::uint32_t index) {
    for (std::size_t place = 0; place < kMost; ++place) {
        std::uint64_t is_free = 0;
        if (places_[place].compare_exchange_strong(is_free, packed(what, index), std::memory_order_acq_rel))
            return place;
    }
    return kNoPlace;
}

void PendingCuts::drop(std::size_t place) {
    if (place < kMost) places_[place].store(0, std::memory_order_release);
}

// The mark first: a worker that does not find the cut here any more finds that changed.
void PendingCuts::noted(std::size_t place, api::Cut what, std::uint32_t index) {
    const bool is_bridge = what == api::Cut::CloseBridge || what == api::Cut::RevokeConsent;
    (is_bridge ? bridges_ : endpoints_).change(index);
    drop(place);
}

bool PendingCuts::has(api::Cut what, std::uint32_t index) const {
    return std::any_of(places_.begin(), places_.end(), [wanted = packed(what, index)](const auto& place) {
        return place.load(std::memory_order_acquire) == wanted;
    });
}

}  // namespace crosspatch::app
