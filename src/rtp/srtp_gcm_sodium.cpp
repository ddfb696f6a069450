// AES-256-GCM by libsodium: one call on an expanded key costs less than OpenSSL's five on a kept context.
#include <sodium.h>

#include <cassert>
#include <stdexcept>

#include "crosspatch/core/secret.hpp"
#include "src/rtp/srtp_cipher.hpp"

namespace crosspatch::rtp {
namespace {

using State = crypto_aead_aes256gcm_state;
constexpr std::size_t kTag = crypto_aead_aes256gcm_ABYTES;

void seal(const State& state, const std::array<unsigned char, 12>& nonce,
          std::span<const unsigned char> associated, const std::byte* plaintext, std::byte* text,
          std::size_t size) {
    crypto_aead_aes256gcm_encrypt_detached_afternm(raw(text), raw(text + size), nullptr, raw(plaintext), size,
                                                   associated.data(), associated.size(), nullptr,
                                                   nonce.data(), &state);
}

// libsodium zeroes its output when the tag is wrong, and a second key may still open the packet: so it works
// on a copy. Copying back 160 octets costs less than authenticating twice.
bool open(const State& state, const std::array<unsigned char, 12>& nonce,
          std::span<const unsigned char> associated, std::byte* text, std::size_t size,
          const std::byte* tag) {
    std::array<unsigned char, kMaxSrtpPacket> plain;  // not initialised on purpose
    if (crypto_aead_aes256gcm_decrypt_detached_afternm(plain.data(), nullptr, raw(text), size, raw(tag),
                                                       associated.data(), associated.size(), nonce.data(),
                                                       &state) != 0) {
        return false;
    }
    std::memcpy(text, plain.data(), size);
    return true;
}

// A key that is used for every packet: expanded once, 512 octets.
class ExpandedKey {
public:
    explicit ExpandedKey(const std::array<std::byte, 32>& key) {
        crypto_aead_aes256gcm_beforenm(&state_, raw(key.data()));
    }
    template <typename Use>
    auto with(Use use) {
        return use(state_);
    }
    void wipe() { sodium_memzero(&state_, sizeof state_); }

private:
    State state_;
};

// A key that is seldom used: expanded for each packet.
class PlainKey {
public:
    explicit PlainKey(const std::array<std::byte, 32>& key) : key_{key} {}
    template <typename Use>
    auto with(Use use) {
        State state;
        crypto_aead_aes256gcm_beforenm(&state, raw(key_.data()));
        const auto done = use(state);
        sodium_memzero(&state, sizeof state);
        return done;
    }
    void wipe() { core::wipe(key_); }

private:
    std::array<std::byte, 32> key_;
};

template <typename RtpKey>
class SodiumGcm final : public PacketCipher {
public:
    explicit SodiumGcm(const SessionKeys& keys)
        : rtp_key_{keys.rtp.key},
          rtp_salt_{keys.rtp.salt},
          rtcp_salt_{keys.rtcp.salt},
          rtcp_key_{keys.rtcp.key} {}
    SodiumGcm(const SodiumGcm&) = delete;
    SodiumGcm& operator=(const SodiumGcm&) = delete;
    ~SodiumGcm() override { SodiumGcm::wipe(); }

    void seal_rtp(std::byte* packet, std::size_t header_size, const std::byte* plaintext, std::size_t size,
                  std::uint32_t ssrc, std::uint64_t index) noexcept override {
        rtp_key_.with([&](const State& state) {
            seal(state, rtp_salt_.nonce(ssrc, index), {raw(packet), header_size}, plaintext,
                 packet + header_size, size - header_size);
            return true;
        });
    }

    bool open_rtp(std::span<std::byte> packet, std::size_t header_size, std::uint32_t ssrc,
                  std::uint64_t index) noexcept override {
        const auto tag = packet.size() - kTag;
        return rtp_key_.with([&](const State& state) {
            return open(state, rtp_salt_.nonce(ssrc, index), {raw(packet.data()), header_size},
                        packet.data() + header_size, tag - header_size, packet.data() + tag);
        });
    }

    void seal_rtcp(std::byte* packet, std::size_t size, std::uint32_t ssrc,
                   std::uint32_t word) noexcept override {
        const auto associated = rtcp_associated(packet, word);
        rtcp_key_.with([&](const State& state) {
            seal(state, rtcp_salt_.nonce(ssrc, word & ~kEncryptedRtcp), associated, packet + kRtcpClear,
                 packet + kRtcpClear, size - kRtcpClear);
            return true;
        });
        std::memcpy(packet + size + kTag, associated.data() + kRtcpClear, 4);
    }

    bool open_rtcp(std::span<std::byte> packet, std::uint32_t ssrc, std::uint32_t word) noexcept override {
        const auto associated = rtcp_associated(packet.data(), word);
        const auto tag = packet.size() - 4 - kTag;
        return rtcp_key_.with([&](const State& state) {
            return open(state, rtcp_salt_.nonce(ssrc, word & ~kEncryptedRtcp), associated,
                        packet.data() + kRtcpClear, tag - kRtcpClear, packet.data() + tag);
        });
    }

    void wipe() noexcept override {
        rtp_key_.wipe();
        rtcp_key_.wipe();
    }

private:
    RtpKey rtp_key_;
    GcmSalt rtp_salt_;
    GcmSalt rtcp_salt_;
    PlainKey rtcp_key_;
};

}  // namespace

bool sodium_has_aes() {
    if (sodium_init() < 0)
        throw std::runtime_error{"libsodium cannot start: the system gives it no random numbers"};
    return crypto_aead_aes256gcm_is_available() != 0;
}

std::unique_ptr<PacketCipher> make_sodium_gcm(const SessionKeys& keys) {
    return std::make_unique<SodiumGcm<ExpandedKey>>(keys);
}

std::unique_ptr<PacketCipher> make_sodium_gcm_small(const SessionKeys& keys) {
    return std::make_unique<SodiumGcm<PlainKey>>(keys);
}

}  // namespace crosspatch::rtp
