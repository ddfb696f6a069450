#include "crosspatch/rtp/srtp_error.hpp"

#include <array>

namespace crosspatch::rtp {

std::string_view name(SrtpError error) {
    static constexpr std::array<std::string_view, kSrtpErrors> kNames{
        "authentication",   "replay",         "too_old",      "too_short",           "too_long",
        "unencrypted_rtcp", "too_many_ssrcs", "roc_mismatch", "below_restart_limit", "out_of_step",
        "index_reused",     "not_reserved",   "key_expired",  "unknown_ssrc",        "no_room"};
    return kNames[static_cast<std::size_t>(error)];
}

}  // namespace crosspatch::rtp
