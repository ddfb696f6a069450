#pragma once
#include <cstddef>
#include <string_view>

// What the writer and the parser of canonical lines agree on.
namespace crosspatch::record {

constexpr std::size_t kMaxKey = 64;  // octets

bool is_key(std::string_view key);

// RFC 8785 §3.2.2.2: the two-character escape of `c`, if it has one; other characters below 0x20 are
// `\u00xx`, all else is itself.
std::string_view short_escape(char c);

}  // namespace crosspatch::record
