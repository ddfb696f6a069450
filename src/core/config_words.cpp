#include "src/core/config_words.hpp"

#include <yaml-cpp/exceptions.h>

namespace crosspatch::core::config {
namespace {

// `[2001:db8::1]:40010` without quotes is the start of a list to YAML, and the parser's complaint does not
// say so.
bool has_bare_v6_address(std::string_view line) {
    const auto close = line.find("]:");
    if (close == std::string_view::npos) return false;
    const auto open = line.rfind('[', close);
    if (open == std::string_view::npos) return false;
    const std::string_view host = line.substr(open + 1, close - open - 1);
    return host.find(':') != std::string_view::npos &&
           host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

}  // namespace

std::string explained(std::string_view reason, std::string_view line) {
    using namespace YAML::ErrorMsg;
    const struct {
        std::string_view reason;
        const char* words;
    } kWords[] = {
        {END_OF_MAP,
         "this does not go with the keys above it; look at the indentation and the quotes, here and before"},
        {END_OF_SEQ,
         "this does not go with the list above it; look at the indentation and the quotes, here and before"},
        {END_OF_MAP_FLOW, "a '{' before this has no '}', or a comma is missing"},
        {END_OF_SEQ_FLOW, "a '[' before this has no ']', or a comma is missing"},
        {FLOW_END, "a closing bracket that nothing opened"},
        {EOF_IN_SCALAR, "the file ends inside a quoted text; its closing quote is missing"},
        {DOC_IN_SCALAR, "a quoted text is still open here; its closing quote is missing"},
        {MAP_VALUE, "a second ': ' in one line; quote the value if the colon belongs to it"},
        {MAP_KEY, "a key cannot stand here; look at the indentation"},
        {BLOCK_ENTRY, "a '- ' cannot stand here; list elements stand on lines of their own"},
        {UNKNOWN_TOKEN, "a value cannot begin with this character; quote it"},
        {UNKNOWN_ANCHOR, "an alias (*name); write the value out, as often as it is needed"},
        {TAB_IN_INDENTATION, "a tab in the indentation; YAML takes spaces only"},
        {BAD_FILE, "more than 64 levels of lists and maps inside one another"},
    };
    if (has_bare_v6_address(line)) return "an IPv6 address is quoted: '[2001:db8::1]:40000'";
    for (const auto& known : kWords) {
        if (reason == known.reason) return known.words;
    }
    return "this is not YAML: " + std::string{reason};
}

}  // namespace crosspatch::core::config
