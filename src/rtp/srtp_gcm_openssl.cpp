// AES-128-GCM, and AES-256-GCM on processors without the instructions that libsodium asks for.
#include "src/rtp/srtp_evp.hpp"

namespace crosspatch::rtp {
namespace {

constexpr std::size_t kTag = 16;
using Nonce = std::array<unsigned char, 12>;

void seal(EVP_CIPHER_CTX* context, const Nonce& nonce, std::span<const unsigned char> associated,
          const std::byte* plaintext, std::byte* text, std::size_t size) {
    int written = 0;
    bool done = EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce.data(), 1) == 1;
    done &= EVP_EncryptUpdate(context, nullptr, &written, associated.data(),
                              static_cast<int>(associated.size())) == 1;
    // Without octets to encrypt OpenSSL would take the call for the end of the message.
    done &= size == 0 ||
            EVP_EncryptUpdate(context, raw(text), &written, raw(plaintext), static_cast<int>(size)) == 1;
    done &= EVP_EncryptFinal_ex(context, raw(text + size), &written) == 1;
    done &= EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTag, text + size) == 1;
    assert(done);
}

// OpenSSL decrypts before it looks at the tag, so it works on a copy: a second key may still open the packet.
bool open(EVP_CIPHER_CTX* context, const Nonce& nonce, std::span<const unsigned char> associated,
          std::byte* text, std::size_t size, std::byte* tag) {
    std::array<unsigned char, kMaxSrtpPacket> plain;  // not initialised on purpose
    int written = 0;
    bool done = EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce.data(), 0) == 1;
    done &= EVP_DecryptUpdate(context, nullptr, &written, associated.data(),
                              static_cast<int>(associated.size())) == 1;
    done &= size == 0 ||
            EVP_DecryptUpdate(context, plain.data(), &written, raw(text), static_cast<int>(size)) == 1;
    done &= EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTag, tag) == 1;
    assert(done);
    if (EVP_DecryptFinal_ex(context, plain.data() + size, &written) != 1) return false;
    std::memcpy(text, plain.data(), size);
    return true;
}

class OpensslGcm final : public PacketCipher {
public:
    OpensslGcm(Suite suite, const SessionKeys& keys)
        : rtp_salt_{keys.rtp.salt},
          rtcp_salt_{keys.rtcp.salt},
          key_size_{info(suite).key_size},
          context_{suite == Suite::Aes256Gcm ? EVP_aes_256_gcm() : EVP_aes_128_gcm(),
                   std::span{keys.rtp.key}.first(key_size_), true},
          rtcp_key_{keys.rtcp.key} {}
    ~OpensslGcm() override { core::wipe(rtcp_key_); }
    OpensslGcm(const OpensslGcm&) = delete;
    OpensslGcm& operator=(const OpensslGcm&) = delete;

    void seal_rtp(std::byte* packet, std::size_t header_size, const std::byte* plaintext, std::size_t size,
                  std::uint32_t ssrc, std::uint64_t index) noexcept override {
        seal(context_.get(), rtp_salt_.nonce(ssrc, index), {raw(packet), header_size}, plaintext,
             packet + header_size, size - header_size);
    }

    bool open_rtp(std::span<std::byte> packet, std::size_t header_size, std::uint32_t ssrc,
                  std::uint64_t index) noexcept override {
        const auto tag = packet.size() - kTag;
        return open(context_.get(), rtp_salt_.nonce(ssrc, index), {raw(packet.data()), header_size},
                    packet.data() + header_size, tag - header_size, packet.data() + tag);
    }

    void seal_rtcp(std::byte* packet, std::size_t size, std::uint32_t ssrc,
                   std::uint32_t word) noexcept override {
        const auto associated = rtcp_associated(packet, word);
        context_.borrowed(std::span{rtcp_key_}.first(key_size_), [&] {
            seal(context_.get(), rtcp_salt_.nonce(ssrc, word & ~kEncryptedRtcp), associated,
                 packet + kRtcpClear, packet + kRtcpClear, size - kRtcpClear);
            return true;
        });
        std::memcpy(packet + size + kTag, associated.data() + kRtcpClear, 4);
    }

    bool open_rtcp(std::span<std::byte> packet, std::uint32_t ssrc, std::uint32_t word) noexcept override {
        const auto associated = rtcp_associated(packet.data(), word);
        const auto tag = packet.size() - 4 - kTag;
        return context_.borrowed(std::span{rtcp_key_}.first(key_size_), [&] {
            return open(context_.get(), rtcp_salt_.nonce(ssrc, word & ~kEncryptedRtcp), associated,
                        packet.data() + kRtcpClear, tag - kRtcpClear, packet.data() + tag);
        });
    }

    void wipe() noexcept override {
        context_.wipe();
        core::wipe(rtcp_key_);
    }

private:
    GcmSalt rtp_salt_;
    GcmSalt rtcp_salt_;
    std::size_t key_size_;
    EvpContext context_;
    std::array<std::byte, 32> rtcp_key_;
};

}  // namespace

std::unique_ptr<PacketCipher> make_openssl_gcm(Suite suite, const SessionKeys& keys) {
    return std::make_unique<OpensslGcm>(suite, keys);
}

}  // namespace crosspatch::rtp
