#pragma once
#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "crosspatch/core/result.hpp"
#include "crosspatch/core/secret.hpp"
#include "crosspatch/core/unique_fd.hpp"

// Files read and written with care: what was checked is what is read, and a reader sees the old file or the
// new one, never half of it. Each error begins with the file's name, then says what is wrong with it and what
// would mend it.
//
// Errors   NotFound: nothing of that name. NotPermitted: access, owner or mode. Invalid: a symbolic link, a
// FIFO or
//          such where a regular file belongs, or contents that are not what they should be. Exhausted: larger
//          than the limit, or no room. Io: the disk said no.
// Thread   any but the media workers: all of it waits for the disk.
namespace crosspatch::core {

// A regular file that is not itself a symbolic link (links on the way to it are followed), open for reading.
// A FIFO or device planted there is refused without waiting for it.
Result<UniqueFd> open_regular_file(const std::filesystem::path& path);

// The whole file, if it has at most `limit` octets.
Result<std::vector<std::byte>> read_file(const std::filesystem::path& path, std::size_t limit);
// The same of what is open already; `path` is for the error.
Result<std::vector<std::byte>> read_open_file(int fd, const std::filesystem::path& path, std::size_t limit);

// A key: one line of base64, with or without the newline at its end, in a file of mode 0600 or 0400
// (contract.md, Key files). At most 64 KiB of text. What the key passed through on its way is wiped.
Result<Secret> read_key_file(const std::filesystem::path& path);

// Replaces `path` in one step: a temporary file beside it with exactly `mode`, fsync, rename, fsync of the
// directory. Once it returns success the new contents outlive a power cut; on an error the old file stands as
// it was.
Result<void> write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> octets,
                                   mode_t mode);

// The same for a secret: what the file held before stays beside it, as `path`.old, until wipe_replaced() has overwritten that on
// the disk and removed it. So the new one is durable before the old one is gone, and an end halfway can be made up for. Whether
// the disk itself writes in place (a solid-state one does not) nobody can tell from here.
Result<void> replace_secret_file(const std::filesystem::path& path, std::span<const std::byte> octets);
// Nothing to do is success. Where `path` is not there, or is still the old file itself, nothing is overwritten.
Result<void> wipe_replaced(const std::filesystem::path& path);

// A directory that only its owner may enter: made 0700 (its parent must be there), or found as such. Refuses
// a symbolic link, another's directory, and any permission for group or others.
Result<void> make_private_directory(const std::filesystem::path& path);

}  // namespace crosspatch::core
