#include "crosspatch/record/checkpoint.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <charconv>

#include "crosspatch/core/text.hpp"

namespace crosspatch::record {

using core::Error;
using core::octets_of;

namespace {

constexpr std::byte kEd25519{0x01};     // C2SP signed-note: the signature type of a plain Ed25519 key
constexpr std::size_t kMaxNote = 8192;  // octets
constexpr std::size_t kMaxSignatures = 16;
constexpr std::string_view kDash = "\xE2\x80\x94 ";  // em dash and a blank begin a signature line

const unsigned char* raw(std::span<const std::byte> octets) {
    return reinterpret_cast<const unsigned char*>(octets.data());
}

// C2SP signed-note: a key name is not empty and has neither blanks nor a plus sign.
bool is_key_name(std::string_view name) {
    if (name.empty() || name.size() > 128) return false;
    return std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '+'; });
}

std::string key_id_hex(std::uint32_t id) { return fmt::format("{:08x}", id); }

std::uint32_t big_endian(std::span<const std::byte> four) {
    std::uint32_t value = 0;
    for (const std::byte octet : four.first(4)) value = (value << 8) | std::to_integer<std::uint32_t>(octet);
    return value;
}

core::Unexpected<Error> refuse(std::string why) {
    return core::unexpected(Error::Code::Invalid, "not a checkpoint: " + std::move(why));
}

// Takes the text up to the next newline; nothing if there is none.
std::optional<std::string_view> take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return line;
}

core::Result<NoteSignature> parse_signature(std::string_view line) {
    if (line.substr(0, kDash.size()) != kDash)
        return refuse("a signature line begins with a dash and a blank");
    line.remove_prefix(kDash.size());
    const auto blank = line.find(' ');
    if (blank == std::string_view::npos || !is_key_name(line.substr(0, blank))) {
        return refuse("a signature line names its key");
    }
    const auto octets = core::from_base64(line.substr(blank + 1));
    if (!octets || octets->size() < 5) return refuse("a signature is base64 of the key id and the signature");
    NoteSignature signature;
    signature.name = line.substr(0, blank);
    signature.key_id = big_endian(*octets);
    signature.signature.assign(octets->begin() + 4, octets->end());
    return signature;
}

core::Result<Checkpoint> parse_text(std::string_view text) {
    Checkpoint checkpoint;
    const auto origin = take_line(text);
    if (!origin || !is_key_name(*origin)) return refuse("the first line names the log");
    checkpoint.origin = *origin;
    const auto size = take_line(text);
    if (!size || size->empty() || (size->size() > 1 && size->front() == '0'))
        return refuse("the second line is the size");
    const auto* end = size->data() + size->size();
    const auto [stop, failure] = std::from_chars(size->data(), end, checkpoint.size);
    if (failure != std::errc{} || stop != end) return refuse("the second line is the size");
    const auto root = take_line(text);
    const auto octets = root ? core::from_base64(*root) : std::nullopt;
    if (!octets || octets->size() != checkpoint.root.size())
        return refuse("the third line is the root, 32 octets in base64");
    std::copy(octets->begin(), octets->end(), checkpoint.root.begin());
    if (!text.empty()) return refuse("there are lines after the root");
    return checkpoint;
}

}  // namespace

std::uint32_t VerifierKey::id() const {
    std::string hashed = name + "\n";
    hashed += static_cast<char>(kEd25519);
    hashed.append(reinterpret_cast<const char*>(key.data()), key.size());
    return big_endian(sha256(octets_of(hashed)));
}

std::string VerifierKey::to_string() const {
    std::vector<std::byte> octets{kEd25519};
    octets.insert(octets.end(), key.begin(), key.end());
    return fmt::format("{}+{}+{}", name, key_id_hex(id()), core::to_base64(octets));
}

core::Result<VerifierKey> VerifierKey::parse(std::string_view text) {
    const auto wrong = [] {
        return core::unexpected(Error::Code::Invalid, "not a verifier key; it looks like NAME+KEYID+BASE64");
    };
    const auto first = text.find('+');
    if (first == std::string_view::npos) return wrong();
    const auto second = text.find('+', first + 1);
    if (second == std::string_view::npos || !is_key_name(text.substr(0, first))) return wrong();
    const auto octets = core::from_base64(text.substr(second + 1));
    if (!octets || octets->size() != 33 || octets->front() != kEd25519) return wrong();
    VerifierKey key;
    key.name = text.substr(0, first);
    std::copy(octets->begin() + 1, octets->end(), key.key.begin());
    if (text.substr(first + 1, second - first - 1) != key_id_hex(key.id())) return wrong();
    return key;
}

std::string fingerprint(const PublicKey& key) { return core::to_hex(sha256(key)); }

std::string log_id(const PublicKey& key) { return fingerprint(key).substr(0, 32); }

std::string origin(std::string_view log_id) { return fmt::format("crosspatch/{}", log_id); }

SigningKey::SigningKey(core::Secret seed) : seed_{std::move(seed)}, key_{crypto_sign_SECRETKEYBYTES} {
    crypto_sign_seed_keypair(reinterpret_cast<unsigned char*>(public_.data()),
                             reinterpret_cast<unsigned char*>(key_.writable().data()), raw(seed_.octets()));
}

SigningKey SigningKey::generate() {
    core::Secret seed{crypto_sign_SEEDBYTES};
    randombytes_buf(seed.writable().data(), seed.writable().size());
    return SigningKey{std::move(seed)};
}

core::Result<SigningKey> SigningKey::from_seed(core::Secret seed) {
    if (seed.octets().size() != crypto_sign_SEEDBYTES) {
        return core::unexpected(Error::Code::Invalid, "an Ed25519 key is 32 octets");
    }
    return SigningKey{std::move(seed)};
}

VerifierKey SigningKey::verifier() const { return {origin(log_id(public_)), public_}; }

std::array<std::byte, 64> SigningKey::sign(std::string_view text) const {
    std::array<std::byte, 64> signature{};
    crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, raw(octets_of(text)),
                         text.size(), raw(key_.octets()));
    return signature;
}

bool SignedCheckpoint::signed_by(const VerifierKey& key) const {
    return std::any_of(signatures.begin(), signatures.end(), [&](const NoteSignature& signature) {
        if (signature.name != key.name || signature.key_id != key.id()) return false;
        if (signature.signature.size() != crypto_sign_BYTES) return false;
        return crypto_sign_verify_detached(raw(signature.signature), raw(octets_of(text)), text.size(),
                                           raw(key.key)) == 0;
    });
}

std::string sign_checkpoint(const Checkpoint& checkpoint, const SigningKey& key) {
    const auto text =
        fmt::format("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size, core::to_base64(checkpoint.root));
    const auto verifier = key.verifier();
    const auto id = verifier.id();
    std::vector<std::byte> octets;
    for (int shift = 24; shift >= 0; shift -= 8) octets.push_back(static_cast<std::byte>(id >> shift));
    const auto signature = key.sign(text);
    octets.insert(octets.end(), signature.begin(), signature.end());
    return fmt::format("{}\n{}{} {}\n", text, kDash, verifier.name, core::to_base64(octets));
}

core::Result<SignedCheckpoint> parse_checkpoint(std::string_view note) {
    if (note.size() > kMaxNote) return refuse("longer than 8 KiB");
    const auto gap = note.find("\n\n");
    if (gap == std::string_view::npos) return refuse("no blank line before the signatures");
    SignedCheckpoint read;
    read.text = note.substr(0, gap + 1);
    auto checkpoint = parse_text(read.text);
    if (!checkpoint) return core::Unexpected<Error>{checkpoint.error()};
    read.checkpoint = std::move(*checkpoint);
    note.remove_prefix(gap + 2);
    while (!note.empty()) {
        const auto line = take_line(note);
        if (!line) return refuse("the last line has no end");
        auto signature = parse_signature(*line);
        if (!signature) return core::Unexpected<Error>{signature.error()};
        if (read.signatures.size() == kMaxSignatures) return refuse("more than 16 signatures");
        read.signatures.push_back(std::move(*signature));
    }
    if (read.signatures.empty()) return refuse("nobody signed it");
    return read;
}

}  // namespace crosspatch::record
