#pragma once
#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "crosspatch/core/result.hpp"
#include "crosspatch/record/checkpoint.hpp"

// The Ed25519 keys of agencies as they stand in files, configurations and records.
namespace crosspatch::record {

using Signature = std::array<std::byte, 64>;

// `ed25519:BASE64`, as the configuration and records name a public key.
std::string key_text(const PublicKey& key);
// Such a text. Refused: what is not 32 octets in base64, and a point that no honest key is (not on the curve, not in
// canonical form, of small order): under such a key anybody's signature might verify.
core::Result<PublicKey> read_public_key(std::string_view text);

// A signing key's file: one line, the 32-octet seed in base64; mode 0600 or 0400.
core::Result<SigningKey> read_signing_key(const std::filesystem::path& file);
// Makes such a file, 0600. One that is there is never replaced: Busy.
core::Result<void> write_signing_key(const std::filesystem::path& file, const SigningKey& key);
// Puts the key in the place of the one that is there, if any: core::replace_secret_file().
core::Result<void> replace_signing_key(const std::filesystem::path& file, const SigningKey& key);

// Strict: signatures and keys in any but their one canonical form are refused (libsodium's checks).
bool verifies(std::string_view text, std::span<const std::byte> signature, const PublicKey& key);

}  // namespace crosspatch::record
