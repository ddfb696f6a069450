// What sealing and opening a packet costs beside the bare cipher of the same library on the same octets, and
// beside libsrtp2; and why the HMAC is put together by hand. Thread CPU time, medians of 9 interleaved
// rounds.
//
// The bare cipher does what no packet can go without (nonce, associated data, tag) with a key expanded once:
// no index, no replay list, no choice of key, no checks. performance.md M9 allows 1.5 times as much.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crosspatch/rtp/octets.hpp"
#include "crosspatch/rtp/srtp_receiver.hpp"
#include "crosspatch/rtp/srtp_sender.hpp"
#include "tests/rtp/srtp_oracle.hpp"

namespace {

using namespace crosspatch::rtp;
constexpr std::size_t kHeader = 12;
constexpr std::size_t kBatch = 256;
constexpr int kBatches = 40;
constexpr int kRounds = 9;

std::uint64_t cpu_ns() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1000000000U + static_cast<std::uint64_t>(now.tv_nsec);
}

unsigned char* raw(std::byte* octets) { return reinterpret_cast<unsigned char*>(octets); }

// A batch of packets with room for any trailer.
struct Batch {
    explicit Batch(std::size_t payload_size) : payload{payload_size}, octets(kBatch * kStride) {}
    static constexpr std::size_t kStride = 384;

    void fill(std::uint64_t first) {
        for (std::size_t i = 0; i < kBatch; ++i) {
            auto packet = at(i);
            store16(packet, 0, 0x806F);
            store16(packet, 2, static_cast<std::uint16_t>((first + i) & 0xFFFF));
            store32(packet, 8, 7);
        }
    }
    std::span<std::byte> at(std::size_t i) { return std::span{octets}.subspan(i * kStride, kStride); }
    std::size_t size() const { return kHeader + payload; }

    std::size_t payload;
    std::vector<std::byte> octets;
};

// One way to seal and open packets.
class Way {
public:
    virtual ~Way() = default;
    virtual void seal(std::span<std::byte> packet, std::size_t size, std::uint64_t index) = 0;
    virtual bool open(std::span<std::byte> packet, std::size_t size, std::uint64_t index) = 0;
};

class Ours final : public Way {
public:
    Ours(Suite suite, std::span<const std::byte> octets)
        : key_{std::move(*MasterKey::make(suite, crosspatch::core::Secret{octets}))},
          sender_{suite, &key_},
          receiver_{suite, {&key_, 1}},
          tag_{overhead(suite).rtp} {
        sender_.begin(7, {0, 0});
        sender_.set_reserved(7, SrtpSender::unrecorded());
    }
    void seal(std::span<std::byte> packet, std::size_t size, std::uint64_t index) override {
        static_cast<void>(sender_.seal_rtp(packet, kHeader, size, 7, index));
    }
    bool open(std::span<std::byte> packet, std::size_t size, std::uint64_t index) override {
        const auto opened =
            receiver_.open_rtp(packet.first(size + tag_), kHeader, 7, static_cast<std::uint16_t>(index));
        return opened.has_value();
    }

private:
    MasterKey key_;
    SrtpSender sender_;
    SrtpReceiver receiver_;
    std::size_t tag_;
};

class Libsrtp final : public Way {
public:
    Libsrtp(Suite suite, std::span<const std::byte> octets)
        : sends_{suite, octets, Oracle::Side::Sends}, receives_{suite, octets, Oracle::Side::Receives} {}
    void seal(std::span<std::byte> packet, std::size_t size, std::uint64_t) override {
        sends_.protect(packet.data(), size);
        sealed_ = size;
    }
    bool open(std::span<std::byte> packet, std::size_t, std::uint64_t) override {
        std::size_t size = sealed_;
        return receives_.unprotect(packet.data(), size) == srtp_err_status_ok;
    }

private:
    Oracle sends_;
    Oracle receives_;
    std::size_t sealed_{};
};

std::array<unsigned char, 16> nonce_of(std::uint64_t index) {
    std::array<unsigned char, 16> nonce{};
    for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<unsigned char>(index >> (56 - 8 * i));
    return nonce;
}

class BareSodium final : public Way {
public:
    explicit BareSodium(std::span<const std::byte> key) {
        crypto_aead_aes256gcm_beforenm(&state_, reinterpret_cast<const unsigned char*>(key.data()));
    }
    void seal(std::span<std::byte> packet, std::size_t size, std::uint64_t index) override {
        auto* text = raw(packet.data()) + kHeader;
        crypto_aead_aes256gcm_encrypt_detached_afternm(text, raw(packet.data()) + size, nullptr, text,
                                                       size - kHeader, raw(packet.data()), kHeader, nullptr,
                                                       nonce_of(index).data(), &state_);
    }
    bool open(std::span<std::byte> packet, std::size_t size, std::uint64_t index) override {
        auto* text = raw(packet.data()) + kHeader;
        return crypto_aead_aes256gcm_decrypt_detached_afternm(text, nullptr, text, size - kHeader,
                                                              raw(packet.data()) + size, raw(packet.data()),
                                                              kHeader, nonce_of(index).data(), &state_) == 0;
    }

private:
    crypto_aead_aes256gcm_state state_;
};

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

class BareGcm final : public Way {
public:
    explicit BareGcm(std::span<const std::byte> key) {
        EVP_CipherInit_ex(context_.get(), EVP_aes_128_gcm(), nullptr,
                          reinterpret_cast<const unsigned char*>(key.data()), nullptr, 1);
    }
    void seal(std::span<std::byte> packet, std::size_t size, std::uint64_t index) override {
        auto* text = raw(packet.data()) + kHeader;
        int done = 0;
        EVP_EncryptInit_ex(context_.get(), nullptr, nullptr, nullptr, nonce_of(index).data());
        EVP_EncryptUpdate(context_.get(), nullptr, &done, raw(packet.data()), kHeader);
        EVP_EncryptUpdate(context_.get(), text, &done, text, static_cast<int>(size - kHeader));
        EVP_EncryptFinal_ex(context_.get(), text, &done);
        EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, 16, packet.data() + size);
    }
    bool open(std::span<std::byte> packet, std::size_t size, std::uint64_t index) override {
        auto* text = raw(packet.data()) + kHeader;
        int done = 0;
        EVP_DecryptInit_ex(context_.get(), nullptr, nullptr, nullptr, nonce_of(index).data());
        EVP_DecryptUpdate(context_.get(), nullptr, &done, raw(packet.data()), kHeader);
        EVP_DecryptUpdate(context_.get(), text, &done, text, static_cast<int>(size - kHeader));
        EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, 16, packet.data() + size);
        return EVP_DecryptFinal_ex(context_.get(), text, &done) == 1;
    }

private:
    Context context_{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
};

class BareCm final : public Way {
public:
    explicit BareCm(std::span<const std::byte> key) {
        EVP_EncryptInit_ex(context_.get(), EVP_aes_128_ctr(), nullptr,
                           reinterpret_cast<const unsigned char*>(key.data()), nullptr);
        std::array<unsigned char, 64> block{};
        SHA1_Init(&inner_);
        SHA1_Update(&inner_, block.data(), block.size());
        outer_ = inner_;
    }
    void seal(std::span<std::byte> packet, std::size_t size, std::uint64_t index) override {
        crypt(packet, size, index);
        std::copy_n(hmac(packet, size).begin(), 10, raw(packet.data()) + size);
    }
    bool open(std::span<std::byte> packet, std::size_t size, std::uint64_t index) override {
        const auto digest = hmac(packet, size);
        if (sodium_memcmp(digest.data(), packet.data() + size, 10) != 0) return false;
        crypt(packet, size, index);
        return true;
    }

private:
    void crypt(std::span<std::byte> packet, std::size_t size, std::uint64_t index) {
        auto* text = raw(packet.data()) + kHeader;
        int done = 0;
        EVP_EncryptInit_ex(context_.get(), nullptr, nullptr, nullptr, nonce_of(index).data());
        EVP_EncryptUpdate(context_.get(), text, &done, text, static_cast<int>(size - kHeader));
    }
    std::array<unsigned char, 20> hmac(std::span<std::byte> packet, std::size_t size) {
        std::array<unsigned char, 20> digest;
        const std::array<unsigned char, 4> roc{};
        SHA_CTX running = inner_;
        SHA1_Update(&running, packet.data(), size);
        SHA1_Update(&running, roc.data(), roc.size());
        SHA1_Final(digest.data(), &running);
        running = outer_;
        SHA1_Update(&running, digest.data(), digest.size());
        SHA1_Final(digest.data(), &running);
        return digest;
    }
    Context context_{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
    SHA_CTX inner_;
    SHA_CTX outer_;
};

struct Timing {
    std::vector<double> seal;
    std::vector<double> open;
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void round(Way& way, Batch& batch, std::uint64_t& index, Timing& timing) {
    std::uint64_t sealing = 0;
    std::uint64_t opening = 0;
    std::size_t opened = 0;
    for (int i = 0; i < kBatches; ++i, index += kBatch) {
        batch.fill(index);
        const auto start = cpu_ns();
        for (std::size_t n = 0; n < kBatch; ++n) way.seal(batch.at(n), batch.size(), index + n);
        const auto sealed = cpu_ns();
        for (std::size_t n = 0; n < kBatch; ++n) opened += way.open(batch.at(n), batch.size(), index + n);
        opening += cpu_ns() - sealed;
        sealing += sealed - start;
    }
    constexpr double kPackets = kBatches * kBatch;
    if (opened != static_cast<std::size_t>(kPackets))
        std::printf("only %zu of %.0f opened!\n", opened, kPackets);
    timing.seal.push_back(static_cast<double>(sealing) / kPackets);
    timing.open.push_back(static_cast<double>(opening) / kPackets);
}

void compare(Suite suite, std::size_t payload) {
    std::vector<std::byte> octets(info(suite).key_size + info(suite).salt_size, std::byte{0x42});
    const auto key = std::span{octets}.first(info(suite).key_size);
    std::array<std::unique_ptr<Way>, 3> ways;
    ways[0] = std::make_unique<Ours>(suite, octets);
    if (suite == Suite::Aes256Gcm) ways[1] = std::make_unique<BareSodium>(key);
    if (suite == Suite::Aes128Gcm) ways[1] = std::make_unique<BareGcm>(key);
    if (suite == Suite::AesCm128HmacSha1_80) ways[1] = std::make_unique<BareCm>(key);
    ways[2] = std::make_unique<Libsrtp>(suite, octets);
    std::array<Timing, 3> timings;
    std::array<std::uint64_t, 3> indices{};
    Batch batch{payload};
    for (int i = 0; i < kRounds + 1; ++i) {
        for (std::size_t way = 0; way < ways.size(); ++way)
            round(*ways[way], batch, indices[way], timings[way]);
        if (i == 0) timings = {};  // warm
    }
    const auto line = [&](const char* what, std::vector<double> Timing::*part) {
        const double ours = median(timings[0].*part);
        const double bare = median(timings[1].*part);
        const double theirs = median(timings[2].*part);
        std::printf("%-24s %4zu B %-5s %7.0f ns  bare %7.0f ns  x%.2f   libsrtp2 %7.0f ns  x%.2f\n",
                    std::string{info(suite).name}.c_str(), payload, what, ours, bare, ours / bare, theirs,
                    theirs / ours);
    };
    line("seal", &Timing::seal);
    line("open", &Timing::open);
}

// The same HMAC-SHA1 over 72 octets, three ways.
void compare_hmac() {
    std::array<unsigned char, 20> key{};
    std::array<unsigned char, 72> text{};
    std::array<unsigned char, 20> digest{};
    const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac{EVP_MAC_fetch(nullptr, "HMAC", nullptr),
                                                                &EVP_MAC_free};
    const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> kept{EVP_MAC_CTX_new(mac.get()),
                                                                         &EVP_MAC_CTX_free};
    char name[] = "SHA1";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                     OSSL_PARAM_construct_end()};
    EVP_MAC_init(kept.get(), key.data(), key.size(), parameters);
    SHA_CTX midstate;
    SHA1_Init(&midstate);
    std::array<unsigned char, 64> block{};
    SHA1_Update(&midstate, block.data(), block.size());
    std::size_t size = 0;
    const std::array<std::pair<const char*, std::function<void()>>, 3> ways{{
        {"kept midstates",
         [&] {
             SHA_CTX running = midstate;
             SHA1_Update(&running, text.data(), text.size());
             SHA1_Final(digest.data(), &running);
             running = midstate;
             SHA1_Update(&running, digest.data(), digest.size());
             SHA1_Final(digest.data(), &running);
         }},
        {"EVP_MAC_init anew",
         [&] {
             EVP_MAC_init(kept.get(), nullptr, 0, nullptr);
             EVP_MAC_update(kept.get(), text.data(), text.size());
             EVP_MAC_final(kept.get(), digest.data(), &size, digest.size());
         }},
        {"EVP_MAC_CTX_dup",
         [&] {
             EVP_MAC_CTX* copy = EVP_MAC_CTX_dup(kept.get());
             EVP_MAC_update(copy, text.data(), text.size());
             EVP_MAC_final(copy, digest.data(), &size, digest.size());
             EVP_MAC_CTX_free(copy);
         }},
    }};
    std::array<std::vector<double>, 3> times;
    for (int i = 0; i < kRounds; ++i) {
        for (std::size_t way = 0; way < ways.size(); ++way) {
            const auto start = cpu_ns();
            for (int n = 0; n < 5000; ++n) ways[way].second();
            times[way].push_back(static_cast<double>(cpu_ns() - start) / 5000);
        }
    }
    for (std::size_t way = 0; way < ways.size(); ++way) {
        std::printf("HMAC-SHA1, 72 B, %-20s %7.0f ns\n", ways[way].first, median(times[way]));
    }
}

}  // namespace

int main() {
    if (sodium_init() < 0 || crypto_aead_aes256gcm_is_available() == 0) {
        std::printf("libsodium has no AES here; its figures would be void\n");
        return 77;
    }
    for (const auto suite : {Suite::Aes256Gcm, Suite::Aes128Gcm, Suite::AesCm128HmacSha1_80}) {
        for (const std::size_t payload : {60U, 160U}) compare(suite, payload);
    }
    compare_hmac();
    return 0;
}
