// Any octets as the configuration that policy is asked of offline: read or refused with clean lines; a small one is told
// as a matrix of at most 100 columns, and does not differ from itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "crosspatch/core/text.hpp"
#include "crosspatch/policy/matrix.hpp"

using namespace crosspatch;

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

bool is_small(const policy::Layout& layout) {
    return layout.channels.size() <= 4 && layout.bridges.size() <= 2 &&
           std::all_of(layout.channels.begin(), layout.channels.end(), [](const auto& one) {
               return one.outbound.rules.size() <= 4 && one.inbound.rules.size() <= 4;
           });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const core::WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 7 / 1};
    core::config::Problems problems{"gateway.yaml"};
    const auto document =
        core::config::Document::parse({reinterpret_cast<const char*>(data), size}, problems);
    policy::Names names;
    policy::Layout layout;
    if (problems.empty()) layout = policy::read_layout(document.root(), names, now);
    for (const std::string& line : problems.lines()) {
        must(line.starts_with("gateway.yaml:") && core::is_utf8(line));
        must(std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }));
    }
    if (!problems.empty() || size > 8192 || !is_small(layout)) return 0;
    for (const std::string& line : policy::who_hears_whom(layout, names, now).lines) {
        must(core::is_utf8(line));
        must(std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }));
    }
    const policy::Told told = policy::differences(layout, layout, names, now);
    must(told.lines.empty() || !told.complete);
    return 0;
}
