#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/secret.hpp"

namespace crosspatch::bridge {

// A talker's name for other agencies: 8 letters and digits that say nothing about him, and are the same for as long as
// the bridge stays open.
using Pseudonym = std::array<char, 8>;
inline std::string_view text(const Pseudonym& pseudonym) { return {pseudonym.data(), pseudonym.size()}; }

// The first 40 bits of HMAC-SHA256(key, talker), in base32 (RFC 4648, A to Z and 2 to 7).
//
// Errors   none; requires a key of 32 octets. No allocation.
Pseudonym pseudonym(const core::Secret& key, std::string_view talker) noexcept;

// The keys of one opening of a bridge: one for each agency's own talkers. Another opening has others, so pseudonyms of two
// openings cannot be brought together.
//
// Shape    32 random octets an agency; a few agencies.
// Thread   immutable: any, as long as it lives.
class PseudonymKeys {
public:
    explicit PseudonymKeys(const std::vector<std::string>& agencies);

    // Of a talker of that agency; nothing for an agency that was not on the bridge when it was opened. Some 2 us.
    std::optional<Pseudonym> of(std::string_view agency, std::string_view talker) const noexcept;

private:
    struct Key {
        std::string agency;
        core::Secret secret;
    };
    std::vector<Key> keys_;
};

}  // namespace crosspatch::bridge
