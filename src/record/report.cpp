#include <fmt/format.h>

#include <iterator>

#include "crosspatch/core/text.hpp"
#include "crosspatch/record/verifier.hpp"

namespace crosspatch::record {

namespace json = boost::json;

namespace {

std::string place_of(const Problem& problem) {
    if (problem.record) return fmt::format("{}: record {}", problem.file, *problem.record);
    if (problem.checkpoint) return fmt::format("{}: checkpoint {}", problem.file, *problem.checkpoint);
    return problem.file;
}

}  // namespace

std::string to_text(const Report& report) {
    std::string text;
    const auto line = [&](const std::string& words) { text += core::escape(words) + '\n'; };
    for (const auto& problem : report.problems) line(place_of(problem) + " " + problem.what);
    if (report.more_problems > 0) line(fmt::format("and {} more", report.more_problems));
    for (const auto& note : report.notes) line("note: " + note);
    line(fmt::format("log {}: {} records, {} checkpoints, signed up to record {}; {} not signed yet",
                     report.log, report.records, report.checkpoints,
                     report.size == 0 ? "none" : std::to_string(report.size - 1), report.not_signed));
    if (report.consents > 0)
        line(fmt::format("{} consents on record, each signed by its agency with the key that {} names",
                         report.consents,
                         report.agencies_pinned ? "--pin-agency, or else the log," : "the log"));
    if (report.openings > 0)
        line(fmt::format("{} openings of bridges held against the consents on record", report.openings));
    if (report.consents_beyond > 0)
        line(
            fmt::format("{} consents were too many to keep in mind at once: whether they were used twice, or "
                        "bridges opened by them after their end, was NOT checked",
                        report.consents_beyond));
    if (!report.ok()) {
        line(fmt::format("NOT consistent: {} problems", report.problems.size() + report.more_problems));
    } else if (report.pinned) {
        line(fmt::format("consistent; signed by {}, the pinned key", report.fingerprint));
    } else {
        line(fmt::format("self-consistent; signed by {}, which nobody vouched for", report.fingerprint));
    }
    return text;
}

json::object to_json(const Report& report) {
    json::array problems;
    for (const auto& problem : report.problems) {
        json::object one{{"file", problem.file}, {"what", problem.what}};
        if (problem.record) one["record"] = *problem.record;
        if (problem.checkpoint) one["checkpoint"] = *problem.checkpoint;
        problems.push_back(std::move(one));
    }
    return {{"ok", report.ok()},
            {"log", report.log},
            {"signer", report.fingerprint},
            {"verifier_key", report.verifier_key},
            {"pinned", report.pinned},
            {"records", report.records},
            {"checkpoints", report.checkpoints},
            {"size", report.size},
            {"root", report.root},
            {"not_signed", report.not_signed},
            {"consents", report.consents},
            {"openings", report.openings},
            {"consents_beyond", report.consents_beyond},
            {"problems", std::move(problems)},
            {"more_problems", report.more_problems},
            {"notes", json::array(report.notes.begin(), report.notes.end())},
            {"files", json::array(report.files.begin(), report.files.end())}};
}

}  // namespace crosspatch::record
