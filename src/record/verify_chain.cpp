#include "verify_chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "crosspatch/record/canonical.hpp"

namespace crosspatch::record {

namespace {

constexpr std::size_t kMostProblems = 1000;

std::string range(std::uint64_t first, std::uint64_t last) {
    return first == last ? fmt::format("record {} is", first)
                         : fmt::format("records {} to {} are", first, last);
}

}  // namespace

void Findings::add(Problem problem) {
    if (report_.problems.size() == kMostProblems) {
        ++report_.more_problems;
    } else {
        report_.problems.push_back(std::move(problem));
    }
}

SeenRow see_row(std::uint64_t row, std::string_view body, std::span<const std::byte> leaf) {
    SeenRow seen;
    seen.row = row;
    seen.computed = leaf_hash(body);
    if (leaf.size() == sizeof(Hash)) std::copy(leaf.begin(), leaf.end(), seen.stored.emplace().begin());
    const auto line = from_canonical(body);
    if (!line) {
        seen.fault = "not a canonical line: " + line.error().context;
        return seen;
    }
    const auto* record = line->if_object();
    if (!record) {
        seen.fault = "not a record";
        return seen;
    }
    seen.seq = number_in(*record, "seq");
    seen.prev = hash_from_hex(text_in(*record, "prev"));
    seen.log = text_in(*record, "log");
    if (number_in(*record, "v") != 1U || !seen.seq || !seen.prev || text_in(*record, "type").empty()) {
        seen.fault = "not a record: v, seq, prev or type is missing or wrong";
    }
    return seen;
}

Chain::Chain(Findings& findings, std::string log, Position from, Grown grown)
    : findings_{findings},
      log_{std::move(log)},
      grown_{std::move(grown)},
      tree_{std::move(from.tree)},
      next_{tree_.size()},
      last_leaf_{from.last_leaf} {}

void Chain::take(SeenRow row) {
    window_.push_back(std::move(row));
    if (window_.size() == 3) judge();
}

void Chain::end() {
    while (!window_.empty()) judge();
    if (!skipped_.empty()) findings_.record(next_, "it and what follows cannot be read: " + skipped_);
    skipped_.clear();
}

// Gives a verdict on the first row of the window, with the rows behind it as witnesses.
void Chain::judge() {
    const SeenRow& row = window_.front();
    if (is_inserted(row)) {
        findings_.record(row.row, "was inserted: the record behind it follows the one before it");
        --shift_;
    } else {
        const auto seq = place_of(row);
        if (seq > next_) note_missing(seq, row);
        if (seq < next_) {
            findings_.record(row.row, fmt::format("says it is record {}, which was there before", seq));
        } else {
            append(check(row, seq));
        }
    }
    window_.pop_front();
}

bool Chain::is_inserted(const SeenRow& row) const {
    if (window_.size() < 2 || !last_leaf_) return false;
    const SeenRow& behind = window_[1];
    return behind.intact() && behind.prev == last_leaf_ && behind.seq == next_ && row.row + shift_ == next_ &&
           behind.row == row.row + 1;
}

// Where the record belongs. A row may have been moved; a run of rows that agree with each other is believed.
std::uint64_t Chain::place_of(const SeenRow& row) {
    const auto place = row.row + static_cast<std::uint64_t>(shift_);
    if (!row.seq || *row.seq == place) return place;
    const bool run = window_.size() > 1 && window_[1].seq == *row.seq + 1 && window_[1].prev == row.computed;
    const bool last = window_.size() == 1 && last_leaf_ != row.prev;
    if (row.intact() && *row.seq > place && (run || last)) {
        shift_ += static_cast<std::int64_t>(*row.seq - place);
        return *row.seq;
    }
    return place;
}

void Chain::note_missing(std::uint64_t until, const SeenRow& row) {
    const auto why = skipped_.empty() ? std::string{} : fmt::format(" (cannot be read: {})", skipped_);
    findings_.record(next_, fmt::format("{} missing{}", range(next_, until - 1), why));
    skipped_.clear();
    const bool known = until == next_ + 1 && row.prev && row.fault.empty() && is_trusted(0);
    if (known) {
        append(*row.prev);  // its successor still holds its hash
    } else if (!broken_at_) {
        broken_at_ = next_;
    }
    next_ = until;
    if (!known) last_leaf_.reset();
}

// The row at `index` of the window is as it was written: sound in itself, and its successor does not say
// otherwise.
bool Chain::is_trusted(std::size_t index) const {
    const SeenRow& row = window_[index];
    if (!row.intact() || row.seq != row.row + static_cast<std::uint64_t>(shift_)) return false;
    if (index + 1 >= window_.size()) return true;
    const SeenRow& behind = window_[index + 1];
    return !behind.prev || behind.row != row.row + 1 || behind.prev == row.computed || !behind.intact();
}

// The hash that the next record holds of the one being judged, if it can be believed.
std::optional<Hash> Chain::vouched() const {
    if (window_.size() < 2 || window_[1].row != window_[0].row + 1 || !is_trusted(1)) return std::nullopt;
    return window_[1].prev;
}

// Says what is wrong with the row, and gives the leaf that the tree had for it.
Hash Chain::check(const SeenRow& row, std::uint64_t seq) {
    const auto witness = vouched();
    const bool replaced = witness && *witness != row.computed && (!row.stored || *witness != *row.stored);
    bool doubtful = true;
    if (row.seq && *row.seq != seq) {
        findings_.record(seq, fmt::format("is not there: in its place stands record {}", *row.seq));
    } else if (row.intact() && replaced) {
        findings_.record(seq, "was replaced together with its hash: the record behind it carries another");
    } else if (!row.stored) {
        findings_.record(seq, "its leaf hash is missing");
    } else if (row.stored != row.computed && witness == row.computed) {
        findings_.record(seq, "its leaf hash was changed; the text is sound");
    } else if (row.stored != row.computed) {
        findings_.record(seq, "its text was changed: it does not give its leaf hash" +
                                  (row.fault.empty() ? std::string{} : "; " + row.fault));
    } else if (!row.fault.empty()) {
        findings_.record(seq, row.fault);
    } else if (row.log != log_) {
        findings_.record(seq, "belongs to another log");
    } else {
        doubtful = false;
    }
    if (!doubtful && last_leaf_ && row.prev != last_leaf_) {
        findings_.record(seq, "does not carry the hash of the record before it");
    }
    if (witness) return *witness;
    return row.stored.value_or(row.computed);
}

void Chain::append(const Hash& leaf) {
    ++next_;
    last_leaf_ = leaf;
    if (broken_at_) return;
    tree_.append(leaf);
    grown_(tree_);
}

}  // namespace crosspatch::record
