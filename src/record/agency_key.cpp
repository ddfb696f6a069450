#include "crosspatch/record/agency_key.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

#include "crosspatch/core/file.hpp"
#include "crosspatch/core/text.hpp"

namespace crosspatch::record {
namespace {

using core::Error;
constexpr std::string_view kPrefix = "ed25519:";

const unsigned char* raw(std::span<const std::byte> octets) {
    return reinterpret_cast<const unsigned char*>(octets.data());
}

core::Secret file_text(const SigningKey& key) {
    const auto seed = key.seed().octets();
    core::Secret text{sodium_base64_ENCODED_LEN(crypto_sign_SEEDBYTES, sodium_base64_VARIANT_ORIGINAL)};
    sodium_bin2base64(reinterpret_cast<char*>(text.writable().data()), text.octets().size(), raw(seed),
                      seed.size(), sodium_base64_VARIANT_ORIGINAL);
    text.writable().back() = std::byte{'\n'};  // in place of the terminating zero
    return text;
}

}  // namespace

std::string key_text(const PublicKey& key) { return std::string{kPrefix} + core::to_base64(key); }

core::Result<PublicKey> read_public_key(std::string_view text) {
    PublicKey key;
    const auto octets =
        text.starts_with(kPrefix) ? core::from_base64(text.substr(kPrefix.size())) : std::nullopt;
    if (!octets || octets->size() != key.size())
        return core::unexpected(Error::Code::Invalid,
                                "the Ed25519 public key is not 32 octets in base64 (44 characters)");
    std::copy(octets->begin(), octets->end(), key.begin());
    if (crypto_core_ed25519_is_valid_point(raw(key)) != 1)
        return core::unexpected(Error::Code::Invalid,
                                "no Ed25519 signing key has this public key; was it copied whole?");
    return key;
}

core::Result<SigningKey> read_signing_key(const std::filesystem::path& file) {
    auto seed = core::read_key_file(file);
    if (!seed) return core::Unexpected<Error>{seed.error()};
    if (seed->octets().size() != crypto_sign_SEEDBYTES)
        return core::unexpected(
            Error::Code::Invalid,
            fmt::format("{}: a signing key is 32 octets in base64 (44 characters), on one line",
                        file.string()));
    return SigningKey::from_seed(std::move(*seed));
}

core::Result<void> write_signing_key(const std::filesystem::path& file, const SigningKey& key) {
    std::error_code failure;
    if (std::filesystem::exists(std::filesystem::symlink_status(file, failure)))
        return core::unexpected(
            Error::Code::Busy,
            fmt::format("{}: there is such a file already; a key is never replaced", file.string()));
    return core::write_file_atomically(file, file_text(key).octets(), 0600);
}

core::Result<void> replace_signing_key(const std::filesystem::path& file, const SigningKey& key) {
    return core::replace_secret_file(file, file_text(key).octets());
}

bool verifies(std::string_view text, std::span<const std::byte> signature, const PublicKey& key) {
    return signature.size() == crypto_sign_BYTES && crypto_core_ed25519_is_valid_point(raw(key)) == 1 &&
           crypto_sign_verify_detached(raw(signature), raw(core::octets_of(text)), text.size(), raw(key)) ==
               0;
}

}  // namespace crosspatch::record
