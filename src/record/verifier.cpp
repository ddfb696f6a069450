#include "crosspatch/record/verifier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "crosspatch/core/file.hpp"
#include "crosspatch/core/text.hpp"
#include "crosspatch/record/canonical.hpp"
#include "examine.hpp"
#include "sqlite.hpp"
#include "store.hpp"
#include "verify_chain.hpp"
#include "verify_consents.hpp"
#include "verify_notes.hpp"

namespace crosspatch::record {

using core::Error;
using sqlite::Database;
using sqlite::Statement;

namespace {

constexpr std::uint64_t kMostNotSigned = 1024;       // a living daemon signs at least every 256 records
constexpr std::uint64_t kFarthestSkip = 1ULL << 24;  // records, when looking for the next that can be read

// One log file, open in one snapshot, with what its first record says.
struct Opened {
    std::filesystem::path path;
    std::optional<Database> database;
    std::string fault;                   // why it is not open
    std::optional<std::uint64_t> first;  // seq of its first row; nothing if it has none
    std::optional<Position> continued;   // where its first record says that it goes on from
    std::string previous;                // the file that it names as the one before
    std::optional<VerifierKey> key;
};

// An auditor's copy may lie where nothing can be written; SQLite then needs to be told that nobody else is
// there.
sqlite::Result<Database> open_to_verify(const std::filesystem::path& path) {
    auto database = Database::open(path, Database::Mode::Read);
    if (database && database->number("PRAGMA user_version")) return database;
    std::error_code failure;
    const auto log_of_writes = std::filesystem::file_size(path.string() + "-wal", failure);
    if (!failure && log_of_writes > 0) return database;
    auto frozen = Database::open(path, Database::Mode::Frozen);
    const bool helps = frozen && frozen->number("PRAGMA user_version");
    return helps ? std::move(frozen) : std::move(database);
}

Opened open_file(const std::filesystem::path& path) {
    Opened file;
    file.path = path;
    auto database = open_to_verify(path);
    if (!database) {
        file.fault = database.error().context;
        return file;
    }
    file.database.emplace(std::move(*database));
    const auto version = file.database->number("PRAGMA user_version");
    const auto begun = file.database->execute("BEGIN");
    if (!version || !begun) {
        file.fault = !version ? version.error().context : begun.error().context;
        return file;
    }
    if (version->value_or(0) > kStoreVersion) {
        file.fault = fmt::format("a newer crosspatch wrote it (format {}); use that one's crosspatch-verify",
                                 **version);
        return file;
    }
    const auto first = file.database->number("SELECT min(seq) FROM record");
    if (!first) {
        file.fault = first.error().context;
        return file;
    }
    if (*first) file.first = static_cast<std::uint64_t>(**first);
    if (const auto text = file.database->word("SELECT value FROM meta WHERE key='key'"); text && *text) {
        if (auto key = VerifierKey::parse(**text)) file.key = std::move(*key);
    }
    const auto body = file.database->word("SELECT body FROM record ORDER BY seq LIMIT 1");
    const auto line =
        body && *body ? from_canonical(**body) : core::Result<boost::json::value>{boost::json::value{}};
    if (line && line->is_object()) {
        file.continued = continued_from(line->get_object());
        file.previous = text_in(object_in(line->get_object(), "detail"), "previous_file");
    }
    return file;
}

// What the auditor trusts beforehand: a whole key, or a fingerprint or its beginning.
struct Pin {
    std::optional<PublicKey> key;
    std::string digest;  // hex, 32 or 64 digits
    bool matches(const PublicKey& other) const {
        return key ? *key == other : fingerprint(other).starts_with(digest);
    }
};

core::Result<Pin> parse_pin(std::string text, bool may_be_file = true) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    std::error_code failure;
    if (may_be_file && std::filesystem::is_regular_file(text, failure)) {
        const auto octets = core::read_file(text, 4096);
        if (!octets) return core::Unexpected<Error>{octets.error()};
        return parse_pin({reinterpret_cast<const char*>(octets->data()), octets->size()}, false);
    }
    if (const auto key = VerifierKey::parse(text)) return Pin{key->key, {}};
    constexpr std::string_view kPlain = "ed25519:";
    if (text.starts_with(kPlain)) {
        const auto octets = core::from_base64(std::string_view{text}.substr(kPlain.size()));
        Pin pin;
        if (octets && octets->size() == sizeof(PublicKey)) {
            std::copy(octets->begin(), octets->end(), pin.key.emplace().begin());
            return pin;
        }
    }
    if ((text.size() == 32 || text.size() == 64) && core::from_hex(text)) return Pin{{}, text};
    return core::unexpected(
        Error::Code::Invalid,
        "the pin is not a key; give what DATA_DIR/keys/log.vkey holds, ed25519:BASE64, a fingerprint, or "
        "a file with one of them");
}

// Verifies one file up to where the next one takes over.
class FileCheck {
public:
    FileCheck(Opened& file, const Opened* next, const VerifierKey& key, ConsentCheck& consents,
              Report& report, const std::stop_token& stop)
        : file_{file},
          next_{next},
          consents_{consents},
          stop_{stop},
          findings_{report, file.path.filename()},
          report_{report},
          notes_{findings_, report, key},
          chain_{findings_, key.name.substr(key.name.find('/') + 1), start(),
                 [this](const Frontier& tree) { grown(tree); }} {}

    // The number of the record after the last one.
    std::uint64_t run() {
        if (!file_.key) findings_.file("does not say which key signed it");
        notes_.open(*file_.database);
        if (file_.continued) notes_.grown(file_.continued->tree);
        feed();
        if (stop_.stop_requested()) return chain_.next();
        chain_.end();
        const auto until = next_ ? std::min(*next_->first, chain_.next()) : chain_.next();
        notes_.end(until, chain_.broken_at());
        if (next_ && chain_.next() < *next_->first) {
            findings_.record(chain_.next(),
                             fmt::format("is missing, with all up to {}: {} goes on from there",
                                         *next_->first - 1, next_->path.filename().string()));
        }
        if (beyond_ > 0) {
            findings_.note(fmt::format("holds {} records that were never acknowledged; {} begins before them",
                                       beyond_, next_->path.filename().string()));
        }
        return chain_.next();
    }

    NoteCheck& notes() { return notes_; }

private:
    Position start() const { return file_.continued.value_or(Position{}); }

    void grown(const Frontier& tree) {
        notes_.grown(tree);
        if (next_ && next_->continued && tree.size() == next_->continued->size() &&
            tree.root() != next_->continued->tree.root()) {
            findings_.record(tree.size() - 1,
                             fmt::format("{} goes on from another root than these records give",
                                         next_->path.filename().string()));
        }
    }

    void feed() {
        std::uint64_t from = 0;
        auto rows = rows_from(from);
        while (rows && !stop_.stop_requested()) {
            const auto step = rows->step();
            if (step == Statement::Step::Done) return;
            if (step == Statement::Step::Failed) {
                chain_.skipped(rows->failure("reading").context);
                rows = skip_from(from);
                continue;
            }
            const auto seq = static_cast<std::uint64_t>(rows->integer(0));
            from = seq + 1;
            if (next_ && seq >= *next_->first) {
                ++beyond_;
            } else {
                ++report_.records;
                chain_.take(see_row(seq, rows->text(1), rows->blob(2)));
                consents_.take(seq, rows->text(1), findings_);
            }
        }
    }

    std::optional<Statement> rows_from(std::uint64_t from) {
        auto rows = file_.database->prepare("SELECT seq, body, leaf FROM record WHERE seq >= ? ORDER BY seq");
        if (!rows) {
            findings_.file("the records cannot be read: " + rows.error().context);
            return std::nullopt;
        }
        rows->bind(1, static_cast<std::int64_t>(from));
        return std::move(*rows);
    }

    // A page of the file is damaged: finds the next record behind it that can be read.
    std::optional<Statement> skip_from(std::uint64_t& from) {
        for (std::uint64_t ahead = 1; ahead < kFarthestSkip; ahead *= 2) {
            auto rows = rows_from(from + ahead);
            if (!rows || rows->step() == Statement::Step::Failed) continue;
            // Back in smaller steps, to lose no record that is readable.
            std::uint64_t bad = from + ahead / 2;
            std::uint64_t good = from + ahead;
            while (bad + 1 < good) {
                const auto middle = bad + (good - bad) / 2;
                auto attempt = rows_from(middle);
                (attempt && attempt->step() != Statement::Step::Failed ? good : bad) = middle;
            }
            from = good;
            return rows_from(good);
        }
        return std::nullopt;
    }

    Opened& file_;
    const Opened* next_;
    ConsentCheck& consents_;
    const std::stop_token& stop_;
    Findings findings_;
    Report& report_;
    NoteCheck notes_;
    Chain chain_;
    std::uint64_t beyond_{};
};

// Checks all the files of one log, oldest first.
class LogCheck {
public:
    LogCheck(std::filesystem::path path, std::optional<Pin> pin, AgencyPins agencies,
             const std::stop_token& stop)
        : path_{std::move(path)}, pin_{std::move(pin)}, agencies_{std::move(agencies)}, stop_{stop} {}

    core::Result<Report> run() {
        if (auto found = find_files(); !found) return core::Unexpected<Error>{found.error()};
        choose_key();
        if (!key_) {
            Findings{report_, name()}.file(
                "no file says which key signed it: there is nothing to check against");
            return std::move(report_);
        }
        check_keys();
        report_.agencies_pinned = !agencies_.empty();
        consents_.emplace(report_.log, std::move(agencies_), report_);
        std::uint64_t size = 0;
        for (std::size_t i = 0; i < files_.size() && !stop_.stop_requested(); ++i) size = check_file(i, size);
        if (stop_.stop_requested())
            return core::unexpected(Error::Code::Unavailable, "the verification was stopped before its end");
        check_end(size);
        return std::move(report_);
    }

private:
    core::Result<void> find_files() {
        std::error_code failure;
        whole_ = std::filesystem::is_directory(path_, failure);
        std::vector<std::filesystem::path> paths;
        if (whole_) {
            for (const auto& file : log_files(path_)) paths.push_back(file.path);
        } else if (std::filesystem::exists(path_, failure)) {
            paths.push_back(path_);
        }
        if (paths.empty()) {
            return core::unexpected(
                Error::Code::NotFound,
                fmt::format(
                    "{}: there is no log here; give a data directory (with log.db in it) or a log file",
                    path_.string()));
        }
        for (const auto& path : paths) {
            report_.files.push_back(path.filename());
            auto file = open_file(path);
            Findings findings{report_, path.filename()};
            if (!file.fault.empty()) {
                findings.file("cannot be read: " + file.fault);
            } else if (!file.first) {
                findings.note("holds no record");
            } else {
                files_.push_back(std::move(file));
            }
        }
        return {};
    }

    void choose_key() {
        for (const auto& file : files_) {
            if (file.key && !key_) key_ = file.key;
        }
        const auto text = whole_ ? core::read_file(path_ / "keys" / "log.vkey", 1024)
                                 : core::unexpected(Error::Code::NotFound, "");
        if (!text) return;
        std::string line{reinterpret_cast<const char*>(text->data()), text->size()};
        if (!line.empty() && line.back() == '\n') line.pop_back();
        const auto exported = VerifierKey::parse(line);
        if (exported && !key_) key_ = *exported;
        if (exported && *exported != *key_) {
            Findings{report_, "keys/log.vkey"}.file("names another key than the log's own");
        }
    }

    void check_keys() {
        report_.fingerprint = fingerprint(key_->key);
        report_.verifier_key = key_->to_string();
        report_.log = log_id(key_->key);
        for (const auto& file : files_) {
            Findings findings{report_, file.path.filename()};
            if (file.key && *file.key != *key_)
                findings.file("was signed with another key than the file before it");
        }
        if (key_->name != origin(report_.log)) {
            Findings{report_, files_.empty() ? "" : files_.front().path.filename().string()}.file(
                "its key does not belong to its log id");
        }
        if (!pin_) return;
        report_.pinned = pin_->matches(key_->key);
        if (!report_.pinned) {
            Findings{report_, name()}.file(
                fmt::format("signed by {}, which is not the pinned key", report_.fingerprint));
        }
    }

    std::uint64_t check_file(std::size_t index, std::uint64_t size) {
        auto& file = files_[index];
        Findings findings{report_, file.path.filename()};
        if (index == 0 && *file.first > 0 && file.continued) {
            const auto text =
                fmt::format("begins at record {}; what came before is in {}", *file.first, file.previous);
            whole_ ? findings.file(text + ", which is not here") : findings.note(text);
        }
        if (index > 0 && !file.continued)
            findings.file(fmt::format("does not say how it goes on from record {}", size));
        const Opened* next = index + 1 < files_.size() ? &files_[index + 1] : nullptr;
        last_.emplace(file, next, *key_, *consents_, report_, stop_);
        const auto end = last_->run();
        if (!next && whole_) check_tip(end);
        return end;
    }

    void check_tip(std::uint64_t size) {
        const auto tip = core::read_file(path_ / "log.tip", 16 * 1024);
        if (!tip) return;
        const std::string_view text{reinterpret_cast<const char*>(tip->data()), tip->size()};
        const auto gap = text.find("\n\n");
        if (gap != std::string_view::npos) last_->notes().take_last(text.substr(gap + 2), size);
    }

    void check_end(std::uint64_t size) {
        if (files_.empty()) return;
        Findings findings{report_, files_.back().path.filename()};
        report_.not_signed = size > report_.size ? size - report_.size : 0;
        if (report_.checkpoints == 0) {
            findings.file("has no checkpoint: nobody has signed any of its records");
        } else if (report_.not_signed > kMostNotSigned && report_.problems.empty()) {
            findings.record(
                report_.size,
                fmt::format("and the {} behind it are under no checkpoint; a gateway signs every 256 records",
                            report_.not_signed - 1));
        }
    }

    std::string name() const { return path_.has_filename() ? path_.filename().string() : path_.string(); }

    std::filesystem::path path_;
    std::optional<Pin> pin_;
    AgencyPins agencies_;
    const std::stop_token& stop_;
    bool whole_{};
    std::vector<Opened> files_;
    std::optional<VerifierKey> key_;
    std::optional<ConsentCheck> consents_;
    std::optional<FileCheck> last_;
    Report report_;
};

}  // namespace

Verifier::Verifier(std::filesystem::path path, std::optional<std::string> pin, AgencyPins agencies)
    : path_{std::move(path)}, pin_{std::move(pin)}, agencies_{std::move(agencies)} {}

core::Result<Report> Verifier::run(const std::stop_token& stop) {
    std::optional<Pin> pin;
    if (pin_) {
        auto parsed = parse_pin(*pin_);
        if (!parsed) return core::Unexpected<Error>{parsed.error()};
        pin = std::move(*parsed);
    }
    return LogCheck{path_, std::move(pin), agencies_, stop}.run();
}

}  // namespace crosspatch::record
