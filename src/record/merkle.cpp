#include "crosspatch/record/merkle.hpp"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cassert>

namespace crosspatch::record {

namespace {

constexpr std::uint8_t kLeaf = 0x00;  // RFC 9162 §2.1.1: the two prefixes keep a leaf from passing for a node
constexpr std::uint8_t kNode = 0x01;

std::uint8_t* octets(Hash& hash) { return reinterpret_cast<std::uint8_t*>(hash.data()); }
const std::uint8_t* octets(const Hash& hash) { return reinterpret_cast<const std::uint8_t*>(hash.data()); }

// The largest power of two below `size`: where RFC 9162 splits a tree. Requires size > 1.
std::uint64_t split(std::uint64_t size) { return std::bit_floor(size - 1); }

// Root over leaves [first, first + size).
Hash subtree(const Leaves& leaves, std::uint64_t first, std::uint64_t size) {
    Frontier frontier;
    for (std::uint64_t i = 0; i < size; ++i) frontier.append(leaves(first + i));
    return frontier.root();
}

void include(const Leaves& leaves, std::uint64_t first, std::uint64_t index, std::uint64_t size,
             std::vector<Hash>& proof) {
    if (size == 1) return;
    const auto left = split(size);
    if (index < left) {
        include(leaves, first, index, left, proof);
        proof.push_back(subtree(leaves, first + left, size - left));
    } else {
        include(leaves, first + left, index - left, size - left, proof);
        proof.push_back(subtree(leaves, first, left));
    }
}

// RFC 9162 §2.1.4.1, SUBPROOF. `whole`: the old tree is exactly the tree looked at, so the verifier knows its
// root.
void extend(const Leaves& leaves, std::uint64_t first, std::uint64_t old_size, std::uint64_t size, bool whole,
            std::vector<Hash>& proof) {
    if (old_size == size) {
        if (!whole) proof.push_back(subtree(leaves, first, size));
        return;
    }
    const auto left = split(size);
    if (old_size <= left) {
        extend(leaves, first, old_size, left, whole, proof);
        proof.push_back(subtree(leaves, first + left, size - left));
    } else {
        extend(leaves, first + left, old_size - left, size - left, false, proof);
        proof.push_back(subtree(leaves, first, left));
    }
}

}  // namespace

Hash sha256(std::span<const std::byte> data) {
    Hash hash;
    crypto_hash_sha256(octets(hash), reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
    return hash;
}

Hash leaf_hash(std::string_view data) {
    Hash hash;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, &kLeaf, 1);
    crypto_hash_sha256_update(&state, reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
    crypto_hash_sha256_final(&state, octets(hash));
    return hash;
}

Hash node_hash(const Hash& left, const Hash& right) {
    Hash hash;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, &kNode, 1);
    crypto_hash_sha256_update(&state, octets(left), left.size());
    crypto_hash_sha256_update(&state, octets(right), right.size());
    crypto_hash_sha256_final(&state, octets(hash));
    return hash;
}

Hash empty_root() { return sha256({}); }

std::optional<Frontier> Frontier::restore(std::uint64_t size, std::vector<Hash> hashes) {
    if (hashes.size() != static_cast<std::size_t>(std::popcount(size))) return std::nullopt;
    Frontier frontier;
    frontier.size_ = size;
    frontier.hashes_ = std::move(hashes);
    return frontier;
}

void Frontier::append(const Hash& leaf) {
    // Each trailing one of the size is a complete subtree that the new leaf completes into the next larger
    // one.
    Hash hash = leaf;
    for (auto full = std::countr_one(size_); full > 0; --full) {
        hash = node_hash(hashes_.back(), hash);
        hashes_.pop_back();
    }
    hashes_.push_back(hash);
    ++size_;
}

Hash Frontier::root() const {
    if (hashes_.empty()) return empty_root();
    Hash root = hashes_.back();
    for (auto i = hashes_.size() - 1; i-- > 0;) root = node_hash(hashes_[i], root);
    return root;
}

Hash root_of(const Leaves& leaves, std::uint64_t size) { return subtree(leaves, 0, size); }

std::vector<Hash> inclusion_proof(const Leaves& leaves, std::uint64_t index, std::uint64_t size) {
    assert(index < size);
    std::vector<Hash> proof;
    include(leaves, 0, index, size, proof);
    return proof;
}

// RFC 9162 §2.1.3.2.
bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> proof,
                      const Hash& root) {
    if (index >= size) return false;
    std::uint64_t node = index;
    std::uint64_t last = size - 1;
    Hash hash = leaf;
    for (const Hash& sibling : proof) {
        if (last == 0) return false;
        if ((node & 1) != 0 || node == last) {
            hash = node_hash(sibling, hash);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && hash == root;
}

std::vector<Hash> consistency_proof(const Leaves& leaves, std::uint64_t old_size, std::uint64_t size) {
    assert(old_size <= size);
    std::vector<Hash> proof;
    if (old_size > 0 && old_size < size) extend(leaves, 0, old_size, size, true, proof);
    return proof;
}

// RFC 9162 §2.1.4.2.
bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size, const Hash& root,
                        std::span<const Hash> proof) {
    if (old_size > size) return false;
    if (old_size == size) return proof.empty() && old_root == root;
    if (old_size == 0) return proof.empty() && old_root == empty_root();
    std::vector<Hash> path;
    if (std::has_single_bit(old_size)) path.push_back(old_root);
    path.insert(path.end(), proof.begin(), proof.end());
    if (path.empty()) return false;
    std::uint64_t node = old_size - 1;
    std::uint64_t last = size - 1;
    const auto steps = std::countr_one(node);
    node >>= steps;
    last >>= steps;
    Hash from = path.front();
    Hash to = path.front();
    for (auto sibling = path.begin() + 1; sibling != path.end(); ++sibling) {
        if (last == 0) return false;
        if ((node & 1) != 0 || node == last) {
            from = node_hash(*sibling, from);
            to = node_hash(*sibling, to);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            to = node_hash(to, *sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && from == old_root && to == root;
}

}  // namespace crosspatch::record
