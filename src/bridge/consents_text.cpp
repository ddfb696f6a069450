// Consents in words and on disk: consents.hpp.
#include <fmt/format.h>
#include <sodium.h>

#include <array>

#include "crosspatch/bridge/consents.hpp"
#include "crosspatch/core/text.hpp"

namespace crosspatch::bridge {
namespace {

namespace json = boost::json;
using core::Error;

std::string digest(std::string_view text) {
    std::array<std::byte, crypto_hash_sha256_BYTES> hash;
    crypto_hash_sha256(reinterpret_cast<unsigned char*>(hash.data()),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size());
    return core::to_hex(hash);
}

// Thrown inside parse() only: the first thing that is not as text() writes it.
struct NotOurs {};

const json::value& at(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    if (!value) throw NotOurs{};
    return *value;
}

std::string text_at(const json::object& object, std::string_view key) {
    const json::string* text = at(object, key).if_string();
    if (!text) throw NotOurs{};
    return std::string{*text};
}

core::WallTime time_at(const json::object& object, std::string_view key) {
    const std::int64_t* time = at(object, key).if_int64();
    if (!time || *time < 0) throw NotOurs{};
    return core::WallTime{std::chrono::nanoseconds{*time}};
}

const json::array& list_at(const json::object& object, std::string_view key) {
    const json::array* list = at(object, key).if_array();
    if (!list) throw NotOurs{};
    return *list;
}

const json::object& object_of(const json::value& value) {
    const json::object* object = value.if_object();
    if (!object) throw NotOurs{};
    return *object;
}

record::PublicKey key_at(const json::object& object, std::string_view key) {
    const auto read = record::read_public_key(text_at(object, key));
    if (!read) throw NotOurs{};
    return *read;
}

// As far away as it is by the wall clock, but not farther than a consent can reach.
core::Time away(core::WallTime time, core::WallTime wall, core::Time now) {
    if (time <= wall) return now;
    return now + std::min<core::Duration>(time - wall, Consents::kLongest);
}

bool flag_at(const json::object& object, std::string_view key) {
    const bool* flag = at(object, key).if_bool();
    if (!flag) throw NotOurs{};
    return *flag;
}

Consents::Given given_of(const json::object& object, std::string_view log, core::WallTime wall,
                         core::Time now) {
    const auto consent = record::read_consent(object_of(at(object, "consent")));
    if (!consent) throw NotOurs{};
    const record::ConsentStatement& statement = consent->statement;
    Consents::Given given{*consent, key_at(object, "key"), away(statement.not_before, wall, now),
                          away(statement.expires, wall, now), statement.gateway != log};
    if (!record::verifies(given.consent, given.key)) throw NotOurs{};
    return given;
}

}  // namespace

std::string_view word(ConsentRefusal refusal) {
    static constexpr std::array<std::string_view, 14> kWords{"other_gateway",
                                                             "other_bridge",
                                                             "not_on_bridge",
                                                             "forged",
                                                             "revoked",
                                                             "replayed",
                                                             "forgotten",
                                                             "signed_before_revocation",
                                                             "expired",
                                                             "too_long",
                                                             "other_terms",
                                                             "other_agreement",
                                                             "too_many_of_agency",
                                                             "too_many"};
    return kWords[static_cast<std::size_t>(refusal)];
}

std::string_view word(ConsentEnd end) {
    static constexpr std::array<std::string_view, 7> kWords{"time",   "terms",   "agreement", "key",
                                                            "bridge", "revoked", "gateway"};
    return kWords[static_cast<std::size_t>(end)];
}

std::string explain(ConsentRefusal refusal, const record::ConsentStatement& statement,
                    const ConsentFacts& facts) {
    const std::string& bridge = facts.bridge.id;
    const auto time = [](core::WallTime when) { return core::rfc3339(when, 0); };
    switch (refusal) {
        case ConsentRefusal::OtherGateway:
            return fmt::format(
                "this consent was given to gateway {}, and this is {}: take the terms from here",
                statement.gateway, facts.log);
        case ConsentRefusal::OtherBridge:
            return fmt::format("this consent is for bridge '{}', not for '{}'", statement.bridge, bridge);
        case ConsentRefusal::NotOnBridge:
            return fmt::format("agency '{}' has no channel on bridge '{}'", statement.agency, bridge);
        case ConsentRefusal::Forged:
            return fmt::format(
                "the signature is not that of agency '{}': another key signed it, or it was changed since",
                statement.agency);
        case ConsentRefusal::Revoked:
            return fmt::format("consent {} was revoked and never counts again; sign a new one", statement.id);
        case ConsentRefusal::Replayed:
            return fmt::format("consent {} was accepted before, and each is taken once; sign a new one",
                               statement.id);
        case ConsentRefusal::Forgotten:
            return "this gateway has lost its list of consents, and this one may have been on it: sign a new "
                   "one, "
                   "which begins now";
        case ConsentRefusal::SignedBeforeRevocation:
            return fmt::format(
                "agency '{}' has taken back what it had said to bridge '{}', and this consent begins at {}, "
                "not "
                "after that: sign again, a new one that begins now",
                statement.agency, bridge, time(statement.not_before));
        case ConsentRefusal::Expired:
            return fmt::format("this consent expired at {}, and now it is {}", time(statement.expires),
                               time(facts.wall));
        case ConsentRefusal::TooLong:
            return fmt::format("this consent would hold from {} until {}; the longest is 366 days",
                               time(statement.not_before), time(statement.expires));
        case ConsentRefusal::OtherTerms:
            return fmt::format(
                "the terms of bridge '{}' are not those that were signed (theirs {}, signed {}): read them "
                "with "
                "`crosspatchctl bridge terms {}` and sign again",
                bridge, facts.bridge.terms.substr(0, 16), statement.terms.substr(0, 16), bridge);
        case ConsentRefusal::OtherAgreement:
            return fmt::format("this consent is under the agreement '{}', and bridge '{}' is under '{}'",
                               statement.agreement, bridge, facts.bridge.agreement);
        case ConsentRefusal::TooManyOfAgency:
            return fmt::format(
                "agency '{}' has given {} consents to bridge '{}' that have not ended, and no more are kept: "
                "one of them is enough, or take them back with `crosspatchctl bridge revoke {}`",
                statement.agency, Consents::kMostOfAgency, bridge, bridge);
        case ConsentRefusal::TooMany:
            break;
    }
    return fmt::format("{} consents have not expired yet, and no more are kept", Consents::kMost);
}

json::object revocation_json(const std::string& agency, bool stood,
                             const std::vector<Consents::Ended>& ended) {
    json::array ids;
    for (const Consents::Ended& one : ended)
        if (ids.size() < kMostIdsOnRecord) ids.emplace_back(one.given.consent.statement.id);
    return {{"agency", agency},
            {"standing", stood},
            {"count", static_cast<std::int64_t>(ended.size())},
            {"consents", std::move(ids)}};
}

std::string Consents::text() const {
    const auto count = [](core::WallTime time) { return time.time_since_epoch().count(); };
    json::array given;
    for (const Given& one : given_)
        given.push_back(
            json::object{{"consent", record::to_json(one.consent)}, {"key", record::key_text(one.key)}});
    json::array spent;
    for (const auto& [id, one] : spent_)
        spent.push_back(
            json::object{{"id", id}, {"expires_ns", count(one.expires)}, {"revoked", one.revoked}});
    json::array withdrawn;
    for (const auto& [bridge, agency] : withdrawn_)
        withdrawn.push_back(json::object{{"bridge", bridge}, {"agency", agency}});
    json::array revoked;
    for (const auto& [of, one] : revoked_)
        revoked.push_back(
            json::object{{"bridge", of.first}, {"agency", of.second}, {"at_ns", count(one.at)}});
    json::array recorded;
    for (const auto& [agency, key] : recorded_)
        recorded.push_back(json::object{
            {"agency", agency}, {"key", record::key_text(key.key)}, {"since_ns", count(key.since)}});
    const std::string line =
        json::serialize(json::object{{"given", std::move(given)},
                                     {"spent", std::move(spent)},
                                     {"withdrawn", std::move(withdrawn)},
                                     {"revocations", std::move(revoked)},
                                     {"recorded", std::move(recorded)},
                                     {"keys_kept", json::array(kept_.begin(), kept_.end())},
                                     {"forgotten_before_ns", count(forgotten_before_)},
                                     {"standing_unknown", standing_unknown_}});
    return line + "\n" + digest(line) + "\n";
}

core::Result<Consents> Consents::parse(std::string_view text, std::string_view log, core::WallTime wall,
                                       core::Time now) {
    const auto damaged = core::unexpected(Error::Code::Invalid, "this is not what crosspatchd writes there");
    const auto end = text.find('\n');
    if (end == std::string_view::npos || text.substr(end + 1) != digest(text.substr(0, end)) + "\n")
        return damaged;
    boost::system::error_code failed;
    const json::value value = json::parse({text.data(), end}, failed);
    if (failed || !value.is_object()) return damaged;
    const json::object& object = value.get_object();
    Consents consents;
    try {
        for (const json::value& one : list_at(object, "given"))
            consents.given_.push_back(given_of(object_of(one), log, wall, now));
        for (const json::value& one : list_at(object, "spent")) {
            const json::object& entry = object_of(one);
            const core::WallTime expires = time_at(entry, "expires_ns");
            consents.spent_[text_at(entry, "id")] = {expires, away(expires, wall, now),
                                                     flag_at(entry, "revoked")};
        }
        for (const json::value& one : list_at(object, "withdrawn"))
            consents.withdrawn_.insert(
                {text_at(object_of(one), "bridge"), text_at(object_of(one), "agency")});
        // Versions before did not write revocations, nor which keys were kept and since when.
        if (object.contains("revocations"))
            for (const json::value& one : list_at(object, "revocations")) {
                const json::object& entry = object_of(one);
                const core::WallTime at = time_at(entry, "at_ns");
                consents.revoked_[{text_at(entry, "bridge"), text_at(entry, "agency")}] = {
                    at, away(at + kLongest, wall, now)};
            }
        for (const json::value& one : list_at(object, "recorded")) {
            const json::object& entry = object_of(one);
            consents.recorded_[text_at(entry, "agency")] = {
                key_at(entry, "key"),
                entry.contains("since_ns") ? time_at(entry, "since_ns") : core::WallTime{}};
        }
        if (object.contains("keys_kept"))
            for (const json::value& one : list_at(object, "keys_kept")) {
                if (!one.is_string()) throw NotOurs{};
                consents.kept_.emplace(one.get_string());
            }
        consents.forgotten_before_ = time_at(object, "forgotten_before_ns");
        consents.standing_unknown_ = flag_at(object, "standing_unknown");
    } catch (const NotOurs&) {
        return damaged;
    }
    if (consents.given_.size() + consents.spent_.size() > kMost ||
        consents.revoked_.size() > kMostRevocations)
        return damaged;
    return consents;
}

}  // namespace crosspatch::bridge
