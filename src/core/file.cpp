#include "crosspatch/core/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>

#include "src/core/base64.hpp"

namespace crosspatch::core {
namespace {

using Path = std::filesystem::path;
constexpr std::size_t kMaxKeyText = 64U << 10;

Unexpected<Error> refused(Error::Code code, const Path& path, std::string_view why) {
    return unexpected(code, fmt::format("{}: {}", path.string(), why));
}

Error::Code code_of(int error) {
    switch (error) {
        case ENOENT:
            return Error::Code::NotFound;
        case EACCES:
        case EPERM:
        case EROFS:
            return Error::Code::NotPermitted;
        case ELOOP:
        case ENOTDIR:
        case EISDIR:
        case ENAMETOOLONG:
            return Error::Code::Invalid;
        case ENOSPC:
        case EDQUOT:
        case EMFILE:
        case ENFILE:
        case ENOMEM:
            return Error::Code::Exhausted;
        default:
            return Error::Code::Io;
    }
}

// What the system refused, right after the call that set errno.
Unexpected<Error> system_refused(const Path& path, std::string_view tried) {
    const int error = errno;
    return refused(code_of(error), path,
                   fmt::format("cannot {}: {}", tried, std::generic_category().message(error)));
}

// Fills `into` from `fd`, or less if the file ends; the octets read, or nothing and errno.
std::optional<std::size_t> read_up_to(int fd, std::span<std::byte> into) {
    std::size_t size = 0;
    while (size < into.size()) {
        const auto count = ::read(fd, into.data() + size, into.size() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::nullopt;
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
    }
    return size;
}

bool write_all(int fd, std::span<const std::byte> octets) {
    while (!octets.empty()) {
        const auto count = ::write(fd, octets.data(), octets.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        octets = octets.subspan(static_cast<std::size_t>(count));
    }
    return true;
}

Path directory_of(const Path& path) { return path.has_parent_path() ? path.parent_path() : Path{"."}; }

// A rename is durable only once its directory is.
Result<void> sync_directory(const Path& directory) {
    const UniqueFd fd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd || fsync(fd.get()) != 0) return system_refused(directory, "put the directory on disk");
    return {};
}

// Removes the temporary file unless it has become the real one.
class Temporary {
public:
    explicit Temporary(const Path& beside) : name_{(directory_of(beside) / ".crosspatch-XXXXXX").string()} {
        fd_.reset(mkostemp(name_.data(), O_CLOEXEC));
    }
    ~Temporary() {
        if (fd_ && !kept_) ::unlink(name_.c_str());
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    int fd() const { return fd_.get(); }
    bool rename_to(const Path& path) {
        kept_ = std::rename(name_.c_str(), path.c_str()) == 0;
        return kept_;
    }

private:
    std::string name_;
    UniqueFd fd_;
    bool kept_{};
};

std::string_view without_line_end(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

Result<Secret> decoded_key(std::string_view text, const Path& path) {
    Secret decoded{text.size() / 4 * 3 + 1};
    const auto size = decode_base64(text, decoded.writable());
    if (!size || *size == 0) {
        return refused(Error::Code::Invalid, path,
                       "not a key file; it holds one line of base64 with its '=' signs and nothing else");
    }
    return Secret{decoded.octets().first(*size)};
}

}  // namespace

Result<UniqueFd> open_regular_file(const Path& path) {
    // O_NONBLOCK: a FIFO without a writer would hold up the open; it has no meaning for a regular file.
    UniqueFd fd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    if (!fd) {
        if (errno == ENOENT) return refused(Error::Code::NotFound, path, "there is no such file");
        if (errno == ELOOP) {
            return refused(Error::Code::Invalid, path, "a symbolic link; name the file that it points to");
        }
        return system_refused(path, "open it");
    }
    struct stat status {};
    if (fstat(fd.get(), &status) != 0) return system_refused(path, "look at it");
    if (!S_ISREG(status.st_mode)) return refused(Error::Code::Invalid, path, "not a regular file");
    return fd;
}

Result<std::vector<std::byte>> read_open_file(int fd, const Path& path, std::size_t limit) {
    struct stat status {};
    if (fstat(fd, &status) != 0) return system_refused(path, "look at it");
    // One octet more than it should have: a file that grows while it is read is noticed.
    const auto expected = static_cast<std::size_t>(std::max<off_t>(status.st_size, 0));
    std::vector<std::byte> octets(std::min(expected, limit) + 1);
    std::size_t size = 0;
    while (true) {
        const auto count = read_up_to(fd, std::span{octets}.subspan(size));
        if (!count) return system_refused(path, "read it");
        size += *count;
        if (size < octets.size()) break;
        if (size > limit) {
            return refused(
                Error::Code::Exhausted, path,
                fmt::format("larger than {} octets, which is more than it can rightly have", limit));
        }
        octets.resize(std::min(octets.size() * 2, limit + 1));
    }
    octets.resize(size);
    return octets;
}

Result<std::vector<std::byte>> read_file(const Path& path, std::size_t limit) {
    const auto fd = open_regular_file(path);
    if (!fd) return Unexpected{fd.error()};
    return read_open_file(fd->get(), path, limit);
}

Result<Secret> read_key_file(const Path& path) {
    const auto fd = open_regular_file(path);
    if (!fd) return Unexpected{fd.error()};
    struct stat status {};
    if (fstat(fd->get(), &status) != 0) return system_refused(path, "look at it");
    const unsigned mode = status.st_mode & 07777U;
    if (mode != 0600 && mode != 0400) {
        return refused(
            Error::Code::NotPermitted, path,
            fmt::format("a key file has mode 0600 or 0400, this one {:04o}; mend it with: chmod 0600 '{}', "
                        "and change the key if others could read it",
                        mode, path.string()));
    }
    Secret text{std::min(static_cast<std::size_t>(std::max<off_t>(status.st_size, 0)), kMaxKeyText) + 1};
    const auto size = read_up_to(fd->get(), text.writable());
    if (!size) return system_refused(path, "read it");
    if (*size == text.octets().size()) {
        return refused(Error::Code::Exhausted, path,
                       "far too large for a key file, which is one line of base64");
    }
    return decoded_key(without_line_end({reinterpret_cast<const char*>(text.octets().data()), *size}), path);
}

Result<void> write_file_atomically(const Path& path, std::span<const std::byte> octets, mode_t mode) {
    Temporary file{path};
    if (file.fd() < 0) return system_refused(path, "make a temporary file beside it");
    if (fchmod(file.fd(), mode) != 0) return system_refused(path, "set its mode");
    if (!write_all(file.fd(), octets)) return system_refused(path, "write it");
    if (fsync(file.fd()) != 0) return system_refused(path, "put it on disk");
    if (!file.rename_to(path)) return system_refused(path, "put the new file in its place");
    return sync_directory(directory_of(path));
}

namespace {

Path replaced_by(const Path& path) { return path.string() + ".old"; }

bool overwrite(int fd, off_t size) {
    constexpr std::array<std::byte, 4096> kZeros{};
    if (lseek(fd, 0, SEEK_SET) != 0) return false;
    for (auto left = static_cast<std::size_t>(size); left > 0;) {
        const std::size_t count = std::min(left, kZeros.size());
        if (!write_all(fd, std::span{kZeros}.first(count))) return false;
        left -= count;
    }
    return fsync(fd) == 0;
}

}  // namespace

Result<void> replace_secret_file(const Path& path, std::span<const std::byte> octets) {
    if (const auto wiped = wipe_replaced(path); !wiped) return wiped;
    if (::link(path.c_str(), replaced_by(path).c_str()) != 0 && errno != ENOENT)
        return system_refused(replaced_by(path), "keep the old file there until it is overwritten");
    return write_file_atomically(path, octets, 0600);
}

Result<void> wipe_replaced(const Path& path) {
    const Path old = replaced_by(path);
    struct stat now {};
    struct stat before {};
    if (::lstat(old.c_str(), &before) != 0)
        return errno == ENOENT ? Result<void>{} : system_refused(old, "look at it");
    if (!S_ISREG(before.st_mode)) return refused(Error::Code::Invalid, old, "not a regular file");
    if (::lstat(path.c_str(), &now) != 0)  // perhaps all that is left
        return errno == ENOENT ? Result<void>{} : system_refused(path, "look at it");
    if (now.st_ino != before.st_ino || now.st_dev != before.st_dev) {
        if (::chmod(old.c_str(), 0600) != 0) return system_refused(old, "set its mode");
        const UniqueFd fd{::open(old.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC)};
        if (!fd || !overwrite(fd.get(), before.st_size)) return system_refused(old, "overwrite it");
    }
    if (::unlink(old.c_str()) != 0) return system_refused(old, "remove it");
    return sync_directory(directory_of(path));
}

Result<void> make_private_directory(const Path& path) {
    const bool made = ::mkdir(path.c_str(), 0700) == 0;
    if (!made && errno == ENOENT) {
        return refused(Error::Code::NotFound, path,
                       "the directory that it belongs in does not exist; make that first");
    }
    if (!made && errno != EEXIST) return system_refused(path, "make this directory");
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) != 0) {
        // O_NOFOLLOW with O_DIRECTORY says ENOTDIR of a link.
        if (errno == ENOTDIR || errno == ELOOP) {
            return refused(Error::Code::Invalid, path, "a symbolic link or a file where a directory belongs");
        }
        return system_refused(path, "open this directory");
    }
    // The umask takes bits away from what mkdir() was asked for.
    if (made && fchmod(fd.get(), 0700) != 0) return system_refused(path, "set its mode");
    if (status.st_uid != geteuid()) {
        return refused(Error::Code::NotPermitted, path,
                       fmt::format("the directory belongs to user {}, and this process is user {}",
                                   status.st_uid, geteuid()));
    }
    if (!made && (status.st_mode & 0077) != 0) {
        return refused(
            Error::Code::NotPermitted, path,
            fmt::format("others may enter this directory (mode {:04o}); mend it with: chmod 0700 '{}'",
                        status.st_mode & 07777U, path.string()));
    }
    return {};
}

}  // namespace crosspatch::core
