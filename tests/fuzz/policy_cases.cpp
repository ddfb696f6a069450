// Any octets as a table of cases: what is refused is complained about in clean lines, and what is read is decided, by a
// fixed configuration, without a word that is not printable.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "crosspatch/core/text.hpp"
#include "crosspatch/policy/cases.hpp"

using namespace crosspatch;

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

void must_be_clean(const std::string& line) {
    must(!line.empty() && core::is_utf8(line));
    must(std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }));
}

const core::WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 7 / 1};

constexpr std::string_view kConfiguration = R"(
agencies: [{id: a}, {id: b}]
channels:
  - {id: one, agency: a, outbound: [{id: o, action: allow, when: {hours: 'Mon-Fri 06:00-22:00 America/Chicago'}}],
     endpoints: [{id: r1, srtp: {suite: none}}]}
  - {id: two, agency: b, inbound: [{id: i, action: allow, when: {role: guard, suite: [none, AEAD_AES_256_GCM]}}],
     endpoints: [{id: r2, srtp: {}}, {id: r3, srtp: {suite: none}, direction: listen}]}
)";

const policy::Layout& layout(policy::Names& names) {
    core::config::Problems problems{"gateway.yaml"};
    const auto document = core::config::Document::parse(kConfiguration, problems);
    static const policy::Layout read = policy::read_layout(document.root(), names, kNow);
    must(problems.empty());
    return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static policy::Names names;
    static const policy::Layout& town = layout(names);
    core::config::Problems problems{"table.yaml"};
    const auto document =
        core::config::Document::parse({reinterpret_cast<const char*>(data), size}, problems);
    const auto cases = problems.empty() ? policy::read_cases(document.root()) : std::vector<policy::Case>{};
    for (const std::string& line : problems.lines()) {
        must(line.starts_with("table.yaml:"));
        must_be_clean(line);
    }
    must(cases.size() <= policy::kMaxCases);
    if (!problems.empty()) return 0;
    for (const policy::Case& one : cases) {
        must(core::is_identifier(one.from) && core::is_identifier(one.to));
        const auto outcome = policy::decide_case(one, town, names, kNow);
        if (!outcome) {
            must_be_clean(outcome.error().context);
        } else if (const auto wrong = policy::difference(one, *outcome)) {
            must_be_clean(*wrong);
        }
    }
    return 0;
}
