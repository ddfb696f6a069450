// Published vectors: RFC 3711 B.2, B.3; RFC 7714 §16, §17 (session keys given); libsrtp2's own test packets.
#include <openssl/evp.h>

#include "src/rtp/srtp_cipher.hpp"
#include "tests/rtp/srtp_support.hpp"

namespace crosspatch::rtp {
namespace {

const auto kCm = Suite::AesCm128HmacSha1_80;
const char* const kMaster = "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6";

template <std::size_t N>
void fill(std::array<std::byte, N>& to, std::string_view text) {
    const auto octets = hex(text);
    std::copy(octets.begin(), octets.end(), to.begin());
}

Octets first(std::span<const std::byte> octets, std::size_t count) {
    return {octets.begin(), octets.begin() + count};
}

SessionKeys& derived(SessionKeys& keys, Suite suite, std::string_view text) {
    const auto octets = hex(text);
    const auto key_size = info(suite).key_size;
    keys.derive(suite, std::span{octets}.first(key_size), std::span{octets}.subspan(key_size));
    return keys;
}

// Seals `plain` under session keys and says what is on the wire.
Octets sealed(Suite suite, const SessionKeys& keys, Octets plain, std::uint64_t roc) {
    const auto size = plain.size();
    plain.resize(size + overhead(suite).rtp);
    const auto index = roc << 16 | load16(plain, 2);
    PacketCipher::make(suite, keys)->seal_rtp(plain.data(), kHeader, size, load32(plain, 8), index);
    return plain;
}

TEST_CASE("keys derive as RFC 3711 B.3 says, and SRTCP's by the next three labels") {
    SessionKeys keys;
    derived(keys, kCm, kMaster);
    CHECK(first(keys.rtp.key, 16) == hex("C61E7A93744F39EE10734AFE3FF7A087"));
    CHECK(first(keys.rtp.salt, 14) == hex("30CBBC08863D8C85D49DB34A9AE1"));
    CHECK(first(keys.rtp.auth, 20) == hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
    CHECK(first(keys.rtcp.key, 16) == hex("4C1AA45A81F73D61C800BBB00FBB1EAA"));
    CHECK(first(keys.rtcp.auth, 20) == hex("8D54534FEB49AE8E7993A6BD0B844FC323A93DFD"));
    CHECK(first(keys.rtcp.salt, 14) == hex("9581C7AD87B3E530BF3E4454A8B3"));
}

TEST_CASE(
    "the AES counter keystream is that of RFC 3711 B.2, into the last blocks of a packet's 16-bit counter") {
    SessionKeys keys;
    fill(keys.rtp.key, "2B7E151628AED2A6ABF7158809CF4F3C");
    fill(keys.rtp.salt, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
    // With SSRC and index 0 the counter starts at the salt itself; zeros sealed are the keystream.
    const auto cipher = PacketCipher::make(kCm, keys);
    Octets packet(kHeader + 0xFF03 * 16 + 10);
    cipher->seal_rtp(packet.data(), kHeader, packet.size() - 10, 0, 0);
    const auto block = [&](std::size_t counter) {
        const auto from = packet.begin() + static_cast<std::ptrdiff_t>(kHeader + counter * 16);
        return Octets{from, from + 16};
    };
    CHECK(block(0x0000) == hex("E03EAD0935C95E80E166B16DD92B4EB4"));
    CHECK(block(0x0001) == hex("D23513162B02D0F72A43A2FE4A5F97AB"));
    CHECK(block(0x0002) == hex("41E95B3BB0A2E8DD477901E4FCA894C0"));
    CHECK(block(0xFEFF) == hex("EC8CDF7398607CB0F2D21675EA9EA1E4"));
    CHECK(block(0xFF00) == hex("362B7C3C6773516318A077D7FC5073AE"));
    CHECK(block(0xFF01) == hex("6A2CC3787889374FBEB4C81B17BA6C44"));
}

TEST_CASE("an AES-CM packet is libsrtp2's, at roll-over counter 0 and 1") {
    const auto plain = hex("800f1234decafbadcafebabe abababababababababababababababab");
    SessionKeys keys;
    derived(keys, kCm, kMaster);
    CHECK(sealed(kCm, keys, plain, 0) ==
          hex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"));
    CHECK(sealed(kCm, keys, plain, 1) ==
          hex("800f1234decafbadcafebabe179265c8bf303e4c24e7279f739bb5a6f8b3916fd670057bf1dc"));
}

TEST_CASE("an AES-CM SRTCP packet is libsrtp2's, sealed and opened") {
    const auto key = key_of(kCm, hex(kMaster));
    Talker talker{key, {0, 1}};
    auto plain = hex("81c8000bcafebabe abababababababababababababababab");
    const auto size = plain.size();
    plain.resize(size + overhead(kCm).rtcp);
    REQUIRE(talker.sender.seal_rtcp(plain, size));
    const auto wire = hex("81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798");
    CHECK(plain == wire);
    Listener listener{{&key, 1}};
    CHECK(listener.hear_rtcp(wire) == "ok");
    CHECK(listener.heard == hex("81c8000bcafebabe abababababababababababababababab"));
}

TEST_CASE("an AES-128-GCM packet is libsrtp2's, derivation included") {
    const auto key =
        key_of(Suite::Aes128Gcm, hex("000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab"));
    Talker talker{key, {0x1234, 0}};
    auto packet = hex("800f1234decafbadcafebabe abababababababababababababababab");
    packet.resize(packet.size() + 16);
    REQUIRE(talker.sender.seal_rtp(packet, kHeader, packet.size() - 16, kSsrc, 0x1234));
    CHECK(packet ==
          hex("800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392"));
}

struct Rfc7714 {
    Suite suite;
    const char* key;
    const char* wire;
};

TEST_CASE("the AEAD packets of RFC 7714 come out octet by octet, by libsodium and by OpenSSL") {
    const auto* header = "8040f17b8041f8d35501a0b2";
    const auto* text = "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
    for (const auto& it :
         {Rfc7714{Suite::Aes128Gcm, "000102030405060708090a0b0c0d0e0f",
                  "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
                  "899d7f27beb16a9152cf765ee4390cce"},
          Rfc7714{Suite::Aes256Gcm, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                  "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
                  "7aa3db36dfffd6b0f9bb7878d7a76c13"}}) {
        SessionKeys keys;
        fill(keys.rtp.key, it.key);
        fill(keys.rtp.salt, "517569642070726f2071756f");
        const auto plain = hex(std::string{header} + text);
        const auto wire = hex(std::string{header} + it.wire);
        CHECK(sealed(it.suite, keys, plain, 0) == wire);
        for (const auto& cipher : {PacketCipher::make(it.suite, keys), make_openssl_gcm(it.suite, keys)}) {
            Octets packet = wire;
            CHECK(cipher->open_rtp(packet, kHeader, 0x5501a0b2, 0xf17b));
            CHECK(first(packet, plain.size()) == plain);
        }
    }
}

TEST_CASE("the SRTCP packet of RFC 7714 comes out octet by octet, with its tag before the index word") {
    SessionKeys keys;
    fill(keys.rtcp.key, "000102030405060708090a0b0c0d0e0f");
    fill(keys.rtcp.salt, "517569642070726f2071756f");
    auto plain = hex(
        "81c8000d4d617273 4e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeef"
        "deadbeef");
    const auto wire =
        hex("81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686"
            "303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4");
    const auto cipher = PacketCipher::make(Suite::Aes128Gcm, keys);
    const auto size = plain.size();
    auto packet = plain;
    packet.resize(size + 20);
    cipher->seal_rtcp(packet.data(), size, 0x4d617273, kEncryptedRtcp | 0x5d4);
    CHECK(packet == wire);
    CHECK(cipher->open_rtcp(packet, 0x4d617273, kEncryptedRtcp | 0x5d4));
    CHECK(first(packet, size) == plain);
}

TEST_CASE("libsodium and OpenSSL seal the same AES-256-GCM packets") {
    SessionKeys keys;
    const auto octets = key_octets(Suite::Aes256Gcm, 1);
    keys.derive(Suite::Aes256Gcm, std::span{octets}.first(32), std::span{octets}.subspan(32));
    if (!sodium_has_aes()) return;
    const auto sodium = make_sodium_gcm(keys);
    const auto openssl = make_openssl_gcm(Suite::Aes256Gcm, keys);
    for (std::size_t payload : {0, 1, 15, 16, 17, 60, 160, 1172}) {
        Octets one = rtp_packet(70000, kSsrc, payload);
        one.resize(one.size() + 20);
        Octets other = one;
        sodium->seal_rtp(one.data(), kHeader, kHeader + payload, kSsrc, 70000);
        openssl->seal_rtp(other.data(), kHeader, kHeader + payload, kSsrc, 70000);
        CHECK(one == other);
        sodium->seal_rtcp(one.data(), kHeader + payload, kSsrc, kEncryptedRtcp | 9);
        openssl->seal_rtcp(other.data(), kHeader + payload, kSsrc, kEncryptedRtcp | 9);
        CHECK(one == other);
        CHECK(openssl->open_rtcp(std::span{one}.first(kHeader + payload + 20), kSsrc, kEncryptedRtcp | 9));
        CHECK(sodium->open_rtcp(std::span{other}.first(kHeader + payload + 20), kSsrc, kEncryptedRtcp | 9));
    }
}

}  // namespace
}  // namespace crosspatch::rtp
