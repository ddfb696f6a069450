#include "examine.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crosspatch/record/canonical.hpp"
#include "sqlite.hpp"
#include "store.hpp"

namespace crosspatch::record {

namespace json = boost::json;
using sqlite::Database;
using sqlite::Statement;

namespace {

struct Note {
    std::uint64_t size{};
    Hash root{};
};

// Follows the records of one file from a position that is known to be right.
class Walk {
public:
    Walk(Position from, std::optional<Note> newest) : position_{std::move(from)}, newest_{newest} {}

    // False: nothing after this row can be followed.
    bool take(std::uint64_t seq, std::string_view body, std::span<const std::byte> leaf) {
        if (seq != position_.size() + (suspect_ ? 1 : 0))
            return fault(fmt::format("record {} is missing", position_.size()));
        const auto line = from_canonical(body);
        const auto* record = line ? line->if_object() : nullptr;
        const auto prev = record ? hash_from_hex(text_in(*record, "prev")) : std::nullopt;
        if (suspect_) {
            // The record after a damaged one vouches for the leaf hash that stands beside it.
            if (prev != suspect_) return false;
            append(*suspect_);
            suspect_.reset();
        }
        const bool good = record && number_in(*record, "seq") == seq && prev == position_.last_leaf &&
                          leaf.size() == sizeof(Hash) &&
                          std::equal(leaf.begin(), leaf.end(), leaf_hash(body).begin());
        if (!good) {
            fault(fmt::format("record {} does not match its hash", seq));
            if (leaf.size() != sizeof(Hash)) return false;
            std::copy(leaf.begin(), leaf.end(), suspect_.emplace().begin());
            return true;
        }
        append(leaf_hash(body));
        if (const auto time = parse_time(text_in(*record, "time")))
            position_.newest = std::max(position_.newest, *time);
        return true;
    }

    bool fault(std::string what) {
        if (fault_.empty()) fault_ = std::move(what);
        return false;
    }
    const std::string& fault() const { return fault_; }
    Position& position() { return position_; }

private:
    void append(const Hash& leaf) {
        position_.tree.append(leaf);
        position_.last_leaf = leaf;
        if (newest_ && newest_->size == position_.size() && newest_->root != position_.tree.root()) {
            fault(fmt::format("the records before {} do not give the root that was signed", newest_->size));
        }
    }

    Position position_;
    std::optional<Note> newest_;
    std::optional<Hash> suspect_;
    std::string fault_;
};

// Looks into one open file. Every step may find it damaged.
class Look {
public:
    Look(Database& database, const VerifierKey& key, const std::optional<Tip>& tip)
        : database_{database}, key_{key}, tip_{tip} {}

    Examined run() {
        if (!read_kind()) return std::move(found_);
        read_checkpoint();
        auto start = anchor();
        if (!start) {
            damaged("its first record does not say where it goes on from");
            return std::move(found_);
        }
        Walk walk{std::move(*start), newest_};
        follow(walk);
        if (!walk.fault().empty()) damaged(walk.fault());
        if (walk.position().size() < last_ + 1)
            damaged(fmt::format("record {} cannot be read", walk.position().size()));
        found_.position = std::move(walk.position());
        return std::move(found_);
    }

private:
    void damaged(std::string what) {
        if (found_.state != Examined::State::Sound) return;  // the first finding says it best
        found_.state = Examined::State::Damaged;
        found_.what = std::move(what);
    }
    bool unreadable(const sqlite::Failure& failure) {
        if (found_.state == Examined::State::Newer) return false;
        found_.state = failure.is_busy() ? Examined::State::Locked : Examined::State::Damaged;
        found_.what = failure.is_busy() ? "another program holds it locked" : failure.context;
        return false;
    }
    std::string meta(std::string_view name) {
        auto value = database_.word(fmt::format("SELECT value FROM meta WHERE key='{}'", name));
        return value && *value ? **value : std::string{};
    }

    // Whose file it is and which records it has; false if there is nothing to follow.
    bool read_kind() {
        const auto version = database_.number("PRAGMA user_version");
        if (!version) return unreadable(version.error());
        if (version->value_or(0) > kStoreVersion) {
            found_.state = Examined::State::Newer;
            found_.what = fmt::format("a newer crosspatch wrote it (format {}, this one knows {})", **version,
                                      kStoreVersion);
        } else {
            found_.state = Examined::State::Sound;
        }
        const auto tables = database_.number("SELECT count(*) FROM sqlite_master");
        if (!tables) return unreadable(tables.error());
        if (tables->value_or(0) == 0) return empty();
        const auto first = database_.number("SELECT min(seq) FROM record");
        if (!first) return unreadable(first.error());
        const auto last = database_.number("SELECT max(seq) FROM record");
        if (!last) return unreadable(last.error());
        found_.log = owner();
        found_.left_open = meta("state") != "closed";
        if (!*first || !*last) return empty();
        found_.first = static_cast<std::uint64_t>(**first);
        last_ = static_cast<std::uint64_t>(**last);
        return true;
    }

    // The log id, where the file and its first record say the same: one flipped bit does not make it
    // another's.
    std::string owner() {
        const auto id = meta("log");
        const auto body = database_.word("SELECT body FROM record ORDER BY seq LIMIT 1");
        const auto line = body && *body ? from_canonical(**body) : core::Result<json::value>{json::value{}};
        const auto* record = line ? line->if_object() : nullptr;
        return record && text_in(*record, "log") == id ? id : std::string{};
    }

    bool empty() {
        if (found_.state == Examined::State::Sound) found_.state = Examined::State::Empty;
        if (found_.what.empty()) found_.what = "it holds no record";
        return false;
    }

    void read_checkpoint() {
        const auto note = database_.word("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1");
        if (!note) return damaged(note.error().context);
        if (!*note) return;
        const auto signed_note = parse_checkpoint(**note);
        if (!signed_note || !signed_note->signed_by(key_))
            return damaged("its newest checkpoint is not signed by this gateway");
        newest_ = Note{signed_note->checkpoint.size, signed_note->checkpoint.root};
        found_.signed_size = newest_->size;
        if (newest_->size > last_ + 1)
            damaged(fmt::format("it ends at record {} but a checkpoint covers {}", last_, newest_->size));
    }

    // The furthest position in the file that a signature vouches for; failing that, where the file begins.
    std::optional<Position> anchor() {
        std::optional<Position> best;
        const auto consider = [&](const Frontier& tree, std::optional<Hash> last_leaf) {
            if (tree.size() <= found_.first || tree.size() > last_ + 1 || !last_leaf) return;
            if (!best || best->size() < tree.size()) best = Position{tree, *last_leaf, {}};
        };
        const auto kept = frontier_from_text(meta("frontier"));
        if (kept && newest_ && kept->size() == newest_->size && kept->root() == newest_->root) {
            consider(*kept, leaf_before(kept->size()));
        }
        if (tip_) consider(tip_->position.tree, tip_->position.last_leaf);
        if (best) return best;
        if (found_.first == 0) return Position{};
        const auto body = database_.word("SELECT body FROM record ORDER BY seq LIMIT 1");
        if (!body || !*body) return std::nullopt;
        const auto line = from_canonical(**body);
        const auto* record = line ? line->if_object() : nullptr;
        return record ? continued_from(*record) : std::nullopt;
    }

    std::optional<Hash> leaf_before(std::uint64_t size) {
        const auto hex =
            database_.word(fmt::format("SELECT lower(hex(leaf)) FROM record WHERE seq={}", size - 1));
        return hex && *hex ? hash_from_hex(**hex) : std::nullopt;
    }

    void follow(Walk& walk) {
        // The clock may have been set back since, and what is older is not read again. From one record before, for its time:
        // a file of an earlier version does not have the other.
        core::WallTime& newest = walk.position().newest;
        newest = std::max(newest, parse_time(meta("newest")).value_or(core::WallTime{}));
        const auto from = walk.position().size();
        auto rows = database_.prepare("SELECT seq, body, leaf FROM record WHERE seq >= ? ORDER BY seq");
        if (!rows) return damaged(rows.error().context);
        rows->bind(1, static_cast<std::int64_t>(from > found_.first ? from - 1 : from));
        for (;;) {
            const auto step = rows->step();
            if (step == Statement::Step::Failed) return damaged(rows->failure("reading").context);
            if (step == Statement::Step::Done) return;
            const auto seq = static_cast<std::uint64_t>(rows->integer(0));
            if (seq < from) {
                const auto line = from_canonical(rows->text(1));
                const auto* record = line ? line->if_object() : nullptr;
                if (record)
                    newest =
                        std::max(newest, parse_time(text_in(*record, "time")).value_or(core::WallTime{}));
            } else if (!walk.take(seq, rows->text(1), rows->blob(2))) {
                return;
            }
        }
    }

    Database& database_;
    const VerifierKey& key_;
    const std::optional<Tip>& tip_;
    Examined found_;
    std::optional<Note> newest_;
    std::uint64_t last_{};
};

}  // namespace

Examined examine(const std::filesystem::path& file, const VerifierKey& key, const std::optional<Tip>& tip) {
    auto database = Database::open(file, Database::Mode::Read);
    if (!database) {
        Examined found;
        found.state = database.error().is_busy() ? Examined::State::Locked : Examined::State::Damaged;
        found.what = database.error().context;
        return found;
    }
    return Look{*database, key, tip}.run();
}

json::object continuation(const Position& from, const std::string& previous, const std::string& file,
                          const std::string& cause) {
    json::array tree;
    for (const Hash& hash : from.tree.hashes()) tree.emplace_back(to_hex(hash));
    return {{"cause", cause},
            {"file", file},
            {"previous_file", previous},
            {"previous_size", from.size()},
            {"previous_root", to_hex(from.tree.root())},
            {"tree", std::move(tree)}};
}

std::optional<Position> continued_from(const json::object& record) {
    const auto& detail = object_in(record, "detail");
    const auto size = number_in(detail, "previous_size");
    const auto prev = hash_from_hex(text_in(record, "prev"));
    const auto* tree = detail.contains("tree") ? detail.at("tree").if_array() : nullptr;
    if (!size || !prev || !tree || number_in(record, "seq") != size) return std::nullopt;
    std::vector<Hash> hashes;
    for (const auto& value : *tree) {
        const auto* text = value.if_string();
        const auto hash = text ? hash_from_hex(*text) : std::nullopt;
        if (!hash || hashes.size() == 64) return std::nullopt;
        hashes.push_back(*hash);
    }
    auto frontier = Frontier::restore(*size, std::move(hashes));
    if (!frontier || to_hex(frontier->root()) != text_in(detail, "previous_root")) return std::nullopt;
    return Position{std::move(*frontier), *prev, {}};
}

}  // namespace crosspatch::record
