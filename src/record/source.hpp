#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/result.hpp"
#include "sqlite.hpp"

namespace crosspatch::record {

// The records of all log files of a data directory as one row of numbers, read-only.
//
// Shape    one connection for each file, opened when first needed. A record stands in the newest file that
// has its number:
//          what an older file holds beyond that was never acknowledged.
// Errors   a file that cannot be read is passed over: its records are missing from what read() gives.
// Thread   one at a time.
class RecordSource {
public:
    struct Row {
        std::uint64_t seq{};
        std::string body;
        std::string leaf;  // hex
    };
    // `patience`: milliseconds that another program's lock is waited for.
    explicit RecordSource(std::filesystem::path data_dir, int patience = 500)
        : data_dir_{std::move(data_dir)}, patience_{patience} {}

    // Up to `limit` records from `from` on whose type begins with `type_prefix`, in order.
    core::Result<std::vector<Row>> read(std::uint64_t from, std::size_t limit,
                                        std::string_view type_prefix = {});
    // The number that the next record gets.
    core::Result<std::uint64_t> size();
    // The file that holds `seq`; nothing if none does. Valid until the next call.
    sqlite::Database* file_of(std::uint64_t seq);
    // The newest file; nothing if there is none that can be read.
    sqlite::Database* newest();

private:
    struct File {
        std::filesystem::path path;
        std::uint64_t first{};
        std::unique_ptr<sqlite::Database> database;
    };
    // Looks whether files were added or have got their first record.
    void refresh();
    std::optional<std::size_t> index_of(std::uint64_t seq) const;

    std::filesystem::path data_dir_;
    int patience_;
    std::vector<File> files_;  // those with records, in order
};

}  // namespace crosspatch::record
