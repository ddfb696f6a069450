#include "personal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "crosspatch/core/file.hpp"

namespace crosspatch::record {

using core::Error;

namespace {

constexpr std::size_t kKey = 32;
constexpr std::size_t kSalt = 32;
constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

unsigned char* raw(std::byte* octets) { return reinterpret_cast<unsigned char*>(octets); }
const unsigned char* raw(const void* octets) { return static_cast<const unsigned char*>(octets); }

Hash commit(std::span<const std::byte> salt, std::string_view text) {
    Hash hash;
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, raw(salt.data()), salt.size());
    crypto_auth_hmacsha256_update(&state, raw(text.data()), text.size());
    crypto_auth_hmacsha256_final(&state, raw(hash.data()));
    return hash;
}

core::Unexpected<Error> failed(const std::string& name, std::string_view what) {
    return core::unexpected(Error::Code::Io, fmt::format("{}: {}: {}", name, what, std::strerror(errno)));
}

}  // namespace

core::Result<PersonalKeys> PersonalKeys::open(const std::filesystem::path& file) {
    core::UniqueFd fd{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) != 0) return failed(file.filename(), "cannot be opened");
    PersonalKeys keys{std::move(fd), file.filename()};
    // A slot that a crash cut short was never used: its record was not committed.
    keys.slots_ = (static_cast<std::uint64_t>(status.st_size) + kKey - 1) / kKey;
    return keys;
}

core::Result<PersonalKeys> PersonalKeys::open_to_read(const std::filesystem::path& file) {
    auto fd = core::open_regular_file(file);
    if (!fd) return core::Unexpected<Error>{fd.error()};
    return PersonalKeys{std::move(*fd), file.filename()};
}

core::Result<PersonalKeys::Made> PersonalKeys::make() {
    Made made{slots_, core::Secret{kKey}};
    randombytes_buf(made.key.writable().data(), kKey);
    const auto written =
        pwrite(fd_.get(), made.key.octets().data(), kKey, static_cast<off_t>(made.number * kKey));
    if (written != static_cast<ssize_t>(kKey)) return failed(name_, "cannot be written");
    ++slots_;
    return made;
}

core::Result<void> PersonalKeys::sync() {
    if (fdatasync(fd_.get()) != 0) return failed(name_, "cannot be synced");
    return {};
}

core::Result<void> PersonalKeys::erase(std::uint64_t number) {
    const std::array<std::byte, kKey> zeros{};
    if (number >= slots_) return core::unexpected(Error::Code::NotFound, "there is no such key");
    const auto written = pwrite(fd_.get(), zeros.data(), kKey, static_cast<off_t>(number * kKey));
    if (written != static_cast<ssize_t>(kKey)) return failed(name_, "cannot be overwritten");
    return sync();
}

core::Result<core::Secret> PersonalKeys::read(std::uint64_t number) const {
    core::Secret key{kKey};
    const auto got = pread(fd_.get(), key.writable().data(), kKey, static_cast<off_t>(number * kKey));
    if (got != static_cast<ssize_t>(kKey))
        return core::unexpected(Error::Code::NotFound, "there is no such key");
    if (sodium_is_zero(raw(key.octets().data()), kKey) == 1) {
        return core::unexpected(Error::Code::NotFound, "the key was erased");
    }
    return key;
}

std::string personal_place(std::string_view log, std::uint64_t seq, std::string_view name) {
    return fmt::format("{}/{}/{}", log, seq, name);
}

core::Result<SealedText> seal_text(const PersonalKeys::Made& key, std::string_view log, std::uint64_t seq,
                                   std::string_view name, std::string_view text) {
    SealedText out;
    out.name = name;
    out.key = key.number;
    std::vector<std::byte> plain(kSalt + text.size());
    randombytes_buf(plain.data(), kSalt);
    std::transform(text.begin(), text.end(), plain.begin() + kSalt,
                   [](char c) { return static_cast<std::byte>(c); });
    out.commitment = commit(std::span{plain}.first(kSalt), text);
    out.sealed.resize(kNonce + plain.size() + kTag);
    randombytes_buf(out.sealed.data(), kNonce);
    const auto place = personal_place(log, seq, name);
    const Context context{EVP_CIPHER_CTX_new()};
    int length = 0;
    auto* body = raw(out.sealed.data() + kNonce);
    const bool sealed =
        context &&
        EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, raw(key.key.octets().data()),
                           raw(out.sealed.data())) == 1 &&
        EVP_EncryptUpdate(context.get(), nullptr, &length, raw(place.data()),
                          static_cast<int>(place.size())) == 1 &&
        EVP_EncryptUpdate(context.get(), body, &length, raw(plain.data()), static_cast<int>(plain.size())) ==
            1 &&
        EVP_EncryptFinal_ex(context.get(), body + length, &length) == 1 &&
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTag, body + plain.size()) == 1;
    core::wipe(plain);
    if (!sealed) return core::unexpected(Error::Code::Internal, "AES-256-GCM is not to be had from OpenSSL");
    return out;
}

core::Result<std::string> open_text(const core::Secret& key, std::string_view place,
                                    std::span<const std::byte> sealed, const Hash& commitment) {
    const auto altered = [] {
        return core::unexpected(Error::Code::Invalid,
                                "the sealed text was altered, or belongs to another record");
    };
    if (sealed.size() < kNonce + kSalt + kTag) return altered();
    const auto size = sealed.size() - kNonce - kTag;
    std::vector<std::byte> plain(size);
    std::array<std::byte, kTag> tag;
    std::copy(sealed.end() - kTag, sealed.end(), tag.begin());
    const Context context{EVP_CIPHER_CTX_new()};
    int length = 0;
    const bool opened = context &&
                        EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr,
                                           raw(key.octets().data()), raw(sealed.data())) == 1 &&
                        EVP_DecryptUpdate(context.get(), nullptr, &length, raw(place.data()),
                                          static_cast<int>(place.size())) == 1 &&
                        EVP_DecryptUpdate(context.get(), raw(plain.data()), &length,
                                          raw(sealed.data() + kNonce), static_cast<int>(size)) == 1 &&
                        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
                        EVP_DecryptFinal_ex(context.get(), raw(plain.data()) + length, &length) == 1;
    if (!opened) return altered();
    std::string text{reinterpret_cast<const char*>(plain.data()) + kSalt, size - kSalt};
    const bool committed = commit(std::span{plain}.first(kSalt), text) == commitment;
    core::wipe(plain);
    if (!committed) return altered();
    return text;
}

}  // namespace crosspatch::record
