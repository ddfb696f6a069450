#pragma once
#include <srtp2/srtp.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <stdexcept>
#include <vector>

#include "crosspatch/rtp/srtp_suite.hpp"

namespace crosspatch::rtp {

// libsrtp2, which must agree with us: one session, one direction, any SSRC, a window of 128.
//
// Errors   every call gives libsrtp2's own status; the constructor throws std::runtime_error.
class Oracle {
public:
    enum class Side { Sends, Receives };

    Oracle(Suite suite, std::span<const std::byte> key_and_salt, Side side, bool encrypt_rtcp = true) {
        static const bool started = srtp_init() == srtp_err_status_ok;
        std::vector<unsigned char> key(key_and_salt.size());
        std::memcpy(key.data(), key_and_salt.data(), key.size());
        srtp_policy_t policy{};
        for (auto* half : {&policy.rtp, &policy.rtcp}) {
            if (suite == Suite::Aes256Gcm) srtp_crypto_policy_set_aes_gcm_256_16_auth(half);
            if (suite == Suite::Aes128Gcm) srtp_crypto_policy_set_aes_gcm_128_16_auth(half);
            if (suite == Suite::AesCm128HmacSha1_80) srtp_crypto_policy_set_rtp_default(half);
        }
        if (!encrypt_rtcp) policy.rtcp.sec_serv = sec_serv_auth;
        policy.ssrc.type = side == Side::Sends ? ssrc_any_outbound : ssrc_any_inbound;
        policy.key = key.data();
        policy.window_size = 128;
        if (!started || srtp_create(&session_, &policy) != srtp_err_status_ok) {
            throw std::runtime_error{"libsrtp2 makes no session"};
        }
    }
    ~Oracle() { srtp_dealloc(session_); }
    Oracle(const Oracle&) = delete;
    Oracle& operator=(const Oracle&) = delete;

    // `octets` is what is there, with room behind it where it grows; `size` is what there is afterwards.
    srtp_err_status_t protect(std::byte* octets, std::size_t& size) {
        return call(srtp_protect, octets, size);
    }
    srtp_err_status_t protect_rtcp(std::byte* octets, std::size_t& size) {
        return call(srtp_protect_rtcp, octets, size);
    }
    srtp_err_status_t unprotect(std::byte* octets, std::size_t& size) {
        return call(srtp_unprotect, octets, size);
    }
    srtp_err_status_t unprotect_rtcp(std::byte* octets, std::size_t& size) {
        return call(srtp_unprotect_rtcp, octets, size);
    }

private:
    template <typename Function>
    srtp_err_status_t call(Function function, std::byte* octets, std::size_t& size) {
        int length = static_cast<int>(size);
        const auto status = function(session_, octets, &length);
        if (status == srtp_err_status_ok) size = static_cast<std::size_t>(length);
        return status;
    }
    srtp_t session_{};
};

}  // namespace crosspatch::rtp
