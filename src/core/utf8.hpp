#pragma once
#include <unicode/utf8.h>

#include <cstddef>
#include <string_view>

namespace crosspatch::core {

// The code point at `i`, and moves `i` past it. Negative for octets that are not UTF-8 (RFC 3629), of which
// it takes the longest run that could have begun a character. `i` must be inside `text`.
inline UChar32 next_code_point(std::string_view text, std::size_t& i) {
    UChar32 character = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // inside ICU's macro
    U8_NEXT(text.data(), i, text.size(), character);
#pragma GCC diagnostic pop
    return character;
}

}  // namespace crosspatch::core
