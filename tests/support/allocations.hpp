#pragma once
#include <cstdint>

namespace crosspatch::tests {

// How often this thread has taken memory from the heap: malloc() as a whole under the address sanitizer, operator new
// elsewhere. The packet path must leave it unchanged.
std::uint64_t allocations();

}  // namespace crosspatch::tests
