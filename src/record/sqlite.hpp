#pragma once
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "crosspatch/core/result.hpp"

// SQLite, as much of it as the record needs, with its errors as values.
namespace crosspatch::record::sqlite {

// What SQLite refused: the extended result code, and where.
struct Failure {
    int code{};
    std::string context;

    // No room: nothing was written, the file is sound, and it goes on when there is room again.
    bool is_full() const { return (code & 0xFF) == SQLITE_FULL; }
    bool is_busy() const { return (code & 0xFF) == SQLITE_BUSY || (code & 0xFF) == SQLITE_LOCKED; }
    core::Error to_error() const;
};

template <typename T>
using Result = core::Result<T, Failure>;

// A prepared statement. Bind, step until it is not Row, reset.
//
// Shape    indexes as in SQLite: parameters from 1, columns from 0; text and blobs are valid until the next
// step() or reset(). Errors   bind() cannot fail but for memory; step() says Failed, and failure() why.
// Thread   its Database's.
class Statement {
public:
    enum class Step { Row, Done, Failed };

    Statement() = default;
    Statement& bind(int index, std::int64_t value);
    Statement& bind(int index, std::string_view text);  // not copied: must outlive the next step()
    Statement& bind(int index, std::span<const std::byte> blob);
    Statement& bind_null(int index);
    Step step();
    // step() once for statements without rows, then reset().
    Result<void> run();
    void reset();
    Failure failure(std::string_view what) const;

    std::int64_t integer(int column) const;
    std::string_view text(int column) const;
    std::span<const std::byte> blob(int column) const;
    bool is_null(int column) const;

private:
    friend class Database;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    explicit Statement(sqlite3_stmt* statement) : statement_{statement} {}
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// A connection.
//
// Errors   every call says what SQLite said, with the file's name.
// Thread   one at a time.
class Database {
public:
    // Frozen: a file that nobody writes, where not even a lock file can be made: a copy on a read-only disk.
    enum class Mode { Read, Frozen, Write, Create };

    // Waits up to `patience` milliseconds for another's lock, here and in every later call.
    static Result<Database> open(const std::filesystem::path& file, Mode mode, const std::string& vfs = {},
                                 int patience = 2000);

    Result<void> execute(const char* statements);
    Result<Statement> prepare(std::string_view statement);
    // The first column of the first row; nothing if there is none.
    Result<std::optional<std::int64_t>> number(std::string_view statement);
    Result<std::optional<std::string>> word(std::string_view statement);
    bool in_transaction() const;
    // Copies what the WAL holds into the file, as far as readers allow. `truncate`: waits for readers and
    // empties the WAL.
    Result<void> checkpoint(bool truncate);
    // Closes without writing a single octet more: after an error on sync, nothing that follows can be
    // believed.
    void abandon();
    sqlite3* handle() const { return handle_.get(); }
    Failure failure(int code, std::string_view what) const;

private:
    struct Close {
        void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
    };
    std::unique_ptr<sqlite3, Close> handle_;
    std::string name_;
};

}  // namespace crosspatch::record::sqlite
