#pragma once
#include <openssl/evp.h>

#include <array>
#include <cassert>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>

#include "crosspatch/core/secret.hpp"
#include "src/rtp/srtp_cipher.hpp"

namespace crosspatch::rtp {

// An OpenSSL cipher context that keeps its expanded key between packets and lends itself to another key.
//
// Errors   the constructor throws std::runtime_error. Later calls cannot fail with the sizes we give; if one
//          does, that is asserted: sealing on with a half-set key would be worse.
// Thread   its owner's; OpenSSL 3 takes no memory for a new key or nonce in a kept context (tests prove it).
class EvpContext {
public:
    EvpContext(const EVP_CIPHER* cipher, std::span<const std::byte> key, bool encrypt)
        : context_{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free}, key_size_{key.size()} {
        std::copy(key.begin(), key.end(), key_.begin());
        if (!context_ ||
            EVP_CipherInit_ex(context_.get(), cipher, nullptr, raw(key_.data()), nullptr, encrypt) != 1) {
            throw std::runtime_error{"OpenSSL cannot set up an AES key; is its default provider loaded?"};
        }
    }
    ~EvpContext() { core::wipe(key_); }
    EvpContext(const EvpContext&) = delete;
    EvpContext& operator=(const EvpContext&) = delete;

    EVP_CIPHER_CTX* get() { return context_.get(); }

    // Runs `use` under another key of the same size, then puts the own one back.
    template <typename Use>
    bool borrowed(std::span<const std::byte> key, Use use) {
        set_key(key);
        const bool done = use();
        set_key(std::span{key_}.first(key_size_));
        return done;
    }

    void wipe() {
        core::wipe(key_);
        set_key(std::span{key_}.first(key_size_));
    }

private:
    void set_key(std::span<const std::byte> key) {
        const int done = EVP_CipherInit_ex(context_.get(), nullptr, nullptr, raw(key.data()), nullptr, -1);
        assert(done == 1);
    }

    std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context_;
    std::array<std::byte, 32> key_{};
    std::size_t key_size_;
};

}  // namespace crosspatch::rtp
