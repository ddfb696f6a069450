#include "crosspatch/core/time_text.hpp"

#include <algorithm>
#include <chrono>

namespace crosspatch::core {

std::optional<WallTime> from_rfc3339(std::string_view text) {
    constexpr std::string_view kForm = "0000-00-00T00:00:00";
    if (text.size() <= kForm.size()) return std::nullopt;
    for (std::size_t i = 0; i < kForm.size(); ++i) {
        const char c = text[i];
        if (kForm[i] == '0' ? c < '0' || c > '9' : c != kForm[i]) return std::nullopt;
    }
    std::string_view rest = text.substr(kForm.size());
    if (rest.starts_with('.'))
        rest.remove_prefix(std::min(rest.find_first_not_of("0123456789", 1), rest.size()));
    if (rest != "Z") return std::nullopt;
    const auto part = [&](std::size_t at, std::size_t size) {
        int value = 0;
        for (const char digit : text.substr(at, size)) value = value * 10 + (digit - '0');
        return value;
    };
    const std::chrono::year_month_day day{std::chrono::year{part(0, 4)},
                                          std::chrono::month{static_cast<unsigned>(part(5, 2))},
                                          std::chrono::day{static_cast<unsigned>(part(8, 2))}};
    // A WallTime counts nanoseconds in 64 bits: from 1677 to 2262.
    if (!day.ok() || part(0, 4) < 1970 || part(0, 4) > 2261) return std::nullopt;
    if (part(11, 2) > 23 || part(14, 2) > 59 || part(17, 2) > 60) return std::nullopt;
    return std::chrono::sys_days{day} + std::chrono::hours{part(11, 2)} + std::chrono::minutes{part(14, 2)} +
           std::chrono::seconds{part(17, 2)};
}

}  // namespace crosspatch::core
