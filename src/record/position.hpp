#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/record/checkpoint.hpp"
#include "crosspatch/record/merkle.hpp"

namespace crosspatch::record {

// Where the log stands: what the next record links to and what the next checkpoint signs.
struct Position {
    Frontier tree;
    Hash last_leaf{};         // what `prev` of the next record says; zeros at 0
    core::WallTime newest{};  // the latest time that any record has; the epoch if there is none
    std::uint64_t size() const { return tree.size(); }
};

// The newest signed position, kept beside the log files in `log.tip`, so that a log file that cannot be read,
// or that was put back to an older state, is noticed and the log goes on as the same log.
//
// Shape    text: `crosspatch tip 1`, the file's name, the last leaf, the frontier's hashes, a blank line, the
// signed note. Errors   read_tip() gives nothing unless the note is signed by `key` and the frontier has the
// note's root.
struct Tip {
    std::string file;
    Position position;  // `newest` is not kept
    std::string note;
};
std::string to_text(const Tip& tip);
std::optional<Tip> parse_tip(std::string_view text, const VerifierKey& key);
std::optional<Tip> read_tip(const std::filesystem::path& data_dir, const VerifierKey& key);
core::Result<void> write_tip(const std::filesystem::path& data_dir, const Tip& tip);

// One hex hash a line, largest subtree first, after the size.
std::string frontier_to_text(const Frontier& tree);
std::optional<Frontier> frontier_from_text(std::string_view text);

std::optional<Hash> hash_from_hex(std::string_view text);
std::string to_hex(const Hash& hash);

// `log.db` is number 1, `log-2.db` number 2 and so on.
std::string log_file_name(unsigned number);
struct LogFile {
    unsigned number{};
    std::filesystem::path path;
};
// Those that are there, in order.
std::vector<LogFile> log_files(const std::filesystem::path& data_dir);

// What rfc3339() writes with nine digits, and only that.
std::optional<core::WallTime> parse_time(std::string_view text);

// A whole number or a text from a record that may hold anything.
std::optional<std::uint64_t> number_in(const boost::json::object& object, std::string_view key);
std::string_view text_in(const boost::json::object& object, std::string_view key);
const boost::json::object& object_in(const boost::json::object& object, std::string_view key);

}  // namespace crosspatch::record
