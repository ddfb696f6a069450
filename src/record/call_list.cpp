#include "call_list.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <variant>

#include "crosspatch/core/text.hpp"
#include "crosspatch/record/canonical.hpp"
#include "crosspatch/record/talkspurt.hpp"
#include "position.hpp"

namespace crosspatch::record {

namespace json = boost::json;
using core::Error;
using sqlite::Database;
using sqlite::Statement;

namespace {

constexpr std::size_t kMostCalls = 500;

core::Unexpected<Error> unreadable(const sqlite::Failure& failure) {
    return core::Unexpected<Error>{{Error::Code::Unavailable, failure.context}};
}

bool is_id(std::string_view text) { return text.size() == 32 && core::from_hex(text).has_value(); }

std::int64_t since_epoch(core::WallTime time) { return time.time_since_epoch().count(); }

std::string time_text(std::int64_t nanoseconds) {
    return core::rfc3339(core::WallTime{std::chrono::nanoseconds{nanoseconds}});
}

// A condition of the list: its words, with what stands for each `?`.
class Conditions {
public:
    void add(std::string_view words, std::vector<std::variant<std::int64_t, std::string>> values) {
        text_ += text_.empty() ? " WHERE " : " AND ";
        text_ += words;
        for (auto& value : values) values_.push_back(std::move(value));
    }
    const std::string& text() const { return text_; }
    int bind(Statement& statement) const {
        int index = 0;
        for (const auto& value : values_) {
            ++index;
            if (const auto* number = std::get_if<std::int64_t>(&value)) {
                statement.bind(index, *number);
            } else {
                statement.bind(index, std::string_view{std::get<std::string>(value)});
            }
        }
        return index;
    }

private:
    std::string text_;
    std::vector<std::variant<std::int64_t, std::string>> values_;
};

// The text as a LIKE pattern that finds it anywhere; `!` takes the meaning from what LIKE would read as its
// own.
std::string anywhere(std::string_view text) {
    std::string pattern = "%";
    for (const char c : text) {
        if (c == '%' || c == '_' || c == '!') pattern += '!';
        pattern += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    }
    return pattern + '%';
}

json::value or_null(std::string_view text) { return text.empty() ? json::value(nullptr) : json::value(text); }

// One talkspurt in the API's shape, with `call`, `bridge`, `incident`, `channels` and `refused` added.
json::object to_item(const Talkspurt& talkspurt, const std::string& call) {
    json::array refused;
    for (const auto& refusal : talkspurt.refused) {
        refused.push_back(
            {{"channel", refusal.channel}, {"rule", or_null(refusal.rule)}, {"reason", refusal.reason}});
    }
    json::object item{{"id", talkspurt.id},
                      {"talker", or_null(talkspurt.talker)},
                      {"endpoint", or_null(talkspurt.endpoint)},
                      {"channel", or_null(talkspurt.channel)},
                      {"started", core::rfc3339(talkspurt.started)},
                      {"ended", core::rfc3339(talkspurt.ended)},
                      {"end_cause", or_null(talkspurt.end_cause)},
                      {"listeners", json::array(talkspurt.listeners.begin(), talkspurt.listeners.end())},
                      {"packets_received", talkspurt.packets_received},
                      {"packets_lost", talkspurt.packets_lost},
                      {"frames_concealed", talkspurt.frames_concealed},
                      {"access_time_ms", nullptr},
                      {"gateway_delay_p99_ms", nullptr},
                      {"denied", talkspurt.denied},
                      {"call", call},
                      {"bridge", or_null(talkspurt.bridge)},
                      {"incident", or_null(talkspurt.incident)},
                      {"channels", json::array(talkspurt.channels.begin(), talkspurt.channels.end())},
                      {"refused", std::move(refused)}};
    if (talkspurt.access_time) item["access_time_ms"] = talkspurt.access_time->count();
    if (!talkspurt.pseudonyms.empty()) item["pseudonyms"] = talkspurt.pseudonyms;
    if (talkspurt.gateway_delay_p99) {
        // Rounded up: "no more than".
        item["gateway_delay_p99_ms"] =
            std::chrono::ceil<std::chrono::milliseconds>(*talkspurt.gateway_delay_p99).count();
    }
    return item;
}

struct Cursor {
    std::int64_t started{};
    std::string id;
};
std::optional<Cursor> parse_cursor(std::string_view text) {
    const auto dash = text.rfind('-');
    if (dash == std::string_view::npos || !is_id(text.substr(dash + 1))) return std::nullopt;
    Cursor cursor;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + dash, cursor.started);
    if (failure != std::errc{} || end != text.data() + dash) return std::nullopt;
    cursor.id = text.substr(dash + 1);
    return cursor;
}

void add_visible(Conditions& conditions, const std::vector<std::string>& visible) {
    if (visible.empty()) return conditions.add("0", {});
    std::string marks;
    std::vector<std::variant<std::int64_t, std::string>> values;
    for (const auto& channel : visible) {
        marks += marks.empty() ? "?" : ",?";
        values.emplace_back(channel);
    }
    conditions.add("id IN (SELECT call FROM call_channel WHERE channel IN (" + marks + "))",
                   std::move(values));
}

core::Result<Conditions> conditions_of(const CallFilter& filter) {
    Conditions conditions;
    if (filter.channel)
        conditions.add("id IN (SELECT call FROM call_channel WHERE channel=?)", {*filter.channel});
    // Whoever may not see a name does not find it either.
    const std::string seen = filter.agency ? " AND instr(veiled, ?)=0" : "";
    const auto find = [&](const char* what, std::string wanted) {
        std::vector<std::variant<std::int64_t, std::string>> values{std::move(wanted)};
        if (filter.agency) values.emplace_back(' ' + *filter.agency + ' ');
        conditions.add(fmt::format("id IN (SELECT call FROM talkspurt WHERE {}{})", what, seen),
                       std::move(values));
    };
    if (filter.talker) find("talker=?", *filter.talker);
    if (filter.text) find("words LIKE ? ESCAPE '!'", anywhere(*filter.text));
    if (filter.bridge) conditions.add("bridge=?", {*filter.bridge});
    if (filter.incident) conditions.add("incident=?", {*filter.incident});
    if (filter.since) conditions.add("ended >= ?", {since_epoch(*filter.since)});
    if (filter.until) conditions.add("started < ?", {since_epoch(*filter.until)});
    if (filter.visible_channels) add_visible(conditions, *filter.visible_channels);
    if (filter.cursor) {
        const auto cursor = parse_cursor(*filter.cursor);
        if (!cursor)
            return core::unexpected(Error::Code::Invalid, "the cursor is not one that this list gave");
        conditions.add("(started, id) < (?, ?)", {cursor->started, cursor->id});
    }
    return conditions;
}

bool is_visible(const json::object& talkspurt, const std::vector<std::string>& visible) {
    const auto sees = [&](std::string_view channel) {
        return std::find(visible.begin(), visible.end(), channel) != visible.end();
    };
    if (sees(text_in(talkspurt, "channel"))) return true;
    const auto* channels = talkspurt.if_contains("channels");
    if (!channels || !channels->is_array()) return false;
    return std::any_of(
        channels->get_array().begin(), channels->get_array().end(),
        [&](const json::value& channel) { return channel.is_string() && sees(channel.get_string()); });
}

}  // namespace

core::Result<Database*> CallList::open() {
    struct stat status {};
    if (stat(file_.c_str(), &status) != 0) {
        database_.reset();
        return core::unexpected(Error::Code::Unavailable,
                                "the list of calls is not there yet; it is made from the log, try again");
    }
    if (database_ && status.st_dev == device_ && status.st_ino == inode_) return &*database_;
    database_.reset();
    auto database = Database::open(file_, Database::Mode::Read, {}, 500);
    if (!database) return unreadable(database.error());
    device_ = status.st_dev;
    inode_ = status.st_ino;
    return &database_.emplace(std::move(*database));
}

core::Result<json::array> CallList::channels_of(Database& database, std::string_view call) {
    auto rows = database.prepare("SELECT channel FROM call_channel WHERE call=? ORDER BY channel");
    if (!rows) return unreadable(rows.error());
    rows->bind(1, call);
    json::array channels;
    while (rows->step() == Statement::Step::Row) channels.emplace_back(rows->text(0));
    return channels;
}

namespace {

constexpr std::string_view kCallColumns = "SELECT id, bridge, incident, started, ended, talkspurts FROM call";

json::object call_item(const Statement& row, json::array channels) {
    return {{"id", row.text(0)},
            {"channels", std::move(channels)},
            {"bridge", or_null(row.text(1))},
            {"incident", or_null(row.text(2))},
            {"started", time_text(row.integer(3))},
            {"ended", time_text(row.integer(4))},
            {"talkspurts", row.integer(5)}};
}

}  // namespace

core::Result<json::object> CallList::list(const CallFilter& filter) {
    const auto database = open();
    if (!database) return core::Unexpected<Error>{database.error()};
    const auto conditions = conditions_of(filter);
    if (!conditions) return core::Unexpected<Error>{conditions.error()};
    const auto limit = std::clamp<std::size_t>(filter.limit, 1, kMostCalls);
    auto rows = (*database)->prepare(fmt::format("{}{} ORDER BY started DESC, id DESC LIMIT {}", kCallColumns,
                                                 conditions->text(), limit + 1));
    if (!rows) return unreadable(rows.error());
    conditions->bind(*rows);
    json::array items;
    std::string next;
    std::string last;
    Statement::Step step;
    while ((step = rows->step()) == Statement::Step::Row) {
        if (items.size() == limit) {
            next = last;
            break;
        }
        last = fmt::format("{}-{}", rows->integer(3), rows->text(0));
        auto channels = channels_of(**database, rows->text(0));
        if (!channels) return core::Unexpected<Error>{channels.error()};
        items.push_back(call_item(*rows, std::move(*channels)));
    }
    if (step == Statement::Step::Failed) return unreadable(rows->failure("reading"));
    return json::object{{"items", std::move(items)}, {"next", or_null(next)}};
}

core::Result<json::object> CallList::call(std::string_view id,
                                          const std::optional<std::vector<std::string>>& visible_channels) {
    const auto none = [&] {
        return core::unexpected(Error::Code::NotFound, "there is no call with this id");
    };
    if (!is_id(id)) return none();
    const auto database = open();
    if (!database) return core::Unexpected<Error>{database.error()};
    auto row = (*database)->prepare(fmt::format("{} WHERE id=?", kCallColumns));
    if (!row) return unreadable(row.error());
    if (row->bind(1, id).step() != Statement::Step::Row) return none();
    auto channels = channels_of(**database, id);
    if (!channels) return core::Unexpected<Error>{channels.error()};
    auto call = call_item(*row, std::move(*channels));
    auto rows = (*database)->prepare("SELECT seq FROM talkspurt WHERE call=? ORDER BY started, seq");
    if (!rows) return unreadable(rows.error());
    rows->bind(1, id);
    json::array talkspurts;
    while (rows->step() == Statement::Step::Row) {
        auto item = item_of(static_cast<std::uint64_t>(rows->integer(0)), id);
        if (!item || (visible_channels && !is_visible(*item, *visible_channels))) continue;
        talkspurts.push_back(std::move(*item));
    }
    // Somebody else's call is no call.
    if (visible_channels && talkspurts.empty()) return none();
    call["talkspurts"] = std::move(talkspurts);
    return call;
}

core::Result<json::object> CallList::talkspurt(std::string_view id) {
    const auto database = open();
    if (!database) return core::Unexpected<Error>{database.error()};
    auto row = (*database)->prepare("SELECT seq, call FROM talkspurt WHERE id=? ORDER BY seq DESC LIMIT 1");
    if (!row) return unreadable(row.error());
    if (row->bind(1, id).step() != Statement::Step::Row) {
        return core::unexpected(Error::Code::NotFound, "there is no talkspurt with this id");
    }
    auto item = item_of(static_cast<std::uint64_t>(row->integer(0)), row->text(1));
    if (!item)
        return core::unexpected(Error::Code::Unavailable, "the record of this talkspurt cannot be read");
    return std::move(*item);
}

// The index says where; what was said stands in the record. Nothing if that cannot be read.
std::optional<json::object> CallList::item_of(std::uint64_t seq, std::string_view call) {
    const auto rows = source_.read(seq, 1);
    if (!rows || rows->empty() || rows->front().seq != seq) return std::nullopt;
    const auto line = from_canonical(rows->front().body);
    const auto* record = line ? line->if_object() : nullptr;
    const auto talkspurt = record ? talkspurt_of(*record) : std::nullopt;
    if (!talkspurt) return std::nullopt;
    return to_item(*talkspurt, std::string{call});
}

}  // namespace crosspatch::record
