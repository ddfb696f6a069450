#include "crosspatch/record/checkpoint.hpp"

#include <doctest/doctest.h>

#include <string>

#include "crosspatch/core/text.hpp"

using namespace crosspatch;
using namespace crosspatch::record;

namespace {

SigningKey key_from(char seed) {
    core::Secret secret{32};
    for (auto& octet : secret.writable()) octet = static_cast<std::byte>(seed);
    return *SigningKey::from_seed(std::move(secret));
}

std::string note_of(const SigningKey& key, std::uint64_t size = 7) {
    return sign_checkpoint({key.verifier().name, size, leaf_hash("x")}, key);
}

bool is_refused(const std::string& note) { return !parse_checkpoint(note).has_value(); }

std::string with(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a checkpoint is three lines, a blank one and a signature, and is read back") {
    const auto key = key_from('k');
    const auto note = note_of(key);
    const auto name = "crosspatch/" + log_id(key.public_key());
    CHECK(note.starts_with(name + "\n7\n" + core::to_base64(leaf_hash("x")) + "\n\n\xE2\x80\x94 " + name +
                           " "));
    const auto read = parse_checkpoint(note);
    REQUIRE(read);
    CHECK(read->checkpoint.size == 7);
    CHECK(read->checkpoint.root == leaf_hash("x"));
    CHECK(read->signed_by(key.verifier()));
    CHECK_FALSE(read->signed_by(key_from('l').verifier()));
}

TEST_CASE("an altered checkpoint does not verify") {
    const auto key = key_from('k');
    const auto altered = parse_checkpoint(with(note_of(key), "\n7\n", "\n8\n"));
    REQUIRE(altered);
    CHECK_FALSE(altered->signed_by(key.verifier()));
}

TEST_CASE("the verifier key is the text that C2SP tools take, and nothing like it is taken for one") {
    const auto key = key_from('k').verifier();
    const auto text = key.to_string();
    const auto read = VerifierKey::parse(text);
    REQUIRE(read);
    CHECK(*read == key);
    CHECK_FALSE(VerifierKey::parse(with(text, "crosspatch/", "crosspatch-")));  // the key id covers the name
    CHECK_FALSE(VerifierKey::parse(text.substr(0, text.size() - 4)));
    CHECK_FALSE(VerifierKey::parse("a+b"));
    CHECK_FALSE(VerifierKey::parse(""));
}

TEST_CASE("a note that another implementation signed verifies") {
    // The example in the documentation of Go's golang.org/x/mod/sumdb/note.
    const auto key = VerifierKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    REQUIRE(key);
    const auto octets = core::from_base64(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=");
    REQUIRE(octets);
    SignedCheckpoint note;
    note.text =
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem "
        "is.\n";
    note.signatures.push_back({"PeterNeumann", 0xc74f20a3, {octets->begin() + 4, octets->end()}});
    CHECK(note.signed_by(*key));
    note.text[0] = 'i';
    CHECK_FALSE(note.signed_by(*key));
}

TEST_CASE("the log id is bound to the key") {
    const auto key = key_from('k');
    CHECK(log_id(key.public_key()).size() == 32);
    CHECK(fingerprint(key.public_key()).starts_with(log_id(key.public_key())));
    CHECK(log_id(key.public_key()) != log_id(key_from('l').public_key()));
}

TEST_CASE("a note that is not strictly a checkpoint is refused") {
    const auto note = note_of(key_from('k'));
    CHECK_FALSE(is_refused(note));
    CHECK(is_refused(""));
    CHECK(is_refused(note.substr(0, note.size() - 1)));
    CHECK(is_refused(with(note, "\n7\n", "\n07\n")));
    CHECK(is_refused(with(note, "\n7\n", "\n-7\n")));
    CHECK(is_refused(with(note, "\n7\n", "\n99999999999999999999\n")));
    CHECK(is_refused(with(note, "\n\n", "\nextension\n\n")));
    CHECK(is_refused(with(note, "\n\n", "\n")));
    CHECK(is_refused(with(note, "\xE2\x80\x94 ", "- ")));
    CHECK(is_refused(note.substr(0, note.find("\n\n") + 2)));
    CHECK(is_refused(note + std::string(9000, 'x') + "\n"));
    std::string many = note;
    const auto line = note.substr(note.find("\n\n") + 2);
    for (int i = 0; i < 15; ++i) many += line;
    CHECK_FALSE(is_refused(many));
    CHECK(is_refused(many + line));
}
