#pragma once
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/result.hpp"
#include "crosspatch/record/agency_key.hpp"

namespace crosspatch::record {

// One thing that is wrong, with its place: a record by its number, a checkpoint by its size, or a file as a
// whole.
struct Problem {
    std::string file;
    std::optional<std::uint64_t> record;
    std::optional<std::uint64_t> checkpoint;
    std::string what;
};

// What a verification found.
struct Report {
    std::string log;           // log id
    std::string fingerprint;   // of the signer's key
    std::string verifier_key;  // as C2SP tools take it
    std::uint64_t records{};
    std::uint64_t checkpoints{};
    std::uint64_t size{};             // of the newest checkpoint that verifies
    std::string root;                 // its root, hex
    std::uint64_t not_signed{};       // records after it
    std::uint64_t consents{};         // on record, each signed by its agency
    std::uint64_t openings{};         // of bridges, held against the consents
    std::uint64_t consents_beyond{};  // the verifier's own limit: these it did not keep in mind
    bool pinned{false};               // the signer's key is the pinned one
    bool agencies_pinned{false};      // keys of agencies were given by the auditor
    std::vector<Problem> problems;    // at most 1,000; then
    std::uint64_t more_problems{};
    std::vector<std::string> notes;  // not wrong, but worth knowing
    std::vector<std::string> files;

    bool ok() const { return problems.empty(); }
};

// The keys of agencies that an auditor knows from elsewhere, by agency.
using AgencyPins = std::map<std::string, PublicKey>;

// Checks a data directory, or one copied log.db, offline: every line's form, hash, number and link, every
// checkpoint's signature and root, every consent's signature, the chain from file to file. One altered record is named, and the search
// goes on behind it.
//
// Shape    reads in one snapshot per file and may run beside the daemon; memory does not grow with the log.
// Errors   run() fails only where there is nothing to verify (no such path, no log in it, a pin that is
// none);
//          whatever is wrong with the log is in the Report.
// Thread   one.
// Source   RFC 9162 §2.1, C2SP tlog-checkpoint and signed-note.
class Verifier {
public:
    // `pin`: a verifier key, `ed25519:BASE64`, a fingerprint or log id in hex, or a file that holds one of
    // these.
    explicit Verifier(std::filesystem::path path, std::optional<std::string> pin = {},
                      AgencyPins agencies = {});
    // Whoever asks to stop gets Unavailable within a few records.
    core::Result<Report> run(const std::stop_token& stop = {});

private:
    std::filesystem::path path_;
    std::optional<std::string> pin_;
    AgencyPins agencies_;
};

std::string to_text(const Report& report);  // for people; ends with a newline
boost::json::object to_json(const Report& report);

}  // namespace crosspatch::record
