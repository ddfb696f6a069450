#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/result.hpp"

// Text that comes from outside: checked before it is kept, escaped before it is shown.
namespace crosspatch::core {

bool is_identifier(std::string_view text);  // [a-z0-9-]{1,32}
bool is_utf8(std::string_view text);        // RFC 3629: no surrogates, no overlong forms

// A display name for people: NFC, 1 to 64 code points, no controls, no bidirectional or invisible formatting,
// no unassigned code points; at most 4 combining marks on one base. Gives back the NFC form, or says what is
// wrong.
Result<std::string> check_name(std::string_view text);

// Two names that look alike have the same skeleton: NFC, case folding, confusables (UTS #39), white space
// folded.
std::string name_skeleton(std::string_view name);

// JSON string escaping without the quotes; C0, DEL, C1, U+2028/9, bidirectional controls and bad UTF-8 are
// escaped, so what comes out is one line whatever went in.
std::string escape(std::string_view text);

std::string to_hex(std::span<const std::byte> octets);
std::optional<std::vector<std::byte>> from_hex(std::string_view text);
std::string to_base64(std::span<const std::byte> octets);                  // RFC 4648 section 4, padded
std::optional<std::vector<std::byte>> from_base64(std::string_view text);  // padded, canonical, nothing else

inline std::span<const std::byte> octets_of(std::string_view text) { return std::as_bytes(std::span{text}); }

}  // namespace crosspatch::core
