// Any octets as the file of consents, bare or with the digest that belongs to them: refused whole, or read and written again
// without a change.
#include <sodium.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "crosspatch/bridge/consents.hpp"
#include "crosspatch/core/text.hpp"

using namespace crosspatch;

namespace {

void read(std::string_view text) {
    const core::WallTime wall{std::chrono::hours{500'000}};
    const core::Time now{std::chrono::hours{1000}};
    constexpr std::string_view kLog = "0123456789abcdef0123456789abcdef";
    const auto consents = bridge::Consents::parse(text, kLog, wall, now);
    if (!consents) return;
    const auto again = bridge::Consents::parse(consents->text(), kLog, wall, now);
    if (!again || *again != *consents) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    read(text);
    std::array<std::byte, crypto_hash_sha256_BYTES> hash;
    crypto_hash_sha256(reinterpret_cast<unsigned char*>(hash.data()), data, size);
    read(std::string{text} + "\n" + core::to_hex(hash) + "\n");
    return 0;
}
