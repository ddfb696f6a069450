#include "code_points.hpp"

namespace crosspatch::record {

CodePoint code_point_at(std::string_view text, std::size_t at) {
    const auto octet = [&](std::size_t offset) { return static_cast<unsigned char>(text[at + offset]); };
    const unsigned char first = octet(0);
    if (first < 0x80) return {first, 1};
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return {};
    char32_t value = first & (0xFFU >> (length + 1));
    for (std::size_t offset = 1; offset < length; ++offset) {
        if ((octet(offset) & 0xC0) != 0x80) return {};
        value = (value << 6) | (octet(offset) & 0x3FU);
    }
    const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    if (overlong || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) return {};
    return {value, length};
}

bool is_kept_out(char32_t value) {
    if (value < 0x7F) return false;
    if (value <= 0x9F) return true;  // DEL and C1: some terminals obey them
    if (value == 0x061C || value == 0x200E || value == 0x200F) return true;
    if (value >= 0x2028 && value <= 0x202E) return true;
    if (value >= 0x2066 && value <= 0x2069) return true;
    return (value >= 0xFDD0 && value <= 0xFDEF) || (value & 0xFFFE) == 0xFFFE;
}

}  // namespace crosspatch::record
