#pragma once
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/record/reader.hpp"
#include "source.hpp"
#include "sqlite.hpp"

namespace crosspatch::record {

// Reads index.db for the calls, and the log for what their talkspurts were.
//
// Shape    one read-only connection, opened again when the Log has begun the index anew.
// Errors   as Reader.
// Thread   one at a time.
class CallList {
public:
    // `source` outlives the list.
    CallList(const std::filesystem::path& data_dir, RecordSource& source)
        : file_{data_dir / "index.db"}, source_{source} {}

    core::Result<boost::json::object> list(const CallFilter& filter);
    core::Result<boost::json::object> call(std::string_view id,
                                           const std::optional<std::vector<std::string>>& visible_channels);
    core::Result<boost::json::object> talkspurt(std::string_view id);

private:
    core::Result<sqlite::Database*> open();
    core::Result<boost::json::array> channels_of(sqlite::Database& database, std::string_view call);

    std::optional<boost::json::object> item_of(std::uint64_t seq, std::string_view call);

    std::filesystem::path file_;
    RecordSource& source_;
    std::optional<sqlite::Database> database_;
    dev_t device_{};
    ino_t inode_{};
};

}  // namespace crosspatch::record
