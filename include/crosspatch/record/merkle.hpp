#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "crosspatch/core/result.hpp"

// A Merkle tree over the log's records: what a root proves, and how one record or one growth is proven
// against it.
//
// Source   RFC 9162 §2.1 (the hashing of RFC 6962): leaf = SHA-256(0x00 ‖ data), node = SHA-256(0x01 ‖ left ‖
// right).
namespace crosspatch::record {

using Hash = std::array<std::byte, 32>;

Hash sha256(std::span<const std::byte> octets);
Hash leaf_hash(std::string_view data);
Hash node_hash(const Hash& left, const Hash& right);
Hash empty_root();  // SHA-256 of nothing

// The right edge of a growing tree: enough to append and to name the root, without the leaves.
//
// Shape    one hash for each bit set in size(), largest subtree first: at most 64 of 32 octets.
// Time     append() is O(1) amortised, root() O(log size).
// Thread   its owner's.
class Frontier {
public:
    Frontier() = default;
    // Takes what hashes() gave; nothing if their number does not fit `size`.
    static std::optional<Frontier> restore(std::uint64_t size, std::vector<Hash> hashes);

    void append(const Hash& leaf);
    Hash root() const;
    std::uint64_t size() const { return size_; }
    const std::vector<Hash>& hashes() const { return hashes_; }

private:
    std::uint64_t size_{};
    std::vector<Hash> hashes_;
};

// Gives the leaf hash at an index below the tree's size.
using Leaves = std::function<Hash(std::uint64_t index)>;

Hash root_of(const Leaves& leaves, std::uint64_t size);

// The hashes that lead from leaf `index` to the root of the first `size` leaves. Requires index < size.
// O(size).
std::vector<Hash> inclusion_proof(const Leaves& leaves, std::uint64_t index, std::uint64_t size);
bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> proof,
                      const Hash& root);

// What shows that the tree of `size` leaves begins with the tree of `old_size`. Requires old_size <= size.
// O(size).
std::vector<Hash> consistency_proof(const Leaves& leaves, std::uint64_t old_size, std::uint64_t size);
bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size, const Hash& root,
                        std::span<const Hash> proof);

}  // namespace crosspatch::record
