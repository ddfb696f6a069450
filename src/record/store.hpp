#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/record/merkle.hpp"
#include "personal.hpp"
#include "sqlite.hpp"

namespace crosspatch::record {

constexpr int kStoreVersion = 1;  // PRAGMA user_version; a higher one belongs to a newer crosspatch

// A record ready to be written.
struct Line {
    std::uint64_t seq{};
    std::string body;
    Hash leaf{};
    std::vector<SealedText> sealed;
};

// One log file, open for writing. Nothing here decides; the Writer does.
//
// Shape    SQLite in WAL mode with synchronous=FULL: what commit() acknowledged outlives a power cut. A
// commit is one add(). Errors   sqlite::Failure. After one that is neither full nor busy the owner calls
// abandon() and uses another file. Thread   the writer's.
class Store {
public:
    // What a new file says of itself: the log's id and the verifier key, so that a copy of it can be checked
    // alone.
    struct Owner {
        std::string log;
        std::string key;
    };
    // Requires that there is no such file. What a failed attempt left is removed again.
    static sqlite::Result<Store> create(const std::filesystem::path& file, const Owner& owner,
                                        const std::string& vfs);
    // Also one that a crash left without its tables.
    static sqlite::Result<Store> open(const std::filesystem::path& file, const Owner& owner,
                                      const std::string& vfs);

    // All of them, durably, or none.
    sqlite::Result<void> add(std::span<const Line> lines);
    sqlite::Result<void> add_checkpoint(std::uint64_t size, std::string_view note, std::string_view frontier,
                                        std::string_view newest);
    // Says in the file whether a daemon has it open: what is found open at start ended without being closed.
    sqlite::Result<void> mark_open(bool open);
    // Moves the WAL into the file once it has grown.
    sqlite::Result<void> tidy();
    // Leaves one file without a WAL behind.
    sqlite::Result<void> close();
    void abandon();
    const std::string& name() const { return name_; }

private:
    Store(sqlite::Database database, std::string name)
        : database_{std::move(database)}, name_{std::move(name)} {}
    sqlite::Result<void> furnish(const Owner& owner);
    sqlite::Result<void> prepare();
    sqlite::Result<void> add_all(std::span<const Line> lines);
    sqlite::Result<void> transact(const std::function<sqlite::Result<void>()>& work);

    sqlite::Database database_;  // before the statements: it must go after them
    std::string name_;
    sqlite::Statement add_record_;
    sqlite::Statement add_personal_;
    sqlite::Statement add_checkpoint_;
    sqlite::Statement set_meta_;
    std::size_t since_tidy_{};  // octets of lines added
};

}  // namespace crosspatch::record
