#include "verify_consents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "crosspatch/core/text.hpp"
#include "crosspatch/core/time_text.hpp"
#include "crosspatch/record/canonical.hpp"
#include "position.hpp"

namespace crosspatch::record {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kSlack{1};  // consents' times are whole seconds

core::WallTime time_of(const json::object& record) {
    return core::from_rfc3339(text_in(record, "time")).value_or(core::WallTime{});
}

}  // namespace

void ConsentCheck::take(std::uint64_t seq, std::string_view body, Findings& findings) {
    in_part_ |= seq != next_;
    next_ = seq + 1;
    // Few records are about consents; the others are not read a second time.
    const auto is = [&](std::string_view type) { return body.find(type) != std::string_view::npos; };
    if (!is("\"type\":\"consent.") && !is("\"type\":\"key.added\"") && !is("\"type\":\"bridge.opened\""))
        return;
    const auto line = from_canonical(body);
    const json::object* record = line ? line->if_object() : nullptr;
    if (!record || text_in(*record, "outcome") != "ok") return;
    const std::string type{text_in(*record, "type")};
    if (type == "key.added") take_key(*record);
    if (type == "consent.given") take_given(seq, *record, findings);
    if (type == "consent.revoked") take_revoked(*record);
    if (type == "consent.expired") take_expired(*record);
    if (type == "bridge.opened") take_opened(seq, *record, findings);
}

ConsentCheck::Moment ConsentCheck::moment_of(const json::object& record) {
    Moment moment{time_of(record), {}};
    const std::string_view mono = text_in(record, "mono_ns");
    std::int64_t count = 0;
    if (std::from_chars(mono.data(), mono.data() + mono.size(), count).ec == std::errc{})
        moment.mono = std::chrono::nanoseconds{count};
    return moment;
}

void ConsentCheck::take_key(const json::object& record) {
    const json::object& about = object_in(record, "object");
    const json::object& detail = object_in(record, "detail");
    if (text_in(about, "kind") != "agency") return;
    if (const auto key = read_public_key(text_in(detail, "key")))
        named_[std::string{text_in(about, "id")}] = {*key, text_in(detail, "key_kept_by") == "gateway"};
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
    use(consent->statement, record);
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
    // A clock may differ from that of whoever signed, but the gateway said itself when it took it; what it took in the last
    // second may be on record in the next.
    if (statement.expires + kSlack <= time_of(record))
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
    if (named != named_.end() && own && *own != named->second.key)
        return fmt::format("names another key for agency '{}' than the log did before", agency);
    const PublicKey* key = named != named_.end() ? &named->second.key : own ? &*own : nullptr;
    if (!key) return fmt::format("names no key for agency '{}'", agency);
    return verifies(consent, *key)
               ? ""
               : fmt::format("its consent is forged: agency '{}' did not sign it", agency);
}

void ConsentCheck::take_revoked(const json::object& record) {
    const json::value* list = object_in(record, "detail").if_contains("consents");
    if (!list || !list->is_array()) return;
    for (const json::value& id : list->get_array())
        if (id.is_string())
            if (const auto used = used_.find(std::string{id.get_string()}); used != used_.end())
                used->second.revoked = true;
}

void ConsentCheck::take_expired(const json::object& record) {
    const auto used = used_.find(std::string{text_in(object_in(record, "detail"), "id")});
    if (used != used_.end()) used->second.ended = true;
}

void ConsentCheck::take_opened(std::uint64_t seq, const json::object& record, Findings& findings) {
    const json::value* list = object_in(record, "detail").if_contains("consents");
    if (!list || !list->is_array()) return;  // versions before did not write them
    const auto bridge = core::escape(text_in(object_in(record, "object"), "id"));
    for (const json::value& said : list->get_array()) {
        const std::string wrong = said.is_object() ? wrong_opening(said.get_object(), record)
                                                   : std::string{"what it says of that cannot be read"};
        if (wrong.empty()) continue;
        const auto agency = said.is_object() ? core::escape(text_in(said.get_object(), "agency")) : "?";
        findings.record(seq, fmt::format("opens bridge '{}' without the consent of agency '{}': {}", bridge,
                                         agency, wrong));
    }
    ++report_.openings;
}

// Why the agency had not consented then; empty: it had, or nobody can tell.
std::string ConsentCheck::wrong_opening(const json::object& said, const json::object& record) const {
    const std::string agency{text_in(said, "agency")};
    const std::string_view state = text_in(said, "state");
    if (state == "given") return wrong_given(agency, std::string{text_in(said, "consent")}, record);
    if (state != "standing") return fmt::format("the record says so itself ({})", core::escape(state));
    const auto named = named_.find(agency);
    if (named == named_.end())
        return in_part_ ? "" : "it stands by the gateway's key, and the log names no key of that agency";
    if (!named->second.kept_here)
        return "only where the gateway keeps the key a consent can stand, and this agency keeps it itself";
    const auto key = read_public_key(text_in(said, "key"));
    return key && *key == named->second.key ? "" : "it stands by another key than the log names";
}

std::string ConsentCheck::wrong_given(const std::string& agency, const std::string& id,
                                      const json::object& record) const {
    const auto found = used_.find(id);
    if (found == used_.end())
        return in_part_ || report_.consents_beyond > 0
                   ? ""
                   : fmt::format("consent {} is not on record before", core::escape(id));
    const Used& used = found->second;
    const auto bridge = text_in(object_in(record, "object"), "id");
    if (used.agency != agency || used.bridge != bridge)
        return fmt::format("consent {} is one of agency '{}' to bridge '{}'", id, used.agency, used.bridge);
    if (used.revoked) return fmt::format("consent {} was revoked before", id);
    if (used.ended) return fmt::format("consent {} had ended", id);
    const auto terms = text_in(object_in(record, "detail"), "terms");
    if (!terms.empty() && terms != used.terms) return fmt::format("consent {} is one to other terms", id);
    // By both clocks; after a restart the monotonic one counts from elsewhere, and only the other is left.
    const Moment now = moment_of(record);
    const std::chrono::nanoseconds passed = now.wall - used.given.wall;
    const std::chrono::nanoseconds ticked = now.mono >= used.given.mono ? now.mono - used.given.mono : passed;
    if (std::min(passed, ticked) >= used.expires - used.given.wall + kSlack)
        return fmt::format("consent {} had run out at {}", id, core::rfc3339(used.expires, 0));
    if (std::max(passed, ticked) + kSlack < used.begins - used.given.wall)
        return fmt::format("consent {} begins at {}", id, core::rfc3339(used.begins, 0));
    return {};
}

void ConsentCheck::use(const ConsentStatement& statement, const json::object& record) {
    const Moment given = moment_of(record);
    if (used_.size() >= most_)
        std::erase_if(used_, [&](const auto& one) { return one.second.expires + kSlack <= given.wall; });
    if (used_.size() >= most_) {
        ++report_.consents_beyond;
        return;
    }
    used_.try_emplace(statement.id, Used{statement.not_before, statement.expires, given, statement.bridge,
                                         statement.agency, statement.terms, false, false});
}

}  // namespace crosspatch::record
