#include "src/app/told_consents.hpp"

#include <algorithm>
#include <optional>

#include "crosspatch/core/time_text.hpp"
#include "crosspatch/record/reader.hpp"

namespace crosspatch::app {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

const value& in(const value& from, std::string_view key) {
    static const value kNothing;
    const object* one = from.if_object();
    const value* found = one ? one->if_contains(key) : nullptr;
    return found ? *found : kNothing;
}

std::optional<std::string> text_in(const value& from, std::string_view key) {
    const boost::json::string* text = in(from, key).if_string();
    return text ? std::optional{std::string{*text}} : std::nullopt;
}

void take_revocation(const value& record, core::WallTime at, ToldConsents& into) {
    const auto bridge = text_in(in(record, "object"), "id");
    const auto agency = text_in(in(record, "detail"), "agency");
    if (!bridge || !agency) return;
    const ToldConsents::OfBridge of{*bridge, *agency};
    const auto pattern = text_in(in(record, "detail"), "template");
    if (in(in(record, "detail"), "standing") == true)
        into.withdrawn.insert(
            {pattern ? bridge::Consents::standing_of_template(*pattern) : *bridge, *agency});
    core::WallTime& last = into.revoked[of];
    last = std::max(last, at);
}

void take_key(const value& record, core::WallTime at, ToldConsents& into) {
    const auto agency = text_in(in(record, "object"), "id");
    const auto text = text_in(in(record, "detail"), "key");
    if (!agency || !text || in(in(record, "object"), "kind") != "agency") return;
    if (const auto key = record::read_public_key(*text)) into.keys[*agency] = {*key, at};
    if (in(in(record, "detail"), "key_kept_by") == "gateway") into.kept.insert(*agency);
}

void take(const value& record, ToldConsents& into) {
    if (in(record, "outcome") != "ok") return;
    const auto at = core::from_rfc3339(text_in(record, "time").value_or("")).value_or(core::WallTime{});
    if (const object* said = in(in(record, "detail"), "statement").if_object())
        if (auto statement = record::read_statement(*said)) into.given.push_back(std::move(*statement));
    if (in(record, "type") == "consent.revoked") take_revocation(record, at, into);
    if (in(record, "type") == "key.added") take_key(record, at, into);
}

// One file, and its first record is there: no part of the log had to be given up.
bool is_in_one_piece(const std::filesystem::path& data_dir, record::Reader& reader) {
    std::error_code failed;
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator{data_dir, failed}) {
        const std::string name = entry.path().filename();
        files += name.starts_with("log") && name.ends_with(".db") ? 1 : 0;
    }
    const auto first = reader.records(std::nullopt, 1);
    const array* items = first ? first->at("items").if_array() : nullptr;
    return files == 1 && items && !items->empty() && items->front().at("seq") == 0;
}

// False: it could not be read to its end.
bool take_all(record::Reader& reader, std::string_view type, ToldConsents& into) {
    std::optional<std::uint64_t> after;
    for (;;) {
        const auto page = reader.records(after, 500, type);
        if (!page) return false;
        const array& items = page->at("items").as_array();
        if (items.empty()) return true;
        for (const value& item : items) take(item, into);
        after = static_cast<std::uint64_t>(items.back().as_object().at("seq").as_int64());
    }
}

}  // namespace

ToldConsents read_told_consents(const std::filesystem::path& data_dir) {
    ToldConsents told;
    record::Reader reader{data_dir};
    const bool in_one_piece = is_in_one_piece(data_dir, reader);
    const bool to_the_end = take_all(reader, "consent.", told) && take_all(reader, "key.", told);
    told.whole = in_one_piece && to_the_end;
    return told;
}

}  // namespace crosspatch::app
