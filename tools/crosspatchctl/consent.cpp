#include "consent.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iostream>
#include <iterator>

#include "crosspatch/core/file.hpp"
#include "crosspatch/core/text.hpp"
#include "crosspatch/core/time_text.hpp"
#include "crosspatch/record/canonical.hpp"
#include "crosspatch/record/consent.hpp"
#include "table.hpp"

namespace crosspatch::ctl {
namespace {

namespace json = boost::json;
using core::Error;
constexpr std::size_t kMaxFile = 64 << 20;
constexpr std::chrono::hours kUsual{8};

core::Unexpected<Error> refuse(std::string why) {
    return core::unexpected(Error::Code::Invalid, std::move(why));
}

core::Result<std::chrono::seconds> read_duration(const std::string& text) {
    long count = 0;
    const char* end = text.data() + text.size();
    const auto [unit, failed] = std::from_chars(text.data(), end, count);
    const std::string_view suffix{unit, static_cast<std::size_t>(end - unit)};
    const long seconds = suffix == "s"   ? 1
                         : suffix == "m" ? 60
                         : suffix == "h" ? 3600
                         : suffix == "d" ? 86400
                                         : 0;
    if (failed != std::errc{} || count < 1 || count > 100'000'000 || seconds == 0)
        return refuse(
            fmt::format("'{}' is not a duration; write it as 8h, 30m, 90s or 2d", core::escape(text)));
    return std::chrono::seconds{count * seconds};
}

std::string text_in(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value && value->is_string() ? std::string{value->get_string()} : std::string{};
}

const json::object* object_in(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value ? value->if_object() : nullptr;
}

// The agency on the bridge that has this key.
std::string agency_of(const json::object& terms, const std::string& key) {
    const json::value* agencies = terms.if_contains("agencies");
    if (agencies && agencies->is_array())
        for (const json::value& one : agencies->get_array())
            if (one.is_object() && text_in(one.get_object(), "key") == key)
                return text_in(one.get_object(), "id");
    return {};
}

}  // namespace

core::Result<Span> read_term(const Term& term, core::WallTime now) {
    Span span{.from = std::chrono::floor<std::chrono::seconds>(now)};
    if (!term.begins.empty()) {
        const auto from = core::from_rfc3339(term.begins);
        if (!from) return refuse("--not-before is not a time; write it as 2026-11-22T16:00:00Z");
        span.from = *from;
    }
    span.until = span.from + kUsual;
    if (!term.for_time.empty()) {
        const auto length = read_duration(term.for_time);
        if (!length) return core::Unexpected<Error>{length.error()};
        span.until = span.from + *length;
    }
    if (!term.expires.empty()) {
        const auto until = core::from_rfc3339(term.expires);
        if (!until) return refuse("--expires is not a time; write it as 2026-11-22T16:00:00Z");
        span.until = *until;
    }
    if (span.until <= span.from) return refuse("the consent would end before it begins");
    return span;
}

core::Result<std::string> sign_consent(const json::object& terms, const std::string& bridge,
                                       const std::string& key_file, const Span& span) {
    const auto key = record::read_signing_key(key_file);
    if (!key) return core::Unexpected<Error>{key.error()};
    if (text_in(terms, "bridge") != bridge)
        return refuse(fmt::format("these are the terms of bridge '{}', not of '{}'",
                                  core::escape(text_in(terms, "bridge")), core::escape(bridge)));
    const json::object* document = object_in(terms, "document");
    const auto hash = document ? record::hash_terms(*document) : refuse("there is no `document`");
    if (!hash) return refuse("these are not the terms of a bridge: " + hash.error().context);
    if (*hash != text_in(terms, "terms"))
        return refuse(
            "the terms do not give the hash that stands beside them: were they changed on the way?");
    const std::string own = record::key_text(key->public_key());
    const std::string agency = agency_of(terms, own);
    if (agency.empty())
        return refuse(fmt::format("no agency on bridge '{}' has the key {}", core::escape(bridge), own));
    // Through the reader that the gateway has: what it would not take is not signed.
    const json::object said{{"v", 1},
                            {"id", record::new_consent_id()},
                            {"gateway", text_in(terms, "gateway")},
                            {"bridge", bridge},
                            {"agency", agency},
                            {"not_before", core::rfc3339(span.from, 0)},
                            {"expires", core::rfc3339(span.until, 0)},
                            {"agreement", text_in(terms, "agreement")},
                            {"terms", *hash}};
    auto statement = record::read_statement(said);
    if (!statement) return core::Unexpected<Error>{statement.error()};
    return record::to_canonical(record::to_json(record::sign(std::move(*statement), *key)));
}

std::string describe_terms(const json::object& terms) {
    std::string text;
    const auto line = [&](std::string_view name, const std::string& what) {
        text += fmt::format("{:<10} {}\n", name, record::presentable(what));
    };
    for (const char* key : {"bridge", "gateway", "agreement"}) line(key, core::escape(text_in(terms, key)));
    if (const json::value* agencies = terms.if_contains("agencies"); agencies && agencies->is_array())
        for (const json::value& one : agencies->get_array())
            if (one.is_object())
                line("agency", cell(one.at("id")) + "  " + cell(one.at("key")) + "  kept by the " +
                                   cell(one.at("key_kept_by")));
    const json::object* document = object_in(terms, "document");
    const json::object* channels = document ? object_in(*document, "channels") : nullptr;
    if (!channels) return text;
    for (const auto& pair : *channels) {
        const auto of = [&](std::string_view key) {
            const json::object* all = object_in(*document, key);
            const json::value* one = all ? all->if_contains(pair.key()) : nullptr;
            return one ? *one : json::value{};
        };
        line("channel", fmt::format("{}  {}  {}  {}", core::escape(pair.key()), cell(pair.value()),
                                    cell(of("sensitivity")), cell(of("directions"))));
        for (const char* side : {"outbound", "inbound"})
            if (const json::value rules = of(side); rules.is_array())
                for (const json::value& rule : rules.get_array())
                    line(fmt::format("  {}", side), json::serialize(rule));
    }
    if (const json::object* labels = object_in(*document, "sensitivity");
        labels && labels->contains("at_most"))
        line("at most", cell(labels->at("at_most")));
    for (const char* key : {"preemption", "retention"})
        if (const json::object* one = object_in(*document, key)) line(key, json::serialize(*one));
    line("terms", core::escape(text_in(terms, "terms")));
    return text;
}

core::Result<std::string> generate_key(const std::string& file) {
    const record::SigningKey key = record::SigningKey::generate();
    if (const auto written = record::write_signing_key(file, key); !written)
        return core::Unexpected<Error>{written.error()};
    return "key: '" + record::key_text(key.public_key()) + "'";
}

core::Result<json::object> read_json(const std::string& file) {
    std::string text;
    if (file == "-") {
        text.assign(std::istreambuf_iterator<char>{std::cin}, {});
    } else {
        const auto octets = core::read_file(file, kMaxFile);
        if (!octets) return core::Unexpected<Error>{octets.error()};
        text.assign(reinterpret_cast<const char*>(octets->data()), octets->size());
    }
    boost::system::error_code failed;
    json::value value = json::parse(text, failed);
    if (failed || !value.is_object())
        return refuse(fmt::format("{}: this is not a JSON object", file == "-" ? "standard input" : file));
    return std::move(value.get_object());
}

}  // namespace crosspatch::ctl
