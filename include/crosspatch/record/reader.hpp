#pragma once
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"

namespace crosspatch::record {

struct CallFilter {
    std::optional<std::string> channel;  // heard on it, or spoken on it
    std::optional<std::string> talker;   // exactly
    std::optional<std::string>
        text;  // anywhere in ids, talkers, channels and causes; ASCII case does not matter
    std::optional<std::string> bridge;
    std::optional<std::string> incident;
    std::optional<core::WallTime> since;  // calls that ended at or after
    std::optional<core::WallTime> until;  // calls that started before
    // What the asker may see: calls that touch one of these channels. Left out: all; empty: none.
    std::optional<std::vector<std::string>> visible_channels;
    // The asker's: talkspurts under a pseudonym to it are not found by talker or text. Left out: all are.
    std::optional<std::string> agency;
    std::optional<std::string> cursor;  // `next` of the page before
    std::size_t limit{50};              // at most 500
};

// Reads the log while the Log writes it: calls for people, records for auditors.
//
// Shape    read-only SQLite connections (no WAL checkpoints of its own) to the log files and to index.db.
// Units    JSON in the API's shape: lists are {"items": […], "next": CURSOR|null}, times RFC 3339 UTC,
// durations `_ms`. Errors   NotFound for an id that is not there, Invalid for a cursor or id that is none,
// Unavailable when the files cannot
//          be read at present. Nothing throws.
// Thread   one at a time; make one for each thread.
class Reader {
public:
    // Opens nothing yet: files are opened when first asked for, and again when the Log goes on in another.
    explicit Reader(std::filesystem::path data_dir);
    ~Reader();
    Reader(Reader&&) noexcept;

    // Newest first.
    core::Result<boost::json::object> calls(const CallFilter& filter);
    // One call with its talkspurts in the order they started.
    core::Result<boost::json::object> call(
        std::string_view id, const std::optional<std::vector<std::string>>& visible_channels = {});
    // One talkspurt as in call(), with `call`, `channels`, `bridge` and `refused` on top: what `why` needs.
    core::Result<boost::json::object> talkspurt(std::string_view id);

    // Records in order, beginning after seq `after` (nothing: from the first). Items are the records with
    // `id` and `leaf` added. `next` is never null while the log can grow: follow it.
    core::Result<boost::json::object> records(std::optional<std::uint64_t> after, std::size_t limit = 100,
                                              std::string_view type_prefix = {});
    // The last `count` records, oldest first; at most 1,000.
    core::Result<boost::json::object> last_records(std::size_t count);
    core::Result<boost::json::object> record(std::uint64_t seq);
    // The line as it was hashed.
    core::Result<std::string> line(std::uint64_t seq);
    // The newest signed note.
    core::Result<std::string> checkpoint();
    // The personal texts of a record, opened: {name: TEXT | "erased"}. Reading them is itself to be recorded
    // by the caller.
    core::Result<boost::json::object> personal(std::uint64_t seq);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace crosspatch::record
