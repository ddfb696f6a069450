#include "keys.hpp"

#include "crosspatch/core/file.hpp"
#include "crosspatch/core/text.hpp"

namespace crosspatch::radio {
namespace {
constexpr std::string_view kInline = "inline:";

core::Result<core::Secret> read_octets(const std::string& text) {
    if (!text.starts_with(kInline)) return core::read_key_file(text);
    auto octets = core::from_base64(std::string_view{text}.substr(kInline.size()));
    if (!octets)
        return core::unexpected(core::Error::Code::Invalid,
                                "not base64; base64 of master key and salt belongs behind inline:");
    core::Secret secret{std::span<const std::byte>{*octets}};
    core::wipe(*octets);
    return secret;
}
}  // namespace

core::Result<rtp::MasterKey> read_master_key(const std::string& option, rtp::Suite suite,
                                             const std::string& text) {
    auto octets = read_octets(text);
    if (!octets) return core::unexpected(octets.error().code, option + ": " + octets.error().context);
    auto key = rtp::MasterKey::make(suite, std::move(*octets));
    if (!key) return core::unexpected(key.error().code, option + ": " + key.error().context);
    return key;
}

}  // namespace crosspatch::radio
