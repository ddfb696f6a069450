// crosspatch-verify: checks a log, or one consent, offline. Needs no daemon and no configuration.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "crosspatch/core/file.hpp"
#include "crosspatch/core/text.hpp"
#include "crosspatch/core/time_text.hpp"
#include "crosspatch/record/consent.hpp"
#include "crosspatch/record/verifier.hpp"

namespace {

using namespace crosspatch;
// contract.md, Exit codes.
constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int failed(const std::string& why) {
    std::cerr << core::escape(why) << '\n';
    return kFailed;
}

struct LogQuestion {
    std::string path;
    std::string pin;
    std::vector<std::string> agencies;  // `ID=ed25519:BASE64`
    bool as_json{};
};

core::Result<record::AgencyPins> read_pins(const std::vector<std::string>& texts) {
    record::AgencyPins pins;
    for (const std::string& text : texts) {
        const auto equals = text.find('=');
        const auto key = equals == std::string::npos
                             ? core::unexpected(core::Error::Code::Invalid, "write it as ID=ed25519:BASE64")
                             : record::read_public_key(std::string_view{text}.substr(equals + 1));
        if (!key)
            return core::unexpected(core::Error::Code::Invalid,
                                    fmt::format("--pin-agency {}: {}", text, key.error().context));
        pins[text.substr(0, equals)] = *key;
    }
    return pins;
}

int verify_log(const LogQuestion& question) {
    auto pins = read_pins(question.agencies);
    if (!pins) return failed(pins.error().context);
    const auto pin = question.pin.empty() ? std::nullopt : std::optional<std::string>{question.pin};
    const auto report = record::Verifier{question.path, pin, std::move(*pins)}.run();
    if (!report) return failed(report.error().context);
    if (question.as_json)
        std::cout << boost::json::serialize(record::to_json(*report)) << '\n';
    else
        std::cout << record::to_text(*report);
    return report->ok() ? kDone : kFailed;
}

struct ConsentQuestion {
    std::string file;
    std::string key;
    std::string gateway;
    std::string bridge;
    std::string agency;
    std::string terms;
    std::string at;
};

// What the statement says that it should not; empty: nothing.
std::string contradiction(const record::ConsentStatement& statement, const ConsentQuestion& question) {
    const auto differs = [](const std::string& wanted, const std::string& said) {
        return !wanted.empty() && wanted != said;
    };
    if (differs(question.gateway, statement.gateway)) return "it was given to gateway " + statement.gateway;
    if (differs(question.bridge, statement.bridge)) return "it is for bridge " + statement.bridge;
    if (differs(question.agency, statement.agency)) return "it is of agency " + statement.agency;
    if (differs(question.terms, statement.terms)) return "it is to other terms, " + statement.terms;
    if (question.at.empty()) return {};
    const auto at = core::from_rfc3339(question.at);
    if (!at) return "--at is not a time; write it as 2026-11-22T16:00:00Z";
    if (*at < statement.not_before) return "it counts from " + core::rfc3339(statement.not_before, 0);
    if (*at >= statement.expires) return "it expired at " + core::rfc3339(statement.expires, 0);
    return {};
}

int verify_consent(const ConsentQuestion& question) {
    const auto octets = core::read_file(question.file, record::kMaxConsent);
    if (!octets) return failed(octets.error().context);
    const auto consent =
        record::read_consent(std::string_view{reinterpret_cast<const char*>(octets->data()), octets->size()});
    if (!consent) return failed(question.file + ": " + consent.error().context);
    const auto key = record::read_public_key(question.key);
    if (!key) return failed("--key: " + key.error().context);
    const record::ConsentStatement& said = consent->statement;
    if (!record::verifies(*consent, *key))
        return failed(fmt::format("{}: forged, or changed since: this key did not sign it", question.file));
    if (const auto wrong = contradiction(said, question); !wrong.empty())
        return failed(fmt::format("{}: signed with this key, but {}", question.file, wrong));
    const auto said_so = fmt::format(
        "signed with this key: agency {} consents to bridge {} of gateway {} from {} to {}, agreement '{}', "
        "terms {}",
        said.agency, said.bridge, said.gateway, core::rfc3339(said.not_before, 0),
        core::rfc3339(said.expires, 0), said.agreement, said.terms);
    std::cout << core::escape(said_so) << '\n';
    return kDone;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Checks a crosspatch log offline: every record, every checkpoint, every signature.",
                 "crosspatch-verify"};
    LogQuestion log;
    app.add_option("PATH", log.path, "data directory, or a copied log.db");
    app.add_option("--pin", log.pin,
                   "the key that must have signed: what DATA_DIR/keys/log.vkey holds, ed25519:BASE64, a "
                   "fingerprint, or a file");
    app.add_option(
           "--pin-agency", log.agencies,
           "an agency's key that you know from elsewhere, as metro-pd=ed25519:BASE64; for each agency one")
        ->allow_extra_args(false);
    app.add_flag("--json", log.as_json, "print the report as JSON");
    app.set_version_flag("--version", CROSSPATCH_VERSION);
    ConsentQuestion consent;
    CLI::App* one = app.add_subcommand("consent", "checks one signed consent");
    one->add_option("FILE", consent.file, "what `crosspatchctl consent sign` printed")->required();
    one->add_option("--key", consent.key, "the agency's public key, ed25519:BASE64")->required();
    one->add_option("--gateway", consent.gateway, "it must be for the gateway with this log id");
    one->add_option("--bridge", consent.bridge, "it must be for this bridge");
    one->add_option("--agency", consent.agency, "it must be of this agency");
    one->add_option("--terms", consent.terms, "it must be to terms with this hash");
    one->add_option("--at", consent.at, "it must count at this time, 2026-11-22T16:00:00Z");
    try {
        app.parse(argc, argv);
        if (!one->parsed() && log.path.empty()) throw CLI::RequiredError{"PATH"};
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kDone : kWrongUsage;
    }
    return one->parsed() ? verify_consent(consent) : verify_log(log);
}
