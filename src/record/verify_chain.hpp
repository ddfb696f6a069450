#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "crosspatch/record/merkle.hpp"
#include "crosspatch/record/verifier.hpp"
#include "position.hpp"

namespace crosspatch::record {

// One row of the record table, as far as it could be read.
struct SeenRow {
    std::uint64_t row{};               // the number it stands under
    std::optional<std::uint64_t> seq;  // what the record itself says
    std::optional<Hash> prev;
    std::string log;
    Hash computed{};             // of its text as it is now
    std::optional<Hash> stored;  // the leaf beside it
    std::string fault;           // why the text is not a record; empty if it is one

    bool intact() const { return fault.empty() && stored == computed; }
};
SeenRow see_row(std::uint64_t row, std::string_view body, std::span<const std::byte> leaf);

// Collects what is wrong, up to a number that a person can still read.
class Findings {
public:
    Findings(Report& report, std::string file) : report_{report}, file_{std::move(file)} {}
    void record(std::uint64_t seq, std::string what) { add({file_, seq, {}, std::move(what)}); }
    void checkpoint(std::uint64_t size, std::string what) { add({file_, {}, size, std::move(what)}); }
    void file(std::string what) { add({file_, {}, {}, std::move(what)}); }
    void note(std::string what) { report_.notes.push_back(file_ + ": " + what); }

private:
    void add(Problem problem);
    Report& report_;
    std::string file_;
};

// Follows the records of one file and says which of them were touched.
//
// Each record carries the hash of the one before, so a record is vouched for by the two that follow it: where
// one was altered, the hash that its successor holds stands in for it, and the search goes on with the tree
// unharmed.
//
// Shape    looks at three rows at a time.
// Thread   its owner's.
class Chain {
public:
    // `grown` is called after each record that the tree takes in.
    using Grown = std::function<void(const Frontier& tree)>;
    Chain(Findings& findings, std::string log, Position from, Grown grown);

    void take(SeenRow row);
    // Rows could not be read up to the next one taken; `why` is SQLite's word for it.
    void skipped(std::string why) { skipped_ = std::move(why); }
    // Judges the rows that still wait for a successor.
    void end();

    std::uint64_t next() const { return next_; }
    // More than one record in a row is missing: from there on no root can be computed.
    const std::optional<std::uint64_t>& broken_at() const { return broken_at_; }

private:
    void judge();
    bool is_inserted(const SeenRow& row) const;
    std::uint64_t place_of(const SeenRow& row);
    void note_missing(std::uint64_t until, const SeenRow& row);
    std::optional<Hash> vouched() const;
    bool is_trusted(std::size_t index) const;
    Hash check(const SeenRow& row, std::uint64_t seq);
    void append(const Hash& leaf);

    Findings& findings_;
    std::string log_;
    Grown grown_;
    Frontier tree_;
    std::uint64_t next_;
    std::optional<Hash> last_leaf_;  // nothing after a gap: any link is as good as another
    std::int64_t shift_{};           // how far records stand from the rows they belong in
    std::deque<SeenRow> window_;
    std::string skipped_;
    std::optional<std::uint64_t> broken_at_;
};

}  // namespace crosspatch::record
