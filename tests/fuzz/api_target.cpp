// Any octets as a request's target: refused, or split into segments that mean nothing but themselves.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "crosspatch/core/text.hpp"
#include "src/api/message.hpp"

using namespace crosspatch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    api::Request request;
    if (!api::parse_target({reinterpret_cast<const char*>(data), size}, request)) return 0;
    for (const std::string& segment : request.path) {
        const bool plain = !segment.empty() && segment != "." && segment != ".." &&
                           segment.find('/') == std::string::npos && core::is_utf8(segment);
        if (!plain) std::abort();
    }
    return 0;
}
