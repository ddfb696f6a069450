#include "crosspatch/core/rfc3339.hpp"

#include <algorithm>

namespace crosspatch::core {
namespace {

bool has_form(std::string_view text, std::string_view form) {
    const auto fits = [](char c, char wanted) { return wanted == '0' ? c >= '0' && c <= '9' : c == wanted; };
    return text.size() == form.size() && std::equal(text.begin(), text.end(), form.begin(), fits);
}

int number(std::string_view text, std::size_t at, std::size_t size) {
    int value = 0;
    for (const char c : text.substr(at, size)) value = value * 10 + (c - '0');
    return value;
}

// `Z`, `+05:30`, `-06:00`: local time - UTC.
std::optional<std::chrono::minutes> parse_offset(std::string_view text) {
    using namespace std::chrono;
    if (text == "Z") return minutes{0};
    if (!has_form(text, "+00:00") && !has_form(text, "-00:00")) return std::nullopt;
    if (number(text, 1, 2) > 23 || number(text, 4, 2) > 59) return std::nullopt;
    const minutes offset = hours{number(text, 1, 2)} + minutes{number(text, 4, 2)};
    return text.front() == '-' ? -offset : offset;
}

}  // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text) {
    using namespace std::chrono;
    constexpr std::string_view kForm = "0000-00-00T00:00:00";
    if (!has_form(text.substr(0, kForm.size()), kForm)) return std::nullopt;
    std::string_view rest = text.substr(kForm.size());
    nanoseconds fraction{0};
    if (rest.starts_with('.')) {
        const std::size_t end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
        if (end == 1) return std::nullopt;
        for (std::size_t i = 1; i <= 9; ++i)
            fraction = fraction * 10 + nanoseconds{i < end ? rest[i] - '0' : 0};
        rest.remove_prefix(end);
    }
    const auto offset = parse_offset(rest);
    const year_month_day day{year{number(text, 0, 4)}, month{static_cast<unsigned>(number(text, 5, 2))},
                             std::chrono::day{static_cast<unsigned>(number(text, 8, 2))}};
    // A WallTime counts nanoseconds in 64 bits: from 1677 to 2262.
    if (!offset || !day.ok() || number(text, 0, 4) < 1970 || number(text, 0, 4) > 2261) return std::nullopt;
    if (number(text, 11, 2) > 23 || number(text, 14, 2) > 59 || number(text, 17, 2) > 60) return std::nullopt;
    return sys_days{day} + hours{number(text, 11, 2)} + minutes{number(text, 14, 2)} +
           seconds{number(text, 17, 2)} + fraction - *offset;
}

}  // namespace crosspatch::core
