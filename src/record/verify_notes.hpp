#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crosspatch/record/checkpoint.hpp"
#include "sqlite.hpp"
#include "verify_chain.hpp"

namespace crosspatch::record {

// Holds the signed checkpoints of one file against its records, as the tree grows past their sizes.
//
// Shape    one note at a time, in the order of sizes.
// Thread   its owner's.
class NoteCheck {
public:
    NoteCheck(Findings& findings, Report& report, const VerifierKey& key)
        : findings_{findings}, report_{report}, key_{key} {}

    // Reads notes from `database`; what SQLite refuses is a finding.
    void open(sqlite::Database& database);
    // The tree has grown by one record.
    void grown(const Frontier& tree);
    // The file has no more records than `size`. `broken`: from there on the tree could not be computed.
    void end(std::uint64_t size, const std::optional<std::uint64_t>& broken);
    // A note that is kept beside the file, as log.tip.
    void take_last(std::string_view text, std::uint64_t size);

private:
    struct Note {
        std::uint64_t size{};
        Hash root{};
    };
    void read_next();
    std::optional<Note> check(std::uint64_t size, std::string_view text);
    void compare(const Note& note, const Frontier& tree);

    Findings& findings_;
    Report& report_;
    const VerifierKey& key_;
    sqlite::Statement rows_;
    bool more_{};
    std::optional<Note> note_;   // the next one to meet
    std::uint64_t last_good_{};  // size of the newest note that agreed
    std::optional<std::uint64_t> first_bad_;
    std::uint64_t more_bad_{};
};

}  // namespace crosspatch::record
