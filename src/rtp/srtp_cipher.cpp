#include "src/rtp/srtp_cipher.hpp"

#include <cassert>

namespace crosspatch::rtp {

std::unique_ptr<PacketCipher> PacketCipher::make(const MasterKey& key, Expect expect) {
    SessionKeys keys;
    keys.derive(key.suite(), key.key(), key.salt());
    auto cipher = make(key.suite(), keys, expect);
    cipher->fingerprint_ = key.fingerprint();
    return cipher;
}

std::unique_ptr<PacketCipher> PacketCipher::make(Suite suite, const SessionKeys& keys, Expect expect) {
    switch (suite) {
        case Suite::Aes256Gcm:
            if (!sodium_has_aes()) return make_openssl_gcm(suite, keys);
            return expect == Expect::RtcpOnly ? make_sodium_gcm_small(keys) : make_sodium_gcm(keys);
        case Suite::Aes128Gcm:
            return make_openssl_gcm(suite, keys);
        case Suite::AesCm128HmacSha1_80:
            return make_aes_cm(keys);
        case Suite::None:
            break;
    }
    assert(suite != Suite::None && "a suite without keys has no cipher");
    return nullptr;
}

}  // namespace crosspatch::rtp
