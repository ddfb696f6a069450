#include "verify_consents.hpp"

#include <fmt/format.h>

#include "crosspatch/core/text.hpp"
#include "crosspatch/core/time_text.hpp"
#include "crosspatch/record/canonical.hpp"
#include "position.hpp"

namespace crosspatch::record {
namespace {

namespace json = boost::json;

core::WallTime time_of(const json::object& record) {
    return core::from_rfc3339(text_in(record, "time")).value_or(core::WallTime{});
}

}  // namespace

void ConsentCheck::take(std::uint64_t seq, std::string_view body, Findings& findings) {
    // Few records are about consents; the others are not read a second time.
    if (body.find("\"type\":\"consent.") == std::string_view::npos &&
        body.find("\"type\":\"key.added\"") == std::string_view::npos)
        return;
    const auto line = from_canonical(body);
    const json::object* record = line ? line->if_object() : nullptr;
    if (!record || text_in(*record, "outcome") != "ok") return;
    const std::string type{text_in(*record, "type")};
    if (type == "key.added") take_key(*record);
    if (type == "consent.given") take_given(seq, *record, findings);
    if (type == "consent.revoked" || type == "consent.expired")
        take_ended(*record, type == "consent.revoked");
}

void ConsentCheck::take_key(const json::object& record) {
    const json::object& about = object_in(record, "object");
    if (text_in(about, "kind") != "agency") return;
    if (const auto key = read_public_key(text_in(object_in(record, "detail"), "key")))
        named_[std::string{text_in(about, "id")}] = *key;
}

void ConsentCheck::take_given(std::uint64_t seq, const json::object& record, Findings& findings) {
    const json::object& detail = object_in(record, "detail");
    json::object text;
    for (const char* key : {"statement", "signature"})
        if (const json::value* value = detail.if_contains(key)) text[key] = *value;
    const auto consent = read_consent(text);
    if (!consent)
        return findings.record(seq, "holds a consent that cannot be read: " + consent.error().context);
    const std::string wrong = wrong_with(*consent, record);
    use(consent->statement, time_of(record));
    if (!wrong.empty()) return findings.record(seq, wrong);
    ++report_.consents;
}

// The first thing that makes it no consent of that agency to that bridge at that time.
std::string ConsentCheck::wrong_with(const SignedConsent& consent, const json::object& record) {
    const ConsentStatement& statement = consent.statement;
    const json::object& detail = object_in(record, "detail");
    if (std::string wrong = wrong_key(consent, detail); !wrong.empty()) return wrong;
    if (statement.gateway != log_)
        return fmt::format("takes a consent that was given to another gateway, {}", statement.gateway);
    const auto bridge = text_in(object_in(record, "object"), "id");
    if (statement.bridge != bridge)
        return fmt::format("takes a consent to bridge '{}' for bridge '{}'", statement.bridge,
                           core::escape(bridge));
    if (statement.agency != text_in(detail, "agency"))
        return fmt::format("takes a consent of agency '{}' for '{}'", statement.agency,
                           core::escape(text_in(detail, "agency")));
    // A clock may differ from that of whoever signed, but the gateway said itself when it took it.
    if (statement.expires <= time_of(record))
        return fmt::format("takes a consent that had expired at {}", core::rfc3339(statement.expires, 0));
    if (const auto used = used_.find(statement.id); used != used_.end())
        return fmt::format("takes consent {} a second time{}", statement.id,
                           used->second.revoked ? ", after it was revoked" : "");
    return {};
}

std::string ConsentCheck::wrong_key(const SignedConsent& consent, const json::object& detail) {
    const std::string& agency = consent.statement.agency;
    const auto pin = pins_.find(agency);
    const auto named = named_.find(agency);
    const auto own = read_public_key(text_in(detail, "key"));
    if (pin != pins_.end())
        return verifies(consent, pin->second)
                   ? ""
                   : fmt::format("its consent is not signed with the pinned key of agency '{}'", agency);
    if (named != named_.end() && own && *own != named->second)
        return fmt::format("names another key for agency '{}' than the log did before", agency);
    const PublicKey* key = named != named_.end() ? &named->second : own ? &*own : nullptr;
    if (!key) return fmt::format("names no key for agency '{}'", agency);
    return verifies(consent, *key)
               ? ""
               : fmt::format("its consent is forged: agency '{}' did not sign it", agency);
}

void ConsentCheck::take_ended(const json::object& record, bool revoked) {
    const json::object& detail = object_in(record, "detail");
    const json::value* list = detail.if_contains("consents");
    if (!revoked || !list || !list->is_array()) return;
    for (const json::value& id : list->get_array())
        if (id.is_string())
            if (const auto used = used_.find(std::string{id.get_string()}); used != used_.end())
                used->second.revoked = true;
}

void ConsentCheck::use(const ConsentStatement& statement, core::WallTime at) {
    if (used_.size() >= kMost)
        std::erase_if(used_, [&](const auto& one) { return one.second.expires <= at; });
    if (used_.size() < kMost) used_.try_emplace(statement.id, Used{statement.expires, false});
}

}  // namespace crosspatch::record
