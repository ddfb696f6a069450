// crosspatch-verify: checks a log offline. Needs no daemon and no configuration.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <iostream>
#include <string>

#include "crosspatch/core/text.hpp"
#include "crosspatch/record/verifier.hpp"

namespace {
// contract.md, Exit codes.
constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;
}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Checks a crosspatch log offline: every record, every checkpoint, every signature.",
                 "crosspatch-verify"};
    std::string path;
    std::string pin;
    bool as_json = false;
    app.add_option("PATH", path, "data directory, or a copied log.db")->required();
    app.add_option("--pin", pin,
                   "the key that must have signed: what DATA_DIR/keys/log.vkey holds, ed25519:BASE64, a "
                   "fingerprint, or a file");
    app.add_flag("--json", as_json, "print the report as JSON");
    app.set_version_flag("--version", CROSSPATCH_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kDone : kWrongUsage;
    }
    using namespace crosspatch;
    const auto report =
        record::Verifier{path, pin.empty() ? std::nullopt : std::optional<std::string>{pin}}.run();
    if (!report) {
        std::cerr << core::escape(report.error().context) << '\n';
        return kFailed;
    }
    if (as_json) {
        std::cout << boost::json::serialize(record::to_json(*report)) << '\n';
    } else {
        std::cout << record::to_text(*report);
    }
    return report->ok() ? kDone : kFailed;
}
