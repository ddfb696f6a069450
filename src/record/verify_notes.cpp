#include "verify_notes.hpp"

#include <fmt/format.h>

#include <utility>

namespace crosspatch::record {

using sqlite::Statement;

void NoteCheck::open(sqlite::Database& database) {
    auto rows = database.prepare("SELECT size, note FROM checkpoint ORDER BY size");
    if (!rows) return findings_.file("the checkpoints cannot be read: " + rows.error().context);
    rows_ = std::move(*rows);
    more_ = true;
    read_next();
}

// Goes on to the next note that is signed as it should be.
void NoteCheck::read_next() {
    note_.reset();
    while (more_ && !note_) {
        const auto step = rows_.step();
        more_ = step == Statement::Step::Row;
        if (step == Statement::Step::Failed)
            findings_.file("checkpoints cannot be read: " + rows_.failure("reading").context);
        if (!more_) return;
        ++report_.checkpoints;
        note_ = check(static_cast<std::uint64_t>(rows_.integer(0)), rows_.text(1));
    }
}

std::optional<NoteCheck::Note> NoteCheck::check(std::uint64_t size, std::string_view text) {
    const auto note = parse_checkpoint(text);
    if (!note) {
        findings_.checkpoint(size, note.error().context);
    } else if (note->checkpoint.origin != key_.name) {
        findings_.checkpoint(size, "is of another log");
    } else if (!note->signed_by(key_)) {
        findings_.checkpoint(size, "its signature does not verify");
    } else if (note->checkpoint.size != size) {
        findings_.checkpoint(size, fmt::format("was signed for {} records", note->checkpoint.size));
    } else {
        return Note{size, note->checkpoint.root};
    }
    return std::nullopt;
}

void NoteCheck::grown(const Frontier& tree) {
    // A note of a size that is past was signed before this file began, or is out of its place.
    while (note_ && note_->size < tree.size()) {
        findings_.checkpoint(note_->size, "covers records of an earlier file");
        read_next();
    }
    while (note_ && note_->size == tree.size()) {
        compare(*note_, tree);
        read_next();
    }
}

void NoteCheck::compare(const Note& note, const Frontier& tree) {
    const auto root = tree.root();
    if (note.root == root) {
        last_good_ = note.size;
        if (note.size >= report_.size) {
            report_.size = note.size;
            report_.root = to_hex(root);
        }
    } else if (!first_bad_) {
        first_bad_ = note.size;
        findings_.checkpoint(
            note.size, fmt::format("its root is not that of the records: one of {} to {} was changed, with "
                                   "the hashes of those behind it",
                                   last_good_, note.size - 1));
    } else {
        ++more_bad_;
    }
}

void NoteCheck::end(std::uint64_t size, const std::optional<std::uint64_t>& broken) {
    if (more_bad_ > 0)
        findings_.note(
            fmt::format("{} more checkpoints after {} differ for the same reason", more_bad_, *first_bad_));
    std::uint64_t skipped = 0;
    for (; note_; read_next()) {
        if (note_->size > size) {
            findings_.checkpoint(
                note_->size, fmt::format("covers {} records, but the log ends after {}: its end was cut off",
                                         note_->size, size));
        } else {
            ++skipped;
        }
    }
    if (skipped > 0 && broken) {
        findings_.note(fmt::format(
            "{} checkpoints after record {} cannot be held against the records, because some are missing",
            skipped, *broken));
    }
}

void NoteCheck::take_last(std::string_view text, std::uint64_t size) {
    const auto note = parse_checkpoint(text);
    if (!note || !note->signed_by(key_)) return findings_.note("log.tip holds no checkpoint of this log");
    if (note->checkpoint.size <= size) return;
    findings_.checkpoint(
        note->checkpoint.size,
        fmt::format("log.tip: covers {} records, but the log ends after {}: its end was cut off, "
                    "or an older copy put in its place",
                    note->checkpoint.size, size));
}

}  // namespace crosspatch::record
