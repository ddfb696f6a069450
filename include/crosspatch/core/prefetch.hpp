#pragma once
#include <cstddef>

namespace crosspatch::core {

// Asks the processor to bring these octets nearer; they need not exist. Costs an instruction for each 64 octets.
inline void prefetch(const void* from, std::size_t octets) {
    constexpr std::size_t kLine = 64;
    for (std::size_t at = 0; at < octets; at += kLine)
        __builtin_prefetch(static_cast<const std::byte*>(from) + at);
}

}  // namespace crosspatch::core
