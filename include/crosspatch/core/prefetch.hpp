#pragma once
#include <cstddef>

namespace crosspatch::core {

// Asks the processor to bring these octets nearer; they need not exist. An instruction for each 64 of them.
template <std::size_t Octets>
inline void prefetch(const void* from) {
    constexpr std::size_t kLine = 64;
#pragma GCC unroll 16
    for (std::size_t at = 0; at < Octets; at += kLine)
        __builtin_prefetch(static_cast<const std::byte*>(from) + at);
}

}  // namespace crosspatch::core
