#include "source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "position.hpp"
#include "store.hpp"

namespace crosspatch::record {

using sqlite::Database;
using sqlite::Statement;

namespace {

// In a canonical line the type stands as `"type":"…`; a quote inside a text is escaped, so only a key can
// look like it.
constexpr const char* kRead =
    "SELECT seq, body, lower(hex(leaf)) FROM record WHERE seq >= ?1 AND seq < ?2 AND instr(body, ?4) > 0 "
    "ORDER BY seq LIMIT ?3";

}  // namespace

void RecordSource::refresh() {
    const auto there = log_files(data_dir_);
    for (const auto& file : there) {
        const bool known =
            std::any_of(files_.begin(), files_.end(), [&](const File& f) { return f.path == file.path; });
        if (known) continue;
        auto database = Database::open(file.path, Database::Mode::Read, {}, patience_);
        if (!database) continue;
        const auto version = database->number("PRAGMA user_version");
        if (!version || version->value_or(0) != kStoreVersion) continue;
        const auto first = database->number("SELECT min(seq) FROM record");
        if (!first || !*first) continue;
        files_.push_back({file.path, static_cast<std::uint64_t>(**first),
                          std::make_unique<Database>(std::move(*database))});
    }
    std::sort(files_.begin(), files_.end(), [](const File& a, const File& b) { return a.first < b.first; });
}

std::optional<std::size_t> RecordSource::index_of(std::uint64_t seq) const {
    for (auto i = files_.size(); i-- > 0;) {
        if (files_[i].first <= seq) return i;
    }
    return std::nullopt;
}

core::Result<std::vector<RecordSource::Row>> RecordSource::read(std::uint64_t from, std::size_t limit,
                                                                std::string_view type_prefix) {
    refresh();
    std::vector<Row> rows;
    std::string fault;
    const auto key = fmt::format("\"type\":\"{}", type_prefix);
    const auto start = index_of(from);
    for (auto i = start.value_or(0); i < files_.size() && rows.size() < limit; ++i) {
        auto statement = files_[i].database->prepare(kRead);
        if (!statement) continue;
        const bool last = i + 1 == files_.size();
        const auto end =
            last ? static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) : files_[i + 1].first;
        statement->bind(1, static_cast<std::int64_t>(from))
            .bind(2, static_cast<std::int64_t>(end))
            .bind(3, static_cast<std::int64_t>(limit - rows.size()))
            .bind(4, std::string_view{key});
        auto step = statement->step();
        for (; step == Statement::Step::Row; step = statement->step()) {
            rows.push_back({static_cast<std::uint64_t>(statement->integer(0)),
                            std::string{statement->text(1)}, std::string{statement->text(2)}});
        }
        if (step == Statement::Step::Failed) fault = statement->failure("reading the records").context;
    }
    // What comes before the damage, and what the next file has, is given; where that is nothing, the damage is told.
    if (rows.empty() && !fault.empty()) return core::unexpected(core::Error::Code::Unavailable, fault);
    if (files_.empty())
        return core::unexpected(core::Error::Code::Unavailable, "there is no log file that can be read");
    return rows;
}

core::Result<std::uint64_t> RecordSource::size() {
    refresh();
    for (auto i = files_.size(); i-- > 0;) {
        const auto last = files_[i].database->number("SELECT max(seq) FROM record");
        if (last && *last) return static_cast<std::uint64_t>(**last) + 1;
    }
    return core::unexpected(core::Error::Code::Unavailable, "there is no log file that can be read");
}

Database* RecordSource::file_of(std::uint64_t seq) {
    refresh();
    const auto index = index_of(seq);
    return index ? files_[*index].database.get() : nullptr;
}

Database* RecordSource::newest() {
    refresh();
    return files_.empty() ? nullptr : files_.back().database.get();
}

}  // namespace crosspatch::record
