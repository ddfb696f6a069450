#include "crosspatch/api/veil.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <string>

namespace crosspatch::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kPseudonyms = "pseudonyms";
constexpr std::array<std::string_view, 10> kNoNames{"channel", "channels", "to_channel", "bridge", "bridges",
                                                    "agency",  "role",     "type",       "kind",   "call"};

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

// Calls `word` for each run of letters that ids are made of, with where it begins.
template <typename Word>
void each_word(std::string_view text, Word&& word) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        while (at < text.size() && is_word(text[at])) ++at;
        if (at > begin) word(begin, text.substr(begin, at - begin));
        if (at == begin) ++at;
    }
}

void rename_text(json::string& text, const json::object& names) {
    std::string renamed;
    std::size_t copied = 0;
    const std::string_view whole = text;
    each_word(whole, [&](std::size_t begin, std::string_view word) {
        const json::value* pseudonym = names.if_contains(word);
        if (!pseudonym || !pseudonym->is_string()) return;
        renamed += whole.substr(copied, begin - copied);
        renamed += std::string_view{pseudonym->get_string()};
        copied = begin + word.size();
    });
    if (copied == 0) return;
    renamed += whole.substr(copied);
    text = renamed;
}

// Every text in which a name may stand.
void each_text(const json::value& value, const std::function<void(std::string_view)>& text) {
    if (value.is_string()) text(value.get_string());
    if (value.is_array())
        for (const json::value& one : value.get_array()) each_text(one, text);
    if (!value.is_object()) return;
    for (const auto& [key, one] : value.get_object())
        if (std::ranges::find(kNoNames, std::string_view{key}) == kNoNames.end()) each_text(one, text);
}

json::object* object_in(json::object& record, std::string_view key) {
    json::value* found = record.if_contains(key);
    return found ? found->if_object() : nullptr;
}

}  // namespace

void rename(json::value& shown, const json::object& names) {
    if (names.empty()) return;
    if (shown.is_string()) rename_text(shown.get_string(), names);
    if (shown.is_array())
        for (json::value& one : shown.get_array()) rename(one, names);
    if (!shown.is_object()) return;
    for (auto& pair : shown.get_object())
        if (std::ranges::find(kNoNames, std::string_view{pair.key()}) == kNoNames.end())
            rename(pair.value(), names);
}

json::object named_in(const json::object& hidden, std::initializer_list<const json::object*> parts) {
    json::object found;
    for (const auto& [agency, names] : hidden) {
        json::object named;
        const auto look = [&](std::string_view text) {
            each_word(text, [&](std::size_t, std::string_view word) {
                if (const json::value* pseudonym = names.get_object().if_contains(word))
                    named[word] = *pseudonym;
            });
        };
        for (const json::object* part : parts) each_text(json::value(*part), look);
        if (!named.empty()) found[agency] = std::move(named);
    }
    return found;
}

bool caused_by(const json::object& record, std::string_view agency) {
    const json::value* actor = record.if_contains("actor");
    const json::object* who = actor ? actor->if_object() : nullptr;
    const json::value* found = who ? who->if_contains("agency") : nullptr;
    return found && found->is_string() && found->get_string() == agency;
}

void veil(json::object& shown, std::string_view agency, bool is_own) {
    if (agency.empty()) return;
    json::object* holder = shown.contains(kPseudonyms) ? &shown : object_in(shown, "detail");
    json::object* pseudonyms = holder ? object_in(*holder, kPseudonyms) : nullptr;
    if (!pseudonyms) return;
    json::object names;
    if (json::object* of_agency = object_in(*pseudonyms, agency)) names = std::move(*of_agency);
    pseudonyms->erase(agency);
    if (!is_own || pseudonyms->empty()) holder->erase(kPseudonyms);
    if (names.empty()) return;
    // What a radio claims on the air is as good as a name, and where it sends from says which it is.
    if (json::object* detail = object_in(shown, "detail"); detail && !is_own)
        if (json::object* claimed = object_in(*detail, "claimed")) claimed->erase("user_id");
    if (!is_own) shown.erase("source");
    json::value all = std::move(shown);
    rename(all, names);
    shown = std::move(all.get_object());
}

}  // namespace crosspatch::api
