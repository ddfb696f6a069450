// Any octets as a signed consent: refused with a printable line, or read, written again and read the same; what is signed
// does not depend on how it was written.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "crosspatch/record/canonical.hpp"
#include "crosspatch/record/consent.hpp"

using namespace crosspatch::record;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto consent = read_consent({reinterpret_cast<const char*>(data), size});
    if (!consent) {
        const std::string& why = consent.error().context;
        const bool printable =
            std::all_of(why.begin(), why.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
        if (why.empty() || !printable) std::abort();
        return 0;
    }
    const auto line = to_canonical(to_json(*consent));
    if (!line) std::abort();
    const auto again = read_consent(*line);
    if (!again || *again != *consent) std::abort();
    if (signed_octets(again->statement) != signed_octets(consent->statement)) std::abort();
    return 0;
}
