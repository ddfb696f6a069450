#include "crosspatch/core/secret.hpp"

#include <sodium.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace crosspatch::core {
namespace {

// Master keys are small and many: each in a guarded allocation of its own would take four mappings and 12 kB, and ten
// thousand radios more mappings than the kernel gives a process. So they share guarded blocks of 64 places.
class SmallSecrets {
public:
    static constexpr std::size_t kPlace = 64;

    std::byte* take() {
        const std::lock_guard lock{mutex_};
        if (free_.empty()) add_block();
        std::byte* place = free_.back();
        free_.pop_back();
        return place;
    }
    void give_back(std::byte* place) {
        sodium_memzero(place, kPlace);
        const std::lock_guard lock{mutex_};
        free_.push_back(place);
    }

private:
    static constexpr std::size_t kPlaces = 64;

    void add_block() {
        auto* block = static_cast<std::byte*>(sodium_malloc(kPlace * kPlaces));
        if (!block) throw std::bad_alloc{};
        sodium_memzero(block, kPlace * kPlaces);
        blocks_.push_back(block);
        free_.reserve(blocks_.size() * kPlaces);
        for (std::size_t i = 0; i < kPlaces; ++i) free_.push_back(block + i * kPlace);
    }

    std::mutex mutex_;
    std::vector<std::byte*> blocks_;  // kept to the end of the process: places are used again
    std::vector<std::byte*> free_;
};

// The one store of the process, as the heap is; never destroyed, since secrets may outlive every static object.
SmallSecrets& small_secrets() {
    static auto* store = new SmallSecrets;
    return *store;
}

}  // namespace

Secret::Secret(std::size_t size) : size_{size} {
    if (size == 0) return;
    // sodium_init() is idempotent; without it sodium_malloc() has no page size to guard with.
    if (sodium_init() < 0) throw std::bad_alloc{};
    data_ =
        size <= SmallSecrets::kPlace ? small_secrets().take() : static_cast<std::byte*>(sodium_malloc(size));
    if (!data_) throw std::bad_alloc{};
}

Secret::Secret(std::span<const std::byte> octets) : Secret{octets.size()} {
    std::copy(octets.begin(), octets.end(), data_);
}

Secret::~Secret() {
    if (!data_) return;
    if (size_ <= SmallSecrets::kPlace)
        small_secrets().give_back(data_);
    else
        sodium_free(data_);
}

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
