#include "crosspatch/record/consent.hpp"

#include <doctest/doctest.h>
#include <sodium.h>

#include <cstdlib>
#include <fstream>

#include "crosspatch/core/text.hpp"
#include "tests/support/temp_directory.hpp"

using namespace crosspatch;
using namespace crosspatch::record;
namespace json = boost::json;

namespace {

// The vector below was made by `openssl pkeyutl -sign -rawin` with this seed, over octets put together by a script.
SigningKey vector_key() {
    std::array<std::byte, 32> seed{};
    for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::byte>(i);
    return std::move(*SigningKey::from_seed(core::Secret{seed}));
}
constexpr std::string_view kPublic = "ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
constexpr std::string_view kSignature =
    "7XAq7jVgN4t8gNb0NA2GjgdkMrAHZnlbZ3PTPKGZZBD9bgQhB8Cs8xzjYxL7KHCZ0qIMy9/UcRbOPRx68AcVBg==";
constexpr std::string_view kSigned =
    "crosspatch-consent-v1\n"
    R"({"agency":"metro-pd","agreement":"MOU-2026-014 · Zürich","bridge":"riverside-joint",)"
    R"("expires":"2026-11-23T00:00:00Z","gateway":"0123456789abcdef0123456789abcdef",)"
    R"("id":"00112233445566778899aabbccddeeff","not_before":"2026-11-22T16:00:00Z",)"
    R"("terms":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","v":1})";

json::object vector_statement() {
    return {{"v", 1},
            {"id", "00112233445566778899aabbccddeeff"},
            {"gateway", "0123456789abcdef0123456789abcdef"},
            {"bridge", "riverside-joint"},
            {"agency", "metro-pd"},
            {"not_before", "2026-11-22T16:00:00Z"},
            {"expires", "2026-11-23T00:00:00Z"},
            {"agreement", "MOU-2026-014 · Zürich"},
            {"terms", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}};
}

json::object vector_consent() { return {{"statement", vector_statement()}, {"signature", kSignature}}; }

std::string refusal(const json::object& statement) {
    const auto read = read_statement(statement);
    return read ? "taken" : read.error().context;
}

std::string refusal_with(const std::string& key, json::value value) {
    json::object statement = vector_statement();
    statement[key] = std::move(value);
    return refusal(statement);
}

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a consent is signed over its context and canonical JSON, as another program did it") {
    const auto statement = read_statement(vector_statement());
    REQUIRE(statement);
    CHECK(signed_octets(*statement) == kSigned);
    const SignedConsent consent = sign(*statement, vector_key());
    CHECK(core::to_base64(consent.signature) == kSignature);
    const auto key = read_public_key(kPublic);
    REQUIRE(key);
    CHECK(vector_key().public_key() == *key);
    CHECK(key_text(*key) == kPublic);
    CHECK(verifies(consent, *key));
    CHECK(read_consent(to_json(consent)).value() == consent);
    CHECK(read_consent(json::serialize(vector_consent())).value() == consent);
}

TEST_CASE("the order of keys and the spacing in a file do not matter to what is signed") {
    std::string turned = "{ \"signature\" : \"" + std::string{kSignature} + "\",\n \"statement\" : {";
    const json::object statement = vector_statement();
    for (auto pair = statement.end(); pair != statement.begin();) {
        --pair;
        turned += (turned.ends_with('{') ? "" : ",\n\t") + ('"' + std::string{pair->key()} + "\": ") +
                  json::serialize(pair->value());
    }
    turned += "} }";
    const auto consent = read_consent(turned);
    REQUIRE(consent);
    CHECK(verifies(*consent, *read_public_key(kPublic)));
}

TEST_CASE("a change of any octet of statement or signature is no consent any more") {
    const auto key = read_public_key(kPublic);
    const SignedConsent good = *read_consent(vector_consent());
    const auto is_good = [&](const SignedConsent& consent) { return verifies(consent, *key); };
    REQUIRE(is_good(good));
    for (std::size_t i = 0; i < good.signature.size(); ++i)
        for (int bit = 0; bit < 8; ++bit) {
            SignedConsent bad = good;
            bad.signature[i] ^= static_cast<std::byte>(1 << bit);
            CHECK_FALSE(is_good(bad));
        }
    const auto with = [&](auto change) {
        SignedConsent bad = good;
        change(bad.statement);
        return bad;
    };
    using S = ConsentStatement;
    CHECK_FALSE(is_good(with([](S& s) { s.id[0] = '1'; })));
    CHECK_FALSE(is_good(with([](S& s) { s.gateway[0] = '1'; })));
    CHECK_FALSE(is_good(with([](S& s) { s.bridge = "other"; })));
    CHECK_FALSE(is_good(with([](S& s) { s.agency = "northgate"; })));
    CHECK_FALSE(is_good(with([](S& s) { s.not_before -= std::chrono::seconds{1}; })));
    CHECK_FALSE(is_good(with([](S& s) { s.expires += std::chrono::seconds{1}; })));
    CHECK_FALSE(is_good(with([](S& s) { s.agreement = "MOU"; })));
    CHECK_FALSE(is_good(with([](S& s) { s.terms[0] = '5'; })));
    // Signed without the context, or by a checkpoint's key: it is another text.
    const std::string bare{kSigned.substr(kSigned.find('\n') + 1)};
    SignedConsent other = good;
    other.signature = vector_key().sign(bare);
    CHECK_FALSE(is_good(other));
}

TEST_CASE("a statement has every key once, no other, and each value in its one form") {
    CHECK(refusal(vector_statement()) == "taken");
    for (const auto& pair : vector_statement()) {
        json::object less = vector_statement();
        less.erase(pair.key());
        CHECK(says(refusal(less), "'" + std::string{pair.key()} + "' is missing"));
        CHECK_FALSE(refusal_with(std::string{pair.key()}.c_str(), nullptr) == "taken");
    }
    CHECK(says(refusal_with("note", "x"), "'note' does not belong there"));
    CHECK(says(refusal_with(std::string(1000, 'k'), "x"),
               "'" + std::string(64, 'k') + "...' does not belong there"));
    CHECK(record::quoted(std::string(64, 'k')) == std::string(64, 'k'));
    CHECK(record::quoted("a\nb") == "a\\nb");
    CHECK(says(refusal_with("v", 2), "'v' is not 1"));
    CHECK(says(refusal_with("v", 1.0), "'v' is not 1"));
    CHECK(says(refusal_with("id", "00112233445566778899AABBCCDDEEFF"), "'id' is not 128 bits"));
    CHECK(says(refusal_with("id", "0011"), "'id' is not 128 bits"));
    CHECK(says(refusal_with("gateway", "riverside"), "'gateway' is not a log id"));
    CHECK(says(refusal_with("bridge", "Riverside"), "'bridge' is not an id"));
    CHECK(says(refusal_with("agency", ""), "'agency' is not an id"));
    for (const char* time : {"2026-11-22T16:00:00.0Z", "2026-11-22T16:00:00+00:00", "2026-11-22 16:00:00Z",
                             "2026-11-31T00:00:00Z", "2026-11-22T15:59:60Z", "1793289600"})
        CHECK(says(refusal_with("not_before", time), "'not_before' is not a time"));
    CHECK(says(refusal_with("expires", "2026-11-22T16:00:00Z"), "does not come after"));
    CHECK(refusal_with("agreement", "") == "taken");
    CHECK(says(refusal_with("agreement", "a\u202Eb"), "'agreement'"));
    CHECK(says(refusal_with("agreement", json::string(65, 'a')), "'agreement'"));
    CHECK(says(refusal_with("terms", json::string(63, 'a')), "'terms' is not a SHA-256"));
    const std::string text = json::serialize(vector_consent());
    std::string twice = text;
    twice.insert(twice.find("\"id\""), "\"id\":\"ffeeddccbbaa99887766554433221100\",");
    CHECK(says(read_consent(twice).error().context, "a key stands twice"));
    for (std::size_t size = 0; size < text.size(); ++size) CHECK_FALSE(read_consent(text.substr(0, size)));
    CHECK(says(read_consent(text + std::string(kMaxConsent, ' ')).error().context, "longer than"));
    json::object unsigned_one = vector_consent();
    unsigned_one["signature"] = std::string{kSignature.substr(0, 84)};
    CHECK(says(read_consent(unsigned_one).error().context, "'signature' is not 64 octets"));
}

TEST_CASE("a key under which anybody's signature might verify is no public key") {
    const auto text = [](std::string_view hex) { return "ed25519:" + core::to_base64(*core::from_hex(hex)); };
    // Order 1, order 4, order 8, p as an uncanonical zero, and a point off the curve.
    for (const char* hex : {"0100000000000000000000000000000000000000000000000000000000000000",
                            "0000000000000000000000000000000000000000000000000000000000000000",
                            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "0200000000000000000000000000000000000000000000000000000000000000"})
        CHECK_FALSE(read_public_key(text(hex)));
    for (const char* other : {"", "ed25519:", "ed25519:AAAA", "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="})
        CHECK_FALSE(read_public_key(other));
    // The all-zero signature verifies under a key of small order wherever that is not looked at.
    SignedConsent forged = *read_consent(vector_consent());
    forged.signature = {};
    forged.signature[0] = std::byte{1};
    PublicKey identity{};
    identity[0] = std::byte{1};
    CHECK_FALSE(verifies(forged, identity));
}

TEST_CASE("a signature whose second half is not reduced is refused") {
    // S + L signs the same for a lax verifier: two signatures for one statement.
    SignedConsent consent = *read_consent(vector_consent());
    const auto order = *core::from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
        const unsigned sum = std::to_integer<unsigned>(consent.signature[32 + i]) +
                             std::to_integer<unsigned>(order[i]) + carry;
        consent.signature[32 + i] = static_cast<std::byte>(sum);
        carry = sum >> 8;
    }
    CHECK_FALSE(verifies(consent, *read_public_key(kPublic)));
}

TEST_CASE("a signing key is a file of one line that nobody else may read, and is never replaced") {
    const tests::TempDirectory directory;
    const auto file = directory / "metro-pd.key";
    REQUIRE(write_signing_key(file, vector_key()));
    const auto read = read_signing_key(file);
    REQUIRE(read);
    CHECK(read->public_key() == vector_key().public_key());
    std::ifstream in{file};
    std::string line;
    CHECK(std::getline(in, line));
    CHECK(line == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    CHECK(std::filesystem::status(file).permissions() == std::filesystem::perms{0600});
    CHECK(write_signing_key(file, SigningKey::generate()).error().code == core::Error::Code::Busy);
    directory.write("open.key", line + "\n", 0644);
    CHECK_FALSE(read_signing_key(directory / "open.key"));
    directory.write("short.key", "AAEC\n", 0600);
    CHECK(says(read_signing_key(directory / "short.key").error().context, "44 characters"));
}

TEST_CASE("no two consents get one id") {
    const std::string id = new_consent_id();
    CHECK(id.size() == 32);
    CHECK(id != new_consent_id());
}
