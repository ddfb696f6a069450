// Any octets as a name, a line of the log, hex and base64.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "crosspatch/core/address.hpp"
#include "crosspatch/core/text.hpp"

namespace {

using namespace crosspatch::core;

void must(bool held) {
    if (!held) std::abort();
}

void check_names(std::string_view text) {
    const auto name = check_name(text);
    if (!name) {
        must(is_utf8(name.error().context));
        return;
    }
    must(is_utf8(*name));
    must(name->size() <= 64 * 4);
    const auto again = check_name(*name);
    must(again.has_value() && *again == *name);
    must(name_skeleton(*name) == name_skeleton(text));
    must(escape(*name).find_first_of("\n\r\x1B") == std::string::npos);
}

void check_escapes(std::string_view text) {
    const std::string escaped = escape(text);
    must(is_utf8(escaped));
    must(std::none_of(escaped.begin(), escaped.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }));
    must(is_utf8(name_skeleton(text)));
}

void check_codes(std::string_view text) {
    const auto octets = octets_of(text);
    const auto from_text = from_base64(to_base64(octets));
    must(from_text && std::equal(from_text->begin(), from_text->end(), octets.begin(), octets.end()));
    const auto from_digits = from_hex(to_hex(octets));
    must(from_digits && std::equal(from_digits->begin(), from_digits->end(), octets.begin(), octets.end()));
    // Only one text stands for any octets.
    if (const auto decoded = from_base64(text)) must(to_base64(*decoded) == text);
    if (const auto decoded = from_hex(text)) must(decoded->size() * 2 == text.size());
    if (const auto address = Address::parse(text)) must(Address::parse(address->to_string()) == address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    check_names(text);
    check_escapes(text);
    check_codes(text);
    return 0;
}
