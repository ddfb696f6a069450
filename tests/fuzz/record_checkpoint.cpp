// Checkpoints, verifier keys and the tip file as they may be found on disk or come from a partner.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "crosspatch/record/checkpoint.hpp"
#include "src/record/position.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace crosspatch;
    using namespace crosspatch::record;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    static const auto key = [] {
        core::Secret seed{32};
        for (auto& octet : seed.writable()) octet = std::byte{'k'};
        return *SigningKey::from_seed(std::move(seed));
    }();
    if (const auto note = parse_checkpoint(text)) {
        (void)note->signed_by(key.verifier());
        // What was read can be signed again, and is then read as the same.
        const auto again = parse_checkpoint(sign_checkpoint(note->checkpoint, key));
        if (!again || again->checkpoint.size != note->checkpoint.size ||
            again->checkpoint.root != note->checkpoint.root) {
            std::abort();
        }
    }
    if (const auto verifier = VerifierKey::parse(text)) {
        if (verifier->to_string() != text) std::abort();
    }
    if (const auto tip = parse_tip(text, key.verifier())) {
        if (to_text(*tip) != text) std::abort();
    }
    (void)frontier_from_text(text);
    (void)parse_time(text);
    return 0;
}
