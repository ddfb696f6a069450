#include <cstdlib>

#include "crosspatch/rtp/srtp_suite.hpp"
#include "tests/rtp/srtp_support.hpp"
#include "tests/support/temp_directory.hpp"

namespace crosspatch::rtp {
namespace {

using core::config::Document;
using core::config::Problems;

std::string base64(std::uint32_t seed, Suite suite = Suite::Aes256Gcm) {
    return core::to_base64(key_octets(suite, seed));
}

// Reads one `srtp:` section; keeps what was said about it.
struct Section {
    explicit Section(const std::string& yaml, bool is_private = true,
                     const std::filesystem::path& directory = ".")
        : document{Document::parse(yaml, problems)},
          settings{read_srtp(document.root(), {directory, is_private})} {}

    std::string complaint() const {
        std::string all;
        for (const auto& line : problems.lines()) all += line + "\n";
        return all;
    }
    bool complains(std::string_view about) const { return complaint().find(about) != std::string::npos; }

    Problems problems{"crosspatch.yaml"};
    Document document;
    std::optional<SrtpSettings> settings;
};

TEST_CASE("keys stand inline, one or two to receive, and AES-256-GCM is the suite when none is named") {
    const Section one{"{receive: '" + base64(1) + "', send: '" + base64(2) + "'}"};
    REQUIRE(one.settings);
    CHECK(one.problems.empty());
    CHECK(one.settings->suite == Suite::Aes256Gcm);
    REQUIRE(one.settings->receive.size() == 1);
    CHECK(one.settings->receive[0].fingerprint() == keys(Suite::Aes256Gcm, {1})[0].fingerprint());
    CHECK(one.settings->send->fingerprint() == keys(Suite::Aes256Gcm, {2})[0].fingerprint());
    const Section two{"{suite: AES_CM_128_HMAC_SHA1_80, receive: ['" + base64(1, Suite::AesCm128HmacSha1_80) +
                      "', '" + base64(3, Suite::AesCm128HmacSha1_80) + "'], send: '" +
                      base64(2, Suite::AesCm128HmacSha1_80) + "'}"};
    REQUIRE(two.settings);
    CHECK(two.settings->suite == Suite::AesCm128HmacSha1_80);
    CHECK(two.settings->receive.size() == 2);
}

TEST_CASE("keys come from files beside the configuration and from credentials") {
    tests::TempDirectory directory;
    directory.write("a.key", base64(1) + "\n");
    directory.write("b", base64(2));
    const std::string yaml = "{receive: {file: a.key}, send: {credential: b}}";
    unsetenv("CREDENTIALS_DIRECTORY");
    const Section without{yaml, false, directory.path()};
    CHECK_FALSE(without.settings);
    CHECK(without.complains("CREDENTIALS_DIRECTORY"));
    CHECK(without.complains("send.credential"));
    setenv("CREDENTIALS_DIRECTORY", directory.path().c_str(), 1);
    const Section with{yaml, false, directory.path()};
    CHECK_MESSAGE(with.settings, with.complaint());
    for (const auto* name : {"../b", "", ".", "..", "a/b"}) {
        const Section outside{"{receive: {file: a.key}, send: {credential: '" + std::string{name} + "'}}",
                              true, directory.path()};
        CHECK_FALSE(outside.settings);
        CHECK(outside.complains("no name of a credential"));
    }
    unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_CASE("a key file that others may read, or that is missing, is a problem at its place") {
    tests::TempDirectory directory;
    directory.write("open.key", base64(1), 0644);
    const Section section{"{receive: {file: open.key}, send: {file: none.key}}", true, directory.path()};
    CHECK_FALSE(section.settings);
    CHECK(section.complains("receive.file: "));
    CHECK(section.complains("send.file: "));
    CHECK(section.complains("none.key"));
    CHECK(section.problems.lines().size() == 2);
}

TEST_CASE("inline keys in a file that others may read are refused") {
    const Section section{"{receive: '" + base64(1) + "', send: '" + base64(2) + "'}", false};
    CHECK_FALSE(section.settings);
    CHECK(section.complains("chmod 600"));
    CHECK(section.problems.lines().size() == 2);
}

TEST_CASE("a key of the wrong length is told the right one") {
    const auto cm = base64(1, Suite::AesCm128HmacSha1_80);
    const Section section{"{receive: '" + cm + "', send: 'AAAA'}"};
    CHECK_FALSE(section.settings);
    CHECK(section.complains(
        "receive: this key has 30 octets; AEAD_AES_256_GCM needs 44: 32 of key, then 12 of salt"));
    CHECK(section.complains("send: this key has 3 octets"));
    CHECK_FALSE(section.complains(cm));  // never the key
}

// bad-input.md, 30
TEST_CASE("zero keys, no base64, and one key in two roles are refused") {
    const auto zero = core::to_base64(Octets(44));
    const Section zeros{"{receive: '" + zero + "', send: '" + base64(2) + "'}"};
    CHECK(zeros.complains("receive: this key is all zeros"));
    const Section junk{"{receive: '" + base64(1) + "', send: 'not a key'}"};
    CHECK(junk.complains("send: this is not base64"));
    CHECK_FALSE(junk.complains("not a key,"));
    const Section both{"{receive: ['" + base64(1) + "', '" + base64(2) + "'], send: '" + base64(2) + "'}"};
    CHECK_FALSE(both.settings);
    CHECK(both.complains("send: the same key as in `receive`"));
    const Section twice{"{receive: ['" + base64(1) + "', '" + base64(1) + "'], send: '" + base64(2) + "'}"};
    CHECK_FALSE(twice.settings);
    CHECK(twice.complains("receive[1]: the same key twice"));
    const Section three{"{receive: ['" + base64(1) + "', '" + base64(3) + "', '" + base64(4) + "'], send: '" +
                        base64(2) + "'}"};
    CHECK_FALSE(three.settings);
    CHECK(three.complains("receive: 3 keys"));
}

TEST_CASE("no suite must be written out, takes no keys, and is warned about") {
    const Section none{"{suite: none}"};
    REQUIRE(none.settings);
    CHECK(none.settings->suite == Suite::None);
    CHECK(none.problems.empty());
    CHECK(none.problems.warnings().size() == 1);
    const Section with_key{"{suite: none, send: '" + base64(1) + "'}"};
    CHECK_FALSE(with_key.settings);
    CHECK(with_key.complains("send: `suite: none` takes no keys"));
}

TEST_CASE("what is missing, unknown or weaker than it looks is refused") {
    CHECK(Section{"{}"}.complains("receive"));
    CHECK(Section{"{receive: '" + base64(1) + "'}"}.complains("send"));
    CHECK(Section{"[]"}.complaint() != "");
    const auto tail = ", receive: '" + base64(1) + "', send: '" + base64(2) + "'}";
    for (const auto* suite :
         {"AES_CM_128_HMAC_SHA1_32", "F8_128_HMAC_SHA1_80", "NULL", "aead_aes_256_gcm", "NONE"}) {
        const Section section{"{suite: '" + std::string{suite} + "'" + tail};
        CHECK_FALSE(section.settings);
        CHECK(section.complains("SRTP suite"));
    }
    CHECK(Section{"{mki: 1" + tail}.complains("mki"));
    CHECK(Section{"{receive: {file: a, credential: b}, send: {}}"}.complains("a key is 'BASE64'"));
}

TEST_CASE("a fingerprint tells keys apart and is the same each time") {
    const auto some = keys(Suite::Aes128Gcm, {1, 2, 1});
    CHECK(some[0].fingerprint() == some[2].fingerprint());
    CHECK_FALSE(some[0].fingerprint() == some[1].fingerprint());
    CHECK(to_string(some[0].fingerprint()).size() == 16);
    auto octets = key_octets(Suite::Aes128Gcm, 1);
    octets.back() ^= std::byte{1};
    CHECK_FALSE(key_of(Suite::Aes128Gcm, octets).fingerprint() == some[0].fingerprint());
}

TEST_CASE("every suite has its name, and every cause too") {
    for (const auto suite : {Suite::Aes256Gcm, Suite::Aes128Gcm, Suite::AesCm128HmacSha1_80, Suite::None}) {
        CHECK(suite_named(info(suite).name) == suite);
    }
    CHECK_FALSE(suite_named("AES_CM_128_HMAC_SHA1_32"));
    CHECK(overhead(Suite::Aes256Gcm).rtp == 16);
    CHECK(overhead(Suite::Aes256Gcm).rtcp == 20);
    CHECK(overhead(Suite::AesCm128HmacSha1_80).rtp == 10);
    CHECK(overhead(Suite::AesCm128HmacSha1_80).rtcp == 14);
    CHECK(overhead(Suite::None).rtcp == 0);
    CHECK(name(SrtpError::Authentication) == "authentication");
    CHECK(name(SrtpError::OutOfStep) == "out_of_step");
    CHECK(name(SrtpError::NoRoom) == "no_room");
    CHECK(static_cast<std::size_t>(SrtpError::NoRoom) + 1 == kSrtpErrors);
}

}  // namespace
}  // namespace crosspatch::rtp
