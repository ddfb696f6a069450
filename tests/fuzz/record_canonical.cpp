// A record's line: what is taken is canonical, so it is written again octet for octet; what is not crashes
// nothing.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "crosspatch/record/canonical.hpp"
#include "crosspatch/record/talkspurt.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace crosspatch::record;
    const std::string_view line{reinterpret_cast<const char*>(data), size};
    const auto value = from_canonical(line);
    if (value) {
        const auto again = to_canonical(*value);
        if (!again || *again != line) std::abort();
        if (const auto* record = value->if_object()) {
            if (const auto talkspurt = talkspurt_of(*record)) (void)to_entry(*talkspurt);
        }
    }
    // Any octets can be made presentable, and then stand in a record.
    const auto text = presentable(line.substr(0, 1000));
    if (!to_canonical(boost::json::string{text})) std::abort();
    return 0;
}
