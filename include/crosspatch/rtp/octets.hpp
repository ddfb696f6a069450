#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

// Big-endian numbers in packets. The caller has checked that the octets are there.
namespace crosspatch::rtp {

constexpr std::uint8_t load8(std::span<const std::byte> from, std::size_t at = 0) {
    return std::to_integer<std::uint8_t>(from[at]);
}
constexpr std::uint16_t load16(std::span<const std::byte> from, std::size_t at = 0) {
    return static_cast<std::uint16_t>(load8(from, at) << 8 | load8(from, at + 1));
}
constexpr std::uint32_t load32(std::span<const std::byte> from, std::size_t at = 0) {
    return std::uint32_t{load16(from, at)} << 16 | load16(from, at + 2);
}
constexpr std::uint64_t load64(std::span<const std::byte> from, std::size_t at = 0) {
    return std::uint64_t{load32(from, at)} << 32 | load32(from, at + 4);
}

constexpr void store8(std::span<std::byte> to, std::size_t at, std::uint8_t value) {
    to[at] = static_cast<std::byte>(value);
}
constexpr void store16(std::span<std::byte> to, std::size_t at, std::uint16_t value) {
    store8(to, at, static_cast<std::uint8_t>(value >> 8));
    store8(to, at + 1, static_cast<std::uint8_t>(value & 0xFF));
}
constexpr void store32(std::span<std::byte> to, std::size_t at, std::uint32_t value) {
    store16(to, at, static_cast<std::uint16_t>(value >> 16));
    store16(to, at + 2, static_cast<std::uint16_t>(value & 0xFFFF));
}
constexpr void store64(std::span<std::byte> to, std::size_t at, std::uint64_t value) {
    store32(to, at, static_cast<std::uint32_t>(value >> 32));
    store32(to, at + 4, static_cast<std::uint32_t>(value & 0xFFFFFFFF));
}

}  // namespace crosspatch::rtp
