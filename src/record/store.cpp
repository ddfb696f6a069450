#include "store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "crosspatch/core/unique_fd.hpp"

namespace crosspatch::record {

using core::Unexpected;
using sqlite::Database;
using sqlite::Failure;

namespace {

constexpr std::size_t kTidyAfter = 1 << 20;  // octets of lines; the WAL is then some 2 MiB

constexpr const char* kPragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY";

constexpr const char* kSchema =
    "CREATE TABLE record(seq INTEGER PRIMARY KEY, body TEXT NOT NULL, leaf BLOB NOT NULL);"
    "CREATE TABLE checkpoint(size INTEGER PRIMARY KEY, note TEXT NOT NULL);"
    "CREATE TABLE personal(seq INTEGER NOT NULL, name TEXT NOT NULL, key INTEGER NOT NULL, sealed BLOB NOT "
    "NULL,"
    " PRIMARY KEY(seq, name)) WITHOUT ROWID;"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "PRAGMA user_version=1;";
static_assert(kStoreVersion == 1);

// The file's name must be as durable as its contents.
sqlite::Result<void> sync_directory_of(const std::filesystem::path& file) {
    const core::UniqueFd directory{open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory || fsync(directory.get()) != 0) {
        return Unexpected<Failure>{
            {SQLITE_IOERR_DIR_FSYNC,
             file.filename().string() + ": syncing its directory: " + std::strerror(errno)}};
    }
    return {};
}

void remove_with_company(const std::filesystem::path& file) {
    for (const char* ending : {"", "-wal", "-shm", "-journal"}) {
        std::error_code ignored;
        std::filesystem::remove(file.string() + ending, ignored);
    }
}

}  // namespace

sqlite::Result<Store> Store::create(const std::filesystem::path& file, const Owner& owner,
                                    const std::string& vfs) {
    core::UniqueFd made{::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!made) {
        const int code = errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_CANTOPEN;
        return Unexpected<Failure>{
            {code, file.filename().string() + ": cannot be made: " + std::strerror(errno)}};
    }
    // Before SQLite locks it: closing any descriptor of a file drops all POSIX locks that the process has on
    // it, and another program's last close would then take the write-ahead log away from under us.
    made.reset();
    auto store = open(file, owner, vfs);
    if (!store) remove_with_company(file);
    return store;
}

sqlite::Result<Store> Store::open(const std::filesystem::path& file, const Owner& owner,
                                  const std::string& vfs) {
    auto database = Database::open(file, Database::Mode::Write, vfs);
    if (!database) return Unexpected<Failure>{database.error()};
    if (auto done = database->execute(kPragmas); !done) return Unexpected<Failure>{done.error()};
    Store store{std::move(*database), file.filename()};
    if (auto done = store.furnish(owner); !done) return Unexpected<Failure>{done.error()};
    if (auto done = sync_directory_of(file); !done) return Unexpected<Failure>{done.error()};
    return store;
}

sqlite::Result<void> Store::furnish(const Owner& owner) {
    const auto tables = database_.number("SELECT count(*) FROM sqlite_master");
    if (!tables) return Unexpected<Failure>{tables.error()};
    if (tables->value_or(0) > 0) return prepare();
    return transact([&]() -> sqlite::Result<void> {
        if (auto done = database_.execute(kSchema); !done) return done;
        if (auto done = prepare(); !done) return done;
        const std::pair<std::string_view, std::string_view> facts[] = {
            {"log", owner.log}, {"key", owner.key}, {"state", "open"}};
        for (const auto& [name, value] : facts) {
            if (auto done = set_meta_.bind(1, name).bind(2, value).run(); !done) return done;
        }
        return {};
    });
}

sqlite::Result<void> Store::prepare() {
    const std::pair<sqlite::Statement*, std::string_view> all[] = {
        {&add_record_, "INSERT INTO record(seq, body, leaf) VALUES(?, ?, ?)"},
        {&add_personal_, "INSERT INTO personal(seq, name, key, sealed) VALUES(?, ?, ?, ?)"},
        {&add_checkpoint_, "INSERT OR IGNORE INTO checkpoint(size, note) VALUES(?, ?)"},
        {&set_meta_, "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)"},
    };
    for (const auto& [statement, text] : all) {
        auto prepared = database_.prepare(text);
        if (!prepared) return Unexpected<Failure>{prepared.error()};
        *statement = std::move(*prepared);
    }
    return {};
}

sqlite::Result<void> Store::transact(const std::function<sqlite::Result<void>()>& work) {
    auto done = database_.execute("BEGIN IMMEDIATE");
    if (done) done = work();
    if (done) done = database_.execute("COMMIT");
    // SQLite undoes some failed transactions by itself and leaves others to us.
    if (!done && database_.in_transaction())
        sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    return done;
}

sqlite::Result<void> Store::add(std::span<const Line> lines) {
    auto done = transact([&] { return add_all(lines); });
    if (done) {
        for (const Line& line : lines) since_tidy_ += line.body.size();
    }
    return done;
}

sqlite::Result<void> Store::add_all(std::span<const Line> lines) {
    for (const Line& line : lines) {
        const auto seq = static_cast<std::int64_t>(line.seq);
        auto done = add_record_.bind(1, seq).bind(2, std::string_view{line.body}).bind(3, line.leaf).run();
        if (!done) return done;
        for (const SealedText& text : line.sealed) {
            done = add_personal_.bind(1, seq)
                       .bind(2, std::string_view{text.name})
                       .bind(3, static_cast<std::int64_t>(text.key))
                       .bind(4, std::span<const std::byte>{text.sealed})
                       .run();
            if (!done) return done;
        }
    }
    return {};
}

sqlite::Result<void> Store::add_checkpoint(std::uint64_t size, std::string_view note,
                                           std::string_view frontier, std::string_view newest) {
    return transact([&]() -> sqlite::Result<void> {
        auto done = add_checkpoint_.bind(1, static_cast<std::int64_t>(size)).bind(2, note).run();
        if (done) done = set_meta_.bind(1, std::string_view{"newest"}).bind(2, newest).run();
        if (done) done = set_meta_.bind(1, std::string_view{"frontier"}).bind(2, frontier).run();
        return done;
    });
}

sqlite::Result<void> Store::mark_open(bool open) {
    return transact([&] {
        return set_meta_.bind(1, std::string_view{"state"})
            .bind(2, std::string_view{open ? "open" : "closed"})
            .run();
    });
}

sqlite::Result<void> Store::tidy() {
    if (since_tidy_ < kTidyAfter) return {};
    since_tidy_ = 0;
    return database_.checkpoint(false);
}

sqlite::Result<void> Store::close() {
    if (auto done = mark_open(false); !done) return done;
    return database_.checkpoint(true);
}

void Store::abandon() {
    for (auto* statement : {&add_record_, &add_personal_, &add_checkpoint_, &set_meta_}) *statement = {};
    database_.abandon();
}

}  // namespace crosspatch::record
