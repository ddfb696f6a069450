#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/text.hpp"

// Datagrams for the tests of the RTP and RTCP formats.
namespace crosspatch::tests {

using Octets = std::vector<std::byte>;

// Hexadecimal with spaces anywhere.
inline Octets hex(std::string_view text) {
    std::string digits;
    for (const char c : text)
        if (c != ' ') digits += c;
    return core::from_hex(digits).value();
}

inline std::string text_of(std::span<const std::byte> octets) {
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

inline Octets joined(std::initializer_list<Octets> parts) {
    Octets all;
    for (const Octets& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

// True if `part` lies inside `whole`; an empty part lies anywhere.
inline bool lies_in(std::span<const std::byte> part, std::span<const std::byte> whole) {
    return part.empty() ||
           (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace crosspatch::tests
