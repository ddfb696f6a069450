#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "crosspatch/core/text.hpp"
#include "crosspatch/record/merkle.hpp"
#include "tests/record/log_bench.hpp"

using namespace crosspatch;
using namespace crosspatch::record;
using namespace crosspatch::record::tests;

namespace {

std::string output_of(const std::string& command) {
    std::string out;
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe);
    char block[4096];
    for (std::size_t got; (got = fread(block, 1, sizeof block, pipe)) > 0;) out.append(block, got);
    CHECK_MESSAGE(pclose(pipe) == 0, command);
    return out;
}

bool has_tools() { return std::system("command -v sqlite3 jq sha256sum xxd >/dev/null 2>&1") == 0; }

}  // namespace

TEST_CASE(
    "an auditor with sqlite3, jq and sha256sum comes to the same hashes, as src/record/README.md shows") {
    if (!has_tools()) {
        MESSAGE("not shown here: sqlite3, jq, sha256sum or xxd is not installed");
        return;
    }
    Directory directory;
    {
        Log log{options_for(directory.path())};
        REQUIRE(append(log, entry("message.sent", {{"text", "a \"quoted\" word, é, \\ and a\nnew line"}})));
    }
    const auto file = (directory / "log.db").string();
    const auto select = "sqlite3 -readonly " + file + " 'SELECT body FROM record WHERE seq=1'";
    Reader reader{directory.path()};
    const auto leaf = std::string{reader.record(1)->at("leaf").as_string()};
    CHECK(output_of("{ printf '\\0'; " + select + " | tr -d '\\n'; } | sha256sum") == leaf + "  -\n");
    CHECK(output_of(select + " | jq -r .seq") == "1\n");
    // jq's own way to write it, keys sorted and compact, is the canonical line.
    CHECK(output_of(select + " | jq -cS .") == output_of(select));
    CHECK(output_of(select + " | jq -r .prev") ==
          output_of("sqlite3 -readonly " + file + " 'SELECT lower(hex(leaf)) FROM record WHERE seq=0'"));
    // The root over the two records, as the newest checkpoint has it in base64.
    const auto root =
        output_of("{ printf '\\1'; sqlite3 -readonly " + file +
                  " 'SELECT hex(leaf) FROM record WHERE seq<2 ORDER BY seq' | tr -d '\\n' | xxd -r -p; } | "
                  "sha256sum | cut -c1-64 | xxd -r -p | base64");
    CHECK(output_of("sqlite3 -readonly " + file +
                    " 'SELECT note FROM checkpoint WHERE size=2' | sed -n 3p") == root);
}
