#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace crosspatch::core {

// RFC 4648 section 4, padded and canonical, into memory of the caller's choice: `into` has room for
// text.size() / 4 * 3 octets and one more. The octets written; nothing if `text` is anything else. Takes the
// same time for any key.
std::optional<std::size_t> decode_base64(std::string_view text, std::span<std::byte> into);

}  // namespace crosspatch::core
