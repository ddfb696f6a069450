#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/result.hpp"
#include "crosspatch/core/secret.hpp"
#include "crosspatch/record/merkle.hpp"

// Signed tree heads: "at this size, the log had this root".
//
// Source   C2SP tlog-checkpoint (three lines: origin, size, root in base64) and C2SP signed-note (a blank
// line, then
//          `— NAME BASE64(key id ‖ signature)` for each signer; key id = SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public
//          key)[0..4)).
namespace crosspatch::record {

using PublicKey = std::array<std::byte, 32>;  // Ed25519

// What one signs with and others check against: a name and an Ed25519 public key.
struct VerifierKey {
    std::string name;
    PublicKey key{};

    // `NAME+KEYID+BASE64(0x01 ‖ public key)`, the text that C2SP tools take.
    std::string to_string() const;
    static core::Result<VerifierKey> parse(std::string_view text);
    std::uint32_t id() const;
    bool operator==(const VerifierKey&) const = default;
};

// The log's name is bound to its key: the first 16 octets of SHA-256(public key), in hex. Another key is
// another log.
std::string log_id(const PublicKey& key);
// How people compare keys: SHA-256(public key) in hex; it begins with the log id.
std::string fingerprint(const PublicKey& key);
std::string origin(std::string_view log_id);  // `crosspatch/LOGID`

// The log's lasting signing key.
//
// Shape    the 32-octet seed and the 64-octet Ed25519 key that grows from it, both in core::Secret.
// Errors   a key file that others may read, or that holds something else, is refused and never replaced.
// Thread   any, once built: signing does not change it.
class SigningKey {
public:
    static SigningKey generate();
    static core::Result<SigningKey> from_seed(core::Secret seed);

    const PublicKey& public_key() const { return public_; }
    VerifierKey verifier() const;  // named for its log: `crosspatch/LOGID`
    std::array<std::byte, 64> sign(std::string_view text) const;
    const core::Secret& seed() const { return seed_; }

private:
    explicit SigningKey(core::Secret seed);
    core::Secret seed_;
    core::Secret key_;
    PublicKey public_{};
};

struct Checkpoint {
    std::string origin;
    std::uint64_t size{};
    Hash root{};
};

struct NoteSignature {
    std::string name;
    std::uint32_t key_id{};
    std::vector<std::byte> signature;  // without the key id
};

// A checkpoint as it was read, with the signatures that stand under it, not yet checked.
struct SignedCheckpoint {
    Checkpoint checkpoint;
    std::string text;  // what is signed
    std::vector<NoteSignature> signatures;

    // A signature by `key` is there and verifies. Signatures of others are left alone.
    bool signed_by(const VerifierKey& key) const;
};

std::string sign_checkpoint(const Checkpoint& checkpoint, const SigningKey& key);

// Strict: no extension lines, no leading zeros, canonical base64, at most 16 signatures and 8 KiB.
core::Result<SignedCheckpoint> parse_checkpoint(std::string_view note);

}  // namespace crosspatch::record
