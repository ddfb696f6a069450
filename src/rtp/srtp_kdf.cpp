#include "src/rtp/srtp_kdf.hpp"

#include <openssl/evp.h>

#include <cassert>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include "crosspatch/core/secret.hpp"

namespace crosspatch::rtp {
namespace {

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

// The labels of RFC 3711 §4.3.2; SRTCP's are these plus 3.
constexpr std::uint8_t kEncryption = 0;
constexpr std::uint8_t kAuthentication = 1;
constexpr std::uint8_t kSalt = 2;
constexpr std::uint8_t kToRtcp = 3;

const unsigned char* octets(std::span<const std::byte> from) {
    return reinterpret_cast<const unsigned char*>(from.data());
}

// Fills `out` with the AES counter keystream whose first block is (salt XOR label) · 2^16.
void stretch(std::span<const std::byte> key, std::span<const std::byte> salt, std::uint8_t label,
             std::span<std::byte> out) {
    std::array<std::byte, 16> block{};  // a 12-octet salt is padded with zeros on the right
    std::copy(salt.begin(), salt.end(), block.begin());
    block[7] ^= static_cast<std::byte>(label);
    const Context context{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
    const auto* cipher = key.size() == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
    std::fill(out.begin(), out.end(), std::byte{});
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    int written = 0;
    if (!context || EVP_EncryptInit_ex(context.get(), cipher, nullptr, octets(key), octets(block)) != 1 ||
        EVP_EncryptUpdate(context.get(), to, &written, to, static_cast<int>(out.size())) != 1) {
        throw std::runtime_error{"OpenSSL cannot run AES in counter mode; is its default provider loaded?"};
    }
    core::wipe(block);
}

}  // namespace

SessionKeys::~SessionKeys() {
    core::wipe(std::as_writable_bytes(std::span{&rtp, 1}));
    core::wipe(std::as_writable_bytes(std::span{&rtcp, 1}));
}

void SessionKeys::derive(Suite suite, std::span<const std::byte> master_key,
                         std::span<const std::byte> master_salt) {
    const SuiteInfo& sizes = info(suite);
    assert(master_key.size() == sizes.key_size && master_salt.size() == sizes.salt_size);
    const auto fill = [&](Half& half, std::uint8_t offset) {
        const auto label = [offset](std::uint8_t use) { return static_cast<std::uint8_t>(use + offset); };
        stretch(master_key, master_salt, label(kEncryption), std::span{half.key}.first(sizes.key_size));
        stretch(master_key, master_salt, label(kAuthentication), std::span{half.auth}.first(sizes.auth_size));
        stretch(master_key, master_salt, label(kSalt), std::span{half.salt}.first(sizes.salt_size));
    };
    fill(rtp, 0);
    fill(rtcp, kToRtcp);
}

}  // namespace crosspatch::rtp
