#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "crosspatch/core/result.hpp"
#include "crosspatch/rtp/replay_window.hpp"
#include "crosspatch/rtp/srtp_error.hpp"
#include "crosspatch/rtp/srtp_limits.hpp"
#include "crosspatch/rtp/srtp_suite.hpp"

namespace crosspatch::rtp {
class PacketCipher;  // private: src/rtp/srtp_cipher.hpp

// What a peer is expected to send. Who only listens sends RTCP alone; should RTP come all the same, it is opened no
// differently, but its key is expanded for each packet, so that no listener weighs what a talker does.
enum class Expect : std::uint8_t { RtpAndRtcp, RtcpOnly };

// Opens what one remote peer sends: authentic, not replayed, under its one or two master keys.
//
// Shape    a state of 96 octets per source (SSRC), 256 at most; 2 of them inside, the others in address space
//          that costs memory once it is used. Key schedules (512 octets for AES-256-GCM) stand apart.
// Units    indices count packets: 48 bits for SRTP, 31 for SRTCP.
// Time     never reads a clock; whoever counts the 30 s of an old key calls drop_old_key().
// Errors   a refused packet is named by its SrtpError and changes no state; the datagram is as it came, if
//          it was not authentic all the same (RocMismatch, TooManySsrcs). The constructor throws
//          std::runtime_error when the crypto library refuses to work, std::bad_alloc without memory.
// Thread   built anywhere, then its worker only; nothing allocates, locks or throws after construction.
// Source   RFC 3711 §3.3, RFC 7714, srtp.md §11.
class SrtpReceiver {
public:
    struct Opened {
        std::span<std::byte> plaintext;  // in the datagram: payload with padding, or the RTCP compound
        std::uint64_t index;             // without a suite the extended sequence number; 0 for RTCP
        bool newest;      // ahead of all that this source sent before: only such a packet may move an address
        bool by_old_key;  // the peer has not taken up the new key yet
    };
    // One source, as a status page wants it.
    struct Source {
        std::uint32_t ssrc{};
        IndexLimits next;     // one above the highest indices accepted since the start; 0: none yet
        IndexLimits durable;  // the limits on disk
    };
    static constexpr std::size_t kMaxSources = 256;

    // One or two keys of `suite`, new first; none for Suite::None. The keys are not needed afterwards.
    SrtpReceiver(Suite suite, std::span<const MasterKey> keys, Expect expect = Expect::RtpAndRtcp);
    ~SrtpReceiver();
    SrtpReceiver(SrtpReceiver&&) noexcept;
    SrtpReceiver& operator=(SrtpReceiver&&) noexcept;

    // Opens an SRTP packet in place. `header_size` octets (fixed header, CSRCs, extension) are in clear; the
    // caller has read them, and this SSRC and sequence number out of them.
    //
    // A source that was silent for more than 32,768 packets, or for a restart, is guessed one roll-over too
    // low: the next one is tried too, and an authentic packet ahead of everything is taken. Anything further
    // off is RocMismatch, found by at most one more try for each refused packet. A source never heard before
    // starts at roll-over counter 0.
    core::Result<Opened, SrtpError> open_rtp(std::span<std::byte> datagram, std::size_t header_size,
                                             std::uint32_t ssrc, std::uint16_t sequence) noexcept;
    // Opens an SRTCP packet in place.
    core::Result<Opened, SrtpError> open_rtcp(std::span<std::byte> datagram) noexcept;

    // --- Changing keys: build a receiver with {new, old}, let it take the sources over, use it instead. ---

    // Every source goes on where `previous` had it: a new key resets no counter (RFC 3711 §3.3.1, §3.4). Its
    // limits are wished for again, to be recorded under the new key.
    void carry_over(const SrtpReceiver& previous) noexcept;
    // Wipes the old key; its packets are refused from now on. Sources keep their counters, but one that only
    // the old key spoke for gives up its place when another needs it.
    void drop_old_key() noexcept;
    bool has_old_key() const { return key_count_ == 2; }

    // --- Across restarts. ---

    // The journal knows `ssrc` under `key`: only indices at and above `limits` are accepted. False: not our
    // key, no place.
    bool restore(const KeyFingerprint& key, std::uint32_t ssrc, IndexLimits limits) noexcept;
    // The new key: limits are recorded under it.
    const KeyFingerprint& key() const;
    // A source whose limits run low, each said once: hand it to the journal, then confirm(). Cheap when there
    // is none.
    std::optional<LimitWish> next_wish() noexcept;
    void confirm(std::uint32_t ssrc, IndexLimits durable) noexcept;
    // A wish, or the answer to it, may have been lost: what is not durable is wished for again.
    void repeat_wishes() noexcept;
    // Packets accepted at or above their durable limit; after a crash they could be replayed once.
    std::uint64_t exposed() const { return exposed_; }

    Suite suite() const { return suite_; }
    std::size_t sources() const { return count_; }
    // Of these, how many keep their place for as long as their key is in use.
    std::size_t lasting_sources() const noexcept;
    Source source(std::size_t position) const;  // Requires: position < sources()

private:
    // Octets all zero are a state that has heard nothing.
    struct State {
        ReplayWindow rtp;
        ReplayWindow rtcp;
        std::uint64_t rtp_restart;  // refused below
        std::uint64_t rtp_durable;
        std::uint64_t rtp_asked;
        std::uint32_t rtcp_restart;
        std::uint32_t rtcp_durable;
        std::uint32_t rtcp_asked;
        std::uint32_t ssrc;
        std::uint32_t step;  // Suite::None: 1 + the sequence number that would prove a jump; 0: none
        std::uint8_t keys;   // bit n: heard under keys n
        bool rtp_heard;      // since the start
        bool rtcp_heard;
        bool wishes;  // next_wish() owes it an answer
    };
    struct Unmap {
        void operator()(State* states) const noexcept;
    };
    struct Packet {  // what the tries at one SRTP packet have in common
        std::span<std::byte> datagram;
        std::size_t header_size;
        std::uint32_t ssrc;
        std::uint16_t sequence;
    };
    static constexpr std::size_t kNear = 2;
    static constexpr unsigned kProbes = 8;  // roll-over counters that a refused packet is tried with, per key
    static constexpr unsigned kProbeCredit = 16;

    core::Result<Opened, SrtpError> open_plain(const Packet& packet) noexcept;
    std::optional<std::size_t> open_by_any_key(const Packet& packet, std::uint64_t index) noexcept;
    core::Result<Opened, SrtpError> accept_rtp(const Packet& packet, State* state, std::uint64_t index,
                                               std::size_t key) noexcept;
    bool authentic_elsewhere(const Packet& packet, std::int64_t first_roc, bool known) noexcept;
    State* find(std::uint32_t ssrc) noexcept;
    State* add(std::uint32_t ssrc) noexcept;
    State& at(std::size_t position) { return position < kNear ? near_[position] : far_[position - kNear]; }
    const State& at(std::size_t position) const {
        return position < kNear ? near_[position] : far_[position - kNear];
    }
    static void keep_limits(State& state, const State& restored) noexcept;
    void watch_limits(State& state) noexcept;

    Suite suite_;
    std::uint8_t key_count_{};
    std::uint8_t probe_{};  // which roll-over counter a failed packet is tried with next
    std::uint8_t probe_credit_{kProbeCredit};
    std::uint16_t capacity_{kNear};
    std::uint16_t count_{};
    std::uint16_t last_{};  // the state found last: nearly always the next one too
    std::uint16_t wishing_{};
    std::uint64_t exposed_{};
    std::array<std::unique_ptr<PacketCipher>, 2> ciphers_;
    std::unique_ptr<State[], Unmap> far_;
    std::array<State, kNear> near_{};
};

}  // namespace crosspatch::rtp
