// Any octets as the file of commands: refused whole, or read and written again without a change.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "crosspatch/app/orders.hpp"

using namespace crosspatch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const core::WallTime wall{std::chrono::hours{500'000}};
    const core::Time mono{std::chrono::hours{1000}};
    const auto orders = app::Orders::parse({reinterpret_cast<const char*>(data), size}, wall, mono);
    if (!orders) return 0;
    const auto again = app::Orders::parse(orders->text(), wall, mono);
    if (!again || *again != *orders) std::abort();
    return 0;
}
