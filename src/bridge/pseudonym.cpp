#include "crosspatch/bridge/pseudonym.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstdint>

namespace crosspatch::bridge {
namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t kKeySize = 32;

}  // namespace

Pseudonym pseudonym(const core::Secret& key, std::string_view talker) noexcept {
    std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac;
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.octets().data()),
                                key.octets().size());
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(talker.data()),
                                  talker.size());
    crypto_auth_hmacsha256_final(&state, mac.data());
    core::wipe(std::as_writable_bytes(std::span{&state, 1}));
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 5; ++i) bits = bits << 8 | mac[i];
    Pseudonym made;
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = kBase32[bits >> (35 - 5 * i) & 31U];
    return made;
}

PseudonymKeys::PseudonymKeys(const std::vector<std::string>& agencies) {
    for (const std::string& agency : agencies) {
        if (std::ranges::any_of(keys_, [&](const Key& key) { return key.agency == agency; })) continue;
        core::Secret secret{kKeySize};
        randombytes_buf(secret.writable().data(), kKeySize);
        keys_.push_back({agency, std::move(secret)});
    }
}

std::optional<Pseudonym> PseudonymKeys::of(std::string_view agency, std::string_view talker) const noexcept {
    for (const Key& key : keys_)
        if (key.agency == agency) return pseudonym(key.secret, talker);
    return std::nullopt;
}

}  // namespace crosspatch::bridge
