#include "crosspatch/record/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "call_list.hpp"
#include "crosspatch/record/canonical.hpp"
#include "crosspatch/record/merkle.hpp"
#include "personal.hpp"
#include "position.hpp"
#include "source.hpp"

namespace crosspatch::record {

namespace json = boost::json;
using core::Error;
using sqlite::Database;
using sqlite::Statement;

namespace {

constexpr std::size_t kMostRecords = 1000;

core::Unexpected<Error> no_such_record(std::uint64_t seq) {
    return core::unexpected(Error::Code::NotFound, fmt::format("there is no record {}", seq));
}

// The record with `id` and `leaf` on top. A line that is damaged is shown as it is, and said to be.
json::object to_item(const RecordSource::Row& row) {
    const auto line = from_canonical(row.body);
    json::object item;
    if (line && line->is_object()) {
        item = line->get_object();
    } else {
        item["damaged"] = presentable(row.body);
    }
    item["id"] = std::to_string(row.seq);
    item["leaf"] = row.leaf;
    return item;
}

}  // namespace

struct Reader::Impl {
    explicit Impl(std::filesystem::path dir)
        : data_dir{std::move(dir)}, source{data_dir}, calls{data_dir, source} {}

    core::Result<RecordSource::Row> row(std::uint64_t seq) {
        auto rows = source.read(seq, 1);
        if (!rows) return core::Unexpected<Error>{rows.error()};
        if (rows->empty() || rows->front().seq != seq) return no_such_record(seq);
        return std::move(rows->front());
    }

    std::filesystem::path data_dir;
    RecordSource source;
    CallList calls;
};

Reader::Reader(std::filesystem::path data_dir) : impl_{std::make_unique<Impl>(std::move(data_dir))} {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;

core::Result<json::object> Reader::calls(const CallFilter& filter) { return impl_->calls.list(filter); }

core::Result<json::object> Reader::call(std::string_view id,
                                        const std::optional<std::vector<std::string>>& visible_channels) {
    return impl_->calls.call(id, visible_channels);
}

core::Result<json::object> Reader::talkspurt(std::string_view id) { return impl_->calls.talkspurt(id); }

core::Result<json::object> Reader::records(std::optional<std::uint64_t> after, std::size_t limit,
                                           std::string_view type_prefix) {
    limit = std::clamp<std::size_t>(limit, 1, kMostRecords);
    const auto rows = impl_->source.read(after ? *after + 1 : 0, limit, type_prefix);
    if (!rows) return core::Unexpected<Error>{rows.error()};
    json::array items;
    for (const auto& row : *rows) {
        auto item = to_item(row);
        if (text_in(item, "type").starts_with(type_prefix)) items.push_back(std::move(item));
    }
    json::object page{{"items", std::move(items)}, {"next", nullptr}};
    // A reader that follows the log comes back with the last number it saw.
    if (!rows->empty()) page["next"] = std::to_string(rows->back().seq);
    if (rows->empty() && after) page["next"] = std::to_string(*after);
    return page;
}

core::Result<json::object> Reader::last_records(std::size_t count) {
    count = std::clamp<std::size_t>(count, 1, kMostRecords);
    const auto size = impl_->source.size();
    if (!size) return core::Unexpected<Error>{size.error()};
    if (*size <= count) return records({}, count);
    return records(*size - count - 1, count);
}

core::Result<json::object> Reader::record(std::uint64_t seq) {
    auto row = impl_->row(seq);
    if (!row) return core::Unexpected<Error>{row.error()};
    return to_item(*row);
}

core::Result<std::string> Reader::line(std::uint64_t seq) {
    auto row = impl_->row(seq);
    if (!row) return core::Unexpected<Error>{row.error()};
    return std::move(row->body);
}

core::Result<std::string> Reader::checkpoint() {
    auto* file = impl_->source.newest();
    if (!file) return core::unexpected(Error::Code::Unavailable, "there is no log file that can be read");
    auto note = file->word("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1");
    if (!note) return core::Unexpected<Error>{note.error().to_error()};
    if (!*note)
        return core::unexpected(Error::Code::NotFound,
                                "nothing is signed yet; the first checkpoint follows in 10 s");
    return std::move(**note);
}

core::Result<json::object> Reader::personal(std::uint64_t seq) {
    const auto row = impl_->row(seq);
    if (!row) return core::Unexpected<Error>{row.error()};
    auto* file = impl_->source.file_of(seq);
    auto texts = file->prepare("SELECT name, key, sealed FROM personal WHERE seq=?");
    if (!texts) return core::Unexpected<Error>{texts.error().to_error()};
    texts->bind(1, static_cast<std::int64_t>(seq));
    const auto record = to_item(*row);
    const auto* commitments = record.contains("personal") ? record.at("personal").if_array() : nullptr;
    const auto keys = PersonalKeys::open_to_read(impl_->data_dir / "keys" / "personal.keys");
    json::object out;
    while (texts->step() == Statement::Step::Row) {
        const std::string name{texts->text(0)};
        std::optional<Hash> commitment;
        for (std::size_t i = 0; commitments && i < commitments->size(); ++i) {
            const auto* one = (*commitments)[i].if_object();
            if (one && text_in(*one, "name") == name) commitment = hash_from_hex(text_in(*one, "commitment"));
        }
        const auto key = keys ? keys->read(static_cast<std::uint64_t>(texts->integer(1)))
                              : core::Result<core::Secret>{core::Unexpected<Error>{keys.error()}};
        if (!key) {
            out[name] = "erased";
            continue;
        }
        const auto place = personal_place(text_in(record, "log"), seq, name);
        const auto text = open_text(*key, place, texts->blob(2), commitment.value_or(Hash{}));
        out[name] = text ? *text : "damaged";
    }
    return out;
}

}  // namespace crosspatch::record
