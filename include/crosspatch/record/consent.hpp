#pragma once
#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/record/agency_key.hpp"

namespace crosspatch::record {

// What an agency signs when it says yes to a bridge.
//
// Shape    signed are the octets `crosspatch-consent-v1\n` ‖ RFC 8785 JSON of {v, id, gateway, bridge, agency, not_before,
//          expires, agreement, terms}: `v` is 1, `id` 32 hex digits, `gateway` a log id, `terms` 64 hex digits (lower
//          case), `bridge` and `agency` ids of the configuration, `agreement` the bridge's or "" where there is none.
// Units    times are whole seconds, UTC, written `2026-11-22T16:00:00Z`.
// Source   architecture.md, Consent; src/record/README.md, Consents.
struct ConsentStatement {
    std::string id;
    std::string gateway;
    std::string bridge;
    std::string agency;
    core::WallTime not_before{};
    core::WallTime expires{};
    std::string agreement;
    std::string terms;
    bool operator==(const ConsentStatement&) const = default;
};

// A statement with what is said to be its agency's signature; nothing has checked that.
struct SignedConsent {
    ConsentStatement statement;
    Signature signature{};
    bool operator==(const SignedConsent&) const = default;
};

constexpr std::size_t kMaxConsent = 4096;  // octets of a signed consent as text

// Strict: each key once and no other, each value in its one form. What is not in canonical order or spacing is put so
// before anything is checked.
core::Result<ConsentStatement> read_statement(const boost::json::object& object);
// {statement: {…}, signature: BASE64}, as `crosspatchctl consent sign` prints it and the API takes it.
core::Result<SignedConsent> read_consent(const boost::json::object& object);
core::Result<SignedConsent> read_consent(std::string_view text);

boost::json::object to_json(const ConsentStatement& statement);
boost::json::object to_json(const SignedConsent& consent);
// What is signed, octet for octet.
std::string signed_octets(const ConsentStatement& statement);

SignedConsent sign(ConsentStatement statement, const SigningKey& key);
bool verifies(const SignedConsent& consent, const PublicKey& key);

// SHA-256 over the canonical JSON of a bridge's terms, in hex: what `terms` of a statement is. Invalid: the terms hold what
// canonical JSON cannot, or are longer than 64 MiB.
core::Result<std::string> hash_terms(const boost::json::object& terms);

// What somebody has sent, as a refusal may quote it: escaped, and only its first 64 octets.
std::string quoted(std::string_view foreign);

// 32 random hex digits.
std::string new_consent_id();

}  // namespace crosspatch::record
