#include "policy_files.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "crosspatch/core/text.hpp"
#include "crosspatch/policy/cases.hpp"
#include "crosspatch/policy/matrix.hpp"
#include "table.hpp"

namespace crosspatch::ctl {
namespace {

using core::config::Document;
using core::config::Problems;

enum Exit { kDone = 0, kFailed = 1, kRefused = 78 };  // contract.md, Programs

// Says what is wrong with a file; true if nothing is.
bool is_good(const Problems& problems) {
    for (const std::string& line : problems.lines()) fmt::print(stderr, "{}\n", line);
    return problems.empty();
}

std::optional<std::vector<policy::Case>> read_table(const std::string& file) {
    Problems problems{file};
    const Document document = Document::load(file, problems);
    std::vector<policy::Case> cases;
    if (problems.empty()) cases = policy::read_cases(document.root());
    return is_good(problems) ? std::optional{std::move(cases)} : std::nullopt;
}

std::optional<policy::Layout> read_config(const std::string& file, policy::Names& names) {
    Problems problems{file};
    const Document document = Document::load(file, problems);
    policy::Layout layout;
    if (problems.empty()) layout = policy::read_layout(document.root(), names, core::wall_now());
    return is_good(problems) ? std::optional{std::move(layout)} : std::nullopt;
}

// Decides each case by `decide`, which gives its outcome or why there is none.
template <typename Decide>
int test(const std::string& table, const std::vector<policy::Case>& cases, const Decide& decide) {
    std::size_t failed = 0;
    for (const policy::Case& one : cases) {
        const core::Result<policy::Outcome> outcome = decide(one);
        const auto wrong = outcome ? policy::difference(one, *outcome)
                                   : std::optional{core::escape(outcome.error().context)};
        if (!wrong) continue;
        ++failed;
        fmt::print("{}:{}:{}: {}\n", table, one.mark.line, one.mark.column, *wrong);
    }
    if (failed == 0)
        fmt::print("{}: {} cases, all decided as expected\n", table, cases.size());
    else
        fmt::print("{}: {} of {} cases are not decided as expected\n", table, failed, cases.size());
    return failed == 0 ? kDone : kFailed;
}

std::string target_of(const policy::Case& one) {
    std::string target = "/api/v1/policy/explain?from=" + encode(one.from) + "&to=" + encode(one.to);
    const auto add = [&](const char* name, std::string_view text) {
        target += fmt::format("&{}={}", name, encode(std::string{text}));
    };
    if (one.role) add("role", *one.role);
    if (one.talker) add("talker", *one.talker);
    if (one.kind) add("kind", policy::word(*one.kind));
    if (one.suite) add("suite", policy::word(*one.suite));
    if (one.at) add("at", core::rfc3339(*one.at));
    if (one.emergency) add("emergency", "true");
    return target;
}

policy::Outcome::Key key_of(const boost::json::value& key) {
    const boost::json::value& rule = key.at("rule");
    return {key.at("allowed").as_bool(),
            rule.is_string() ? std::optional<std::string>{rule.as_string()} : std::nullopt,
            std::string{key.at("reason").as_string()}};
}

// One case, asked of the daemon.
core::Result<policy::Outcome> ask(const policy::Case& one, const Client& client) {
    const Reply reply = client.get(target_of(one));
    if (reply.status != 200) {
        std::string detail = "HTTP " + std::to_string(reply.status);
        if (reply.type.starts_with("application/problem+json")) detail = cell(reply.json().at("detail"));
        return core::unexpected(core::Error::Code::NotFound, std::move(detail));
    }
    const boost::json::value body = reply.json();
    policy::Outcome outcome{key_of(body.at("outbound")), {}};
    for (const boost::json::value& key : body.at("inbound").as_array()) {
        const std::string word{key.at("suite").as_string()};
        outcome.inbound.emplace_back(policy::suite_of(word).value_or(policy::Suite::Api), key_of(key));
    }
    return outcome;
}

}  // namespace

int test_running(const std::string& table, const Client& client) {
    const auto cases = read_table(table);
    if (!cases) return kRefused;
    return test(table, *cases, [&](const policy::Case& one) { return ask(one, client); });
}

int test_file(const std::string& table, const std::string& config) {
    policy::Names names;
    const auto cases = read_table(table);
    const auto layout = read_config(config, names);
    if (!cases || !layout) return kRefused;
    const auto now = core::wall_now();
    return test(table, *cases,
                [&](const policy::Case& one) { return policy::decide_case(one, *layout, names, now); });
}

int compare_files(const std::string& before, const std::string& after) {
    policy::Names names;
    const auto was = read_config(before, names);
    const auto is = read_config(after, names);
    if (!was || !is) return kRefused;
    const policy::Told told = policy::differences(*was, *is, names, core::wall_now());
    for (const std::string& line : told.lines) fmt::print("{}\n", line);
    if (told.lines.empty()) fmt::print("nothing is decided otherwise\n");
    if (!told.complete)
        fmt::print(stderr, "crosspatchctl: not everything was compared; the lines with ? say what was not\n");
    return told.complete ? kDone : kFailed;
}

}  // namespace crosspatch::ctl
