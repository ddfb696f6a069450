#include "sqlite.hpp"

#include <fmt/format.h>

namespace crosspatch::record::sqlite {

namespace {

// The name as a URI that takes no lock; what could mean something in a URI is given by its octets.
std::string frozen_uri(std::string_view path) {
    std::string uri = "file:";
    for (const char c : path) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '/' || c == '.' || c == '-' || c == '_';
        uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return uri + "?immutable=1";
}

}  // namespace

core::Error Failure::to_error() const {
    using Code = core::Error::Code;
    if (is_full()) return {Code::Exhausted, context};
    if (is_busy()) return {Code::Busy, context};
    return {Code::Io, context};
}

Statement& Statement::bind(int index, std::int64_t value) {
    sqlite3_bind_int64(statement_.get(), index, value);
    return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
    sqlite3_bind_text(statement_.get(), index, text.data() ? text.data() : "", static_cast<int>(text.size()),
                      SQLITE_STATIC);
    return *this;
}

Statement& Statement::bind(int index, std::span<const std::byte> blob) {
    sqlite3_bind_blob(statement_.get(), index, blob.data(), static_cast<int>(blob.size()), SQLITE_STATIC);
    return *this;
}

Statement& Statement::bind_null(int index) {
    sqlite3_bind_null(statement_.get(), index);
    return *this;
}

Statement::Step Statement::step() {
    switch (sqlite3_step(statement_.get())) {
        case SQLITE_ROW:
            return Step::Row;
        case SQLITE_DONE:
            return Step::Done;
        default:
            return Step::Failed;
    }
}

Result<void> Statement::run() {
    const auto outcome = step();
    if (outcome == Step::Failed) {
        auto reason = failure("writing");
        reset();
        return core::Unexpected<Failure>{std::move(reason)};
    }
    reset();
    return {};
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
}

Failure Statement::failure(std::string_view what) const {
    sqlite3* handle = sqlite3_db_handle(statement_.get());
    const char* file = sqlite3_db_filename(handle, "main");
    const std::string path = file ? file : "";
    return {sqlite3_extended_errcode(handle),
            fmt::format("{}: {}: {}", path.substr(path.rfind('/') + 1), what, sqlite3_errmsg(handle))};
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view Statement::text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return text ? std::string_view{text, size} : std::string_view{};
}

std::span<const std::byte> Statement::blob(int column) const {
    const auto* octets = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
    return {octets, octets ? static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)) : 0};
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<Database> Database::open(const std::filesystem::path& file, Mode mode, const std::string& vfs,
                                int patience) {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
    const bool reads = mode == Mode::Read || mode == Mode::Frozen;
    flags |= reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (mode == Mode::Frozen) flags |= SQLITE_OPEN_URI;
    if (mode == Mode::Create) flags |= SQLITE_OPEN_CREATE;
    Database database;
    database.name_ = file.filename();
    // SQLITE_OPEN_NOFOLLOW looks at the whole path; links on the way to the data directory are the
    // administrator's affair.
    std::error_code ignored;
    const auto folder =
        std::filesystem::canonical(file.parent_path().empty() ? "." : file.parent_path(), ignored);
    const auto plain = (folder / file.filename()).string();
    const auto path = mode == Mode::Frozen ? frozen_uri(plain) : plain;
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags, vfs.empty() ? nullptr : vfs.c_str());
    database.handle_.reset(handle);
    if (code != SQLITE_OK) return core::Unexpected<Failure>{database.failure(code, "opening")};
    sqlite3_busy_timeout(handle, patience);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    // The writer copies the WAL itself and looks at how it went; SQLite's own attempt would keep an error to
    // itself.
    if (auto set =
            database.execute("PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; PRAGMA cell_size_check=1; "
                             "PRAGMA cache_size=-512");
        !set) {
        return core::Unexpected<Failure>{set.error()};
    }
    return database;
}

Failure Database::failure(int code, std::string_view what) const {
    const char* said = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
    return {code, fmt::format("{}: {}: {}", name_, what, said)};
}

Result<void> Database::execute(const char* statements) {
    const int code = sqlite3_exec(handle_.get(), statements, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return core::Unexpected<Failure>{failure(code, "writing")};
    return {};
}

Result<Statement> Database::prepare(std::string_view statement) {
    sqlite3_stmt* prepared = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), statement.data(), static_cast<int>(statement.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (code != SQLITE_OK) return core::Unexpected<Failure>{failure(code, "reading")};
    return Statement{prepared};
}

Result<std::optional<std::int64_t>> Database::number(std::string_view statement) {
    auto prepared = prepare(statement);
    if (!prepared) return core::Unexpected<Failure>{prepared.error()};
    const auto step = prepared->step();
    if (step == Statement::Step::Failed) return core::Unexpected<Failure>{prepared->failure("reading")};
    if (step == Statement::Step::Done || prepared->is_null(0)) return std::optional<std::int64_t>{};
    return std::optional{prepared->integer(0)};
}

Result<std::optional<std::string>> Database::word(std::string_view statement) {
    auto prepared = prepare(statement);
    if (!prepared) return core::Unexpected<Failure>{prepared.error()};
    const auto step = prepared->step();
    if (step == Statement::Step::Failed) return core::Unexpected<Failure>{prepared->failure("reading")};
    if (step == Statement::Step::Done || prepared->is_null(0)) return std::optional<std::string>{};
    return std::optional{std::string{prepared->text(0)}};
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

Result<void> Database::checkpoint(bool truncate) {
    const int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    const int code = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, mode, nullptr, nullptr);
    // A reader that is still looking only puts the rest off until the next time.
    if (code != SQLITE_OK && (code & 0xFF) != SQLITE_BUSY) {
        return core::Unexpected<Failure>{failure(code, "copying the WAL into the file")};
    }
    return {};
}

void Database::abandon() {
    if (!handle_) return;
    sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    handle_.reset();
}

}  // namespace crosspatch::record::sqlite
