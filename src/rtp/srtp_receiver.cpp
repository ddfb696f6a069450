#include "crosspatch/rtp/srtp_receiver.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cassert>
#include <new>

#include "crosspatch/rtp/octets.hpp"
#include "src/rtp/srtp_cipher.hpp"

namespace crosspatch::rtp {
namespace {

constexpr std::size_t kFixedHeader = 12;
// Without a suite a jump is believed when two packets in a row agree on it. RFC 3550 §A.1.
constexpr std::uint64_t kMaxDropout = 3000;

using Verdict = ReplayWindow::Verdict;

// The roll-over counter that brings the packet nearest to `highest`; -1 before the first. RFC 3711 §3.3.1.
std::int64_t nearest_roc(std::uint64_t highest, std::uint16_t sequence) {
    const auto roc = static_cast<std::int64_t>(highest >> 16);
    const auto last = static_cast<std::int32_t>(highest & 0xFFFF);
    const auto now = static_cast<std::int32_t>(sequence);
    if (last < 32768) return now - last > 32768 ? roc - 1 : roc;
    return last - 32768 > now ? roc + 1 : roc;
}

std::uint64_t index_at(std::int64_t roc, std::uint16_t sequence) {
    return static_cast<std::uint64_t>(roc) << 16 | sequence;
}

std::optional<SrtpError> refusal(const ReplayWindow& window, std::uint64_t restart, std::uint64_t index) {
    if (index < restart) return SrtpError::BelowRestartLimit;
    switch (window.check(index)) {
        case Verdict::Fresh:
            return std::nullopt;
        case Verdict::Seen:
            return SrtpError::Replay;
        case Verdict::TooOld:
            return SrtpError::TooOld;
    }
    return SrtpError::TooOld;
}

core::Unexpected<SrtpError> refused(SrtpError error) { return {error}; }

}  // namespace

SrtpReceiver::SrtpReceiver(Suite suite, std::span<const MasterKey> keys, Expect expect) : suite_{suite} {
    assert(suite == Suite::None ? keys.empty() : keys.size() == 1 || keys.size() == 2);
    for (const MasterKey& key : keys) {
        assert(key.suite() == suite);
        ciphers_[key_count_++] = PacketCipher::make(key, expect);
    }
    if (suite == Suite::None) return;
    // Address space only: a page of it becomes memory when a third source is heard.
    void* memory = mmap(nullptr, (kMaxSources - kNear) * sizeof(State), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc{};
    far_.reset(static_cast<State*>(memory));
    capacity_ = kMaxSources;
}

SrtpReceiver::~SrtpReceiver() = default;
SrtpReceiver::SrtpReceiver(SrtpReceiver&&) noexcept = default;
SrtpReceiver& SrtpReceiver::operator=(SrtpReceiver&&) noexcept = default;

void SrtpReceiver::Unmap::operator()(State* states) const noexcept {
    munmap(states, (kMaxSources - kNear) * sizeof(State));
}

core::Result<SrtpReceiver::Opened, SrtpError> SrtpReceiver::open_rtp(std::span<std::byte> datagram,
                                                                     std::size_t header_size,
                                                                     std::uint32_t ssrc,
                                                                     std::uint16_t sequence) noexcept {
    const Packet packet{datagram, header_size, ssrc, sequence};
    if (datagram.size() > kMaxSrtpPacket) return refused(SrtpError::TooLong);
    if (header_size < kFixedHeader || datagram.size() < header_size + info(suite_).tag_size) {
        return refused(SrtpError::TooShort);
    }
    if (suite_ == Suite::None) return open_plain(packet);
    State* const state = find(ssrc);
    const bool known = state && !state->rtp.empty();
    const std::int64_t roc = known ? nearest_roc(state->rtp.highest(), sequence) : 0;
    auto error = SrtpError::Authentication;
    for (auto guess = roc; guess <= roc + (known ? 1 : 0); ++guess) {
        const std::uint64_t index = index_at(guess, sequence);
        const auto refusing = guess < 0 ? SrtpError::RocMismatch
                              : known   ? refusal(state->rtp, state->rtp_restart, index)
                                        : std::nullopt;
        if (refusing == SrtpError::Replay) return refused(SrtpError::Replay);
        if (refusing) {
            error = *refusing;
        } else if (index >= kRtpIndexEnd) {
            error = SrtpError::KeyExpired;
        } else if (const auto key = open_by_any_key(packet, index)) {
            return accept_rtp(packet, state, index, *key);
        }
    }
    return refused(authentic_elsewhere(packet, roc, known) ? SrtpError::RocMismatch : error);
}

std::optional<std::size_t> SrtpReceiver::open_by_any_key(const Packet& packet, std::uint64_t index) noexcept {
    for (std::size_t key = 0; key < key_count_; ++key) {
        if (ciphers_[key]->open_rtp(packet.datagram, packet.header_size, packet.ssrc, index)) return key;
    }
    return std::nullopt;
}

// RFC 3711 §3.3.2: replay list, roll-over counter and the source itself move only now, after the tag.
core::Result<SrtpReceiver::Opened, SrtpError> SrtpReceiver::accept_rtp(const Packet& packet, State* state,
                                                                       std::uint64_t index,
                                                                       std::size_t key) noexcept {
    if (!state) state = add(packet.ssrc);
    if (!state) return refused(SrtpError::TooManySsrcs);
    const bool newest = state->rtp.empty() || index > state->rtp.highest();
    state->rtp.accept(index);
    state->rtp_heard = true;
    state->keys = static_cast<std::uint8_t>(state->keys | 1U << key);
    if (index >= state->rtp_durable) ++exposed_;
    watch_limits(*state);
    const auto size = packet.datagram.size() - packet.header_size - info(suite_).tag_size;
    return Opened{packet.datagram.subspan(packet.header_size, size), index, newest, key == 1};
}

// Says whether a packet that failed is authentic under a roll-over counter that we would not take: the
// likeliest reason why a radio stays silent after it, or we, lost count. Each refused packet earns one try,
// so junk costs no more.
bool SrtpReceiver::authentic_elsewhere(const Packet& packet, std::int64_t first_roc, bool known) noexcept {
    probe_credit_ = static_cast<std::uint8_t>(std::min(probe_credit_ + 1U, kProbeCredit));
    const unsigned tries = kProbes * key_count_;
    for (; probe_credit_ > 0; --probe_credit_) {
        const auto step = static_cast<std::int64_t>(probe_ / key_count_);
        const std::int64_t roc = !known ? step + 1 : step == 0 ? 0 : first_roc + 1 + step;
        const bool tried = known && (roc == first_roc || roc == first_roc + 1);
        const std::uint64_t index = index_at(roc, packet.sequence);
        const auto& cipher = ciphers_[probe_ % key_count_];
        // What opens is tried first next time: a radio out of step says so with every packet.
        if (!tried && cipher->open_rtp(packet.datagram, packet.header_size, packet.ssrc, index)) {
            --probe_credit_;
            return true;
        }
        probe_ = static_cast<std::uint8_t>((probe_ + 1U) % tries);
    }
    return false;
}

core::Result<SrtpReceiver::Opened, SrtpError> SrtpReceiver::open_rtcp(
    std::span<std::byte> datagram) noexcept {
    if (suite_ == Suite::None) return Opened{datagram, 0, true, false};
    const SuiteInfo& sizes = info(suite_);
    if (datagram.size() > kMaxSrtpPacket) return refused(SrtpError::TooLong);
    if (datagram.size() < kRtcpClear + sizes.tag_size + 4) return refused(SrtpError::TooShort);
    // RFC 7714 §9.3, RFC 3711 §3.4: the index word ends an AEAD packet, and precedes the tag of the others.
    const auto word = load32(datagram, datagram.size() - 4 - (sizes.aead ? 0 : sizes.tag_size));
    if (!(word & kEncryptedRtcp)) return refused(SrtpError::UnencryptedRtcp);
    const std::uint32_t ssrc = load32(datagram, 4);
    const std::uint32_t index = word & ~kEncryptedRtcp;
    State* state = find(ssrc);
    if (state) {
        if (const auto refusing = refusal(state->rtcp, state->rtcp_restart, index)) return refused(*refusing);
    }
    for (std::size_t key = 0; key < key_count_; ++key) {
        if (!ciphers_[key]->open_rtcp(datagram, ssrc, word)) continue;
        if (!state) state = add(ssrc);
        if (!state) return refused(SrtpError::TooManySsrcs);
        const bool newest = state->rtcp.empty() || index > state->rtcp.highest();
        state->rtcp.accept(index);
        state->rtcp_heard = true;
        state->keys = static_cast<std::uint8_t>(state->keys | 1U << key);
        if (index >= state->rtcp_durable) ++exposed_;
        watch_limits(*state);
        return Opened{datagram.first(datagram.size() - sizes.tag_size - 4), index, newest, key == 1};
    }
    return refused(SrtpError::Authentication);
}

// Nothing here is authentic, so nothing here is safe: this only keeps duplicates out and one stray packet
// from throwing a stream off. Sources that nobody can vouch for push one another out.
core::Result<SrtpReceiver::Opened, SrtpError> SrtpReceiver::open_plain(const Packet& packet) noexcept {
    State* state = find(packet.ssrc);
    if (!state) state = add(packet.ssrc);
    const bool first = state->rtp.empty();
    const auto highest = state->rtp.highest();
    const auto roc = first ? 0 : nearest_roc(highest, packet.sequence);
    auto index = index_at(std::max<std::int64_t>(roc, 0), packet.sequence);
    const bool far = roc < 0 || index > highest + kMaxDropout || highest >= index + ReplayWindow::kWidth;
    if (!first && far) {
        const bool proven = state->step == packet.sequence + 1U;
        state->step = 1U + static_cast<std::uint16_t>(packet.sequence + 1U);
        if (!proven) return refused(SrtpError::OutOfStep);
        // The stream began anew: its extended numbers go on upwards.
        while (index <= highest) index += std::uint64_t{1} << 16;
    } else if (state->rtp.check(index) != Verdict::Fresh) {
        return refused(SrtpError::Replay);
    }
    const bool newest = first || index > highest;
    state->rtp.accept(index);
    state->step = 0;
    return Opened{packet.datagram.subspan(packet.header_size), index, newest, false};
}

SrtpReceiver::State* SrtpReceiver::find(std::uint32_t ssrc) noexcept {
    if (last_ < count_ && at(last_).ssrc == ssrc) return &at(last_);
    for (std::uint16_t position = 0; position < count_; ++position) {
        if (at(position).ssrc != ssrc) continue;
        last_ = position;
        return &at(position);
    }
    return nullptr;
}

SrtpReceiver::State* SrtpReceiver::add(std::uint32_t ssrc) noexcept {
    if (count_ < capacity_) {
        last_ = count_++;
    } else {
        // A source heard under a key that is still in use is never forgotten: its packets could be replayed.
        unsigned position = suite_ == Suite::None ? (last_ + 1U) % capacity_ : 0U;
        while (position < count_ && at(position).keys != 0) ++position;
        if (position == count_) return nullptr;
        if (at(position).wishes) --wishing_;
        last_ = static_cast<std::uint16_t>(position);
    }
    at(last_) = State{};
    at(last_).ssrc = ssrc;
    return &at(last_);
}

void SrtpReceiver::carry_over(const SrtpReceiver& previous) noexcept {
    if (suite_ == Suite::None || previous.suite_ == Suite::None) return;
    for (std::size_t position = 0; position < previous.count_; ++position) {
        const State& old = previous.at(position);
        State* state = find(old.ssrc);
        if (!state) state = add(old.ssrc);
        if (!state) return;
        const State restored = *state;
        *state = old;
        state->keys = 0;
        std::uint8_t known = 0;  // keys that `previous` had: nobody else could hear this SSRC under them
        for (std::size_t ours = 0; ours < key_count_; ++ours) {
            for (std::size_t theirs = 0; theirs < previous.key_count_; ++theirs) {
                const bool same = ciphers_[ours]->fingerprint() == previous.ciphers_[theirs]->fingerprint();
                if (same) known = static_cast<std::uint8_t>(known | 1U << ours);
                if (same && old.keys >> theirs & 1U)
                    state->keys = static_cast<std::uint8_t>(state->keys | 1U << ours);
            }
        }
        if ((restored.keys & ~known) != 0) keep_limits(*state, restored);
        state->keys |= restored.keys;
        state->wishes = true;
        if (!restored.wishes) ++wishing_;
    }
    exposed_ += previous.exposed_;
}

// Under a key that `previous` did not have, somebody else heard this SSRC: none of that may come again here.
void SrtpReceiver::keep_limits(State& state, const State& restored) noexcept {
    if (restored.rtp_restart > (state.rtp_heard ? state.rtp.highest() + 1 : state.rtp_restart)) {
        state.rtp = restored.rtp;
        state.rtp_restart = state.rtp_durable = state.rtp_asked = restored.rtp_restart;
        state.rtp_heard = false;
    }
    if (restored.rtcp_restart > (state.rtcp_heard ? state.rtcp.highest() + 1 : state.rtcp_restart)) {
        state.rtcp = restored.rtcp;
        state.rtcp_restart = state.rtcp_durable = state.rtcp_asked = restored.rtcp_restart;
        state.rtcp_heard = false;
    }
}

void SrtpReceiver::drop_old_key() noexcept {
    if (key_count_ < 2) return;
    key_count_ = 1;
    ciphers_[1]->wipe();
    probe_ = 0;
    for (std::size_t position = 0; position < count_; ++position) at(position).keys &= 1U;
}

bool SrtpReceiver::restore(const KeyFingerprint& key, std::uint32_t ssrc, IndexLimits limits) noexcept {
    std::size_t ours = 0;
    while (ours < key_count_ && ciphers_[ours]->fingerprint() != key) ++ours;
    if (ours == key_count_) return false;
    State* state = find(ssrc);
    if (!state) state = add(ssrc);
    if (!state) return false;
    state->keys = static_cast<std::uint8_t>(state->keys | 1U << ours);
    // The same source may be on record under both keys: the higher limits hold.
    if (limits.rtp > state->rtp_restart) {
        state->rtp.seen_up_to(limits.rtp - 1);
        state->rtp_restart = state->rtp_durable = state->rtp_asked = limits.rtp;
    }
    if (limits.rtcp > state->rtcp_restart) {
        state->rtcp.seen_up_to(limits.rtcp - 1);
        state->rtcp_restart = state->rtcp_durable = state->rtcp_asked = limits.rtcp;
    }
    return true;
}

const KeyFingerprint& SrtpReceiver::key() const {
    assert(key_count_ > 0);
    return ciphers_[0]->fingerprint();
}

SrtpReceiver::Source SrtpReceiver::source(std::size_t position) const {
    assert(position < count_);
    const State& state = at(position);
    return {state.ssrc,
            {state.rtp_heard ? state.rtp.highest() + 1 : 0,
             state.rtcp_heard ? static_cast<std::uint32_t>(state.rtcp.highest() + 1) : 0},
            {state.rtp_durable, state.rtcp_durable}};
}

void SrtpReceiver::watch_limits(State& state) noexcept {
    if (state.wishes) return;
    const IndexLimits next{state.rtp_heard ? state.rtp.highest() + 1 : 0,
                           state.rtcp_heard ? static_cast<std::uint32_t>(state.rtcp.highest() + 1) : 0};
    if (!receive_limits_low(next, {state.rtp_asked, state.rtcp_asked})) return;
    state.wishes = true;
    ++wishing_;
}

std::optional<LimitWish> SrtpReceiver::next_wish() noexcept {
    if (wishing_ == 0) return std::nullopt;
    for (std::size_t position = 0; position < count_; ++position) {
        State& state = at(position);
        if (!state.wishes) continue;
        const auto raised = raised_receive_limits(source(position).next, {state.rtp_asked, state.rtcp_asked});
        state.rtp_asked = raised.rtp;
        state.rtcp_asked = raised.rtcp;
        state.wishes = false;
        --wishing_;
        return LimitWish{state.ssrc, raised};
    }
    assert(wishing_ == 0 && "a wish was counted that no source has");
    return std::nullopt;
}

void SrtpReceiver::repeat_wishes() noexcept {
    for (std::size_t position = 0; position < count_; ++position) {
        State& state = at(position);
        state.rtp_asked = state.rtp_durable;
        state.rtcp_asked = state.rtcp_durable;
        watch_limits(state);
    }
}

std::size_t SrtpReceiver::lasting_sources() const noexcept {
    std::size_t lasting = 0;
    for (std::size_t position = 0; position < count_; ++position) lasting += at(position).keys != 0 ? 1 : 0;
    return lasting;
}

void SrtpReceiver::confirm(std::uint32_t ssrc, IndexLimits durable) noexcept {
    for (std::size_t position = 0; position < count_; ++position) {
        State& state = at(position);
        if (state.ssrc != ssrc) continue;
        state.rtp_durable = std::max(state.rtp_durable, durable.rtp);
        state.rtcp_durable = std::max(state.rtcp_durable, durable.rtcp);
    }
}

}  // namespace crosspatch::rtp
