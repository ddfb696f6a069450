#include "keys.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "crosspatch/core/file.hpp"
#include "crosspatch/core/text.hpp"
#include "crosspatch/record/agency_key.hpp"
#include "position.hpp"

namespace crosspatch::record {

using core::Error;

namespace {

core::Result<SigningKey> make_key(const std::filesystem::path& file) {
    auto key = SigningKey::generate();
    if (auto written = write_signing_key(file, key); !written)
        return core::Unexpected<Error>{written.error()};
    return key;
}

// Written once: a full disk must not keep a gateway from starting.
core::Result<void> export_verifier(const std::filesystem::path& file, const VerifierKey& key) {
    const auto text = key.to_string() + "\n";
    const auto there = core::read_file(file, 1024);
    if (there && std::ranges::equal(*there, core::octets_of(text))) return {};
    return core::write_file_atomically(file, core::octets_of(text), 0644);
}

}  // namespace

core::Result<core::UniqueFd> lock_directory(const std::filesystem::path& data_dir) {
    const auto path = data_dir / "lock";
    core::UniqueFd fd{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!fd)
        return core::unexpected(Error::Code::Io, fmt::format("{}: {}", path.string(), std::strerror(errno)));
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        char holder[16] = "";
        const auto got = pread(fd.get(), holder, sizeof holder - 1, 0);
        std::string process{holder, got > 0 ? static_cast<std::size_t>(got) : 0};
        process.erase(std::min(process.find('\n'), process.size()));
        return core::unexpected(
            Error::Code::Busy,
            fmt::format("{} is in use by another crosspatchd{}; stop that one, or give this one a data_dir "
                        "of its own",
                        data_dir.string(),
                        process.empty() ? "" : " (process " + core::escape(process) + ")"));
    }
    const auto mine = fmt::format("{}\n", getpid());
    // Only a help for people: the lock itself is what counts.
    if (ftruncate(fd.get(), 0) == 0 && pwrite(fd.get(), mine.data(), mine.size(), 0) < 0) return fd;
    return fd;
}

core::Result<SigningKey> load_key(const std::filesystem::path& data_dir) {
    if (auto made = core::make_private_directory(data_dir / "keys"); !made)
        return core::Unexpected<Error>{made.error()};
    const auto file = data_dir / "keys" / "log.key";
    auto load = [&]() -> core::Result<SigningKey> {
        auto seed = core::read_key_file(file);
        if (seed) return SigningKey::from_seed(std::move(*seed));
        if (seed.error().code != Error::Code::NotFound) return core::Unexpected<Error>{seed.error()};
        if (!log_files(data_dir).empty()) {
            return core::unexpected(Error::Code::NotFound,
                                    fmt::format("{} is missing, but the log beside it was signed with it; "
                                                "put it back from a backup, or move "
                                                "log*.db and log.tip away to begin a new log",
                                                file.string()));
        }
        return make_key(file);
    };
    auto key = load();
    if (!key) return key;
    if (auto exported = export_verifier(data_dir / "keys" / "log.vkey", key->verifier()); !exported) {
        return core::Unexpected<Error>{exported.error()};
    }
    return key;
}

}  // namespace crosspatch::record
