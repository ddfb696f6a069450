#include "index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "crosspatch/record/canonical.hpp"
#include "position.hpp"

namespace crosspatch::record {

namespace json = boost::json;
using sqlite::Database;
using sqlite::Statement;

namespace {

constexpr int kIndexVersion = 3;
constexpr std::uint64_t kSaveAfter = 256;  // records
constexpr std::size_t kTidyAfter = 5000;   // talkspurts and savings; the WAL is then some 10 MiB

constexpr const char* kSchema =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE call(id TEXT PRIMARY KEY, bridge TEXT NOT NULL, incident TEXT NOT NULL, started INTEGER "
    "NOT NULL,"
    " ended INTEGER NOT NULL, talkspurts INTEGER NOT NULL);"
    "CREATE INDEX call_started ON call(started, id);"
    "CREATE TABLE call_channel(call TEXT NOT NULL, channel TEXT NOT NULL, PRIMARY KEY(call, channel)) "
    "WITHOUT ROWID;"
    "CREATE TABLE talkspurt(seq INTEGER PRIMARY KEY, id TEXT NOT NULL, call TEXT NOT NULL, talker TEXT NOT "
    "NULL,"
    " started INTEGER NOT NULL, words TEXT NOT NULL, veiled TEXT NOT NULL);"
    "CREATE INDEX talkspurt_call ON talkspurt(call, started);"
    "CREATE INDEX talkspurt_id ON talkspurt(id);"
    "CREATE INDEX talkspurt_talker ON talkspurt(talker, call);"
    "CREATE TABLE place(place TEXT PRIMARY KEY, call TEXT NOT NULL, talkspurt TEXT NOT NULL, boot TEXT NOT "
    "NULL,"
    " mono_ended INTEGER NOT NULL, wall_ended INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE progress(next INTEGER NOT NULL);"
    "INSERT INTO progress VALUES(0);"
    "PRAGMA user_version=3;"
    "COMMIT";
static_assert(kIndexVersion == 3);

std::int64_t since_epoch(core::WallTime time) { return time.time_since_epoch().count(); }

// What a search for text looks through, in lower case.
std::string words_of(const Talkspurt& talkspurt, const std::string& call) {
    std::string words = fmt::format("{} {} {} {} {} {} {} {} {} {}", talkspurt.id, call, talkspurt.talker,
                                    talkspurt.role, talkspurt.agency, talkspurt.endpoint, talkspurt.channel,
                                    talkspurt.bridge, talkspurt.incident, talkspurt.end_cause);
    for (const auto& channel : talkspurt.channels) words += ' ' + channel;
    for (const auto& refusal : talkspurt.refused) words += ' ' + refusal.channel + ' ' + refusal.reason;
    std::transform(words.begin(), words.end(), words.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    return words;
}

// The agencies to which one of its names is hidden, each between spaces.
std::string veiled_from(const Talkspurt& talkspurt) {
    std::string agencies;
    for (const auto& [agency, names] : talkspurt.pseudonyms)
        agencies += fmt::format(" {} ", std::string_view{agency});
    return agencies;
}

CallGrouper::Spoken spoken_of(const Talkspurt& talkspurt, const std::string& boot) {
    CallGrouper::Spoken spoken;
    spoken.place = talkspurt.bridge.empty() ? "channel/" + talkspurt.channel : "bridge/" + talkspurt.bridge;
    spoken.talkspurt = talkspurt.id;
    spoken.boot = boot;
    const auto mono_ended = talkspurt.ended_mono.time_since_epoch();
    spoken.mono_ended_ns = mono_ended.count();
    spoken.mono_started_ns = (mono_ended - talkspurt.duration).count();
    spoken.wall_ended_ns = since_epoch(talkspurt.ended);
    spoken.wall_started_ns = since_epoch(talkspurt.started);
    return spoken;
}

}  // namespace

struct Index::Statements {
    Statement add_talkspurt, add_call, add_channel, set_place, set_next;
};

Index::Index(std::filesystem::path data_dir, std::chrono::milliseconds call_gap)
    : file_{data_dir / "index.db"}, gap_{call_gap}, source_{std::move(data_dir), 0}, grouper_{call_gap} {}

Index::~Index() = default;

bool Index::follow(std::uint64_t size, std::size_t limit) {
    if (!database_ && !open() && !begin_anew()) return false;
    if (next_ > size && !begin_anew()) return false;  // made from a log that is gone
    if (next_ == size) return false;
    const auto rows = source_.read(next_, limit);
    if (!rows) return false;
    std::vector<Found> found;
    for (const auto& row : *rows) {
        if (row.seq >= size) break;
        look(row, found);
        next_ = row.seq + 1;
    }
    // Nothing to read below `size`: those records are damaged, and the index goes on behind them.
    if (rows->empty()) next_ = size;
    // Progress alone is not worth a transaction each time: a restart looks at those records once more.
    if ((!found.empty() || next_ - saved_ >= kSaveAfter) && !save(found)) {
        give_up();
        return false;
    }
    return next_ < size;
}

bool Index::save(const std::vector<Found>& found) {
    bool good = database_->execute("BEGIN IMMEDIATE").has_value();
    for (const auto& one : found) good = good && add(one);
    good = good && statements_->set_next.bind(1, static_cast<std::int64_t>(next_)).run() &&
           database_->execute("COMMIT").has_value();
    saved_ = next_;
    since_tidy_ += found.size() + 1;
    if (good && since_tidy_ >= kTidyAfter) {
        since_tidy_ = 0;
        good = database_->checkpoint(false).has_value();
    }
    return good;
}

void Index::give_up() {
    statements_.reset();
    if (database_) database_->abandon();
    database_.reset();
    for (const char* ending : {"", "-wal", "-shm", "-journal"}) {
        std::error_code ignored;
        std::filesystem::remove(file_.string() + ending, ignored);
    }
}

bool Index::begin_anew() {
    give_up();
    {
        auto database = Database::open(file_, Database::Mode::Create);
        if (!database || !database->execute("PRAGMA journal_mode=WAL") || !database->execute(kSchema))
            return false;
    }
    return open();
}

bool Index::open() {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file_, ignored)) return false;
    auto database = Database::open(file_, Database::Mode::Write);
    // Lost with the power, at worst: it is made again from the log.
    if (!database || !database->execute("PRAGMA synchronous=NORMAL")) return false;
    const auto version = database->number("PRAGMA user_version");
    if (!version || version->value_or(0) != kIndexVersion) return false;
    const auto next = database->number("SELECT next FROM progress");
    if (!next || !*next) return false;
    database_ = std::move(*database);
    statements_ = std::make_unique<Statements>();
    const std::pair<Statement*, std::string_view> all[] = {
        {&statements_->add_talkspurt,
         "INSERT OR REPLACE INTO talkspurt(seq, id, call, talker, started, words, veiled) VALUES(?, ?, ?, ?, "
         "?, ?, "
         "?)"},
        {&statements_->add_call,
         "INSERT INTO call(id, bridge, incident, started, ended, talkspurts) VALUES(?1, ?2, ?3, ?4, ?5, 1) "
         "ON CONFLICT(id) DO UPDATE SET started=min(started, ?4), ended=max(ended, ?5), "
         "talkspurts=talkspurts+1, "
         "incident=CASE WHEN incident='' THEN ?3 ELSE incident END"},
        {&statements_->add_channel, "INSERT OR IGNORE INTO call_channel(call, channel) VALUES(?, ?)"},
        {&statements_->set_place,
         "INSERT INTO place(place, call, talkspurt, boot, mono_ended, wall_ended) VALUES(?1, ?2, ?3, ?4, ?5, "
         "?6) "
         "ON CONFLICT(place) DO UPDATE SET "
         "mono_ended=CASE WHEN call=?2 AND boot=?4 THEN max(mono_ended, ?5) ELSE ?5 END, "
         "wall_ended=CASE WHEN call=?2 THEN max(wall_ended, ?6) ELSE ?6 END, call=?2, talkspurt=?3, boot=?4"},
        {&statements_->set_next, "UPDATE progress SET next=?"},
    };
    for (const auto& [statement, text] : all) {
        auto prepared = database_->prepare(text);
        if (!prepared) {
            give_up();
            return false;
        }
        *statement = std::move(*prepared);
    }
    next_ = static_cast<std::uint64_t>(**next);
    saved_ = next_;
    resume_calls();
    return true;
}

void Index::resume_calls() {
    grouper_ = CallGrouper{gap_};
    auto rows = database_->prepare("SELECT place, call, talkspurt, boot, mono_ended, wall_ended FROM place");
    if (!rows) return;
    while (rows->step() == Statement::Step::Row) {
        CallGrouper::Spoken last;
        last.place = rows->text(0);
        last.talkspurt = rows->text(2);
        last.boot = rows->text(3);
        last.mono_ended_ns = rows->integer(4);
        last.wall_ended_ns = rows->integer(5);
        grouper_.resume(std::move(last), std::string{rows->text(1)});
    }
}

void Index::look(const RecordSource::Row& row, std::vector<Found>& found) {
    // Most records are not talkspurts, and parsing is what costs.
    const std::string_view body = row.body;
    if (body.find("\"type\":\"talkspurt.ended\"") == body.npos &&
        body.find("\"type\":\"floor.denied\"") == body.npos)
        return;
    const auto line = from_canonical(body);
    const auto* record = line ? line->if_object() : nullptr;
    auto talkspurt = record ? talkspurt_of(*record) : std::nullopt;
    if (talkspurt) found.push_back({row.seq, std::move(*talkspurt), std::string{text_in(*record, "boot")}});
}

bool Index::add(const Found& found) {
    const auto& talkspurt = found.talkspurt;
    const auto spoken = spoken_of(talkspurt, found.boot);
    const auto call = grouper_.place(spoken);
    const auto words = words_of(talkspurt, call);
    const auto veiled = veiled_from(talkspurt);
    const auto text = [](const std::string& of) { return std::string_view{of}; };
    auto channels = talkspurt.channels;
    if (!talkspurt.channel.empty()) channels.push_back(talkspurt.channel);
    bool good = statements_->add_talkspurt.bind(1, static_cast<std::int64_t>(found.seq))
                    .bind(2, text(talkspurt.id))
                    .bind(3, text(call))
                    .bind(4, text(talkspurt.talker))
                    .bind(5, spoken.wall_started_ns)
                    .bind(6, text(words))
                    .bind(7, text(veiled))
                    .run()
                    .has_value();
    good = good && statements_->add_call.bind(1, text(call))
                       .bind(2, text(talkspurt.bridge))
                       .bind(3, text(talkspurt.incident))
                       .bind(4, spoken.wall_started_ns)
                       .bind(5, spoken.wall_ended_ns)
                       .run()
                       .has_value();
    for (const auto& channel : channels) {
        good = good && statements_->add_channel.bind(1, text(call)).bind(2, text(channel)).run().has_value();
    }
    return good && statements_->set_place.bind(1, text(spoken.place))
                       .bind(2, text(call))
                       .bind(3, text(talkspurt.id))
                       .bind(4, text(spoken.boot))
                       .bind(5, spoken.mono_ended_ns)
                       .bind(6, spoken.wall_ended_ns)
                       .run()
                       .has_value();
}

}  // namespace crosspatch::record
