#include "crosspatch/rtp/srtp_suite.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

#include "crosspatch/core/text.hpp"

namespace crosspatch::rtp {
namespace {

constexpr std::array<SuiteInfo, 4> kSuites{{
    {"AEAD_AES_256_GCM", 32, 12, 0, 16, true},
    {"AEAD_AES_128_GCM", 16, 12, 0, 16, true},
    {"AES_CM_128_HMAC_SHA1_80", 16, 14, 20, 10, false},
    {"none", 0, 0, 0, 0, false},
}};

KeyFingerprint fingerprint_of(const core::Secret& octets, const SuiteInfo& sizes) {
    // The label keeps this hash apart from every other use of the key; the size keeps key and salt apart.
    constexpr std::string_view kLabel = "crosspatch srtp key fingerprint 1";
    const auto key_size = static_cast<unsigned char>(sizes.key_size);
    crypto_hash_sha256_state state;
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(kLabel.data()), kLabel.size());
    crypto_hash_sha256_update(&state, &key_size, 1);
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(octets.octets().data()),
                              octets.octets().size());
    crypto_hash_sha256_final(&state, digest.data());
    sodium_memzero(&state, sizeof state);
    KeyFingerprint fingerprint;
    std::transform(digest.begin(), digest.begin() + fingerprint.size(), fingerprint.begin(),
                   [](unsigned char octet) { return std::byte{octet}; });
    return fingerprint;
}

}  // namespace

const SuiteInfo& info(Suite suite) { return kSuites[static_cast<std::size_t>(suite)]; }

std::optional<Suite> suite_named(std::string_view name) {
    const auto found =
        std::find_if(kSuites.begin(), kSuites.end(), [name](const auto& it) { return it.name == name; });
    if (found == kSuites.end()) return std::nullopt;
    return static_cast<Suite>(found - kSuites.begin());
}

Overhead overhead(Suite suite) {
    const std::size_t tag = info(suite).tag_size;
    return suite == Suite::None ? Overhead{0, 0} : Overhead{tag, tag + 4};
}

std::string to_string(const KeyFingerprint& fingerprint) { return core::to_hex(fingerprint); }

core::Result<MasterKey> MasterKey::make(Suite suite, core::Secret key_and_salt) {
    const SuiteInfo& sizes = info(suite);
    const std::size_t wanted = sizes.key_size + sizes.salt_size;
    if (wanted == 0) return core::unexpected(core::Error::Code::Invalid, "the suite `none` takes no keys");
    if (key_and_salt.octets().size() != wanted) {
        return core::unexpected(
            core::Error::Code::Invalid,
            fmt::format(
                "this key has {} octets; {} needs {}: {} of key, then {} of salt (`openssl rand -base64 {}` "
                "makes one)",
                key_and_salt.octets().size(), sizes.name, wanted, sizes.key_size, sizes.salt_size, wanted));
    }
    const auto key = key_and_salt.octets().first(sizes.key_size);
    if (sodium_is_zero(reinterpret_cast<const unsigned char*>(key.data()), key.size()) == 1) {
        return core::unexpected(
            core::Error::Code::Invalid,
            fmt::format("this key is all zeros and keeps nothing secret; `openssl rand -base64 {}` "
                        "makes one",
                        wanted));
    }
    const KeyFingerprint fingerprint = fingerprint_of(key_and_salt, sizes);
    return MasterKey{suite, std::move(key_and_salt), fingerprint};
}

}  // namespace crosspatch::rtp
