#include "crosspatch/record/consent.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "crosspatch/core/text.hpp"
#include "crosspatch/core/time_text.hpp"
#include "crosspatch/record/canonical.hpp"
#include "crosspatch/record/json_text.hpp"

namespace crosspatch::record {
namespace {

namespace json = boost::json;
using core::Error;

constexpr std::string_view kContext = "crosspatch-consent-v1\n";
constexpr std::size_t kIdOctets = 16;

core::Unexpected<Error> refuse(std::string why) {
    return core::unexpected(Error::Code::Invalid, "not a consent: " + std::move(why));
}

bool is_hex(std::string_view text, std::size_t digits) {
    return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

// Exactly these keys, all of them. Which one is wrong, or "".
template <std::size_t N>
std::string wrong_key(const json::object& object, const std::array<std::string_view, N>& keys) {
    for (const std::string_view key : keys)
        if (!object.contains(key)) return fmt::format("'{}' is missing", key);
    for (const auto& pair : object)
        if (std::find(keys.begin(), keys.end(), pair.key()) == keys.end())
            return fmt::format("'{}' does not belong there", quoted(pair.key()));
    return {};
}

// One second of a day, in its only spelling.
std::optional<core::WallTime> whole_second(std::string_view text) {
    const auto time = core::from_rfc3339(text);
    return time && core::rfc3339(*time, 0) == text ? time : std::nullopt;
}

bool is_agreement(std::string_view text) {
    if (text.empty()) return true;
    const auto name = core::check_name(text);
    return name && *name == text;
}

}  // namespace

std::string quoted(std::string_view foreign) {
    constexpr std::size_t kMost = 64;
    return core::escape(foreign.substr(0, kMost)) + (foreign.size() > kMost ? "..." : "");
}

core::Result<ConsentStatement> read_statement(const json::object& object) {
    static constexpr std::array<std::string_view, 9> kKeys{
        "v", "id", "gateway", "bridge", "agency", "not_before", "expires", "agreement", "terms"};
    if (const auto wrong = wrong_key(object, kKeys); !wrong.empty()) return refuse(wrong);
    const json::value& version = object.at("v");
    if (!version.is_int64() || version.get_int64() != 1) return refuse("'v' is not 1");
    std::array<std::string, 8> text;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const json::value& value = object.at(kKeys[i + 1]);
        if (!value.is_string()) return refuse(fmt::format("'{}' is not a text", kKeys[i + 1]));
        text[i] = value.get_string();
    }
    auto& [id, gateway, bridge, agency, not_before, expires, agreement, terms] = text;
    if (!is_hex(id, 2 * kIdOctets)) return refuse("'id' is not 128 bits in hex (32 digits, lower case)");
    if (!is_hex(gateway, 32)) return refuse("'gateway' is not a log id (32 hex digits, lower case)");
    if (!core::is_identifier(bridge)) return refuse("'bridge' is not an id");
    if (!core::is_identifier(agency)) return refuse("'agency' is not an id");
    const auto from = whole_second(not_before);
    const auto until = whole_second(expires);
    if (!from) return refuse("'not_before' is not a time; write it as 2026-11-22T16:00:00Z");
    if (!until) return refuse("'expires' is not a time; write it as 2026-11-22T16:00:00Z");
    if (!is_agreement(agreement)) return refuse("'agreement' is not the name of one");
    if (!is_hex(terms, 64)) return refuse("'terms' is not a SHA-256 (64 hex digits, lower case)");
    if (*until <= *from) return refuse("'expires' does not come after 'not_before'");
    ConsentStatement statement{
        std::move(id), std::move(gateway),   std::move(bridge), std::move(agency), *from,
        *until,        std::move(agreement), std::move(terms)};
    if (!to_canonical(to_json(statement))) return refuse("it holds characters that no record may hold");
    return statement;
}

core::Result<SignedConsent> read_consent(const json::object& object) {
    static constexpr std::array<std::string_view, 2> kKeys{"statement", "signature"};
    if (const auto wrong = wrong_key(object, kKeys); !wrong.empty()) return refuse(wrong);
    const json::object* said = object.at("statement").if_object();
    if (!said) return refuse("'statement' is not an object");
    auto statement = read_statement(*said);
    if (!statement) return core::Unexpected<Error>{statement.error()};
    SignedConsent consent{std::move(*statement), {}};
    const json::string* text = object.at("signature").if_string();
    const auto octets = text ? core::from_base64(*text) : std::nullopt;
    if (!octets || octets->size() != consent.signature.size())
        return refuse("'signature' is not 64 octets in base64 (88 characters)");
    std::copy(octets->begin(), octets->end(), consent.signature.begin());
    return consent;
}

core::Result<SignedConsent> read_consent(std::string_view text) {
    if (text.size() > kMaxConsent) return refuse(fmt::format("it is longer than {} octets", kMaxConsent));
    const auto object = read_object(text, "the text");
    if (!object) return refuse(object.error().context);
    return read_consent(*object);
}

json::object to_json(const ConsentStatement& statement) {
    return {{"v", 1},
            {"id", statement.id},
            {"gateway", statement.gateway},
            {"bridge", statement.bridge},
            {"agency", statement.agency},
            {"not_before", core::rfc3339(statement.not_before, 0)},
            {"expires", core::rfc3339(statement.expires, 0)},
            {"agreement", statement.agreement},
            {"terms", statement.terms}};
}

json::object to_json(const SignedConsent& consent) {
    return {{"statement", to_json(consent.statement)}, {"signature", core::to_base64(consent.signature)}};
}

std::string signed_octets(const ConsentStatement& statement) {
    const auto line = to_canonical(to_json(statement));
    assert(line);  // of what read_statement() takes, and of ids of the configuration
    return std::string{kContext} + *line;
}

SignedConsent sign(ConsentStatement statement, const SigningKey& key) {
    const Signature signature = key.sign(signed_octets(statement));
    return {std::move(statement), signature};
}

bool verifies(const SignedConsent& consent, const PublicKey& key) {
    return verifies(signed_octets(consent.statement), consent.signature, key);
}

core::Result<std::string> hash_terms(const json::object& terms) {
    constexpr std::size_t kLongest = 64 << 20;
    const auto line = to_canonical(terms, kLongest);
    if (!line) return core::Unexpected<Error>{line.error()};
    std::array<std::byte, crypto_hash_sha256_BYTES> hash;
    crypto_hash_sha256(reinterpret_cast<unsigned char*>(hash.data()),
                       reinterpret_cast<const unsigned char*>(line->data()), line->size());
    return core::to_hex(hash);
}

std::string new_consent_id() {
    std::array<std::byte, kIdOctets> octets;
    randombytes_buf(octets.data(), octets.size());
    return core::to_hex(octets);
}

}  // namespace crosspatch::record
