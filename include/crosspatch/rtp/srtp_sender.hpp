#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "crosspatch/core/prefetch.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/rtp/replay_window.hpp"
#include "crosspatch/rtp/srtp_error.hpp"
#include "crosspatch/rtp/srtp_limits.hpp"
#include "crosspatch/rtp/srtp_suite.hpp"

namespace crosspatch::rtp {
class PacketCipher;  // private: src/rtp/srtp_cipher.hpp

// Seals what we send to one peer: one stream (SSRC) at a time under one master key, no index ever twice.
//
// Shape    about 190 octets and the key schedule (512 for AES-256-GCM).
// Units    indices count packets: 48 bits for SRTP, of which the low 16 are the sequence number; 31 for
//          SRTCP.
// Errors   a refused packet is named by its SrtpError; nothing was written, no index used. The constructor
//          throws std::runtime_error when the crypto library refuses to work.
// Thread   built anywhere, then its worker only; nothing allocates, locks or throws after construction.
// Source   RFC 3711 §3.3, §9.1 (a repeated index gives the plaintext away), RFC 7714, srtp.md §11.
class SrtpSender {
public:
    // A sender leaves its stream when no disk can record it, and what comes then needs no record.
    static constexpr std::size_t kMostLeft = 4;

    // No key for Suite::None: packets stay as they are, indices are checked all the same.
    SrtpSender(Suite suite, const MasterKey* key);
    ~SrtpSender();
    SrtpSender(SrtpSender&&) noexcept;
    SrtpSender& operator=(SrtpSender&&) noexcept;

    // Begins the stream `ssrc`: its first packets have the indices `start` or above, and nothing may be
    // sealed before set_reserved(). After a restart `start` is the journal's limit; a new stream has a random
    // SSRC and starts below 32,768, so that no listener takes its first packets for older ones than they are
    // (RFC 3711 §3.3.1).
    // False, and nothing changes: `start` goes below what this sender used of `ssrc` already, or kMostLeft
    // streams came before.
    bool begin(std::uint32_t ssrc, IndexLimits start) noexcept;
    std::uint32_t ssrc() const { return ssrc_; }

    // `limits` are durable: indices below them may be used. Ignored if `ssrc` is not the stream any more;
    // limits never fall. A stream that no disk can record uses unrecorded(), under a random SSRC that nobody
    // used before.
    void set_reserved(std::uint32_t ssrc, IndexLimits limits) noexcept;
    static constexpr IndexLimits unrecorded() { return {kRtpIndexEnd, kRtcpIndexEnd}; }
    IndexLimits reserved() const { return reserved_; }
    // One above the highest indices used.
    IndexLimits next() const { return {next_rtp_, next_rtcp_}; }
    // Limits to make durable now, each said once, the first right after begin(): hand them to the journal,
    // then set_reserved(). Cheap when there is nothing to wish for.
    std::optional<LimitWish> next_wish() noexcept;
    // A wish, or the answer to it, may have been lost: what is not durable is wished for again.
    void repeat_wishes() noexcept { asked_ = reserved_; }

    // Seals in place the RTP packet in the first `size` octets of `buffer`, whose rest has room for
    // overhead().rtp; `header_size` octets of it stay in clear. Gives the new size. The caller has put `ssrc`
    // and the low 16 bits of `index` into the header; an index may be up to 127 behind the highest.
    core::Result<std::size_t, SrtpError> seal_rtp(std::span<std::byte> buffer, std::size_t header_size,
                                                  std::size_t size, std::uint32_t ssrc,
                                                  std::uint64_t index) noexcept;
    // The same with the payload somewhere else than behind the header: it is sealed straight into `buffer`.
    core::Result<std::size_t, SrtpError> seal_rtp(std::span<std::byte> buffer, std::size_t header_size,
                                                  std::span<const std::byte> payload, std::uint32_t ssrc,
                                                  std::uint64_t index) noexcept;
    // The same for the RTCP compound in the first `size` octets, whose first packet names the stream's SSRC.
    core::Result<std::size_t, SrtpError> seal_rtcp(std::span<std::byte> buffer, std::size_t size) noexcept;

    // Brings the key schedule nearer, for a packet that is to be sealed soon.
    void prefetch() const noexcept { core::prefetch<kRoundKeys>(cipher_.get()); }

    Suite suite() const { return suite_; }
    const KeyFingerprint& key() const;  // limits are recorded under it

private:
    struct Used {
        std::uint32_t ssrc;
        IndexLimits next;
    };

    static constexpr std::size_t kRoundKeys =
        320;  // octets at the front of the largest cipher that a packet touches

    ReplayWindow sent_;
    std::uint64_t next_rtp_{};
    IndexLimits reserved_;
    IndexLimits asked_;
    std::uint32_t ssrc_{};
    std::uint32_t next_rtcp_{};
    Suite suite_;
    bool begun_{};
    bool talked_{};  // RTP was sealed since begin()
    std::uint8_t former_count_{};
    std::unique_ptr<PacketCipher> cipher_;
    std::array<Used, kMostLeft> former_{};  // streams that this sender left; their indices stay used
};

}  // namespace crosspatch::rtp
