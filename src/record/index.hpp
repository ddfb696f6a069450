#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/record/talkspurt.hpp"
#include "source.hpp"
#include "sqlite.hpp"

namespace crosspatch::record {

// The list of calls and talkspurts for people who search: DATA_DIR/index.db, made from the records alone.
//
// Shape    follows the log by its own connections, a bounded number of records at a time; deleted and made
// anew when it is
//          damaged or of another version. Nothing in it is evidence.
// Errors   an index that fails is closed, removed and begun again at the next follow(); the log does not
// notice. Thread   the writer's.
class Index {
public:
    Index(std::filesystem::path data_dir, std::chrono::milliseconds call_gap);
    ~Index();

    // Takes in up to `limit` more records below `size`. True: there is more to take in.
    bool follow(std::uint64_t size, std::size_t limit);

private:
    struct Statements;
    bool open();
    bool begin_anew();
    void resume_calls();
    struct Found {
        std::uint64_t seq{};
        Talkspurt talkspurt;
        std::string boot;
    };
    void look(const RecordSource::Row& row, std::vector<Found>& found);
    bool save(const std::vector<Found>& found);
    bool add(const Found& found);
    void give_up();

    std::filesystem::path file_;
    std::chrono::milliseconds gap_;
    RecordSource source_;
    std::optional<sqlite::Database> database_;
    std::unique_ptr<Statements> statements_;
    CallGrouper grouper_;
    std::uint64_t next_{};   // seq of the first record that was not looked at
    std::uint64_t saved_{};  // the same, as the file says
    std::size_t since_tidy_{};
};

}  // namespace crosspatch::record
