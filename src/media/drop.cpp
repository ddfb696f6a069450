#include "crosspatch/media/drop.hpp"

namespace crosspatch::media {

std::string_view name_of(Drop cause) {
    static constexpr std::array<std::string_view, kDrops> kNames{
        "too_long",       "not_rtp",        "bad_header",   "foreign_source",
        "unknown_source", "authentication", "replay",       "too_old",
        "unencrypted",    "too_many_ssrcs", "roc_mismatch", "below_restart_limit",
        "payload_type",   "ssrc_flapping",  "own_ssrc",     "bad_rtcp",
        "floor_message",  "key_flood",      "bad_payload",  "disabled",
        "listen_only",    "no_floor",       "stale",        "late",
        "duplicate",      "reserved",       "no_codec",     "caught_up",
        "inbox_full"};
    return kNames[static_cast<std::size_t>(cause)];
}

}  // namespace crosspatch::media
