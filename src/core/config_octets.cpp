#include "src/core/config_octets.hpp"

#include <fmt/format.h>

#include <optional>

#include "src/core/utf8.hpp"

namespace crosspatch::core::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool starts_with_any(std::string_view octets, std::initializer_list<std::string_view> starts) {
    for (const auto start : starts) {
        if (octets.substr(0, start.size()) == start) return true;
    }
    return false;
}

std::string with_line_feeds(std::string_view octets) {
    std::string text;
    text.reserve(octets.size());
    for (std::size_t i = 0; i < octets.size(); ++i) {
        if (octets[i] == '\r' && i + 1 < octets.size() && octets[i + 1] == '\n') continue;
        text += octets[i];
    }
    return text;
}

// YAML 1.2 §5.1: printable characters only. yaml-cpp takes U+0004 for the end of the file, so this also keeps
// the rest of a file from vanishing without a word.
bool is_refused(UChar32 character) {
    if (character == '\t' || character == '\n') return false;
    return character < 0x20 || (character >= 0x7F && character < 0xA0) || character == 0xFEFF ||
           (character & 0xFFFE) == 0xFFFE || character == 0x2028 || character == 0x2029;
}

std::string about(UChar32 character) {
    if (character == 0) {
        return "a NUL character; this is not a text file, or it was saved as UTF-16: save it as UTF-8";
    }
    if (character == '\r') {
        return "a carriage return without a line feed; save the file with Unix line ends";
    }
    return fmt::format("the invisible character U+{:04X}; delete it", static_cast<unsigned>(character));
}

enum class Line { Fine, Refused, Hopeless };  // Hopeless: what follows is not worth looking at

// Looks at one line, without its end.
Line check_line(std::string_view line, std::size_t number, Problems& problems) {
    if (line.size() > kMaxLine) {
        problems.add({number, 1}, "",
                     fmt::format("the line has {} octets; at most 65,536 are read", line.size()));
        return Line::Hopeless;
    }
    Line verdict = Line::Fine;
    const auto indented = line.find_first_not_of(" \t");
    const auto tab = line.substr(0, indented).find('\t');
    if (indented != std::string_view::npos && tab != std::string_view::npos) {
        problems.add({number, tab + 1}, "", "a tab in the indentation; YAML takes spaces only");
        verdict = Line::Refused;
    }
    std::size_t column = 0;
    for (std::size_t i = 0; i < line.size();) {
        const UChar32 character = next_code_point(line, i);
        ++column;
        if (character < 0) {
            problems.add({number, column}, "", "an octet that is not UTF-8; save the file as UTF-8");
            return Line::Hopeless;
        }
        if (is_refused(character)) {
            problems.add({number, column}, "", about(character));
            return Line::Hopeless;
        }
    }
    return verdict;
}

}  // namespace

std::optional<std::string> readable_text(std::string_view octets, Problems& problems) {
    using namespace std::string_view_literals;
    if (octets.size() > kMaxFile) {
        problems.add({}, "", "the file has more than 16 MiB; a configuration is never that large");
        return std::nullopt;
    }
    if (starts_with_any(octets, {"\xFF\xFE"sv, "\xFE\xFF"sv, "\0\0\xFE\xFF"sv})) {
        problems.add({}, "", "the file is UTF-16 or UTF-32; save it as UTF-8");
        return std::nullopt;
    }
    if (starts_with_any(octets, {kByteOrderMark})) octets.remove_prefix(kByteOrderMark.size());
    std::string text = with_line_feeds(octets);
    bool fine = true;
    std::size_t number = 1;
    for (std::string_view rest = text; !rest.empty(); ++number) {
        const auto end = rest.find('\n');
        const Line verdict = check_line(rest.substr(0, end), number, problems);
        if (verdict == Line::Hopeless) return std::nullopt;
        fine = fine && verdict == Line::Fine;
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return fine ? std::optional{std::move(text)} : std::nullopt;
}

}  // namespace crosspatch::core::config
