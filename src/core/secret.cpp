#include "crosspatch/core/secret.hpp"

#include <sodium.h>

#include <algorithm>
#include <new>
#include <utility>

namespace crosspatch::core {

Secret::Secret(std::size_t size) : size_{size} {
    if (size == 0) return;
    // sodium_init() is idempotent; without it sodium_malloc() has no page size to guard with.
    if (sodium_init() < 0) throw std::bad_alloc{};
    data_ = static_cast<std::byte*>(sodium_malloc(size));
    if (!data_) throw std::bad_alloc{};
}

Secret::Secret(std::span<const std::byte> octets) : Secret{octets.size()} {
    std::copy(octets.begin(), octets.end(), data_);
}

Secret::~Secret() { sodium_free(data_); }

Secret::Secret(Secret&& other) noexcept
    : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)} {}

Secret& Secret::operator=(Secret&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

bool Secret::equals(std::span<const std::byte> other) const {
    return other.size() == size_ && (size_ == 0 || sodium_memcmp(data_, other.data(), size_) == 0);
}

void wipe(std::span<std::byte> octets) { sodium_memzero(octets.data(), octets.size()); }

}  // namespace crosspatch::core
