#pragma once
#include <cstddef>
#include <string_view>

namespace crosspatch::record {

// One code point of UTF-8, and how many octets it took; `octets` is 0 where the text is not UTF-8.
struct CodePoint {
    char32_t value{};
    std::size_t octets{};
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Requires `at` < text.size().
CodePoint code_point_at(std::string_view text, std::size_t at);

// May not stand in a record's string: DEL, C1, line and paragraph separator, bidirectional controls,
// noncharacters.
bool is_kept_out(char32_t value);

}  // namespace crosspatch::record
