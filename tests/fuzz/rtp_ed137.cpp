// The header extension of ED-137 in both layouts, from any octets: the first two choose the profile, the rest
// is the extension. What is read is within its bounds, and what our own layout can say is written and reads
// the same.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "crosspatch/rtp/ed137.hpp"

using namespace crosspatch::rtp;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check(const ed137::Extension& extension, bool original) {
    require(static_cast<int>(extension.ptt) <= 7 && extension.ptt_id <= (original ? 15 : 63));
    require(!extension.quality || extension.quality->method <= 7);
    require(!extension.climax || extension.climax->delay <= 127);
    if (extension.quality && extension.quality->index > 31) {
        require(original);
        return;
    }
    const auto octets = ed137::write(extension);
    Header header;
    header.extension_profile = ed137::kProfile;
    header.extension = octets.view();
    require(ed137::read(header) == extension);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto octets = std::as_bytes(std::span{data, size});
    if (const auto packet = parse_header(octets))
        if (const auto extension = ed137::read(*packet))
            check(*extension, packet->extension_profile == ed137::kOriginal);
    if (octets.size() < 2) return 0;
    Header header;
    header.extension_profile = load16(octets);
    header.extension = octets.subspan(2);
    if (const auto extension = ed137::read(header))
        check(*extension, header.extension_profile == ed137::kOriginal);
    return 0;
}
