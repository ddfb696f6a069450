#include "crosspatch/record/merkle.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "crosspatch/core/text.hpp"

using namespace crosspatch::record;
using crosspatch::core::to_hex;

namespace {

// The eight leaves that certificate transparency implementations test with, and their roots
// (tests/vectors/README.md).
const std::vector<std::string> kCtLeaves{"",
                                         std::string("\0", 1),
                                         "\x10",
                                         "\x20\x21",
                                         "\x30\x31",
                                         "\x40\x41\x42\x43",
                                         "\x50\x51\x52\x53\x54\x55\x56\x57",
                                         "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"};
const std::vector<std::string> kCtRoots{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

std::vector<Hash> leaves(std::size_t count) {
    std::vector<Hash> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(leaf_hash("record " + std::to_string(i)));
    return out;
}

Leaves reader(const std::vector<Hash>& of) {
    return [&of](std::uint64_t index) { return of[index]; };
}

// RFC 9162 §2.1.1 as it stands in the text: split at the largest power of two below n.
Hash textbook_root(const std::vector<Hash>& of, std::size_t first, std::size_t count) {
    if (count == 0) return sha256({});
    if (count == 1) return of[first];
    std::size_t left = 1;
    while (left * 2 < count) left *= 2;
    return node_hash(textbook_root(of, first, left), textbook_root(of, first + left, count - left));
}

}  // namespace

TEST_CASE("the tree gives the roots that certificate transparency publishes for its eight leaves") {
    Frontier tree;
    CHECK(to_hex(tree.root()) == kCtRoots[0]);
    for (std::size_t i = 0; i < kCtLeaves.size(); ++i) {
        tree.append(leaf_hash(kCtLeaves[i]));
        CHECK(to_hex(tree.root()) == kCtRoots[i + 1]);
    }
}

TEST_CASE("the frontier gives the same root as the definition, at every size") {
    const auto all = leaves(130);
    Frontier tree;
    for (std::size_t size = 0; size <= all.size(); ++size) {
        CHECK(tree.root() == textbook_root(all, 0, size));
        if (size < all.size()) tree.append(all[size]);
    }
}

TEST_CASE("a frontier that was put away goes on where it stood") {
    const auto all = leaves(77);
    Frontier tree;
    for (std::size_t i = 0; i < 50; ++i) tree.append(all[i]);
    auto again = Frontier::restore(tree.size(), tree.hashes());
    REQUIRE(again);
    for (std::size_t i = 50; i < all.size(); ++i) {
        tree.append(all[i]);
        again->append(all[i]);
    }
    CHECK(tree.root() == again->root());
    CHECK_FALSE(Frontier::restore(tree.size() + 2, tree.hashes()));
}

TEST_CASE("every leaf is proven against every root, and no other leaf, place or root is") {
    const auto all = leaves(33);
    for (std::uint64_t size = 1; size <= all.size(); ++size) {
        const auto root = root_of(reader(all), size);
        for (std::uint64_t index = 0; index < size; ++index) {
            auto proof = inclusion_proof(reader(all), index, size);
            CHECK(verify_inclusion(all[index], index, size, proof, root));
            CHECK_FALSE(verify_inclusion(all[(index + 1) % all.size()], index, size, proof, root));
            CHECK_FALSE(verify_inclusion(all[index], index + 1, size, proof, root));
            CHECK_FALSE(verify_inclusion(all[index], index, size, proof, all[0] == root ? all[1] : all[0]));
            if (!proof.empty()) {
                proof[size % proof.size()][0] ^= std::byte{1};
                CHECK_FALSE(verify_inclusion(all[index], index, size, proof, root));
                proof.pop_back();
                CHECK_FALSE(verify_inclusion(all[index], index, size, proof, root));
            }
        }
    }
}

TEST_CASE("a million records need about twenty hashes to prove one") {
    std::vector<Hash> all(1'000'000);
    for (std::size_t i = 0; i < all.size(); ++i) all[i][i % 32] = static_cast<std::byte>(i);
    CHECK(inclusion_proof(reader(all), 654'321, all.size()).size() <= 20);
}

TEST_CASE("every growth is proven, and no other history is") {
    const auto all = leaves(33);
    auto forged = all;
    forged[3][5] ^= std::byte{1};
    for (std::uint64_t size = 1; size <= all.size(); ++size) {
        const auto root = root_of(reader(all), size);
        for (std::uint64_t old_size = 0; old_size <= size; ++old_size) {
            const auto old_root = root_of(reader(all), old_size);
            auto proof = consistency_proof(reader(all), old_size, size);
            CHECK(verify_consistency(old_size, old_root, size, root, proof));
            if (old_size > 3)
                CHECK_FALSE(
                    verify_consistency(old_size, root_of(reader(forged), old_size), size, root, proof));
            if (size > 3 && old_size > 0) {
                CHECK_FALSE(
                    verify_consistency(old_size, old_root, size, root_of(reader(forged), size), proof));
            }
            if (!proof.empty()) {
                proof.front()[9] ^= std::byte{4};
                CHECK_FALSE(verify_consistency(old_size, old_root, size, root, proof));
            }
            CHECK_FALSE(verify_consistency(size + 1, old_root, size, root, proof));
        }
    }
}
