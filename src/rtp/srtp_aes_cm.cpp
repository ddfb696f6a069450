// AES-128 in counter mode with HMAC-SHA1, truncated to 80 bits.
//
// The HMAC is put together from OpenSSL's SHA1_* calls, which OpenSSL 3 calls deprecated: the two midstates
// that a key leaves are plain structs there, kept with the key and copied for each packet. The EVP ways to
// the same end cost twice (EVP_MAC_init without a key) to four times as much (EVP_MAC_CTX_dup, which
// allocates too); tests/bench/rtp_srtp.cpp measures all three. The processor's SHA-1 instructions are used
// either way.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "src/rtp/srtp_evp.hpp"

namespace crosspatch::rtp {
namespace {

constexpr std::size_t kKey = 16;
constexpr std::size_t kTag = 10;

class HmacSha1 {
public:
    using Digest = std::array<unsigned char, SHA_DIGEST_LENGTH>;

    explicit HmacSha1(std::span<const std::byte, 20> key) {
        absorb(inner_, key, 0x36);
        absorb(outer_, key, 0x5c);
    }
    ~HmacSha1() { wipe(); }
    HmacSha1(const HmacSha1&) = delete;
    HmacSha1& operator=(const HmacSha1&) = delete;

    // Over `octets` and then the four of `last`.
    Digest operator()(std::span<const std::byte> octets, std::uint32_t last) const {
        Digest digest;
        const std::array<unsigned char, 4> tail{
            static_cast<unsigned char>(last >> 24), static_cast<unsigned char>(last >> 16 & 0xFF),
            static_cast<unsigned char>(last >> 8 & 0xFF), static_cast<unsigned char>(last & 0xFF)};
        SHA_CTX running = inner_;
        SHA1_Update(&running, octets.data(), octets.size());
        SHA1_Update(&running, tail.data(), tail.size());
        SHA1_Final(digest.data(), &running);
        running = outer_;
        SHA1_Update(&running, digest.data(), digest.size());
        SHA1_Final(digest.data(), &running);
        return digest;
    }

    void wipe() {
        core::wipe(std::as_writable_bytes(std::span{&inner_, 1}));
        core::wipe(std::as_writable_bytes(std::span{&outer_, 1}));
    }

private:
    static void absorb(SHA_CTX& state, std::span<const std::byte, 20> key, unsigned char pad) {
        std::array<unsigned char, SHA_CBLOCK> block;
        block.fill(pad);
        for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= std::to_integer<unsigned char>(key[i]);
        SHA1_Init(&state);
        SHA1_Update(&state, block.data(), block.size());
        OPENSSL_cleanse(block.data(), block.size());
    }

    SHA_CTX inner_;
    SHA_CTX outer_;
};

// The first counter block: salt · 2^16 XOR SSRC · 2^64 XOR index · 2^16. RFC 3711 §4.1.1.
std::array<unsigned char, 16> counter(const std::array<std::byte, 14>& salt, std::uint32_t ssrc,
                                      std::uint64_t index) {
    std::array<unsigned char, 16> block{};
    std::memcpy(block.data(), salt.data(), salt.size());
    for (std::size_t i = 0; i < 4; ++i) block[4 + i] ^= static_cast<unsigned char>(ssrc >> (24 - 8 * i));
    for (std::size_t i = 0; i < 6; ++i) block[8 + i] ^= static_cast<unsigned char>(index >> (40 - 8 * i));
    return block;
}

class AesCm final : public PacketCipher {
public:
    explicit AesCm(const SessionKeys& keys)
        : hmac_{keys.rtp.auth},
          rtp_salt_{keys.rtp.salt},
          context_{EVP_aes_128_ctr(), std::span{keys.rtp.key}.first(kKey), true},
          rtcp_{keys.rtcp} {}
    ~AesCm() override { core::wipe(std::as_writable_bytes(std::span{&rtcp_, 1})); }
    AesCm(const AesCm&) = delete;
    AesCm& operator=(const AesCm&) = delete;

    void seal_rtp(std::byte* packet, std::size_t header_size, const std::byte* plaintext, std::size_t size,
                  std::uint32_t ssrc, std::uint64_t index) noexcept override {
        crypt(counter(rtp_salt_, ssrc, index), plaintext, packet + header_size, size - header_size);
        const auto digest = hmac_({packet, size}, static_cast<std::uint32_t>(index >> 16));
        std::memcpy(packet + size, digest.data(), kTag);
    }

    bool open_rtp(std::span<std::byte> packet, std::size_t header_size, std::uint32_t ssrc,
                  std::uint64_t index) noexcept override {
        const auto signed_part = packet.first(packet.size() - kTag);
        const auto digest = hmac_(signed_part, static_cast<std::uint32_t>(index >> 16));
        if (CRYPTO_memcmp(digest.data(), packet.data() + signed_part.size(), kTag) != 0) return false;
        crypt(counter(rtp_salt_, ssrc, index), packet.data() + header_size, packet.data() + header_size,
              signed_part.size() - header_size);
        return true;
    }

    void seal_rtcp(std::byte* packet, std::size_t size, std::uint32_t ssrc,
                   std::uint32_t word) noexcept override {
        crypt_rtcp(packet, size, ssrc, word);
        const HmacSha1 hmac{rtcp_.auth};
        const auto digest = hmac({packet, size}, word);
        for (std::size_t i = 0; i < 4; ++i) packet[size + i] = static_cast<std::byte>(word >> (24 - 8 * i));
        std::memcpy(packet + size + 4, digest.data(), kTag);
    }

    bool open_rtcp(std::span<std::byte> packet, std::uint32_t ssrc, std::uint32_t word) noexcept override {
        const auto size = packet.size() - kTag - 4;
        const HmacSha1 hmac{rtcp_.auth};
        const auto digest = hmac(packet.first(size), word);
        if (CRYPTO_memcmp(digest.data(), packet.data() + size + 4, kTag) != 0) return false;
        crypt_rtcp(packet.data(), size, ssrc, word);
        return true;
    }

    void wipe() noexcept override {
        hmac_.wipe();
        context_.wipe();
        core::wipe(std::as_writable_bytes(std::span{&rtcp_, 1}));
    }

private:
    void crypt(const std::array<unsigned char, 16>& first, const std::byte* from, std::byte* to,
               std::size_t size) {
        int written = 0;
        bool done = EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, first.data(), -1) == 1;
        done &= size == 0 ||
                EVP_EncryptUpdate(context_.get(), raw(to), &written, raw(from), static_cast<int>(size)) == 1;
        assert(done);
    }

    void crypt_rtcp(std::byte* packet, std::size_t size, std::uint32_t ssrc, std::uint32_t word) {
        context_.borrowed(std::span{rtcp_.key}.first(kKey), [&] {
            crypt(counter(rtcp_.salt, ssrc, word & ~kEncryptedRtcp), packet + kRtcpClear, packet + kRtcpClear,
                  size - kRtcpClear);
            return true;
        });
    }

    HmacSha1 hmac_;
    std::array<std::byte, 14> rtp_salt_;
    EvpContext context_;
    SessionKeys::Half rtcp_;
};

}  // namespace

std::unique_ptr<PacketCipher> make_aes_cm(const SessionKeys& keys) { return std::make_unique<AesCm>(keys); }

}  // namespace crosspatch::rtp
