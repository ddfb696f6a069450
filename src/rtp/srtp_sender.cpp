#include "crosspatch/rtp/srtp_sender.hpp"

#include <algorithm>
#include <cassert>

#include "crosspatch/rtp/octets.hpp"
#include "src/rtp/srtp_cipher.hpp"

namespace crosspatch::rtp {
namespace {

constexpr std::size_t kFixedHeader = 12;

core::Unexpected<SrtpError> refused(SrtpError error) { return {error}; }

}  // namespace

SrtpSender::SrtpSender(Suite suite, const MasterKey* key) : suite_{suite} {
    assert((suite == Suite::None) == (key == nullptr));
    if (!key) return;
    assert(key->suite() == suite);
    cipher_ = PacketCipher::make(*key);
}

SrtpSender::~SrtpSender() = default;
SrtpSender::SrtpSender(SrtpSender&&) noexcept = default;
SrtpSender& SrtpSender::operator=(SrtpSender&&) noexcept = default;

bool SrtpSender::begin(std::uint32_t ssrc, IndexLimits start) noexcept {
    const auto below = [start](IndexLimits used) { return start.rtp < used.rtp || start.rtcp < used.rtcp; };
    const bool same = begun_ && ssrc == ssrc_;
    if (same && below(next())) return false;
    const auto end = former_.begin() + former_count_;
    const auto old = std::find_if(former_.begin(), end, [ssrc](const Used& it) { return it.ssrc == ssrc; });
    if (old != end && below(old->next)) return false;
    if (begun_ && !same) {
        if (old == end && former_count_ == former_.size()) return false;
        if (old == end) ++former_count_;
        *old = {ssrc_, next()};
    }
    sent_ = ReplayWindow{};
    if (start.rtp > 0) sent_.seen_up_to(start.rtp - 1);
    ssrc_ = ssrc;
    next_rtp_ = start.rtp;
    next_rtcp_ = start.rtcp;
    reserved_ = asked_ = suite_ == Suite::None ? unrecorded() : start;
    begun_ = true;
    talked_ = false;
    return true;
}

void SrtpSender::set_reserved(std::uint32_t ssrc, IndexLimits limits) noexcept {
    if (!begun_ || ssrc != ssrc_) return;
    reserved_.rtp = std::max(reserved_.rtp, limits.rtp);
    reserved_.rtcp = std::max(reserved_.rtcp, limits.rtcp);
    asked_.rtp = std::max(asked_.rtp, reserved_.rtp);
    asked_.rtcp = std::max(asked_.rtcp, reserved_.rtcp);
}

std::optional<LimitWish> SrtpSender::next_wish() noexcept {
    if (!begun_ || !send_limits_low(next(), asked_, talked_)) return std::nullopt;
    asked_ = raised_send_limits(next(), asked_, talked_);
    return LimitWish{ssrc_, asked_};
}

core::Result<std::size_t, SrtpError> SrtpSender::seal_rtp(std::span<std::byte> buffer,
                                                          std::size_t header_size, std::size_t size,
                                                          std::uint32_t ssrc, std::uint64_t index) noexcept {
    if (size < header_size || size > buffer.size())
        return refused(begun_ && ssrc == ssrc_ ? SrtpError::NoRoom : SrtpError::UnknownSsrc);
    return seal_rtp(buffer, header_size, buffer.subspan(header_size, size - header_size), ssrc, index);
}

core::Result<std::size_t, SrtpError> SrtpSender::seal_rtp(std::span<std::byte> buffer,
                                                          std::size_t header_size,
                                                          std::span<const std::byte> payload,
                                                          std::uint32_t ssrc, std::uint64_t index) noexcept {
    const std::size_t tag = info(suite_).tag_size;
    const std::size_t size = header_size + payload.size();
    if (!begun_ || ssrc != ssrc_) return refused(SrtpError::UnknownSsrc);
    if (header_size < kFixedHeader || size > kMaxSrtpPacket || buffer.size() < size + tag)
        return refused(SrtpError::NoRoom);
    if (index >= kRtpIndexEnd) return refused(SrtpError::KeyExpired);
    if (index >= reserved_.rtp) return refused(SrtpError::NotReserved);
    if (sent_.check(index) != ReplayWindow::Verdict::Fresh) return refused(SrtpError::IndexReused);
    assert(load16(buffer, 2) == (index & 0xFFFF) && load32(buffer, 8) == ssrc);
    sent_.accept(index);
    next_rtp_ = std::max(next_rtp_, index + 1);
    talked_ = true;
    if (cipher_)
        cipher_->seal_rtp(buffer.data(), header_size, payload.data(), size, ssrc, index);
    else if (payload.data() != buffer.data() + header_size)
        std::copy(payload.begin(), payload.end(), buffer.begin() + static_cast<std::ptrdiff_t>(header_size));
    return size + tag;
}

core::Result<std::size_t, SrtpError> SrtpSender::seal_rtcp(std::span<std::byte> buffer,
                                                           std::size_t size) noexcept {
    const std::size_t grown = size + overhead(suite_).rtcp;
    if (size < kRtcpClear || size > kMaxSrtpPacket || buffer.size() < grown)
        return refused(SrtpError::NoRoom);
    if (!begun_ || load32(buffer, 4) != ssrc_) return refused(SrtpError::UnknownSsrc);
    if (!cipher_) return grown;
    if (next_rtcp_ >= kRtcpIndexEnd) return refused(SrtpError::KeyExpired);
    if (next_rtcp_ >= reserved_.rtcp) return refused(SrtpError::NotReserved);
    cipher_->seal_rtcp(buffer.data(), size, ssrc_, kEncryptedRtcp | next_rtcp_++);
    return grown;
}

const KeyFingerprint& SrtpSender::key() const {
    assert(cipher_);
    return cipher_->fingerprint();
}

}  // namespace crosspatch::rtp
