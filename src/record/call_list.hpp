#pragma once
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/record/reader.hpp"
#include "sqlite.hpp"

namespace crosspatch::record {

// Reads index.db: the calls and their talkspurts.
//
// Shape    one read-only connection, opened again when the Log has begun the index anew.
// Errors   as Reader.
// Thread   one at a time.
class CallList {
public:
    explicit CallList(const std::filesystem::path& data_dir) : file_{data_dir / "index.db"} {}

    core::Result<boost::json::object> list(const CallFilter& filter);
    core::Result<boost::json::object> call(std::string_view id,
                                           const std::optional<std::vector<std::string>>& visible_channels);
    core::Result<boost::json::object> talkspurt(std::string_view id);

private:
    core::Result<sqlite::Database*> open();
    core::Result<boost::json::array> channels_of(sqlite::Database& database, std::string_view call);

    std::filesystem::path file_;
    std::optional<sqlite::Database> database_;
    dev_t device_{};
    ino_t inode_{};
};

}  // namespace crosspatch::record
