#include "src/core/base64.hpp"

#include <sodium.h>

#include <vector>

#include "crosspatch/core/text.hpp"

namespace crosspatch::core {

std::optional<std::size_t> decode_base64(std::string_view text, std::span<std::byte> into) {
    if (text.size() % 4 != 0) return std::nullopt;
    // libsodium 1.0.18 takes some octets above 0x7F for letters where char is signed.
    unsigned all_bits = 0;
    for (const char c : text) all_bits |= static_cast<unsigned char>(c);
    if (all_bits > 0x7F) return std::nullopt;
    std::size_t size = 0;
    // Without a place for the end of the text, whatever is left over is an error; so are bits behind the last
    // octet.
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(into.data()), into.size(), text.data(),
                          text.size(), nullptr, &size, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0) {
        return std::nullopt;
    }
    return size;
}

std::string to_base64(std::span<const std::byte> octets) {
    // libsodium writes a NUL after the text, in the place that std::string has for it.
    std::string text(sodium_base64_encoded_len(octets.size(), sodium_base64_VARIANT_ORIGINAL) - 1, '\0');
    sodium_bin2base64(text.data(), text.size() + 1, reinterpret_cast<const unsigned char*>(octets.data()),
                      octets.size(), sodium_base64_VARIANT_ORIGINAL);
    return text;
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
    std::vector<std::byte> octets(text.size() / 4 * 3 + 1);
    const auto size = decode_base64(text, octets);
    if (!size) return std::nullopt;
    octets.resize(*size);
    return octets;
}

}  // namespace crosspatch::core
