#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "crosspatch/record/log.hpp"
#include "examine.hpp"
#include "personal.hpp"
#include "position.hpp"
#include "store.hpp"

namespace crosspatch::record {

// The log files as one log: the file that is written now, where the log stands, and the step to the next
// file.
//
// Shape    at most one file open; position() is what the disk has acknowledged, never more.
// Errors   sqlite::Failure; give_up() after one that is not "full". A file given up is never written again.
// Thread   the writer's.
class Shelf {
public:
    Shelf(std::filesystem::path data_dir, const SigningKey& key, std::string vfs, Beginning beginning);

    // Opens or makes the file to write to, if none is open.
    sqlite::Result<void> ready();
    // Appends durably; then position() is `after`.
    sqlite::Result<void> add(std::span<const Line> lines, Position after);
    // Signs and stores a checkpoint of position().
    sqlite::Result<void> sign();
    // Moves the WAL into the file now and then. A failure here concerns the file, not the records: they are
    // durable.
    sqlite::Result<void> tidy();
    sqlite::Result<void> close();

    // Leaves the file as it is and turns to the next; the `detail` of the record that must come first there.
    boost::json::object give_up(const std::string& cause);

    const Position& position() const { return position_; }
    std::uint64_t signed_size() const { return signed_size_; }
    const std::string& file() const { return file_; }
    std::string verifier_key() const { return key_.verifier().to_string(); }
    // No file is open, and the next one is still to be made.
    bool is_between_files() const { return !store_ && create_; }
    bool is_open() const { return store_.has_value(); }

private:
    std::filesystem::path data_dir_;
    const SigningKey& key_;
    std::string vfs_;
    std::optional<Store> store_;
    std::string file_;
    bool create_;
    Position position_;
    std::uint64_t signed_size_{};
};

}  // namespace crosspatch::record
