#include "crosspatch/core/text.hpp"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/utf16.h>

#include <iterator>

#include "src/core/utf8.hpp"

namespace crosspatch::core {
namespace {

// Everything that breaks a line, drives a terminal, turns the direction of what follows, or cannot be seen.
bool must_be_escaped(UChar32 character) {
    if (character < 0x7F) return character < 0x20;
    constexpr std::uint32_t kEscaped =
        U_GC_CC_MASK | U_GC_CF_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK | U_GC_CS_MASK;
    return (U_MASK(u_charType(character)) & kEscaped) != 0 || U_IS_UNICODE_NONCHAR(character);
}

void append_escaped(std::string& to, UChar32 character) {
    switch (character) {
        case '\b':
            to += "\\b";
            return;
        case '\f':
            to += "\\f";
            return;
        case '\n':
            to += "\\n";
            return;
        case '\r':
            to += "\\r";
            return;
        case '\t':
            to += "\\t";
            return;
        default:
            break;
    }
    // RFC 8259 §7: above U+FFFF a pair of UTF-16 surrogates.
    if (character > 0xFFFF) {
        fmt::format_to(std::back_inserter(to), "\\u{:04x}\\u{:04x}",
                       static_cast<unsigned>(U16_LEAD(character)),
                       static_cast<unsigned>(U16_TRAIL(character)));
    } else {
        fmt::format_to(std::back_inserter(to), "\\u{:04x}", static_cast<unsigned>(character));
    }
}

std::optional<std::uint8_t> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
    return std::nullopt;
}

}  // namespace

bool is_identifier(std::string_view text) {
    return !text.empty() && text.size() <= 32 &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        if (next_code_point(text, i) < 0) return false;
    }
    return true;
}

std::string escape(std::string_view text) {
    constexpr UChar32 kReplacement = 0xFFFD;
    std::string escaped;
    escaped.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t start = i;
        const UChar32 character = next_code_point(text, i);
        if (character < 0) {
            append_escaped(escaped, kReplacement);
        } else if (character == '"' || character == '\\') {
            escaped += '\\';
            escaped += static_cast<char>(character);
        } else if (character == 0x7F || must_be_escaped(character)) {
            append_escaped(escaped, character);
        } else {
            escaped += text.substr(start, i - start);
        }
    }
    return escaped;
}

std::string to_hex(std::span<const std::byte> octets) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(octets.size() * 2);
    for (const std::byte octet : octets) {
        text += kDigits[std::to_integer<std::size_t>(octet >> 4)];
        text += kDigits[std::to_integer<std::size_t>(octet & std::byte{15})];
    }
    return text;
}

std::optional<std::vector<std::byte>> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::vector<std::byte> octets;
    octets.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const auto high = hex_digit(text[i]);
        const auto low = hex_digit(text[i + 1]);
        if (!high || !low) return std::nullopt;
        octets.push_back(static_cast<std::byte>(*high << 4 | *low));
    }
    return octets;
}

}  // namespace crosspatch::core
