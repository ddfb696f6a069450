#pragma once
#include <cstddef>
#include <span>

namespace crosspatch::core {

// Key material: locked in memory where the system allows, wiped on destruction, not copyable, not printable.
//
// Shape    guarded memory of libsodium (sodium_malloc), up to 64 octets in a place of a block that they share; not for the
//          packet path.
// Errors   throws std::bad_alloc when the system has no memory for it.
// Thread   its owner's; reading from several threads is fine once it is filled.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::size_t size);
    explicit Secret(std::span<const std::byte> octets);
    ~Secret();
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;

    std::span<const std::byte> octets() const { return {data_, size_}; }
    std::span<std::byte> writable() { return {data_, size_}; }
    bool empty() const { return size_ == 0; }

    // Compares in constant time.
    bool equals(std::span<const std::byte> other) const;

private:
    std::byte* data_{};
    std::size_t size_{};
};

// Overwrites `octets` in a way that the compiler may not leave out.
void wipe(std::span<std::byte> octets);

}  // namespace crosspatch::core
