#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/config.hpp"
#include "crosspatch/core/file.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/core/secret.hpp"

// SRTP suites, master keys, and how the configuration names them. Source: RFC 3711, RFC 7714, contract.md.
namespace crosspatch::rtp {

enum class Suite : std::uint8_t { Aes256Gcm, Aes128Gcm, AesCm128HmacSha1_80, None };

// What a suite is made of. Units: octets.
struct SuiteInfo {
    std::string_view name;  // as SDES writes it (RFC 4568 §6.2, RFC 7714 §14.2); `none`
    std::size_t key_size;   // master and session encryption key
    std::size_t salt_size;  // master and session salt
    std::size_t auth_size;  // HMAC key; 0 where the cipher authenticates
    std::size_t tag_size;   // the same for SRTP and SRTCP
    bool aead;
};
const SuiteInfo& info(Suite suite);
std::optional<Suite> suite_named(std::string_view name);

// How many octets a sealed packet has more than its plaintext.
struct Overhead {
    std::size_t rtp;
    std::size_t rtcp;  // tag and the index word
};
Overhead overhead(Suite suite);

// Names a key in logs and records, and finds equal ones, without saying anything about it.
using KeyFingerprint = std::array<std::byte, 8>;
std::string to_string(const KeyFingerprint& fingerprint);  // 16 hexadecimal digits

// One master key and its salt, as configured.
//
// Errors   make() says in words why the octets are no key for the suite; they are wiped either way.
// Thread   its owner's.
class MasterKey {
public:
    static core::Result<MasterKey> make(Suite suite, core::Secret key_and_salt);

    Suite suite() const { return suite_; }
    std::span<const std::byte> key() const { return octets_.octets().first(info(suite_).key_size); }
    std::span<const std::byte> salt() const { return octets_.octets().subspan(info(suite_).key_size); }
    // The first 8 octets of SHA-256 over a label of our own, the suite's key size, key and salt.
    const KeyFingerprint& fingerprint() const { return fingerprint_; }

private:
    MasterKey(Suite suite, core::Secret octets, KeyFingerprint fingerprint)
        : suite_{suite}, octets_{std::move(octets)}, fingerprint_{fingerprint} {}
    Suite suite_;
    core::Secret octets_;
    KeyFingerprint fingerprint_;
};

// An endpoint's `srtp:` section.
struct SrtpSettings {
    Suite suite{Suite::Aes256Gcm};
    std::vector<MasterKey> receive;  // the new key, then perhaps the old one; empty for Suite::None
    std::optional<MasterKey> send;   // nothing for Suite::None
};

// Where the keys of a configuration are found.
struct KeyPlace {
    std::filesystem::path base;  // what a relative {file: PATH} begins at
    bool config_is_private{};    // nobody else may read the configuration file: keys may stand in it
    std::function<core::Result<core::Secret>(const std::filesystem::path&)> read_file{core::read_key_file};
};

// Reads `{suite: …, receive: KEY | [NEW, OLD], send: KEY}`, where KEY is 'BASE64', {file: PATH} or
// {credential: NAME}. Every problem is reported at its own place; then nothing is returned.
std::optional<SrtpSettings> read_srtp(const core::config::Node& node, const KeyPlace& place);

}  // namespace crosspatch::rtp
