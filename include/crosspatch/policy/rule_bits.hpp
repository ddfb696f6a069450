#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace crosspatch::policy {

// A set of the rules of one list, a bit each in their order.
//
// Shape    room for a list of the largest size, 128 octets; whoever knows that a list is shorter says how many
//          words count.
struct RuleBits {
    static constexpr std::size_t kWords = 16;  // 1,024 rules, RuleList::kMaxRules and a few more

    std::array<std::uint64_t, kWords> words{};

    void insert(std::size_t rule) { words[rule / 64] |= std::uint64_t{1} << (rule % 64); }
    void flip(std::size_t rule) { words[rule / 64] ^= std::uint64_t{1} << (rule % 64); }
    bool contains(std::size_t rule) const { return (words[rule / 64] >> (rule % 64) & 1U) != 0; }
    std::optional<std::size_t> first(std::size_t count) const {
        for (std::size_t i = 0; i < count; ++i)
            if (words[i] != 0) return i * 64 + static_cast<std::size_t>(std::countr_zero(words[i]));
        return std::nullopt;
    }
    // Leaves the rules up to `rule`, and that.
    void keep_up_to(std::size_t rule, std::size_t count) {
        for (std::size_t i = rule / 64 + 1; i < count; ++i) words[i] = 0;
        words[rule / 64] &= ~std::uint64_t{0} >> (63 - rule % 64);
    }
    bool operator==(const RuleBits&) const = default;
};

}  // namespace crosspatch::policy
