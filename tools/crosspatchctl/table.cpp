#include "table.hpp"

#include <algorithm>

#include "crosspatch/core/text.hpp"

namespace crosspatch::ctl {

const boost::json::value* at(const boost::json::object& object, const std::string& key) {
    const auto dot = key.find('.');
    const boost::json::value* value = object.if_contains(key.substr(0, dot));
    if (!value || dot == std::string::npos) return value;
    return value->is_object() ? at(value->as_object(), key.substr(dot + 1)) : nullptr;
}

namespace {

// What a person calls one of a list: a leg by its channel, who waits by the talker.
const boost::json::value& name_of(const boost::json::value& item) {
    if (!item.is_object()) return item;
    for (const char* key : {"channel", "talker"})
        if (const boost::json::value* name = item.as_object().if_contains(key)) return *name;
    return item;
}

// `metro-pd given until 2026-11-23T00:00:00Z (own key)`, of one agency's consent to a bridge; empty: it is something else.
std::string consent_of(const boost::json::value& item) {
    const boost::json::object* one = item.if_object();
    if (!one || !one->contains("agency") || !one->contains("state")) return {};
    const auto text = [&](const char* key) {
        const boost::json::value* found = one->if_contains(key);
        return found && found->is_string() ? core::escape(found->get_string()) : std::string{};
    };
    std::string words = text("agency") + " " + text("state");
    if (const auto until = text("until"); !until.empty()) words += " until " + until;
    if (const auto ended = text("ended"); !ended.empty()) words += " (ended: " + ended + ")";
    return words + (text("key_kept_by") == "gateway" ? " (gateway's key)" : " (own key)");
}

}  // namespace

std::string cell(const boost::json::value& value) {
    if (value.is_null()) return "-";
    if (value.is_string()) return core::escape(value.as_string());
    if (!value.is_array()) return core::escape(boost::json::serialize(value));
    std::string text;
    for (const boost::json::value& item : value.as_array()) {
        const std::string consent = consent_of(item);
        text += (text.empty() ? "" : ",") + (consent.empty() ? cell(name_of(item)) : consent);
    }
    return text.empty() ? "-" : text;
}

std::string pairs(const boost::json::object& object, const std::string& key) {
    const boost::json::value* found = object.if_contains(key);
    std::string text;
    if (!found || !found->is_object()) return text;
    for (const auto& [name, value] : found->as_object())
        text += (text.empty() ? "" : " ") + core::escape(name) + "=" + cell(value);
    return text;
}

std::string table(const boost::json::array& items, const std::vector<Column>& columns) {
    std::vector<std::vector<std::string>> rows;
    rows.emplace_back();
    for (const Column& column : columns) rows.back().push_back(column.title);
    for (const boost::json::value& item : items) {
        rows.emplace_back();
        for (const Column& column : columns) {
            const boost::json::value* value = item.is_object() ? at(item.as_object(), column.key) : nullptr;
            rows.back().push_back(value ? cell(*value) : "-");
        }
    }
    std::vector<std::size_t> widths(columns.size(), 0);
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    std::string text;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i)
            line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text;
}

}  // namespace crosspatch::ctl
