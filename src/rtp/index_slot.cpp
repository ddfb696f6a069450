#include "src/rtp/index_slot.hpp"

#include <netinet/in.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "crosspatch/rtp/octets.hpp"

namespace crosspatch::rtp {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kChecked = 56;

std::array<std::byte, 8> checksum(std::span<const std::byte> slot) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
    crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(slot.data()), kChecked);
    std::array<std::byte, 8> first;
    std::memcpy(first.data(), digest.data(), first.size());
    return first;
}

void write_address(std::span<std::byte> slot, const core::Address& address) {
    sockaddr_storage storage;
    address.fill(storage);
    store16(slot, 28, address.port());
    if (address.family() == core::Address::Family::V4) {
        store8(slot, 2, 4);
        std::memcpy(&slot[32], &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, 4);
    } else if (address.family() == core::Address::Family::V6) {
        store8(slot, 2, 6);
        std::memcpy(&slot[32], &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, 16);
    }
}

core::Address read_address(std::span<const std::byte> slot) {
    sockaddr_storage storage{};
    if (load8(slot, 2) == 4) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(load16(slot, 28));
        std::memcpy(&v4.sin_addr, &slot[32], 4);
    } else if (load8(slot, 2) == 6) {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(load16(slot, 28));
        std::memcpy(&v6.sin6_addr, &slot[32], 16);
    }
    return core::Address{storage};
}

}  // namespace

void write_slot(std::span<std::byte, kSlotSize> to, const std::optional<IndexRecord>& record,
                std::uint64_t generation) {
    std::fill(to.begin(), to.end(), std::byte{});
    store8(to, 0, kVersion);
    if (record) {
        store8(to, 1, static_cast<std::uint8_t>(record->kind));
        store32(to, 4, record->ssrc);
        std::copy(record->key.begin(), record->key.end(), to.begin() + 8);
        store64(to, 16, record->limits.rtp);
        store32(to, 24, record->limits.rtcp);
        store16(to, 30, record->floor_port);  // 0 in slots of before there was one
        write_address(to, record->address);
    }
    store64(to, 48, generation);
    const auto sum = checksum(to);
    std::copy(sum.begin(), sum.end(), to.begin() + kChecked);
}

SlotReading read_slot(std::span<const std::byte, kSlotSize> from) {
    if (std::all_of(from.begin(), from.end(), [](std::byte octet) { return octet == std::byte{}; }))
        return {};
    const auto sum = checksum(from);
    const std::uint8_t kind = load8(from, 1);
    if (!std::equal(sum.begin(), sum.end(), from.begin() + kChecked) || load8(from, 0) != kVersion ||
        kind > 2) {
        return {SlotReading::State::Damaged, 0, std::nullopt};
    }
    SlotReading reading{SlotReading::State::Sound, load64(from, 48), std::nullopt};
    if (kind == 0) return reading;
    IndexRecord record;
    record.kind = static_cast<IndexRecord::Kind>(kind);
    record.ssrc = load32(from, 4);
    std::copy(from.begin() + 8, from.begin() + 16, record.key.begin());
    record.limits = {load64(from, 16), load32(from, 24)};
    record.floor_port = load16(from, 30);
    record.address = read_address(from);
    reading.record = record;
    return reading;
}

}  // namespace crosspatch::rtp
