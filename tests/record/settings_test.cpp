#include "crosspatch/record/settings.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace crosspatch;
using namespace crosspatch::record;

namespace {
struct Read {
    Settings settings;
    std::vector<std::string> problems;
    std::vector<std::string> warnings;
};
Read read(const std::string& yaml) {
    core::config::Problems problems{"test.yaml"};
    const auto document = core::config::Document::parse(yaml, problems);
    Read out;
    out.settings = read_settings(document.root());
    out.problems = problems.lines();
    out.warnings = problems.warnings();
    return out;
}
}  // namespace

TEST_CASE("the rule for a failing log is read, and is to keep talking if nothing is said") {
    CHECK(read("{on_failure: refuse}").settings.on_failure == OnFailure::Refuse);
    CHECK(read("{on_failure: keep_talking}").settings.on_failure == OnFailure::KeepTalking);
    CHECK(read("{recordings: false}").settings.on_failure == OnFailure::KeepTalking);
    CHECK(read("{recordings: false}").warnings.empty());
}

TEST_CASE("recordings are taken with a warning, because this version keeps none") {
    const auto asked = read("{recordings: true}");
    CHECK(asked.problems.empty());
    REQUIRE(asked.warnings.size() == 1);
    CHECK(asked.warnings[0].find("recordings are not in this version") != std::string::npos);
}

TEST_CASE("a wrong rule or an unknown key is a problem where it stands") {
    CHECK(read("{on_failure: keep_talkin}").problems.size() == 1);
    CHECK(read("{on_failure: keep_talkin}").problems[0].find("keep_talking") != std::string::npos);
    CHECK(read("{on_failur: refuse}").problems.size() == 1);
    CHECK(read("{recordings: maybe}").problems.size() == 1);
    CHECK(read("[1]").problems.size() == 1);
}
