// Any octets as the body of a request: an object within the limits, or refused with a printable line.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "src/api/json_body.hpp"

using namespace crosspatch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto body = api::read_body({reinterpret_cast<const char*>(data), size});
    if (body) return 0;
    const std::string& why = body.error().context;
    const bool printable =
        std::all_of(why.begin(), why.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
    if (why.empty() || !printable) std::abort();
    return 0;
}
