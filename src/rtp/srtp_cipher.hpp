#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "crosspatch/rtp/srtp_error.hpp"
#include "crosspatch/rtp/srtp_receiver.hpp"
#include "crosspatch/rtp/srtp_suite.hpp"
#include "src/rtp/srtp_kdf.hpp"

namespace crosspatch::rtp {

// The packet transform of one suite under one key: no counters, no windows, no decisions.
//
// Shape    the SRTP key schedule, expanded once; SRTCP's key stays raw and is expanded for each packet, of
//          which there are few. Callers check the sizes: a packet to open holds header and trailer, and is
//          at most kMaxSrtpPacket.
// Errors   open says false and leaves every octet as it was, so that another key can be tried; seal cannot
//          fail. make() throws std::runtime_error when the crypto library refuses to work.
// Thread   its owner's; no allocation after make(). Keys are wiped on destruction.
// Source   RFC 3711 §3.1, §3.4, §4.1.1, §4.2; RFC 7714 §8, §9.
class PacketCipher {
public:
    // `index` is ROC and sequence number in one; an RTCP `word` is the E bit and the index. The header stands in
    // `packet`; the plaintext, size - header_size octets, anywhere else or in its place there already.
    virtual void seal_rtp(std::byte* packet, std::size_t header_size, const std::byte* plaintext,
                          std::size_t size, std::uint32_t ssrc, std::uint64_t index) noexcept = 0;
    void seal_rtp(std::byte* packet, std::size_t header_size, std::size_t size, std::uint32_t ssrc,
                  std::uint64_t index) noexcept {
        seal_rtp(packet, header_size, packet + header_size, size, ssrc, index);
    }
    virtual bool open_rtp(std::span<std::byte> packet, std::size_t header_size, std::uint32_t ssrc,
                          std::uint64_t index) noexcept = 0;
    virtual void seal_rtcp(std::byte* packet, std::size_t size, std::uint32_t ssrc,
                           std::uint32_t word) noexcept = 0;
    virtual bool open_rtcp(std::span<std::byte> packet, std::uint32_t ssrc, std::uint32_t word) noexcept = 0;
    // Overwrites the key, gives no memory back. Not to be used afterwards: everybody knows the key that is
    // left.
    virtual void wipe() noexcept = 0;
    virtual ~PacketCipher() = default;

    const KeyFingerprint& fingerprint() const { return fingerprint_; }

    static std::unique_ptr<PacketCipher> make(const MasterKey& key, Expect expect = Expect::RtpAndRtcp);
    static std::unique_ptr<PacketCipher> make(Suite suite, const SessionKeys& keys,
                                              Expect expect = Expect::RtpAndRtcp);

protected:
    PacketCipher() = default;

private:
    KeyFingerprint fingerprint_{};
};

inline constexpr std::uint32_t kEncryptedRtcp = std::uint32_t{1} << 31;  // the E bit
inline constexpr std::size_t kRtcpClear = 8;                             // header and SSRC stay readable

std::unique_ptr<PacketCipher> make_sodium_gcm(const SessionKeys& keys);        // AES-256 only
std::unique_ptr<PacketCipher> make_sodium_gcm_small(const SessionKeys& keys);  // for Expect::RtcpOnly
std::unique_ptr<PacketCipher> make_openssl_gcm(Suite suite, const SessionKeys& keys);
std::unique_ptr<PacketCipher> make_aes_cm(const SessionKeys& keys);
bool sodium_has_aes();  // the processor has what libsodium's AES needs

// A 12-octet GCM nonce: 00 00, SSRC, then the 48-bit SRTP index (or 00 00 and the SRTCP index), XOR the salt.
// RFC 7714 §8.1, §9.1.
class GcmSalt {
public:
    explicit GcmSalt(std::span<const std::byte> salt) {
        std::memcpy(salt_.data(), salt.data(), salt_.size());
    }
    std::array<unsigned char, 12> nonce(std::uint32_t ssrc, std::uint64_t index) const {
        auto nonce = salt_;
        for (std::size_t i = 0; i < 4; ++i) nonce[2 + i] ^= static_cast<unsigned char>(ssrc >> (24 - 8 * i));
        for (std::size_t i = 0; i < 6; ++i) nonce[6 + i] ^= static_cast<unsigned char>(index >> (40 - 8 * i));
        return nonce;
    }

private:
    std::array<unsigned char, 12> salt_{};
};

// The associated data of SRTCP under GCM: the clear octets, then the index word. RFC 7714 §9.2.
inline std::array<unsigned char, kRtcpClear + 4> rtcp_associated(const std::byte* packet,
                                                                 std::uint32_t word) {
    std::array<unsigned char, kRtcpClear + 4> octets;
    std::memcpy(octets.data(), packet, kRtcpClear);
    for (std::size_t i = 0; i < 4; ++i)
        octets[kRtcpClear + i] = static_cast<unsigned char>(word >> (24 - 8 * i));
    return octets;
}

inline unsigned char* raw(std::byte* octets) { return reinterpret_cast<unsigned char*>(octets); }
inline const unsigned char* raw(const std::byte* octets) {
    return reinterpret_cast<const unsigned char*>(octets);
}

}  // namespace crosspatch::rtp
