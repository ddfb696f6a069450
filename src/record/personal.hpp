#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/result.hpp"
#include "crosspatch/core/secret.hpp"
#include "crosspatch/core/unique_fd.hpp"
#include "crosspatch/record/merkle.hpp"

namespace crosspatch::record {

// The keys of personal texts, one for each record that has some, in fixed slots of 32 octets of one file.
//
// Shape    DATA_DIR/keys/personal.keys, 0600; key number = slot; a slot of zeros is erased. Outside SQLite on
// purpose: a row
//          that is overwritten there lives on in the WAL, a slot is overwritten where it stands.
// Errors   as values; a key is used only after the file is synced.
// Thread   make(), sync(), erase(): the writer; read(): any, with an object of its own.
class PersonalKeys {
public:
    static core::Result<PersonalKeys> open(const std::filesystem::path& file);
    static core::Result<PersonalKeys> open_to_read(const std::filesystem::path& file);

    struct Made {
        std::uint64_t number{};
        core::Secret key;
    };
    core::Result<Made> make();
    core::Result<void> sync();
    // Overwrites the slot and syncs: what was sealed with it can never be opened again, here or in a copy of
    // the log.
    core::Result<void> erase(std::uint64_t number);
    // NotFound once it is erased.
    core::Result<core::Secret> read(std::uint64_t number) const;

private:
    PersonalKeys(core::UniqueFd fd, std::string name) : fd_{std::move(fd)}, name_{std::move(name)} {}
    core::UniqueFd fd_;
    std::string name_;
    std::uint64_t slots_{};
};

// A text beside its record: AES-256-GCM over salt ‖ text, and the commitment that the record carries.
struct SealedText {
    std::string name;
    std::uint64_t key{};
    std::vector<std::byte> sealed;  // nonce (12) ‖ ciphertext ‖ tag (16)
    Hash commitment{};              // HMAC-SHA256(salt, text)
};

// What binds a sealed text to its place: `LOGID/SEQ/NAME`, the associated data.
std::string personal_place(std::string_view log, std::uint64_t seq, std::string_view name);

core::Result<SealedText> seal_text(const PersonalKeys::Made& key, std::string_view log, std::uint64_t seq,
                                   std::string_view name, std::string_view text);
// Checks the tag, and the commitment that the record holds.
core::Result<std::string> open_text(const core::Secret& key, std::string_view place,
                                    std::span<const std::byte> sealed, const Hash& commitment);

}  // namespace crosspatch::record
